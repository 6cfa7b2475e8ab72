//! The `mastra-ee` command: the one place that reads the environment and puts the parts together.

#![expect(clippy::print_stdout, reason = "a command talks to its user")]

mod accounts;
mod admin;
mod args;
mod audit;
mod bar;
mod commands;
mod config;
mod first_start;
mod logging;
mod migrate;
mod parts;
mod private_file;
mod serve;
mod sign_in;
mod store_copy;
mod stores;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command.unwrap_or(Command::Serve(args.serve)) {
        Command::Admin(command) => admin::run(&command),
        Command::Audit(command) => audit::command::run(&command),
        Command::Completions { shell } => {
            commands::completions(shell);
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(command) => commands::config(&command),
        Command::License(command) => commands::license(&command),
        Command::Migrate(command) => migrate::run(&command),
        Command::Permissions(command) => commands::permissions(&command),
        Command::Serve(serve) => serve::run(&serve).map(|()| ExitCode::SUCCESS),
        Command::Store(command) => store_copy::run(&command),
    };
    done.unwrap_or_else(|err| {
        terminal::error(&err);
        ExitCode::FAILURE
    })
}
