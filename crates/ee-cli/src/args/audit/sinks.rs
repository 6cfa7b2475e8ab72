//! What can be said about the places that events are taken to.

use clap::Subcommand;
use ee::audit::sink::SinkName;

use super::super::AdminArgs;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SinksArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    #[command(subcommand)]
    pub(crate) command: Option<SinksOf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SinksOf {
    /// Send one event that is in no log
    Test(SinkArgs),
    /// Send events once more
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SinkArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Which sink
    #[arg(value_parser = name)]
    pub(crate) name: SinkName,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) sink: SinkArgs,
    /// Which log [default: the one of this deployment]
    #[arg(long, conflicts_with = "dead_letters")]
    pub(crate) partition: Option<String>,
    /// Number of the first event
    #[arg(long, value_name = "SEQ", required_unless_present = "dead_letters", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: Option<u64>,
    /// Number of the last event
    #[arg(long, value_name = "SEQ", required_unless_present = "dead_letters", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) to: Option<u64>,
    /// Those that the sink has refused
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) dead_letters: bool,
}

fn name(text: &str) -> Result<SinkName, String> {
    SinkName::new(text).map_err(|err| match err.issues() {
        [issue, ..] => format!("`{text}` {}", issue.message),
        [] => err.to_string(),
    })
}

impl SinksArgs {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match &self.command {
            None => &self.admin,
            Some(SinksOf::Replay(args)) => &args.sink.admin,
            Some(SinksOf::Test(args)) => &args.admin,
        }
    }
}
