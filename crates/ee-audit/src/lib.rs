#![doc = include_str!("../README.md")]

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
