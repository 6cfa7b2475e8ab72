//! The server put together as `mastra-ee` does it, with parts that can be left out, and what is measured beside it.
//!
//! `src/composed.rs` starts these commands.

#![expect(clippy::print_stdout, reason = "whoever starts a command reads it")]

mod clock;
mod hash;
mod people;
mod postgres;
mod reads;
mod record;
mod serve;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// What Cargo says to every benchmark
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hashes passwords on every core and prints how many in a second
    Hash(hash::Args),
    /// Starts a PostgreSQL server, prints the URLs of databases in it, and ends with standard input
    Postgres(postgres::Args),
    /// Prints where it listens and how somebody is signed in, and serves until it is killed
    Serve(serve::Args),
}

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Hash(args) => hash::run(&args),
        Command::Postgres(args) => postgres::run(&args),
        Command::Serve(args) => serve::run(&args),
    }
}
