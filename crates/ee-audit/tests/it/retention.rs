//! What leaves the record, and what stays of it.

mod archives;
mod crashes;
mod erasing;
mod gates;
mod holding;
mod pruning;
mod store;
mod world;
