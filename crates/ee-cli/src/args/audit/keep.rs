//! What can be said to commands that remove events, or keep them from being removed.

use clap::Subcommand;

use super::super::AdminArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Begin a hold
    Create(HoldArgs),
    /// List the holds
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End a hold
    Release {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which hold
        id: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// What it is called
    pub(crate) id: String,
    /// What must stay, in the grammar of searches
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) filter: String,
    /// Why
    #[arg(long)]
    pub(crate) reason: String,
    /// Who says so
    #[arg(long)]
    pub(crate) owner: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Whose data, by the id of the user
    #[arg(long, value_name = "ID")]
    pub(crate) user: String,
    /// An e-mail address of the person; can be repeated
    #[arg(long = "email")]
    pub(crate) emails: Vec<String>,
    /// Say what would be erased, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Yes, what is erased does not come back
    #[arg(long, required_unless_present = "dry_run")]
    pub(crate) yes: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ArchiveArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Number of the first event [default: the first one]
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: Option<u64>,
    /// Number of the last event [default: the last one that is signed]
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) to: Option<u64>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PinsCommand {
    /// Go on from what is in the store, once you know why it is not what was seen here; that is recorded
    Forget {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which log [default: the one of this deployment]
        #[arg(long)]
        partition: Option<String>,
        /// Yes, what was cut off is not noticed any more
        #[arg(long, required = true)]
        yes: bool,
    },
}

impl HoldCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Create(args) => &args.admin,
            Self::List { admin } | Self::Release { admin, .. } => admin,
        }
    }
}

impl PinsCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        let Self::Forget { admin, .. } = self;
        admin
    }
}
