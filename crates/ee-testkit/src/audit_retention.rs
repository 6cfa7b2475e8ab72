//! Cases for an [`AuditRetention`].

#![expect(
    clippy::indexing_slicing,
    reason = "a case stops at the first thing that is not so"
)]

use std::{collections::BTreeSet, sync::Arc};

use ee_core::{
    AuditField, AuditFilter, AuditQuery, ErrorKind,
    storage::{
        AuditHold, AuditIndex, AuditProofStore, AuditRecord, AuditRetention, AuditSearch,
        AuditStore,
    },
};
use uuid::Uuid;

use crate::{
    audit_samples::{LOG, event, feed, record, records, verified},
    audit_search::{Asked, same},
    dice::Dice,
    samples::{assert_kind, at},
};

/// Makes the tests of an [`AuditRetention`]. The setup is a future of a [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! audit_retention_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(audit_retention, $setup =>
            what_is_pruned_is_gone_and_the_log_stands,
            what_was_pruned_does_not_come_back,
            what_is_erased_tells_of_nobody_and_the_log_stands,
            what_is_pruned_and_erased_is_found_no_more,
            many_are_pruned_and_erased_at_once,
            holds_begin_and_end,
        );
    };
}

fn ids(records: &[AuditRecord]) -> Vec<Uuid> {
    records.iter().map(|record| record.event.id).collect()
}

/// The links stay, so that what is left can be proved.
pub async fn what_is_pruned_is_gone_and_the_log_stands<S>(store: Arc<S>)
where
    S: AuditProofStore + AuditRetention + AuditStore,
{
    let records = records(300);
    let ids = ids(&records);
    store.append(LOG, records.clone(), at(0)).await.unwrap();
    store
        .append("other", self::records(3), at(0))
        .await
        .unwrap();
    let head = store.head(LOG).await.unwrap();

    let pruned: Vec<Uuid> = ids[5..105].iter().copied().chain([Uuid::nil()]).collect();
    assert_eq!(store.prune("other", &pruned).await.unwrap(), 0);
    assert_eq!(store.prune("none", &pruned).await.unwrap(), 0);
    assert_eq!(store.prune(LOG, &pruned).await.unwrap(), 100);
    assert_eq!(store.prune(LOG, &pruned).await.unwrap(), 0);
    assert_eq!(store.prune(LOG, &[]).await.unwrap(), 0);

    assert_eq!(verified(&*store, LOG).await, ids);
    assert_eq!(store.head(LOG).await.unwrap(), head);
    let kept = feed(&*store, LOG).await.into_iter();
    let kept: Vec<u64> = kept.map(|entry| entry.seq).collect();
    assert_eq!(kept, (1..=5).chain(106..=300).collect::<Vec<u64>>());
    assert_eq!(store.find_event(ids[5]).await.unwrap(), None);
    assert!(store.find_event(ids[4]).await.unwrap().is_some());
}

/// A server that brings old events once more brings back nothing.
pub async fn what_was_pruned_does_not_come_back<S>(store: Arc<S>)
where
    S: AuditProofStore + AuditRetention + AuditStore,
{
    let records = records(10);
    store.append(LOG, records.clone(), at(0)).await.unwrap();
    store.prune(LOG, &ids(&records[2..4])).await.unwrap();

    let head = store.append(LOG, records.clone(), at(9)).await.unwrap();

    assert_eq!(head.size(), 10);
    assert_eq!(feed(&*store, LOG).await.len(), 8);
    assert_eq!(verified(&*store, LOG).await, ids(&records));
}

/// What was hashed stays; what it stands for is gone, in the log and in searches.
pub async fn what_is_erased_tells_of_nobody_and_the_log_stands<S>(store: Arc<S>)
where
    S: AuditProofStore + AuditRetention + AuditSearch + AuditStore,
{
    let of_ada = |seconds| {
        let mut event = event(seconds);
        event.actor.email = Some("ada@example.com".to_owned());
        event.actor.ip = Some("192.0.2.7".parse().unwrap());
        event.metadata.insert("note".to_owned(), "of Ada".into());
        record(event)
    };
    let mut records: Vec<AuditRecord> = (0..4).map(of_ada).collect();
    records.push(record(event(4)));
    store.append(LOG, records.clone(), at(0)).await.unwrap();
    let erased = [0, 2, 4].map(|at: usize| records[at].event.id);

    assert_eq!(store.erase(&erased).await.unwrap(), 2);
    assert_eq!(store.erase(&erased).await.unwrap(), 0);

    assert_eq!(verified(&*store, LOG).await, ids(&records));
    for (number, record) in records.iter().enumerate() {
        let found = store.find_event(record.event.id).await.unwrap().unwrap();
        assert_eq!(found.record.canonical, record.canonical);
        if number == 0 || number == 2 {
            let canonical = record.canonical.clone();
            let without = AuditRecord::restore(canonical, None).unwrap();
            assert_eq!(found.record, without);
            assert_eq!(found.record.event.redactions.len(), 3);
        } else {
            assert_eq!(&found.record, record);
        }
    }
    for filter in [
        AuditFilter::is(AuditField::Email, "ada@example.com"),
        AuditFilter::is(AuditField::Ip, "192.0.2.7"),
        AuditFilter::Words(vec!["ada".to_owned()]),
    ] {
        let found = store.search(&AuditQuery::newest(filter, 10)).await.unwrap();
        let found: Vec<Uuid> = found.iter().map(|entry| entry.record.event.id).collect();
        assert_eq!(found, [records[3].event.id, records[1].event.id]);
    }
}

/// Whether they were in the indexes or not: searches, counts and words are those of what is left.
pub async fn what_is_pruned_and_erased_is_found_no_more<S>(store: Arc<S>)
where
    S: AuditIndex + AuditRetention + AuditSearch + AuditStore,
{
    let mut dice = Dice(3);
    let records: Vec<AuditRecord> = (0..60).map(|_| record(dice.event())).collect();
    store.append(LOG, records.clone(), at(0)).await.unwrap();
    store.index_events(40).await.unwrap();
    let (mut pruned, mut erased) = (BTreeSet::new(), BTreeSet::new());
    for record in &records {
        match dice.roll(4) {
            0 => drop(pruned.insert(record.event.id)),
            1 => drop(erased.insert(record.event.id)),
            _ => {}
        }
    }
    let list = |ids: &BTreeSet<Uuid>| ids.iter().copied().collect::<Vec<Uuid>>();

    store.prune(LOG, &list(&pruned)).await.unwrap();
    store.erase(&list(&erased)).await.unwrap();

    let left = records.iter().filter(|it| !pruned.contains(&it.event.id));
    let left = left.map(|record| {
        let personal = record.personal.clone();
        let personal = personal.filter(|_| !erased.contains(&record.event.id));
        let kept = AuditRecord::restore(record.canonical.clone(), personal);
        kept.unwrap().event
    });
    let left: Vec<_> = left.collect();
    for _ in 0..2 {
        for number in 0..60 {
            let filter = Dice(number).filter(&left, 2);
            same(&*store, &Asked::of(filter, number), &left).await;
        }
        while store.index_events(1_000).await.unwrap() > 0 {}
    }
}

/// More than one transaction takes.
pub async fn many_are_pruned_and_erased_at_once<S>(store: Arc<S>)
where
    S: AuditIndex + AuditRetention + AuditSearch + AuditStore,
{
    let with_reason = |mut event: ee_core::AuditEvent| {
        event.reason = Some("secret words".to_owned());
        record(event)
    };
    let records: Vec<AuditRecord> = (0..700).map(|it| with_reason(event(it))).collect();
    store.append(LOG, records.clone(), at(0)).await.unwrap();
    while store.index_events(250).await.unwrap() > 0 {}
    let ids = ids(&records);

    assert_eq!(store.erase(&ids).await.unwrap(), 700);
    assert_eq!(store.prune(LOG, &ids[..600]).await.unwrap(), 600);

    let words = AuditFilter::Words(vec!["secret".to_owned()]);
    assert_eq!(store.count(&words, 1_000).await.unwrap().counted, 0);
    let all = store.count(&AuditFilter::EVERYTHING, 1_000).await.unwrap();
    assert_eq!(all.counted, 100);
    let outcomes = store
        .facet(&AuditFilter::EVERYTHING, AuditField::Outcome, 9)
        .await;
    assert_eq!(outcomes.unwrap(), [("success".to_owned(), 100)]);
}

/// A hold is there until it is released, and one that is there is not replaced.
pub async fn holds_begin_and_end(store: Arc<impl AuditRetention>) {
    let hold = |id: &str, seconds| AuditHold {
        id: id.to_owned(),
        filter: "actor:\"it's ä\" -outcome:success".to_owned(),
        reason: "a case".to_owned(),
        owner: "anna".to_owned(),
        created_at: at(seconds),
    };
    assert!(store.holds().await.unwrap().is_empty());
    for (id, seconds) in [("b", 9), ("a", 9), ("c", 5)] {
        store.put_hold(hold(id, seconds)).await.unwrap();
    }

    let mut other = hold("a", 1);
    "another one".clone_into(&mut other.reason);
    assert_kind(store.put_hold(other).await, ErrorKind::Conflict);

    let expected = [hold("c", 5), hold("a", 9), hold("b", 9)];
    assert_eq!(store.holds().await.unwrap(), expected);
    assert_eq!(store.release_hold("a").await.unwrap(), Some(hold("a", 9)));
    assert_eq!(store.release_hold("a").await.unwrap(), None);
    assert_eq!(store.holds().await.unwrap(), [hold("c", 5), hold("b", 9)]);
}
