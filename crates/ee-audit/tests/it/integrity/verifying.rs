use ee_audit::integrity::{
    Claim, Evidence, Outcome, Pin, Report, Subject, VerdictKind, verify_store,
};
use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditHead, AuditOutcome, AuditRedaction, ErrorKind,
    RedactionMethod,
    storage::{AuditRecord, AuditStore as _},
};
use serde_json::json;

use super::memory::{
    DEPLOYMENT, Memory, PARTITION, event, evidence, key, known, log, note, now, record, sign,
    signed_log, verify,
};

fn kinds(report: &Report) -> Vec<(VerdictKind, u64, u64)> {
    let verdicts = report.verdicts.iter();
    verdicts.map(|it| (it.kind, it.from, it.to)).collect()
}

#[tokio::test]
async fn a_log_as_it_was_written_is_well() {
    let key = key();
    let memory = signed_log(1_300, &[1, 1_000, 1_250], &key).await;

    let mut told = Vec::new();
    let evidence = evidence(&key);
    let mut progress =
        |progress: ee_audit::integrity::Progress| told.push((progress.done, progress.total));
    let report = verify_store(&memory, &memory, PARTITION, &evidence, 0, &mut progress)
        .await
        .unwrap();

    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    assert_eq!((report.from, report.to, report.covered), (1, 1_300, 1_250));
    assert_eq!(
        kinds(&report),
        [
            (VerdictKind::Ok, 1, 1_300),
            (VerdictKind::NotYetCovered, 1_251, 1_300)
        ]
    );
    assert_eq!(told.first(), Some(&(256, Some(1_300))));
    assert_eq!(told.last(), Some(&(1_300, Some(1_300))));
    assert_eq!(
        report.to_string(),
        "default: events 1-1300, covered up to 1250: ok\n  \
        1-1300                ok (event)\n  \
        1251-1300             not yet covered (checkpoint)\n"
    );
    assert_eq!(
        serde_json::to_value(&report).unwrap(),
        json!({
            "partition": "default",
            "from": 1,
            "to": 1300,
            "covered": 1250,
            "counts": {"ok": 1300, "not_yet_covered": 50},
            "outcome": "ok",
            "verdicts": [
                {"kind": "ok", "subject": "event", "from": 1, "to": 1300},
                {"kind": "not_yet_covered", "subject": "checkpoint", "from": 1251, "to": 1300}
            ],
            "unlisted": 0
        })
    );
}

#[tokio::test]
async fn logs_of_any_size_with_checkpoints_anywhere_are_well() {
    let key = key();
    let evidence = evidence(&key);
    // Sizes and places that are as good as random, and the same every time.
    let mut seed = 7_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for _ in 0..200 {
        let size = 1 + next(80);
        let sizes: Vec<u64> = (0..=next(4)).map(|_| 1 + next(size)).collect();
        let memory = signed_log(size, &sizes, &key).await;
        let report = verify(&memory, &evidence).await;
        assert_eq!(report.outcome, Outcome::Ok, "{sizes:?}\n{report}");
        assert_eq!(report.covered, *sizes.iter().max().unwrap());
    }
}

#[tokio::test]
async fn an_empty_log_is_well() {
    let key = key();
    let report = verify(&Memory::default(), &evidence(&key)).await;

    assert_eq!(report.outcome, Outcome::Ok);
    assert_eq!(report.to_string(), "default: no events: ok\n");

    let memory = Memory::default();
    let empty = note(&AuditHead::genesis(PARTITION), &key);
    memory.rows().checkpoints.push((0, empty));
    assert_eq!(verify(&memory, &evidence(&key)).await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn without_checkpoints_nothing_is_certain() {
    let key = key();
    let unsigned = verify(&log(10).await, &evidence(&key)).await;
    assert_eq!(unsigned.outcome, Outcome::Incomplete);
    assert_eq!(
        kinds(&unsigned),
        [
            (VerdictKind::Ok, 1, 10),
            (VerdictKind::NotYetCovered, 1, 10)
        ]
    );

    // A tail that should have been signed long ago.
    let memory = signed_log(2_020, &[10], &key).await;
    let tail = verify(&memory, &evidence(&key)).await;
    assert_eq!(tail.outcome, Outcome::Incomplete);
}

#[tokio::test]
async fn checkpoints_of_strangers_cover_nothing_and_those_of_old_keys_do() {
    let (old, new) = (key(), key());
    let memory = signed_log(30, &[10, 20], &old).await;
    sign(&memory, &[25], &new);

    let both = Evidence::new(DEPLOYMENT, known(&[&old, &new]));
    let report = verify(&memory, &both).await;
    assert_eq!((report.outcome, report.covered), (Outcome::Ok, 25));

    let report = verify(&memory, &evidence(&new)).await;
    assert_eq!(report.outcome, Outcome::Incomplete);
    assert_eq!(report.counts[&VerdictKind::UnknownKey], 2);
    assert_eq!(report.covered, 25);

    let nobody = verify(&memory, &Evidence::new(DEPLOYMENT, known(&[]))).await;
    assert_eq!((nobody.outcome, nobody.covered), (Outcome::Incomplete, 0));
    assert_eq!(nobody.counts[&VerdictKind::UnknownKey], 3);
}

#[tokio::test]
async fn what_was_pruned_or_erased_with_a_reason_is_well() {
    let key = key();
    let memory = log(40).await;
    let system = AuditActor::system();
    let mut pruned = AuditEvent::new(
        now(),
        system.clone(),
        AuditAction::AUDIT_PRUNE,
        AuditOutcome::Success,
    );
    pruned.metadata.insert("from".to_owned(), json!(1));
    pruned.metadata.insert("to".to_owned(), json!(20));
    let mut erased = AuditEvent::new(
        now(),
        system,
        AuditAction::AUDIT_ERASE,
        AuditOutcome::Success,
    );
    erased.metadata.insert("count".to_owned(), json!(2));
    let records = [pruned, erased].map(|event| AuditRecord::new(event).unwrap());
    memory
        .append(PARTITION, records.into(), now())
        .await
        .unwrap();
    sign(&memory, &[42], &key);
    {
        let mut rows = memory.rows();
        // Numbers 7 and 8 are held.
        rows.entries
            .retain(|it| it.seq > 20 || it.seq == 7 || it.seq == 8);
        for entry in &mut rows.entries {
            if entry.seq == 30 || entry.seq == 33 {
                let canonical = entry.record.canonical.clone();
                entry.record = AuditRecord::restore(canonical, None).unwrap();
            }
        }
    }

    let report = verify(&memory, &evidence(&key)).await;

    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    assert_eq!(
        kinds(&report),
        [
            (VerdictKind::PayloadPruned, 1, 6),
            (VerdictKind::Ok, 7, 8),
            (VerdictKind::PayloadPruned, 9, 20),
            (VerdictKind::Ok, 21, 29),
            (VerdictKind::PayloadErased, 30, 30),
            (VerdictKind::Ok, 31, 32),
            (VerdictKind::PayloadErased, 33, 33),
            (VerdictKind::Ok, 34, 42),
        ]
    );

    // One more than was said.
    let clean = memory.copy();
    {
        let mut rows = memory.rows();
        let entry = rows.entries.iter_mut().find(|it| it.seq == 36).unwrap();
        entry.record = AuditRecord::restore(entry.record.canonical.clone(), None).unwrap();
    }
    let report = verify(&memory, &evidence(&key)).await;
    assert_eq!(report.outcome, Outcome::Tampered);
    assert_eq!(report.counts[&VerdictKind::ColumnDiffers], 3, "{report}");
    *memory.rows() = clean;
    memory.rows().entries.retain(|it| it.seq != 21);
    let report = verify(&memory, &evidence(&key)).await;
    assert_eq!(report.outcome, Outcome::Tampered);
    assert!(
        kinds(&report).contains(&(VerdictKind::MissingSeq, 21, 21)),
        "{report}"
    );
}

#[tokio::test]
async fn what_is_gone_without_a_reason_was_taken() {
    let key = key();
    let memory = signed_log(10, &[10], &key).await;
    memory.rows().entries.retain(|it| it.seq != 4);
    {
        let mut rows = memory.rows();
        let entry = rows.entries.iter_mut().find(|it| it.seq == 6).unwrap();
        entry.record = AuditRecord::restore(entry.record.canonical.clone(), None).unwrap();
    }

    let report = verify(&memory, &evidence(&key)).await;
    assert_eq!(
        kinds(&report),
        [
            (VerdictKind::Ok, 1, 3),
            (VerdictKind::MissingSeq, 4, 4),
            (VerdictKind::Ok, 5, 5),
            (VerdictKind::ColumnDiffers, 6, 6),
            (VerdictKind::Ok, 7, 10),
        ]
    );

    // Reasons that are recorded in another log are shown from outside.
    let mut evidence = evidence(&key);
    evidence.claims = vec![Claim::Erased { count: 1 }, Claim::Pruned { from: 4, to: 5 }];
    assert_eq!(verify(&memory, &evidence).await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_reason_counts_only_for_what_was_before_it_and_for_its_log() {
    let key = key();
    let prune = |partition: Option<&str>, to: u64| {
        let mut event = event(1);
        event.action = AuditAction::AUDIT_PRUNE;
        event.metadata.insert("from".to_owned(), json!(1));
        event.metadata.insert("to".to_owned(), json!(to));
        if let Some(partition) = partition {
            event
                .metadata
                .insert("partition".to_owned(), json!(partition));
        }
        AuditRecord::new(event).unwrap()
    };
    for (partition, gone, well) in [
        (None, 2, true),
        (Some(PARTITION), 2, true),
        (Some("other"), 2, false),
        (None, 5, false),
    ] {
        let memory = log(3).await;
        let records = vec![prune(partition, 100), record(5)];
        memory.append(PARTITION, records, now()).await.unwrap();
        sign(&memory, &[5], &key);
        memory.rows().entries.retain(|it| it.seq != gone);
        let report = verify(&memory, &evidence(&key)).await;
        assert_eq!(
            report.outcome == Outcome::Ok,
            well,
            "{partition:?} {gone}\n{report}"
        );
    }
}

#[tokio::test]
async fn columns_are_compared_with_what_was_hashed() {
    let key = key();
    let memory = signed_log(12, &[12], &key).await;
    let clean = memory.copy();
    let changes: [fn(&mut AuditRecord); 5] = [
        |it| it.event.actor.id = "somebody".to_owned(),
        |it| it.event.outcome = AuditOutcome::Denied,
        |it| it.event.actor.email = None,
        |it| {
            let personal = it.personal.take().unwrap();
            it.personal = Some(personal.replace("u6@", "u7@"));
        },
        |it| {
            let personal = it.personal.take().unwrap().replace("u6@", "u7@");
            *it = AuditRecord::restore(it.canonical.clone(), Some(personal)).unwrap();
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        change(&mut memory.rows().entries[5].record);
        let report = verify(&memory, &evidence(&key)).await;
        assert_eq!(report.outcome, Outcome::Tampered, "{at}");
        assert!(
            kinds(&report).contains(&(VerdictKind::ColumnDiffers, 6, 6)),
            "{at}\n{report}"
        );
        assert!(!report.to_string().contains("u7@"), "{report}");
        *memory.rows() = clean.clone();
    }
    // The id by which it is found.
    memory.rows().links[5].id = uuid::Uuid::nil();
    let report = verify(&memory, &evidence(&key)).await;
    assert!(
        kinds(&report).contains(&(VerdictKind::ColumnDiffers, 6, 6)),
        "{report}"
    );
}

#[tokio::test]
async fn a_store_may_say_in_its_own_way_that_something_was_erased() {
    let key = key();
    let memory = log(3).await;
    let mut erasure = event(4);
    erasure.action = AuditAction::AUDIT_ERASE;
    erasure.metadata.insert("count".to_owned(), json!(1));
    let records = vec![AuditRecord::new(erasure).unwrap()];
    memory.append(PARTITION, records, now()).await.unwrap();
    sign(&memory, &[4], &key);
    for method in [RedactionMethod::Erased, RedactionMethod::Removed] {
        {
            let record = &mut memory.rows().entries[2].record;
            record.personal = None;
            record.event.actor.email = None;
            record.event.redactions = vec![AuditRedaction::new("/actor/email", method)];
        }
        let report = verify(&memory, &evidence(&key)).await;
        assert_eq!(report.outcome, Outcome::Ok, "{report}");
        assert_eq!(report.counts[&VerdictKind::PayloadErased], 1);
    }
}

#[tokio::test]
async fn a_verification_goes_on_behind_a_checkpoint() {
    let key = key();
    let evidence = evidence(&key);
    let memory = signed_log(700, &[300, 512, 700], &key).await;
    let behind = async |after| {
        verify_store(&memory, &memory, PARTITION, &evidence, after, &mut |_| ()).await
    };

    for after in [300, 512, 700] {
        let report = behind(after).await.unwrap();
        assert_eq!(report.outcome, Outcome::Ok, "{report}");
        assert_eq!(
            (report.from, report.to, report.covered),
            (after + 1, 700, 700)
        );
    }
    for after in [1, 299, 301, 701, u64::MAX] {
        assert_eq!(
            behind(after).await.unwrap_err().kind(),
            ErrorKind::Invalid,
            "{after}"
        );
    }

    // What is changed behind it is found, and so is what is changed before it in the tree.
    let clean = memory.copy();
    memory.rows().entries[600].record.canonical.push(' ');
    let report = behind(512).await.unwrap();
    assert!(
        kinds(&report).contains(&(VerdictKind::HashMismatch, 601, 601)),
        "{report}"
    );
    *memory.rows() = clean.clone();
    memory.rows().links[280].leaf = record(1).leaf();
    assert_eq!(behind(300).await.unwrap_err().kind(), ErrorKind::Invalid);
    *memory.rows() = clean;
    memory.rows().checkpoints[1].1 = note(&AuditHead::genesis(PARTITION), &key);
    assert_eq!(behind(512).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_store_that_does_not_work_is_not_taken_for_a_changed_one() {
    let key = key();
    let memory = signed_log(300, &[300], &key).await;
    let evidence = evidence(&key);
    for (is_down, unreadable, kind) in [
        (true, 0, ErrorKind::Unavailable),
        (false, 300, ErrorKind::Internal),
    ] {
        memory.rows().is_down = is_down;
        memory.rows().unreadable = (1..=unreadable).collect();
        let failed = verify_store(&memory, &memory, PARTITION, &evidence, 0, &mut |_| ()).await;
        assert_eq!(failed.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn events_that_are_added_meanwhile_are_none_of_it() {
    let key = key();
    let memory = signed_log(520, &[500], &key).await;
    let evidence = evidence(&key);
    let mut is_first = true;
    let mut add = |_| {
        if std::mem::take(&mut is_first) {
            let mut rows = memory.copy();
            let mut head = rows.head();
            let record = record(521);
            let link = head.push(record.leaf());
            rows.links.push(ee_core::storage::AuditStoredLink {
                chain: link.chain,
                id: record.event.id,
                leaf: link.leaf,
                seq: link.seq,
            });
            rows.entries.push(ee_core::storage::AuditEntry {
                record,
                partition: PARTITION.to_owned(),
                received_at: now(),
                seq: 521,
            });
            rows.head = Some(head);
            *memory.rows() = rows;
        }
    };

    let report = verify_store(&memory, &memory, PARTITION, &evidence, 0, &mut add)
        .await
        .unwrap();

    assert_eq!((report.outcome, report.to), (Outcome::Ok, 520), "{report}");
}

#[tokio::test]
async fn pins_and_anchors_are_compared() {
    let key = key();
    let memory = signed_log(50, &[20, 40], &key).await;
    let head_at = |size: usize| {
        let mut head = AuditHead::genesis(PARTITION);
        for link in &memory.rows().links[..size] {
            head.push(link.leaf);
        }
        head
    };
    let other = |size: u64| {
        let mut head = AuditHead::genesis(PARTITION);
        for number in 0..size {
            head.push(record(number).leaf());
        }
        head
    };
    let mut good = evidence(&key);
    good.pins = vec![
        Pin::new(&head_at(33)),
        Pin::new(&AuditHead::genesis("other")),
    ];
    good.anchors = vec![note(&head_at(45), &key), "torn".to_owned()];
    let report = verify(&memory, &good).await;
    assert_eq!(
        (report.outcome, report.covered),
        (Outcome::Ok, 45),
        "{report}"
    );

    let mut bad = evidence(&key);
    bad.pins = vec![Pin::new(&other(33))];
    let report = verify(&memory, &bad).await;
    assert_eq!(report.outcome, Outcome::Tampered);
    let verdict = report
        .verdicts
        .iter()
        .find(|it| it.subject == Subject::Pin)
        .unwrap();
    assert_eq!(
        (verdict.kind, verdict.from, verdict.to),
        (VerdictKind::Rollback, 21, 33)
    );

    bad.pins = vec![Pin::new(&other(60))];
    let report = verify(&memory, &bad).await;
    assert!(
        kinds(&report).contains(&(VerdictKind::Rollback, 51, 60)),
        "{report}"
    );

    bad.pins.clear();
    bad.anchors = vec![note(&other(45), &key)];
    let report = verify(&memory, &bad).await;
    assert!(
        kinds(&report).contains(&(VerdictKind::ConsistencyFailed, 41, 45)),
        "{report}"
    );

    bad.anchors = vec![note(&other(55), &key)];
    let report = verify(&memory, &bad).await;
    assert!(
        kinds(&report).contains(&(VerdictKind::Rollback, 51, 55)),
        "{report}"
    );

    bad.anchors = vec![note(&head_at(45), &self::key())];
    let report = verify(&memory, &bad).await;
    assert_eq!(report.outcome, Outcome::Incomplete, "{report}");
}

#[tokio::test]
async fn many_checkpoints_of_one_size_are_all_looked_at() {
    let key = key();
    let memory = signed_log(30, &[10, 20, 30], &key).await;
    {
        let mut rows = memory.rows();
        let (size, note) = rows.checkpoints[1].clone();
        rows.checkpoints
            .extend((0..700).map(|_| (size, note.clone())));
    }
    assert_eq!(verify(&memory, &evidence(&key)).await.outcome, Outcome::Ok);

    let last = memory.rows().checkpoints.len() - 1;
    memory.rows().checkpoints[last].1 = note(&AuditHead::genesis(PARTITION), &key);
    let report = verify(&memory, &evidence(&key)).await;
    assert!(report.counts[&VerdictKind::BadSignature] > 0, "{report}");
}
