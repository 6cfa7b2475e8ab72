//! Cases for events that changes of a store leave in their own transactions.

#![expect(
    clippy::indexing_slicing,
    reason = "a case stops at the first thing that is not so"
)]

use std::{collections::BTreeSet, sync::Arc};

use ee_core::storage::{AuditProofStore, AuditRecord, AuditStore};
use uuid::Uuid;

use crate::{
    audit_samples::{LOG, feed, record, records, verified},
    dice::Dice,
    in_parallel,
    samples::at,
};

/// Makes the tests of the outbox of an [`AuditStore`]. The setup is a future of a [`Fixture`](crate::Fixture); the second
/// argument leaves events as a change of the store does, such as
/// `async |store, records| store.leave_events(records).await.unwrap()`.
#[macro_export]
macro_rules! audit_outbox_conformance {
    ($setup:expr, $leave:expr) => {
        $crate::audit_outbox_conformance!(@ $setup, $leave =>
            what_was_left_is_moved_into_the_log_as_it_was,
            what_was_left_is_moved_once_whoever_moves_it,
            what_the_log_has_already_is_not_added_again,
        );
    };
    (@ $setup:expr, $leave:expr => $($case:ident),+ $(,)?) => {
        mod audit_outbox {
            #[allow(unused_imports, reason = "the setup may name everything by its path")]
            use super::*;

            $(
                #[test]
                fn $case() {
                    $crate::run($setup, async |store| {
                        $crate::audit_outbox::$case(store, $leave).await;
                    });
                }
            )+
        }
    };
}

fn ids(records: &[AuditRecord]) -> Vec<Uuid> {
    records.iter().map(|record| record.event.id).collect()
}

/// In the order of the ids, so many at a time.
pub async fn what_was_left_is_moved_into_the_log_as_it_was<S>(
    store: Arc<S>,
    leave: impl AsyncFn(&S, Vec<AuditRecord>),
) where
    S: AuditProofStore + AuditStore,
{
    let mut dice = Dice(2);
    let mut records: Vec<_> = (0..20).map(|_| record(dice.event())).collect();
    leave(&store, records.clone()).await;
    records.sort_by_key(|record| record.event.id);
    assert_eq!(store.head(LOG).await.unwrap().size(), 0);

    for expected in [8, 8, 4, 0] {
        assert_eq!(store.append_left(LOG, 8, at(7)).await.unwrap(), expected);
    }

    assert_eq!(verified(&*store, LOG).await, ids(&records));
    let kept = feed(&*store, LOG).await;
    assert!(kept.iter().all(|entry| entry.received_at == at(7)));
    let kept: Vec<AuditRecord> = kept.into_iter().map(|entry| entry.record).collect();
    assert_eq!(kept, records);
    assert_eq!(store.append_left(LOG, 0, at(7)).await.unwrap(), 0);
}

/// Several servers move what is left while more is left and added.
pub async fn what_was_left_is_moved_once_whoever_moves_it<S>(
    store: Arc<S>,
    leave: impl AsyncFn(&S, Vec<AuditRecord>),
) where
    S: AuditProofStore + AuditStore,
{
    let (left, added) = (records(90), records(40));
    leave(&store, left.clone()).await;

    let moved = in_parallel(6, |writer| {
        let (store, added) = (Arc::clone(&store), added.clone());
        async move {
            let mut count = 0;
            for part in added[writer..].chunks(5) {
                store.append(LOG, part.to_vec(), at(0)).await.unwrap();
                count += store.append_left(LOG, 7, at(0)).await.unwrap();
            }
            count
        }
    })
    .await;

    assert_eq!(moved.into_iter().sum::<u32>(), 90);
    let order: BTreeSet<Uuid> = verified(&*store, LOG).await.into_iter().collect();
    let expected: BTreeSet<Uuid> = ids(&left).into_iter().chain(ids(&added)).collect();
    assert_eq!(order, expected);
}

/// An event may have come another way too.
pub async fn what_the_log_has_already_is_not_added_again<S>(
    store: Arc<S>,
    leave: impl AsyncFn(&S, Vec<AuditRecord>),
) where
    S: AuditProofStore + AuditStore,
{
    let records = records(5);
    store
        .append(LOG, records[..3].to_vec(), at(0))
        .await
        .unwrap();
    leave(&store, records.clone()).await;

    assert_eq!(store.append_left(LOG, 10, at(0)).await.unwrap(), 5);

    assert_eq!(verified(&*store, LOG).await, ids(&records));
    assert_eq!(store.append_left(LOG, 10, at(0)).await.unwrap(), 0);
}
