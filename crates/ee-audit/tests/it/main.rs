//! The audit record as its users see it.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers as well"
)]

mod cursor;
mod delivery;
mod export;
mod export_csv;
mod export_samples;
mod format;
mod format_cef;
mod integrity;
mod query_grammar;
mod query_hostile;
mod query_params;
mod query_samples;
mod redact;
mod retention;
mod sink;
mod spool;
mod spool_crash;
mod spool_damage;
mod spool_model;
