//! The table of audit actions in the guide is what the catalogue says.

use ee_core::ActionCard;

use crate::written;

const HEAD: &str = "\
<!-- Written by `cargo xtask openapi` from the catalogue of actions; do not edit. -->

| Number | Action | What happened | Kept | Matters |
| ---:| --- | --- | --- | ---:|
";

/// `cargo xtask openapi` picks its tests by `openapi_document` in the name, so it writes this file too.
#[test]
fn the_table_of_actions_of_the_guide_is_written_with_the_openapi_document() {
    written::check("audit-actions.md", &table());
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
