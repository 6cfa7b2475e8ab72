//! `cargo xtask bench`: measures the product and writes the figures down.
//!
//! The checks of a request ([`checks`]), roles and grants of a store ([`access`]), the record ([`audit`]), the server beside a bare axum
//! server and beside axum-login in the same run ([`http`]), sign-ins with passwords ([`sign_in`], [`refusals`]), and
//! the process ([`process`]). Whatever needs a process of its own is this program under another command, [`bare`]
//! that serves and [`load`] that asks, or a program of `benches/`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command of the terminal"
)]

mod access;
mod args;
mod audit;
mod bare;
mod checks;
mod client;
mod composed;
mod criteria;
mod document;
mod http;
mod load;
mod machine;
mod process;
mod processes;
mod programs;
mod progress;
mod refusals;
mod server;
mod sessions;
mod sign_in;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser as _;

use crate::{
    args::{Args, Command, Part},
    composed::Composed,
    machine::Machine,
    progress::Progress,
    table::Section,
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
    let sections = sections(args, &machine, &mut progress)?;
    progress.clear();

    let report = format!("{machine}\n\n{}", table::markdown(&sections));
    print!("{report}");
    if let Some(file) = &args.json {
        document::write_json(file, &machine, &sections)?;
    }
    if args.is_full() {
        document::write_page(&report)?;
    }
    Ok(())
}

fn sections(args: &Args, machine: &Machine, progress: &mut Progress) -> Result<Vec<Section>> {
    let pace = args.pace();
    let mut sections = Vec::new();
    if args.wants(Part::Checks) {
        sections.push(checks::measure(pace, progress)?);
    }
    if args.wants(Part::Access) {
        sections.extend(access::measure(pace, progress)?);
    }
    if args.wants(Part::Audit) {
        let composed = Composed::build()?;
        sections.extend(audit::measure(&composed, machine, pace, progress)?);
    }
    if args.wants(Part::Http) {
        let (binary, composed) = (binary(args)?, Composed::build()?);
        sections.extend(http::measure(&binary, &composed, machine, pace, progress)?);
    }
    if args.wants(Part::SignIn) {
        let composed = Composed::build()?;
        sections.push(sign_in::measure(&composed, pace, progress)?);
        sections.push(refusals::measure(&composed, pace, progress)?);
    }
    if args.wants(Part::Process) {
        sections.push(process::measure(&binary(args)?, pace, progress)?);
    }
    Ok(sections)
}

/// Returns where the product is.
fn binary(args: &Args) -> Result<PathBuf> {
    match &args.product {
        Some(binary) => Ok(binary.canonicalize()?),
        None => programs::product(),
    }
}
