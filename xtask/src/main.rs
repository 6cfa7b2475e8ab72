//! Checks, tests, benches: `cargo xtask help`.
//!
//! `cargo xtask test` passes or fails a change as a whole; every step of it
//! is a command of its own. The steps are one table, [`commands::STEPS`].

#![expect(
    clippy::print_stdout,
    reason = "a command-line tool talks through standard output"
)]

mod cargo_steps;
mod clients;
mod commands;
mod deps;
mod install;
mod nightly;
mod process;
mod server;
mod spec;
mod step;
mod terminal;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match commands::dispatch(&args) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{}: {failure}", terminal::red("error"));
            ExitCode::FAILURE
        }
    }
}
