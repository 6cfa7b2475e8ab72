//! What can be said on the command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

/// Measures the product and writes the figures to docs/src/performance.md.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Write the figures as JSON too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Measure one part; the page is left as it is
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    /// Measure this binary in place of one that is built for it; the page is left as it is
    #[arg(long, value_name = "FILE")]
    pub(crate) product: Option<PathBuf>,
    /// Take less time and more noise; the page is left as it is
    #[arg(long)]
    quick: bool,
}

/// A part of the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Part {
    /// Roles and grants of a store
    Access,
    /// The audit record: taking, finding, copying, verifying
    Audit,
    /// Permission, licence, session
    Checks,
    /// Requests beside a bare axum server and beside axum-login
    Http,
    /// Start, memory, size
    Process,
    /// Passwords: how many sign-ins, and what the time of a refusal tells
    SignIn,
}

/// How long things are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Of each check.
    pub(crate) check: Duration,
    /// Whether little is enough.
    pub(crate) is_quick: bool,
    /// Rounds through all requests.
    pub(crate) rounds: usize,
    /// Of each request in each round, and of sign-ins in each of theirs.
    pub(crate) load: Duration,
    /// Refused sign-ins of each kind.
    pub(crate) refusals: usize,
    /// Sessions that are alive at once.
    pub(crate) sessions: usize,
    /// How often the server is started.
    pub(crate) starts: usize,
}

impl Args {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// Tells whether the figures are good enough to be written down.
    pub(crate) fn is_full(&self) -> bool {
        self.only.is_none() && self.product.is_none() && !self.quick
    }

    pub(crate) fn pace(&self) -> Pace {
        if self.quick {
            Pace {
                check: Duration::from_millis(300),
                is_quick: true,
                rounds: 3,
                load: Duration::from_millis(500),
                refusals: 40,
                sessions: 10_000,
                starts: 5,
            }
        } else {
            Pace {
                check: Duration::from_secs(2),
                is_quick: false,
                rounds: 9,
                load: Duration::from_millis(1_500),
                refusals: 2_000,
                sessions: 100_000,
                starts: 20,
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(hide = true)]
    Bare(Bare),
    #[command(hide = true)]
    Load(Load),
}

/// Serves files, each under its own name, and prints its address as JSON.
#[derive(Debug, clap::Args)]
pub(crate) struct Bare {
    pub(crate) files: Vec<PathBuf>,
}

/// Sends one request again and again and prints what came of it as JSON.
#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    /// Bytes that the body of every answer must have: who is not known any more gets another one.
    #[arg(long)]
    pub(crate) body: usize,
    /// A line of the head beside `Host`.
    #[arg(long)]
    pub(crate) header: Option<String>,
    #[arg(long)]
    pub(crate) millis: u64,
    /// The process that answers.
    #[arg(long)]
    pub(crate) server: u32,
}
