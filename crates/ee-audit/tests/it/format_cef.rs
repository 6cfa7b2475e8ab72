//! What somebody else wrote begins no field and no event in CEF.

use std::collections::BTreeMap;

use ee_audit::format::{Product, cef};
use ee_core::storage::{AuditEntry, AuditRecord};
use proptest::prelude::*;

use crate::export_samples::full_event;

const ATTACKS: [&str; 14] = [
    "a|b||c",
    "a=b suser=root outcome=success",
    "first\nCEF:0|evil|evil|1|MA-0000I|agents.delete|0|act=agents.delete",
    "first\r\nsuser=root",
    "back\\slash",
    "\\= suser\\=root",
    "trailing\\",
    "\\",
    "|=\\\n|=\\\n",
    "\\n\\r\\|\\=",
    "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\u{1c}g",
    "nul\0 escape\u{1b}[31m tab\t bell\u{7}",
    "cs1Label=x cn2=0",
    "größe 東京 👩‍💻",
];

fn entry(text: &str) -> AuditEntry {
    AuditEntry {
        record: AuditRecord::new(full_event(text)).unwrap(),
        partition: "default".to_owned(),
        received_at: "2026-01-02T03:04:06Z".parse().unwrap(),
        seq: 7,
    }
}

fn product(text: &str) -> Product {
    Product {
        vendor: text.to_owned(),
        name: text.to_owned(),
        version: text.to_owned(),
    }
}

/// Reads a line as its specification says: fields of the header between pipes, keys of the extension before the equals
/// signs, neither of them escaped.
fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let mut parts = vec![String::new()];
    let mut chars = line.chars();
    while parts.len() < 8
        && let Some(c) = chars.next()
    {
        let part = parts.last_mut().unwrap();
        match c {
            '\\' => part.push(chars.next().unwrap()),
            '|' => parts.push(String::new()),
            c => part.push(c),
        }
    }
    let header = parts[..7].to_vec();
    let mut pieces = vec![String::new()];
    let mut is_escaped = false;
    for c in chars {
        match (c, is_escaped) {
            ('=', false) => pieces.push(String::new()),
            (c, _) => pieces.last_mut().unwrap().push(c),
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    let mut fields = BTreeMap::new();
    let mut key = pieces.remove(0);
    let count = pieces.len();
    for (at, piece) in pieces.into_iter().enumerate() {
        let is_last = at + 1 == count;
        let (value, next) = if is_last {
            (piece.as_str(), "")
        } else {
            piece.rsplit_once(' ').unwrap()
        };
        let key = std::mem::replace(&mut key, next.to_owned());
        assert_eq!(fields.insert(key, unescaped(value)), None);
    }
    (header, fields)
}

fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                c => c,
            },
            c => c,
        });
    }
    text
}

/// What is left of a text in the extension.
fn kept(text: &str) -> String {
    let keep = |c: char| match c {
        '\r' => '\r',
        '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars().map(keep).collect()
}

fn check(text: &str) {
    let line = cef(&entry(text), &product(text));

    assert!(
        !line
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')),
        "{line:?}"
    );
    let (header, fields) = read(&line);
    let plain = kept(text).replace(['\n', '\r'], " ");
    assert_eq!(header[0], "CEF:0");
    assert_eq!(header[1..4], [plain.as_str(), &plain, &plain]);
    assert_eq!(header[4..], ["MA-2002W", "agents.update", "6"]);
    let both = format!("{text}/{text}");
    let expected = [
        ("act", "agents.update"),
        ("cat", "agents"),
        ("cn1", "12"),
        ("cn1Label", "Duration in Milliseconds"),
        ("cn2", "7"),
        ("cn2Label", "Sequence Number"),
        ("cs1", text),
        ("cs1Label", "Resource Type"),
        ("cs2", text),
        ("cs2Label", "Resource ID"),
        ("cs3", text),
        ("cs3Label", "Resource Name"),
        ("cs4", text),
        ("cs4Label", "Request ID"),
        ("cs5", text),
        ("cs5Label", "Organization"),
        ("cs6", &both),
        ("cs6Label", "Agent and Model"),
        ("outcome", "denied"),
        ("reason", text),
        ("request", text),
        ("requestClientApplication", text),
        ("requestMethod", text),
        ("rt", "1767323045678"),
        ("src", "192.0.2.7"),
        ("suid", text),
        ("suser", text),
    ];
    let mut expected: BTreeMap<String, String> = expected
        .map(|(key, value)| (key.to_owned(), kept(value)))
        .into();
    expected.insert("externalId".to_owned(), fields["externalId"].clone());
    assert_eq!(fields, expected, "{line:?}");
}

#[test]
fn no_text_breaks_out_of_its_field() {
    for text in ATTACKS {
        check(text);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_as_it_was_written(text in r"[ -~\s\\|=]{1,40}|\PC{1,20}") {
        // Readers cannot tell blanks at the end of a value from those between fields.
        check(&format!("{text}."));
    }
}

#[test]
fn what_is_not_there_is_left_out() {
    let mut entry = entry("x");
    let event = &mut entry.record.event;
    event.actor = ee_core::AuditActor::system();
    event.actor.ip = Some("2001:db8::7".parse().unwrap());
    event.ai = None;
    event.context = None;
    event.duration = None;
    event.id = "0198a1de-7b1c-7d40-9f0e-2a61c0d4e001".parse().unwrap();
    event.reason = Some(String::new());
    event.resource = None;

    assert_eq!(
        cef(&entry, &product("p")),
        "CEF:0|p|p|p|MA-2002W|agents.update|6|rt=1767323045678 externalId=0198a1de-7b1c-7d40-9f0e-2a61c0d4e001 \
         act=agents.update outcome=denied suid=system c6a2=2001:db8::7 c6a2Label=Source IPv6 Address cat=agents cn2=7 \
         cn2Label=Sequence Number"
    );
}
