//! The binary from outside: what it says, what it refuses, what it keeps.

mod commands;
mod config;
mod restart;
mod running;
mod serve;
