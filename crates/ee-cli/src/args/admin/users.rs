//! What can be said about accounts.

use clap::Subcommand;
use ee::RoleId;

use super::{AdminArgs, Kind, Status};

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// List accounts
    List {
        #[command(flatten)]
        admin: AdminArgs,
        /// Part of id, name or e-mail address
        #[arg(long)]
        search: Option<String>,
        /// Of this kind
        #[arg(long)]
        kind: Option<Kind>,
        /// Of this status
        #[arg(long)]
        status: Option<Status>,
    },
    /// Show an account: its roles, groups, protection, sessions and keys
    Show {
        #[command(flatten)]
        admin: AdminArgs,
        /// Id or e-mail address
        user: String,
    },
    /// Create an account; a person without a password gets a link to set one, which is printed
    Create {
        #[command(flatten)]
        admin: AdminArgs,
        /// E-mail address; a person needs one
        #[arg(long)]
        email: Option<String>,
        /// Name for people
        #[arg(long)]
        name: String,
        /// A role that it has from the start; can be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<RoleId>,
        /// What it is
        #[arg(long, default_value = "person")]
        kind: Kind,
        /// Read the password from standard input, one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Close an account: its sessions and keys are over at once
    Disable {
        #[command(flatten)]
        admin: AdminArgs,
        /// Id or e-mail address
        user: String,
    },
    /// Open a closed account
    Enable {
        #[command(flatten)]
        admin: AdminArgs,
        /// Id or e-mail address
        user: String,
    },
    /// Delete an account with its roles, groups, keys and sessions
    Delete {
        #[command(flatten)]
        admin: AdminArgs,
        /// Id or e-mail address
        user: String,
        /// Say that it is meant: nothing brings it back
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Let a person in again: ends the sessions, lifts locks and prints a link to set a password
    ///
    /// Without a link or a password, when another change is asked for, the password stays.
    Recover {
        #[command(flatten)]
        admin: AdminArgs,
        /// Id or e-mail address
        user: String,
        /// Read the new password from standard input, one line
        #[arg(long, conflicts_with = "link")]
        password_stdin: bool,
        /// Print a link to set a password, good for half an hour
        #[arg(long)]
        link: bool,
        /// Take the second factor off
        #[arg(long)]
        remove_second_factor: bool,
        /// Open the account if it is closed
        #[arg(long)]
        enable: bool,
    },
    /// Print the link that creates the first owner, as long as there is none
    SetupLink {
        #[command(flatten)]
        admin: AdminArgs,
    },
}

impl UsersCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Create { admin, .. }
            | Self::Delete { admin, .. }
            | Self::Disable { admin, .. }
            | Self::Enable { admin, .. }
            | Self::List { admin, .. }
            | Self::Recover { admin, .. }
            | Self::SetupLink { admin, .. }
            | Self::Show { admin, .. } => admin,
        }
    }
}
