//! Cases for an [`AuditStore`], which keeps its proofs as well.

#![expect(
    clippy::indexing_slicing,
    clippy::reversed_empty_ranges,
    reason = "a case stops at the first thing that is not so"
)]

use std::{collections::BTreeSet, future::poll_fn, sync::Arc, task::Poll};

use ee_core::storage::{AuditProofStore, AuditRecord, AuditStore};
use tokio::task::yield_now;
use uuid::Uuid;

use crate::{
    audit_samples::{LOG, event, feed, record, records, verified},
    dice::Dice,
    hard_texts, hard_times, in_parallel,
    samples::at,
};

/// Makes the tests of an [`AuditStore`]. The setup is a future of a [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! audit_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(audit_store, $setup =>
            what_was_added_comes_back_as_it_was,
            a_log_that_nobody_has_begun_is_empty,
            a_log_is_one_line_and_can_be_read_in_parts,
            logs_are_apart,
            a_batch_that_comes_again_adds_nothing,
            an_event_that_stands_twice_in_a_batch_is_added_once,
            an_event_of_another_log_is_not_added_again,
            no_text_and_no_time_keeps_an_event_out,
            eight_writers_of_one_log_make_one_line,
            of_eight_who_add_the_same_events_each_is_added_once,
            writers_of_many_new_logs_are_not_in_each_others_way,
            a_batch_that_nobody_waits_for_is_added_whole_or_not_at_all,
        );
    };
}

fn ids(records: &[AuditRecord]) -> Vec<Uuid> {
    records.iter().map(|record| record.event.id).collect()
}

/// Whatever is in an event: by its id and in its log it is what was added.
pub async fn what_was_added_comes_back_as_it_was(store: Arc<impl AuditStore>) {
    let mut dice = Dice(1);
    let records: Vec<_> = (0..50).map(|_| record(dice.event())).collect();

    let head = store.append(LOG, records.clone(), at(60)).await.unwrap();

    assert_eq!(head.size(), 50);
    for (seq, record) in (1..).zip(&records) {
        let found = store.find_event(record.event.id).await.unwrap().unwrap();
        assert_eq!(&found.record, record);
        assert_eq!((&*found.partition, found.seq), (LOG, seq));
        assert_eq!(found.received_at, at(60));
    }
    let kept = feed(&*store, LOG).await.into_iter();
    let kept: Vec<AuditRecord> = kept.map(|entry| entry.record).collect();
    assert_eq!(kept, records);
    assert_eq!(store.find_event(Uuid::nil()).await.unwrap(), None);
}

/// Nothing is there, and it begins where every log of this name begins.
pub async fn a_log_that_nobody_has_begun_is_empty(store: Arc<impl AuditProofStore + AuditStore>) {
    assert!(verified(&*store, LOG).await.is_empty());
    let head = store.append(LOG, Vec::new(), at(0)).await.unwrap();
    assert_eq!(head.size(), 0);
    assert!(store.partitions().await.unwrap().is_empty());
}

/// Numbers go on without a gap from batch to batch, and any part of them can be read.
pub async fn a_log_is_one_line_and_can_be_read_in_parts(
    store: Arc<impl AuditProofStore + AuditStore>,
) {
    let records = records(600);
    for part in records.chunks(130) {
        store.append(LOG, part.to_vec(), at(0)).await.unwrap();
    }

    assert_eq!(verified(&*store, LOG).await, ids(&records));
    for (after, limit, expected) in [
        (0, 3, 1..=3),
        (598, 10, 599..=600),
        (600, 10, 601..=600),
        (5, 0, 6..=5),
        (u64::MAX, 10, 1..=0),
    ] {
        let part = store.feed(LOG, after, limit).await.unwrap();
        let seqs: Vec<u64> = part.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, expected.clone().collect::<Vec<u64>>());
        let links = store.links(LOG, after, limit).await.unwrap();
        let seqs: Vec<u64> = links.iter().map(|link| link.seq).collect();
        assert_eq!(seqs, expected.collect::<Vec<u64>>());
    }
}

/// Each has its own numbers and its own hashes, whatever it is called.
pub async fn logs_are_apart(store: Arc<impl AuditProofStore + AuditStore>) {
    let names = ["default", "Default", "org_1", "org%", "it's \"", "ä"];
    for (number, name) in names.iter().enumerate() {
        let records = records(number + 1);
        store.append(name, records.clone(), at(0)).await.unwrap();
        store.append(name, self::records(2), at(0)).await.unwrap();
    }

    let mut expected = names.map(str::to_owned);
    expected.sort();
    assert_eq!(store.partitions().await.unwrap(), expected);
    for (number, name) in names.iter().enumerate() {
        assert_eq!(verified(&*store, name).await.len(), number + 3);
    }
}

/// In any order and beside new ones: nothing is there twice, and the head is the same.
pub async fn a_batch_that_comes_again_adds_nothing(store: Arc<impl AuditProofStore + AuditStore>) {
    let old = records(70);
    let head = store.append(LOG, old.clone(), at(0)).await.unwrap();

    let mut again = old.clone();
    again.reverse();
    for _ in 0..3 {
        let after = store.append(LOG, again.clone(), at(9)).await.unwrap();
        assert_eq!(after, head);
    }
    let new = records(2);
    again.insert(35, new[0].clone());
    again.push(new[1].clone());
    let after = store.append(LOG, again, at(9)).await.unwrap();

    assert_eq!(after.size(), 72);
    let expected: Vec<Uuid> = ids(&old).into_iter().chain(ids(&new)).collect();
    assert_eq!(verified(&*store, LOG).await, expected);
}

/// The first one counts, whatever the others say.
pub async fn an_event_that_stands_twice_in_a_batch_is_added_once(
    store: Arc<impl AuditProofStore + AuditStore>,
) {
    let mut records = records(3);
    records.push(records[1].clone());
    let mut other = event(99);
    other.id = records[0].event.id;
    records.push(record(other));

    store.append(LOG, records.clone(), at(0)).await.unwrap();

    assert_eq!(verified(&*store, LOG).await, ids(&records[..3]));
    let first = store.find_event(records[0].event.id).await.unwrap();
    assert_eq!(first.unwrap().record, records[0]);
}

/// An id is an event, in whichever log it is.
pub async fn an_event_of_another_log_is_not_added_again(
    store: Arc<impl AuditProofStore + AuditStore>,
) {
    let records = records(3);
    store.append("a", records.clone(), at(0)).await.unwrap();

    let head = store.append("b", records.clone(), at(0)).await.unwrap();

    assert_eq!(head.size(), 0);
    assert_eq!(verified(&*store, "a").await.len(), 3);
    assert_eq!(store.partitions().await.unwrap(), ["a"]);
}

/// An event that cannot be kept would keep all behind it from being kept.
pub async fn no_text_and_no_time_keeps_an_event_out(store: Arc<impl AuditProofStore + AuditStore>) {
    let mut records = Vec::new();
    let texts = hard_texts()
        .into_iter()
        .chain(["\0".to_owned(), "a\0b".repeat(3_000)]);
    for text in texts {
        let mut event = event(0);
        event.actor.id.clone_from(&text);
        event.actor.email = Some(text.clone());
        event.actor.session_id = Some(text.clone());
        event.actor.roles = vec![text.clone(), text.clone()];
        event.actor.organization_id = Some(text.clone());
        event.metadata.insert(text.clone(), text.clone().into());
        event.reason = Some(text);
        records.push(record(event));
    }
    for time in hard_times() {
        let mut event = event(0);
        event.timestamp = time;
        records.push(record(event));
    }

    store.append(LOG, records.clone(), at(0)).await.unwrap();

    assert_eq!(verified(&*store, LOG).await, ids(&records));
    let kept = feed(&*store, LOG).await.into_iter();
    let kept: Vec<AuditRecord> = kept.map(|entry| entry.record).collect();
    assert_eq!(kept, records);
}

/// Nobody forks the log: no number is missing, none is there twice, and each batch stands together.
pub async fn eight_writers_of_one_log_make_one_line(store: Arc<impl AuditProofStore + AuditStore>) {
    let written = in_parallel(8, |_| {
        let store = Arc::clone(&store);
        async move {
            let mut batches = Vec::new();
            for number in 0..12 {
                let records = records(1 + number % 5 * 7);
                let head = store.append(LOG, records.clone(), at(0)).await.unwrap();
                assert!(head.size() >= records.len() as u64);
                batches.push(ids(&records));
            }
            batches
        }
    })
    .await;

    let order = verified(&*store, LOG).await;
    let batches: Vec<Vec<Uuid>> = written.into_iter().flatten().collect();
    assert_eq!(order.len(), batches.iter().map(Vec::len).sum::<usize>());
    for batch in batches {
        let start = order.iter().position(|id| *id == batch[0]).unwrap();
        assert_eq!(order[start..start + batch.len()], batch);
    }
}

/// Several servers that bring the same events, as after a restart.
pub async fn of_eight_who_add_the_same_events_each_is_added_once(
    store: Arc<impl AuditProofStore + AuditStore>,
) {
    let records = Arc::new(records(60));

    in_parallel(8, |writer| {
        let (store, records) = (Arc::clone(&store), Arc::clone(&records));
        async move {
            for part in records[writer..].chunks(7) {
                store.append(LOG, part.to_vec(), at(0)).await.unwrap();
            }
        }
    })
    .await;

    let order: BTreeSet<Uuid> = verified(&*store, LOG).await.into_iter().collect();
    assert_eq!(order, ids(&records).into_iter().collect());
}

/// Each finds a number for its log.
pub async fn writers_of_many_new_logs_are_not_in_each_others_way(
    store: Arc<impl AuditProofStore + AuditStore>,
) {
    in_parallel(8, |writer| {
        let store = Arc::clone(&store);
        async move {
            for number in 0..4 {
                let name = format!("log {}", (writer + number) % 6);
                store.append(&name, records(3), at(0)).await.unwrap();
            }
        }
    })
    .await;

    let mut count = 0;
    for name in store.partitions().await.unwrap() {
        count += verified(&*store, &name).await.len();
    }
    assert_eq!(count, 8 * 4 * 3);
}

/// Whoever adds events may stop waiting at any time.
pub async fn a_batch_that_nobody_waits_for_is_added_whole_or_not_at_all(
    store: Arc<impl AuditProofStore + AuditStore>,
) {
    let batches: Vec<Vec<AuditRecord>> = (0..40).map(|_| records(9)).collect();

    for (number, batch) in batches.iter().enumerate() {
        let mut append = store.append(LOG, batch.clone(), at(0));
        for _ in 0..number * number {
            let polled = poll_fn(|cx| Poll::Ready(append.as_mut().poll(cx).is_ready()));
            if polled.await {
                break;
            }
            yield_now().await;
        }
    }

    // Comes behind everything that was begun, and the log goes on.
    let last = records(1);
    store.append(LOG, last.clone(), at(0)).await.unwrap();
    store.append(LOG, last, at(0)).await.unwrap();
    let order: BTreeSet<Uuid> = verified(&*store, LOG).await.into_iter().collect();
    for batch in batches {
        let kept = ids(&batch).iter().filter(|id| order.contains(id)).count();
        assert!(
            kept == 0 || kept == batch.len(),
            "{kept} of {}",
            batch.len()
        );
    }
}
