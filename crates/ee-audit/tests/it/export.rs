//! Copies of the record.

use ee_audit::export::{
    ExportFormat, ExportLine, ExportOptions, Exporter, Manifest, MastraEvent, hide_content,
};
use ee_core::{AuditField, AuditFilter, AuditRedaction, RedactionMethod, storage::AuditEntry};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::export_samples::{entry, full_event, plain_event};

fn now() -> Timestamp {
    "2026-02-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn copy(options: ExportOptions, entries: &[AuditEntry]) -> (Vec<u8>, Manifest) {
    let mut exporter = Exporter::new(options);
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(exporter.push(entry).unwrap().unwrap_or_default());
    }
    let filter = AuditFilter::is(AuditField::Outcome, "denied");
    let (last, manifest) = exporter.finish(&filter, now()).unwrap();
    bytes.extend(last);
    (bytes, manifest)
}

fn evidence() -> ExportOptions {
    let mut options = ExportOptions::new(ExportFormat::Ndjson);
    options.evidence = true;
    options
}

fn lines(bytes: &[u8]) -> Vec<ExportLine> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_is_an_event_with_its_place_in_the_record() {
    let entries = [entry(plain_event(), "default", 7)];

    let (bytes, _) = copy(ExportOptions::new(ExportFormat::Ndjson), &entries);

    let line: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(bytes.last(), Some(&b'\n'));
    assert_eq!(
        line,
        json!({
            "id": entries[0].record.event.id,
            "timestamp": "2026-01-02T03:04:05Z",
            "actor": {"type": "system", "id": "system"},
            "action": "server.start",
            "outcome": "success",
            "category": "server",
            "code": "MA-6001I",
            "crud": "x",
            "schemaVersion": 1,
            "severity": 3,
            "stage": "result",
            "partition": "default",
            "receivedAt": "2026-01-02T03:04:06Z",
            "seq": 7,
        })
    );
}

#[test]
fn a_copy_with_evidence_is_verified_alone() {
    let mut options = evidence();
    options.content = true;
    let entries = [
        entry(full_event("ada"), "default", 1),
        entry(plain_event(), "default", 2),
    ];

    let (bytes, _) = copy(options, &entries);

    let lines = lines(&bytes);
    for (line, kept) in lines.iter().zip(&entries) {
        let read = line.entry().unwrap().unwrap();
        assert_eq!(&read, kept);
        assert_eq!(line.event, kept.record.event);
        assert_eq!(line.leaf, Some(read.record.leaf().to_string()));
        assert!(read.record.broken_commitments().unwrap().is_empty());
    }
    assert_eq!(lines.len(), 2);
    let (bytes, _) = copy(ExportOptions::new(ExportFormat::Ndjson), &entries);
    assert_eq!(crate::export::lines(&bytes)[0].entry().unwrap(), None);
}

#[test]
fn content_is_in_no_copy_that_did_not_ask_for_it() {
    let mut event = full_event("plain");
    let ai = event.ai.as_mut().unwrap();
    ai.input = Some(json!("what was asked"));
    ai.output = Some(json!({"text": "what was answered"}));
    let entries = [entry(event, "default", 1)];
    let formats = [
        ExportFormat::Csv,
        ExportFormat::MastraCsv,
        ExportFormat::MastraJson,
        ExportFormat::Ndjson,
    ];

    for format in formats {
        for (evidence, content) in [(false, false), (true, false), (true, true)] {
            let mut options = ExportOptions::new(format);
            options.evidence = evidence;
            options.content = content;
            let text = String::from_utf8(copy(options, &entries).0).unwrap();
            let may_be_there =
                content && matches!(format, ExportFormat::Csv | ExportFormat::Ndjson);
            for secret in ["what was asked", "what was answered"] {
                assert_eq!(text.contains(secret), may_be_there, "{format:?} {text}");
            }
        }
    }

    let (bytes, _) = copy(evidence(), &entries);
    let line = &lines(&bytes)[0];
    let read = line.entry().unwrap().unwrap();
    assert_eq!(read.record.leaf(), entries[0].record.leaf());
    assert!(read.record.broken_commitments().unwrap().is_empty());
    for path in ["/ai/input", "/ai/output"] {
        let redaction = AuditRedaction::new(path, RedactionMethod::Removed);
        assert!(line.event.redactions.contains(&redaction));
    }
}

#[test]
fn an_event_without_content_stays_as_it_is() {
    let mut event = full_event("a\\b");
    let ai = event.ai.as_mut().unwrap();
    ai.input = None;
    ai.output = None;
    let kept = entry(event, "default", 1);
    let mut hidden = kept.clone();

    hide_content(&mut hidden).unwrap();

    assert_eq!(hidden.record.event, kept.record.event);
    let read = |entry: &AuditEntry| -> Value {
        serde_json::from_str(entry.record.personal.as_deref().unwrap()).unwrap()
    };
    assert_eq!(read(&hidden), read(&kept));
}

#[test]
fn the_array_of_mastra_has_the_eight_fields() {
    let options = ExportOptions::new(ExportFormat::MastraJson);
    let entries = [
        entry(full_event("x"), "default", 1),
        entry(plain_event(), "default", 2),
    ];

    let (bytes, _) = copy(options, &entries);

    let array: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        array[0],
        json!({
            "id": entries[0].record.event.id,
            "timestamp": "2026-01-02T03:04:05.678Z",
            "actor": {"type": "user", "id": "x", "email": "x", "ip": "192.0.2.7", "userAgent": "x"},
            "action": "agents.update",
            "resource": {"type": "x", "id": "x", "name": "x"},
            "outcome": "denied",
            "metadata": {"x": ["x"]},
            "duration": 12,
        })
    );
    assert_eq!(array.len(), 2);
    assert_eq!(copy(options, &[]).0, b"[]");
    let newer = serde_json::to_value(MastraEvent::new(&entries[1].record.event).with_created_at());
    assert_eq!(newer.unwrap()["createdAt"], "2026-01-02T03:04:05.000Z");
}

#[test]
fn the_manifest_tells_what_is_in_the_copy() {
    let entries = [
        entry(plain_event(), "org_1", 9),
        entry(plain_event(), "default", 3),
        entry(plain_event(), "default", 1),
    ];

    let (bytes, manifest) = copy(ExportOptions::new(ExportFormat::Ndjson), &entries);

    let manifest = manifest
        .with_checkpoint("default", "a note\n")
        .with_checkpoint("other", "");
    assert_eq!(
        serde_json::to_value(&manifest).unwrap(),
        json!({
            "bytes": bytes.len(),
            "count": 3,
            "createdAt": "2026-02-01T00:00:00Z",
            "filter": "outcome:denied",
            "format": "ndjson",
            "partitions": [
                {"checkpoint": "a note\n", "count": 2, "first": 1, "last": 3, "name": "default"},
                {"count": 1, "first": 9, "last": 9, "name": "org_1"},
            ],
            "sha256": manifest.sha256,
            "version": 1,
        })
    );
    let text = manifest.to_text().unwrap();
    assert_eq!(text.matches('\n').count(), 1);
    assert_eq!(Manifest::from_text(&text).unwrap(), manifest);
    let canonical = serde_json_canonicalizer::to_string(&manifest).unwrap();
    assert_eq!(text, canonical + "\n");
}

#[test]
fn a_changed_copy_is_not_that_of_its_manifest() {
    let entries: Vec<AuditEntry> = (1..=3)
        .map(|seq| entry(plain_event(), "default", seq))
        .collect();
    let (bytes, manifest) = copy(ExportOptions::new(ExportFormat::Csv), &entries);

    assert!(manifest.is_of(bytes.as_slice()).unwrap());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(!manifest.is_of(changed.as_slice()).unwrap(), "{at}");
    }
    assert!(!manifest.is_of(&bytes[1..]).unwrap());
    assert!(
        !manifest
            .is_of([bytes.as_slice(), b"\n"].concat().as_slice())
            .unwrap()
    );

    let text = manifest.to_text().unwrap();
    for changed in [
        text.replace(r#""version":1"#, r#""version":2"#),
        text.replace(r#""version":1"#, r#""version":1,"more":1"#),
        text.replace(r#""count":3"#, r#""count": 3"#),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        String::new(),
    ] {
        assert!(Manifest::from_text(&changed).is_err(), "{changed}");
    }
}

#[test]
fn memory_does_not_grow_with_the_copy() {
    for format in [
        ExportFormat::Csv,
        ExportFormat::MastraJson,
        ExportFormat::Ndjson,
    ] {
        let mut exporter = Exporter::new(ExportOptions::new(format));
        let mut entry = entry(full_event("x"), "default", 0);
        let (mut bytes, mut chunks) = (0, 0);
        for seq in 1..=2_500 {
            entry.seq = seq;
            if let Some(chunk) = exporter.push(&entry).unwrap() {
                assert!(chunk.capacity() <= 256 * 1_024, "{}", chunk.capacity());
                bytes += chunk.len();
                chunks += 1;
            }
        }
        let (last, manifest) = exporter.finish(&AuditFilter::EVERYTHING, now()).unwrap();
        assert!(chunks > 5, "{chunks}");
        assert_eq!(manifest.bytes, (bytes + last.len()) as u64);
        assert_eq!(
            (manifest.count, manifest.partitions[0].last),
            (2_500, 2_500)
        );
    }
}

#[test]
fn copies_for_other_systems_have_a_line_for_each_event_whatever_stands_in_it() {
    for format in [ExportFormat::Cef, ExportFormat::Ocsf] {
        let mut event = full_event("x");
        event.reason = Some("one\nCEF:0|forged\r\n{}".to_owned());
        event.actor.name = Some("a\r=b|c".to_owned());
        let entries = [
            entry(event, "default", 1),
            entry(plain_event(), "default", 2),
        ];

        let (bytes, manifest) = copy(ExportOptions::new(format), &entries);

        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with('\n') && !text.contains('\r'), "{text}");
        assert_eq!(text.lines().count(), 2, "{format:?}");
        assert_eq!(manifest.count, 2);
        assert_eq!(manifest.format, format);
        for line in text.lines() {
            match format {
                ExportFormat::Cef => assert!(line.starts_with("CEF:0|mastra-ee|audit|"), "{line}"),
                _ => assert!(serde_json::from_str::<Value>(line).unwrap()["class_uid"].is_u64()),
            }
        }
    }
}
