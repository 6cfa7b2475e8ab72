//! `cargo xtask bench`: measures the product and writes the figures down.
//!
//! One table holds all of them: the checks of a request ([`checks`]), the server beside a bare axum
//! server in the same run ([`http`]), and the process ([`process`]). Whatever needs a process of its
//! own is this program under another command: [`bare`] serves, [`load`] asks.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command of the terminal"
)]

mod args;
mod bare;
mod checks;
mod document;
mod http;
mod load;
mod machine;
mod process;
mod product;
mod progress;
mod table;

use anyhow::Result;
use clap::Parser as _;

use crate::{
    args::{Args, Command, Part},
    machine::Machine,
    progress::Progress,
    table::Row,
};

fn main() -> Result<()> {
    let args = Args::parse();
    match &args.command {
        Some(Command::Bare(bare)) => bare::serve(bare),
        Some(Command::Load(load)) => load::run(load),
        None => measure(&args),
    }
}

fn measure(args: &Args) -> Result<()> {
    let machine = Machine::look()?;
    let mut progress = Progress::new();
    let mut rows: Vec<Row> = Vec::new();

    if args.wants(Part::Checks) {
        rows.extend(checks::measure(args.pace(), &mut progress)?);
    }
    if args.wants(Part::Http) || args.wants(Part::Process) {
        let binary = match &args.product {
            Some(binary) => binary.canonicalize()?,
            None => product::build()?,
        };
        if args.wants(Part::Http) {
            rows.extend(http::measure(
                &binary,
                &machine,
                args.pace(),
                &mut progress,
            )?);
        }
        if args.wants(Part::Process) {
            rows.extend(process::measure(&binary, args.pace(), &mut progress)?);
        }
    }
    progress.clear();

    let report = format!("{machine}\n\n{}", table::markdown(&rows));
    print!("{report}");
    if let Some(file) = &args.json {
        document::write_json(file, &machine, &rows)?;
    }
    if args.is_full() {
        document::write_page(&report)?;
    }
    Ok(())
}
