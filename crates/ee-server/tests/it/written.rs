//! Files of the guide that are written by the tests which check them.

use std::{fs, path::Path};

/// Fails the test unless a file of the guide holds this text. `cargo xtask openapi` has it written before.
#[expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and `cargo xtask openapi` says by this variable that it wants the file written"
)]
pub(crate) fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/src")
        .join(name);
    if std::env::var("UPDATE_OPENAPI").is_ok_and(|value| value == "1") {
        fs::write(&path, text).unwrap();
    }

    let committed = fs::read_to_string(&path).unwrap_or_default();

    assert!(
        committed == text,
        "docs/src/{name} is old: run `cargo xtask openapi` and look at what changed"
    );
}
