//! The audit record: who did what, kept so that nothing is lost and nothing can be changed unseen (phase 5).

pub mod delivery;
mod durable;
pub mod export;
pub mod format;
pub mod integrity;
pub mod policy;
pub mod query;
pub mod redact;
pub mod retention;
pub mod sink;
pub mod spool;
