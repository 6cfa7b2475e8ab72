//! The binary as one process and as several, with what is done to it and to its database.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking and prints what it has measured"
)]

mod accounts;
mod audit_again;
mod audit_cli;
mod audit_disk;
mod audit_hanging;
mod audit_kills;
mod audit_outage;
mod audit_power;
mod audit_strict;
mod audit_tampering;
mod audit_writers;
mod changes;
mod crash;
mod effects;
mod kills;
mod lossy_disk;
mod one_file;
mod outage;
mod secrets;
mod starts;
mod two_servers;
