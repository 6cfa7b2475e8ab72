//! What somebody may do where roles and grants are kept in a store, beside an index and a query that are nothing else.
//!
//! The names are those of the rows in `src/access.rs`.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first error"
)]

mod grants;
mod index;
mod postgres;
mod roles;
mod sqlite;
mod world;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, roles::measure, sqlite::measure, postgres::measure);
criterion_main!(benches);
