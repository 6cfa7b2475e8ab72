//! Copies of whole stores, between databases of all kinds.

mod command;
mod databases;
mod fill;
mod fill_record;
mod interrupted;
mod parts;
mod refused;
mod round_trip;
mod tampered;
