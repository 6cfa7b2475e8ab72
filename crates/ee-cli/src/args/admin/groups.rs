//! What can be said about groups.

use clap::Subcommand;
use ee::GroupId;

use super::AdminArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum GroupsCommand {
    /// List groups
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Create a group
    Create {
        #[command(flatten)]
        admin: AdminArgs,
        /// What it is named by
        group: GroupId,
        /// Name for people [default: its id]
        #[arg(long)]
        name: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete a group, with what is granted to it
    Delete {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which group
        group: GroupId,
    },
    /// Put somebody into a group
    Add {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which group
        group: GroupId,
        /// Who, by id or e-mail address
        user: String,
    },
    /// Take somebody out of a group
    Remove {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which group
        group: GroupId,
        /// Who, by id or e-mail address
        user: String,
    },
    /// List who is in a group
    Members {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which group
        group: GroupId,
    },
}

impl GroupsCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Add { admin, .. }
            | Self::Create { admin, .. }
            | Self::Delete { admin, .. }
            | Self::List { admin, .. }
            | Self::Members { admin, .. }
            | Self::Remove { admin, .. } => admin,
        }
    }
}
