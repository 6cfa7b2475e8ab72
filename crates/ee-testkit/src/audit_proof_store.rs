//! Cases for an [`AuditProofStore`].

#![expect(
    clippy::indexing_slicing,
    reason = "a case stops at the first thing that is not so"
)]

use std::sync::Arc;

use ee_core::{
    AuditHash, AuditHead, AuditNode,
    storage::{AuditProofStore, AuditStore},
};

use crate::{
    audit_samples::{LOG, records},
    samples::at,
};

/// Makes the tests of an [`AuditProofStore`]. The setup is a future of a [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! audit_proof_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(audit_proof_store, $setup =>
            full_subtrees_are_kept,
            checkpoints_come_by_size_and_the_newest_is_the_last,
            checkpoints_of_a_silent_log_are_all_kept,
        );
    };
}

/// Each is there as soon as it is full, in the order of its level.
pub async fn full_subtrees_are_kept(store: Arc<impl AuditProofStore + AuditStore>) {
    let mut head = AuditHead::genesis(LOG);
    let mut nodes = Vec::new();
    for (number, size) in [200, 55, 1, 700, 300].into_iter().enumerate() {
        let records = records(size);
        for record in &records {
            nodes.extend(head.push(record.leaf()).nodes);
        }
        store.append(LOG, records, at(0)).await.unwrap();

        let kept = store.nodes(LOG, 1, 0, u32::MAX).await.unwrap();
        assert_eq!(kept, nodes, "after batch {number}");
    }
    assert_eq!(nodes.len(), 4);
    let part: Vec<AuditNode> = store.nodes(LOG, 1, 1, 2).await.unwrap();
    assert_eq!(part, nodes[1..3]);
    assert!(store.nodes(LOG, 2, 0, 9).await.unwrap().is_empty());
    assert!(store.nodes("other", 1, 0, 9).await.unwrap().is_empty());
    assert_ne!(nodes[0].hash, AuditHash::new([0; 32]));
}

/// Whatever order they came in.
pub async fn checkpoints_come_by_size_and_the_newest_is_the_last(store: Arc<impl AuditProofStore>) {
    assert_eq!(store.last_checkpoint(LOG).await.unwrap(), None);
    for (size, note) in [
        (5, "five\n"),
        (3, "three"),
        (1_000, "it's \"ä\"\n\n— key\n"),
        (0, "none"),
    ] {
        store.put_checkpoint(LOG, size, note, at(0)).await.unwrap();
    }
    store
        .put_checkpoint("other", 4, "four", at(0))
        .await
        .unwrap();

    let notes = async |from, limit| store.checkpoints(LOG, from, limit).await.unwrap();
    let all = [
        (0, "none"),
        (3, "three"),
        (5, "five\n"),
        (1_000, "it's \"ä\"\n\n— key\n"),
    ];
    let all = all.map(|(size, note)| (size, note.to_owned()));
    assert_eq!(notes(0, 10).await, all);
    assert_eq!(notes(1, 2).await, all[1..3]);
    assert_eq!(notes(5, 10).await, all[2..]);
    assert!(notes(1_001, 10).await.is_empty());
    let last = store.last_checkpoint(LOG).await.unwrap();
    assert_eq!(last.as_ref(), all.last());
    let other = store.last_checkpoint("other").await.unwrap();
    assert_eq!(other, Some((4, "four".to_owned())));
}

/// They prove that nothing happened in between, also those of one moment.
pub async fn checkpoints_of_a_silent_log_are_all_kept(store: Arc<impl AuditProofStore>) {
    let notes = ["a", "b", "c", "d"];
    for (note, seconds) in notes.iter().zip([0, 0, 60, 60]) {
        store
            .put_checkpoint(LOG, 7, note, at(seconds))
            .await
            .unwrap();
    }

    let kept = store.checkpoints(LOG, 7, 10).await.unwrap().into_iter();
    let kept: Vec<String> = kept.map(|(_, note)| note).collect();
    assert_eq!(kept, notes);
    let last = store.last_checkpoint(LOG).await.unwrap();
    assert_eq!(last, Some((7, "d".to_owned())));
}
