//! What can be said about sessions.

use clap::Subcommand;

use super::AdminArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List sessions that are not over
    List {
        #[command(flatten)]
        admin: AdminArgs,
        /// Of this user, by id or e-mail address
        #[arg(long)]
        user: Option<String>,
    },
    /// End a session, or all of a user
    End {
        #[command(flatten)]
        admin: AdminArgs,
        #[command(flatten)]
        which: SessionsToEnd,
    },
}

/// Which sessions.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SessionsToEnd {
    /// Which session, as `sessions list` names it
    pub(crate) session: Option<String>,
    /// All of this user, by id or e-mail address
    #[arg(long)]
    pub(crate) user: Option<String>,
}

impl SessionsCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::End { admin, .. } | Self::List { admin, .. } => admin,
        }
    }
}
