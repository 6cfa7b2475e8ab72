//! The table of audit actions in the guide is what the catalogue says.

use std::{fs, path::PathBuf};

use ee_core::ActionCard;

const HEAD: &str = "\
<!-- Written by `cargo xtask openapi` from the catalogue of actions; do not edit. -->

| Number | Action | What happened | Kept | Matters |
| ---:| --- | --- | --- | ---:|
";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/audit-actions.md")
}

/// `cargo xtask openapi` picks its tests by `openapi_document` in the name, so it writes this file too.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "`cargo xtask openapi` says by this variable that it wants the file written"
)]
fn the_table_of_actions_of_the_guide_is_written_with_the_openapi_document() {
    let text = table();
    if std::env::var("UPDATE_OPENAPI").is_ok_and(|value| value == "1") {
        fs::write(path(), &text).unwrap();
    }

    let committed = fs::read_to_string(path()).unwrap_or_default();

    assert!(
        committed == text,
        "docs/src/audit-actions.md is old: run `cargo xtask openapi` and look at what changed"
    );
}

fn table() -> String {
    let rows = ActionCard::ALL.iter().map(|card| {
        let ActionCard {
            delivery,
            label,
            name,
            number,
            severity,
            ..
        } = card;
        let kept = delivery.as_str();
        format!("| {number} | `{name}` | {label} | {kept} | {severity} |\n")
    });
    std::iter::once(HEAD.to_owned()).chain(rows).collect()
}
