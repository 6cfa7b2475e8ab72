//! The record: what it is made of, what runs for it, and the commands that look at it.

mod changes;
mod clocks;
pub(crate) mod command;
mod daily;
mod followers;
pub(crate) mod open;
mod orphans;
mod retention;
pub(crate) mod service;
