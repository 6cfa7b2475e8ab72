//! The commands that manage access, beside a server that runs or not.

mod access;
mod accounts;
mod chapter;
mod deployment;
mod keys;
mod noticed;
mod owners;
mod record;
mod recovery;
mod refused;
