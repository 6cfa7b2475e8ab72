//! The committed document is what the table of routes says.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::PathBuf,
};

use ee_server::{Op, openapi};
use serde_json::Value;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "`cargo xtask openapi` says by this variable that it wants the file written"
)]
fn openapi_document_is_the_committed_one() {
    let document = openapi();
    if std::env::var("UPDATE_OPENAPI").is_ok_and(|value| value == "1") {
        let mut text = serde_json::to_string_pretty(&sorted(&document)).unwrap();
        text.push('\n');
        fs::write(path(), text).unwrap();
    }

    let committed = fs::read_to_string(path()).unwrap_or_default();
    let committed: Value = serde_json::from_str(&committed).unwrap_or_default();

    assert!(
        committed == document,
        "docs/openapi.json is old: run `cargo xtask openapi` and look at what changed"
    );
}

#[test]
fn openapi_document_has_every_operation_and_no_dangling_reference() {
    let document = openapi();

    let mut ids = HashSet::new();
    for path in document["paths"].as_object().unwrap().values() {
        for operation in path.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(ids.len(), Op::ALL.len());
    for reference in references(&document) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(references).collect(),
        Value::Object(map) => map
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("$ref", Value::String(text)) => vec![text.clone()],
                _ => references(value),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The order of members depends on what else is built; in the file it is that of the alphabet.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(sorted).collect(),
        Value::Object(map) => {
            let members: BTreeMap<&String, Value> = map
                .iter()
                .map(|(name, value)| (name, sorted(value)))
                .collect();
            members
                .into_iter()
                .map(|(name, value)| (name.clone(), value))
                .collect()
        }
        other => other.clone(),
    }
}
