//! What can be said to commands that prove the record.

use std::path::PathBuf;

use clap::Subcommand;

use super::super::AdminArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Which log of the store [default: all]
    #[arg(long, conflicts_with_all = ["export", "spool"])]
    pub(crate) partition: Option<String>,
    /// Number of an event; the verification begins at the last good checkpoint before it [default: the first event]
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["export", "spool"], value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: Option<u64>,
    /// Verify a copy that `audit export` has written, instead of the store
    #[arg(long, value_name = "FILE", conflicts_with = "spool")]
    pub(crate) export: Option<PathBuf>,
    /// Verify events that wait on the disk of a server, instead of the store [default: the configured directory]
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["anchors", "keys"])]
    #[expect(clippy::option_option, reason = "a flag whose value may be left out")]
    pub(crate) spool: Option<Option<PathBuf>>,
    /// Checkpoints that were published elsewhere; can be repeated
    #[arg(long = "anchor", value_name = "FILE")]
    pub(crate) anchors: Vec<PathBuf>,
    /// Public keys that are trusted, one a line; can be repeated [default: those of this deployment]
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProofArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Which event: its id, or its number in the log
    pub(crate) event: String,
    /// Where the proof is written [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyProofArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// The proof
    pub(crate) file: PathBuf,
    /// Public keys that are trusted, one a line; can be repeated [default: those of this deployment]
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    #[command(subcommand)]
    pub(crate) command: Option<KeysOf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysOf {
    /// Make a key that signs, for a rotation
    Generate(GenerateArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Where it is written; nobody else can read it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}
