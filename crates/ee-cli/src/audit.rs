//! The record: what it is made of, what runs for it, and the commands that look at it.

mod changes;
pub(crate) mod command;
mod followers;
pub(crate) mod open;
mod orphans;
pub(crate) mod service;
