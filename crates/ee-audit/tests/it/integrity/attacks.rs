//! What somebody may do who writes to the database but does not hold the key.

use ee_audit::integrity::{Outcome, Pin, Report, SigningKey, Subject, VerdictKind};
use ee_core::{AuditHash, AuditHead, storage::AuditRecord};

use super::memory::{PARTITION, Rows, evidence, key, note, record, signed_log, verify};

const SIZE: u64 = 300;

async fn attacked(key: &SigningKey, attack: impl FnOnce(&mut Rows)) -> Report {
    let memory = signed_log(SIZE, &[100, 200, 300], key).await;
    attack(&mut memory.rows());
    verify(&memory, &evidence(key)).await
}

/// What was found to be wrong, without what follows from it.
fn wrong(report: &Report) -> Vec<(VerdictKind, u64, u64)> {
    let verdicts = report.verdicts.iter().filter(|it| it.kind.is_tampering());
    verdicts.map(|it| (it.kind, it.from, it.to)).collect()
}

fn at(rows: &Rows, seq: u64) -> usize {
    rows.links.iter().position(|it| it.seq == seq).unwrap()
}

#[tokio::test]
async fn a_changed_event_is_named() {
    let key = key();
    for seq in [1, 2, 100, 101, 255, 256, 257, 299, 300] {
        let report = attacked(&key, |rows| {
            let at = at(rows, seq);
            let record = &mut rows.entries[at].record;
            let canonical = record.canonical.replace("agents.update", "agents.create");
            *record = AuditRecord::restore(canonical, record.personal.clone()).unwrap();
        })
        .await;
        assert_eq!(
            wrong(&report),
            [(VerdictKind::HashMismatch, seq, seq)],
            "{report}"
        );
        assert_eq!(report.outcome.exit_code(), 1);
    }
}

#[tokio::test]
async fn a_changed_event_with_its_hash_made_anew_is_named() {
    let key = key();
    for seq in [1, 2, 150, 256, 299, 300] {
        let report = attacked(&key, |rows| {
            let at = at(rows, seq);
            rows.entries[at].record = record(999);
            rows.links[at].leaf = rows.entries[at].record.leaf();
            rows.links[at].id = rows.entries[at].record.event.id;
        })
        .await;
        assert_eq!(report.outcome, Outcome::Tampered);
        let (kind, from, to) = wrong(&report)[0];
        assert_eq!(kind, VerdictKind::HashMismatch, "{report}");
        assert!(
            from <= seq && seq <= to && to - from <= 1,
            "{seq}\n{report}"
        );
    }
}

#[tokio::test]
async fn a_log_that_was_hashed_anew_from_somewhere_is_not_the_signed_one() {
    let key = key();
    for seq in [1, 100, 101, 150, 300] {
        let report = attacked(&key, |rows| {
            let at = at(rows, seq);
            rows.entries[at].record = record(999);
            rows.rehash(seq);
        })
        .await;
        let covered = (seq - 1) / 100 * 100;
        let expected = [(VerdictKind::ConsistencyFailed, covered + 1, 300)];
        assert_eq!(wrong(&report), expected, "{seq}\n{report}");
        assert_eq!(report.covered, covered);
    }
}

#[tokio::test]
async fn a_deleted_event_is_missing() {
    let key = key();
    for seq in [1, 2, 150, 256, 299, 300] {
        let both = attacked(&key, |rows| {
            rows.entries.retain(|it| it.seq != seq);
            rows.links.retain(|it| it.seq != seq);
        })
        .await;
        assert_eq!(
            wrong(&both),
            [(VerdictKind::MissingSeq, seq, seq)],
            "{both}"
        );

        let event = attacked(&key, |rows| rows.entries.retain(|it| it.seq != seq)).await;
        assert_eq!(
            wrong(&event),
            [(VerdictKind::MissingSeq, seq, seq)],
            "{event}"
        );

        let link = attacked(&key, |rows| rows.links.retain(|it| it.seq != seq)).await;
        assert_eq!(
            wrong(&link),
            [(VerdictKind::MissingSeq, seq, seq)],
            "{link}"
        );
    }
    let many = attacked(&key, |rows| {
        rows.entries.retain(|it| !(40..60).contains(&it.seq));
        rows.links.retain(|it| !(40..60).contains(&it.seq));
    })
    .await;
    assert_eq!(wrong(&many), [(VerdictKind::MissingSeq, 40, 59)], "{many}");
    assert_eq!(many.covered, 0);
}

/// The later ones get the numbers of those before them.
fn close_up(rows: &mut Rows, seq: u64, count: u64) {
    let gone = seq..seq + count;
    rows.entries.retain(|it| !gone.contains(&it.seq));
    rows.links.retain(|it| !gone.contains(&it.seq));
    for number in rows.links.iter_mut().map(|it| &mut it.seq) {
        *number -= if *number > seq { count } else { 0 };
    }
    for number in rows.entries.iter_mut().map(|it| &mut it.seq) {
        *number -= if *number > seq { count } else { 0 };
    }
}

#[tokio::test]
async fn a_deleted_event_is_missing_also_where_the_later_ones_are_moved_up() {
    let key = key();
    for (seq, count) in [(2, 1), (150, 1), (256, 3), (290, 1)] {
        let report = attacked(&key, |rows| close_up(rows, seq, count)).await;
        let expected = (VerdictKind::MissingSeq, seq, seq + count - 1);
        assert_eq!(wrong(&report), [expected], "{report}");
    }
}

#[tokio::test]
async fn swapped_events_are_named() {
    let key = key();
    for (first, second) in [
        (1, 2),
        (2, 3),
        (10, 12),
        (20, 50),
        (60, 140),
        (5, 290),
        (299, 300),
    ] {
        let events = attacked(&key, |rows| {
            let (first, second) = (at(rows, first), at(rows, second));
            let one = rows.entries[first].record.clone();
            rows.entries[first].record = rows.entries[second].record.clone();
            rows.entries[second].record = one;
        })
        .await;
        let expected = [
            (VerdictKind::Swapped, first, first),
            (VerdictKind::Swapped, second, second),
        ];
        assert_eq!(wrong(&events), expected, "{events}");

        let rows = attacked(&key, |rows| {
            let (one, other) = (at(rows, first), at(rows, second));
            rows.entries.swap(one, other);
            rows.links.swap(one, other);
            for (at, seq) in [(one, first), (other, second)] {
                rows.entries[at].seq = seq;
                rows.links[at].seq = seq;
            }
        })
        .await;
        assert_eq!(wrong(&rows), expected, "{rows}");
    }
}

#[tokio::test]
async fn an_event_that_stands_in_the_place_of_another_is_a_duplicate() {
    let key = key();
    for (from, to) in [(10, 11), (10, 12), (10, 200), (200, 10), (2, 1), (1, 299)] {
        let event = attacked(&key, |rows| {
            let (from, to) = (at(rows, from), at(rows, to));
            rows.entries[to].record = rows.entries[from].record.clone();
        })
        .await;
        assert_eq!(wrong(&event), [(VerdictKind::Duplicate, to, to)], "{event}");

        let row = attacked(&key, |rows| {
            let (source, target) = (at(rows, from), at(rows, to));
            rows.entries[target].record = rows.entries[source].record.clone();
            let link = rows.links[source].clone();
            rows.links[target] = link;
            rows.links[target].seq = to;
        })
        .await;
        assert_eq!(
            wrong(&row),
            [(VerdictKind::Duplicate, to, to)],
            "{from} {to}\n{row}"
        );
    }
}

#[tokio::test]
async fn a_second_event_under_one_number_is_a_duplicate() {
    let key = key();
    for seq in [1, 150, 300] {
        let report = attacked(&key, |rows| {
            let mut entry = rows.entries[at(rows, seq)].clone();
            entry.record = record(999);
            rows.entries.push(entry);
        })
        .await;
        assert_eq!(
            wrong(&report),
            [(VerdictKind::Duplicate, seq, seq)],
            "{report}"
        );
    }
}

/// Puts in an event and gives the later ones the next numbers.
fn insert(rows: &mut Rows, seq: u64, of: u64) {
    let index = at(rows, seq);
    let mut entry = rows.entries[at(rows, of)].clone();
    let mut link = rows.links[at(rows, of)].clone();
    if of == seq {
        entry.record = record(999);
        link.id = entry.record.event.id;
        link.leaf = entry.record.leaf();
        let chain = index.checked_sub(1).map(|at| rows.links[at].chain);
        let mut head = AuditHead::genesis(PARTITION);
        for link in &rows.links[..index] {
            head.push(link.leaf);
        }
        assert_eq!(chain.unwrap_or(head.chain()), head.chain());
        link.chain = head.push(link.leaf).chain;
    }
    entry.seq = seq;
    link.seq = seq;
    for number in rows.links.iter_mut().map(|it| &mut it.seq) {
        *number += u64::from(*number >= seq);
    }
    for number in rows.entries.iter_mut().map(|it| &mut it.seq) {
        *number += u64::from(*number >= seq);
    }
    rows.entries.insert(index, entry);
    rows.links.insert(index, link);
}

#[tokio::test]
async fn an_inserted_event_is_named() {
    let key = key();
    for seq in [1, 2, 150, 256, 299] {
        // With hashes that follow from what is before it.
        let report = attacked(&key, |rows| insert(rows, seq, seq)).await;
        assert_eq!(
            wrong(&report),
            [(VerdictKind::Inserted, seq, seq)],
            "{report}"
        );
    }
    for seq in [2, 100, 256] {
        let report = attacked(&key, |rows| insert(rows, seq, 50)).await;
        assert_eq!(
            wrong(&report),
            [(VerdictKind::Duplicate, seq, seq)],
            "{report}"
        );
    }
}

#[tokio::test]
async fn an_event_behind_the_end_is_inserted() {
    let key = key();
    let report = attacked(&key, |rows| {
        let mut head = rows.head();
        let mut entry = rows.entries[0].clone();
        entry.record = record(301);
        let mut link = rows.links[0].clone();
        let pushed = head.push(entry.record.leaf());
        (link.seq, link.leaf, link.chain) = (pushed.seq, pushed.leaf, pushed.chain);
        link.id = entry.record.event.id;
        entry.seq = pushed.seq;
        rows.entries.push(entry);
        rows.links.push(link);
    })
    .await;

    assert_eq!(
        wrong(&report),
        [(VerdictKind::Inserted, 301, 301)],
        "{report}"
    );
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_missing_or_rolled_back() {
    let key = key();
    let cut = |rows: &mut Rows| {
        rows.entries.truncate(250);
        rows.links.truncate(250);
    };
    let report = attacked(&key, cut).await;
    assert_eq!(
        wrong(&report),
        [(VerdictKind::MissingSeq, 251, 300)],
        "{report}"
    );

    let reset = |rows: &mut Rows| {
        cut(rows);
        rows.rehash(1);
    };
    let report = attacked(&key, reset).await;
    assert_eq!(
        wrong(&report),
        [(VerdictKind::Rollback, 251, 300)],
        "{report}"
    );
    assert_eq!(report.covered, 200);

    // Without the checkpoints behind the cut, only what others have seen tells it.
    let memory = signed_log(SIZE, &[100, 200, 300], &key).await;
    let head = memory.rows().head();
    let (pin, anchor) = (Pin::new(&head), note(&head, &key));
    reset(&mut memory.rows());
    memory.rows().checkpoints.retain(|it| it.0 < 250);
    let mut evidence = evidence(&key);
    assert_eq!(verify(&memory, &evidence).await.outcome, Outcome::Ok);
    evidence.pins = vec![pin];
    let report = verify(&memory, &evidence).await;
    assert_eq!(
        wrong(&report),
        [(VerdictKind::Rollback, 251, 300)],
        "{report}"
    );
    evidence.pins.clear();
    evidence.anchors = vec![anchor];
    let report = verify(&memory, &evidence).await;
    assert_eq!(
        wrong(&report),
        [(VerdictKind::Rollback, 251, 300)],
        "{report}"
    );
}

#[tokio::test]
async fn an_old_backup_that_has_grown_again_is_another_log() {
    let key = key();
    let memory = signed_log(SIZE, &[100, 200, 300], &key).await;
    let pin = Pin::new(&memory.rows().head());
    {
        let mut rows = memory.rows();
        for seq in 251..=300 {
            let at = at(&rows, seq);
            rows.entries[at].record = record(seq + 1_000);
        }
        rows.rehash(1);
        rows.checkpoints.retain(|it| it.0 < 250);
        let head = rows.head();
        rows.checkpoints.push((300, note(&head, &key)));
    }

    let mut evidence = evidence(&key);
    assert_eq!(verify(&memory, &evidence).await.outcome, Outcome::Ok);
    evidence.pins = vec![pin];
    let report = verify(&memory, &evidence).await;
    let verdict = report
        .verdicts
        .iter()
        .find(|it| it.kind.is_tampering())
        .unwrap();
    assert_eq!(
        (verdict.kind, verdict.subject),
        (VerdictKind::Rollback, Subject::Pin)
    );
}

#[tokio::test]
async fn several_changes_are_all_named() {
    let key = key();
    let report = attacked(&key, |rows| {
        rows.entries[9].record.canonical.push(' ');
        rows.links[79].chain = AuditHash::of_leaf(b"x");
        rows.entries.retain(|it| it.seq != 120);
        rows.entries[200].record.event.actor.id = "x".to_owned();
    })
    .await;

    assert_eq!(
        wrong(&report),
        [
            (VerdictKind::HashMismatch, 10, 10),
            (VerdictKind::HashMismatch, 80, 80),
            (VerdictKind::MissingSeq, 120, 120),
            (VerdictKind::ColumnDiffers, 202, 202),
        ],
        "{report}"
    );
    assert_eq!(report.covered, 300);
}

#[tokio::test]
async fn events_that_cannot_be_read_are_named_and_the_others_are_verified() {
    let key = key();
    let report = attacked(&key, |rows| rows.unreadable = vec![1, 7, 8, 300]).await;
    assert_eq!(
        wrong(&report),
        [
            (VerdictKind::HashMismatch, 1, 1),
            (VerdictKind::HashMismatch, 7, 8),
            (VerdictKind::HashMismatch, 300, 300),
        ],
        "{report}"
    );

    let head = attacked(&key, |rows| rows.is_head_unreadable = true).await;
    let verdict = head
        .verdicts
        .iter()
        .find(|it| it.kind.is_tampering())
        .unwrap();
    assert_eq!(
        (verdict.kind, verdict.subject),
        (VerdictKind::HashMismatch, Subject::Head)
    );
    assert_eq!((head.to, head.covered), (300, 300));
}

#[tokio::test]
async fn a_subtree_that_was_changed_is_named() {
    let key = key();
    let memory = signed_log(700, &[700], &key).await;
    let clean = memory.copy();
    memory.rows().nodes[1].hash = AuditHash::of_leaf(b"x");
    let report = verify(&memory, &evidence(&key)).await;
    assert_eq!(
        wrong(&report),
        [(VerdictKind::HashMismatch, 257, 512)],
        "{report}"
    );

    *memory.rows() = clean;
    memory.rows().nodes.remove(0);
    let report = verify(&memory, &evidence(&key)).await;
    assert_eq!(
        wrong(&report),
        [(VerdictKind::HashMismatch, 1, 256)],
        "{report}"
    );
}

#[tokio::test]
async fn a_log_under_the_name_of_another_is_none_of_it() {
    let key = key();
    let memory = signed_log(5, &[5], &key).await;
    let evidence = evidence(&key);

    let report =
        ee_audit::integrity::verify_store(&memory, &memory, "other", &evidence, 0, &mut |_| ())
            .await
            .unwrap();

    assert_eq!(report.outcome, Outcome::Tampered);
    assert!(
        wrong(&report)
            .iter()
            .any(|it| it.0 == VerdictKind::BadSignature),
        "{report}"
    );
}
