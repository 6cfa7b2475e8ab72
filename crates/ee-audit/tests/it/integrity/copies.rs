use ee_audit::{
    export::{ExportFormat, ExportOptions, Exporter},
    integrity::{Evidence, Outcome, Report, VerdictKind, verify_copy},
};
use ee_core::{AuditFilter, ErrorKind, storage::AuditEntry};

use super::memory::{evidence, key, log, note, sign};

fn copy(entries: &[AuditEntry], evidence: bool) -> Vec<u8> {
    let mut options = ExportOptions::new(ExportFormat::Ndjson);
    options.evidence = evidence;
    let mut exporter = Exporter::new(options);
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(exporter.push(entry).unwrap().unwrap_or_default());
    }
    let filter = AuditFilter::default();
    bytes.extend(exporter.finish(&filter, super::memory::now()).unwrap().0);
    bytes
}

fn verify(bytes: &[u8], evidence: &Evidence) -> Vec<Report> {
    verify_copy(bytes, evidence, |_| ()).unwrap()
}

#[tokio::test]
async fn a_whole_log_is_covered_by_a_checkpoint() {
    let key = key();
    let memory = log(30).await;
    sign(&memory, &[20], &key);
    let rows = memory.copy();
    let mut evidence = evidence(&key);
    evidence.anchors = vec![rows.checkpoints[0].1.clone()];

    let reports = verify(&copy(&rows.entries, true), &evidence);

    assert_eq!(reports.len(), 1);
    let report = &reports[0];
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    assert_eq!((report.from, report.to, report.covered), (1, 30, 20));
    assert_eq!(report.counts[&VerdictKind::Ok], 30);

    // One that was left out, or one in another place: the tree is not the signed one any more.
    let mut some = rows.entries.clone();
    some.remove(9);
    let report = &verify(&copy(&some, true), &evidence)[0];
    assert_eq!(
        (report.outcome, report.covered),
        (Outcome::Ok, 0),
        "{report}"
    );
    evidence.anchors = vec![note(&log(20).await.rows().head(), &key)];
    let report = &verify(&copy(&rows.entries, true), &evidence)[0];
    assert_eq!(report.outcome, Outcome::Tampered, "{report}");
}

#[tokio::test]
async fn a_choice_in_any_order_is_verified_event_by_event() {
    let key = key();
    let mut entries = log(30).await.copy().entries;
    entries.retain(|it| it.seq % 3 == 0);
    entries.reverse();

    let report = &verify(&copy(&entries, true), &evidence(&key))[0];
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    assert_eq!((report.from, report.to), (3, 30));
    assert_eq!(report.counts[&VerdictKind::Ok], 10);

    let text = String::from_utf8(copy(&entries, true)).unwrap();
    for (from, to) in [
        ("\\\"id\\\":\\\"u9\\\"", "\\\"id\\\":\\\"u8\\\""),
        ("\"id\":\"u9\"", "\"id\":\"u8\""),
        ("u9@example", "u8@example"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let report = &verify(changed.as_bytes(), &evidence(&key))[0];
        let wrong: Vec<_> = report.verdicts.iter().map(|it| (it.from, it.to)).collect();
        assert_eq!(wrong, [(9, 9)], "{from}\n{report}");
        assert_eq!(report.outcome, Outcome::Tampered);
    }
}

#[tokio::test]
async fn lines_that_are_no_events_are_told() {
    let key = key();
    let mut bytes = copy(&log(3).await.copy().entries, true);
    bytes.extend(b"{\"x\":1}\n\xff\n");

    let reports = verify(&bytes, &evidence(&key));

    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].outcome, Outcome::Tampered);
    assert_eq!(reports[0].partition, "(unreadable)");
    let lines: Vec<u64> = reports[0].verdicts.iter().map(|it| it.from).collect();
    assert_eq!(lines, [4, 5]);
    assert_eq!(reports[1].outcome, Outcome::Ok);
    assert!(verify(b"", &evidence(&key)).is_empty());
}

#[tokio::test]
async fn a_copy_without_evidence_cannot_be_verified() {
    let key = key();
    let bytes = copy(&log(3).await.copy().entries, false);

    let refused = verify_copy(&*bytes, &evidence(&key), |_| ()).unwrap_err();

    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

/// Whoever may not read what was said to models gets copies without it, which are as good as whole ones.
#[tokio::test]
async fn a_copy_without_content_is_not_called_tampered() {
    let key = key();
    let mut entries = log(4).await.copy().entries;
    for (entry, number) in entries.iter_mut().zip(1..) {
        let mut event = super::memory::event(number);
        let mut ai = ee_core::AuditAi::default();
        ai.input = Some("what was asked".into());
        if number > 1 {
            ai.output = Some("what was answered".into());
        }
        if number > 2 {
            ai.model = Some("m-large".to_owned());
            event.reason = Some("as asked".to_owned());
        }
        event.ai = Some(Box::new(ai));
        entry.record = ee_core::storage::AuditRecord::new(event).unwrap();
    }
    // One that was erased before it was copied.
    let erased = &mut entries[3].record;
    *erased = ee_core::storage::AuditRecord::restore(erased.canonical.clone(), None).unwrap();

    let bytes = copy(&entries, true);

    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(!text.contains("what was"), "{text}");
    let report = &verify(&bytes, &evidence(&key))[0];
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    assert_eq!(report.counts[&VerdictKind::PayloadErased], 4);

    let changed = text.replacen("as asked", "as axked", 1);
    assert_ne!(changed, text);
    let report = &verify(changed.as_bytes(), &evidence(&key))[0];
    assert_eq!(report.outcome, Outcome::Tampered, "{report}");
}
