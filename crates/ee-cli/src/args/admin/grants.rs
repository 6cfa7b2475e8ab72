//! What can be said about grants.

use clap::Subcommand;
use ee::{GroupId, RoleId};
use jiff::SignedDuration;

use super::{AdminArgs, Thing, values::duration};

#[derive(Debug, Subcommand)]
pub(crate) enum GrantsCommand {
    /// List the grants to somebody, or on a thing
    List {
        #[command(flatten)]
        admin: AdminArgs,
        #[command(flatten)]
        of: GrantsOf,
    },
    /// Permit something with one thing, or forbid it
    Add {
        #[command(flatten)]
        admin: AdminArgs,
        /// Who: `user:ID`, `user:EMAIL`, `role:ID` or `group:ID`
        subject: String,
        /// With which thing: `TYPE:ID`, such as `agents:writer`
        #[arg(value_name = "TYPE:ID")]
        resource: Thing,
        /// What, such as `read`; `*` is everything
        #[arg(required = true, value_name = "ACTION")]
        actions: Vec<String>,
        /// Forbid it, whatever else permits it
        #[arg(long)]
        deny: bool,
        /// When it ends, such as `7d`
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires_in: Option<SignedDuration>,
    },
    /// Take a grant back
    Remove {
        #[command(flatten)]
        admin: AdminArgs,
        /// Whose: `user:ID`, `user:EMAIL`, `role:ID` or `group:ID`
        subject: String,
        /// On which thing: `TYPE:ID`
        #[arg(value_name = "TYPE:ID")]
        resource: Thing,
        /// Which actions; all when none is named
        #[arg(value_name = "ACTION")]
        actions: Vec<String>,
        /// What forbids, instead of what permits
        #[arg(long)]
        deny: bool,
    },
}

/// Whose grants, or on what.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct GrantsOf {
    /// To this user, by id or e-mail address
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// To whoever has this role
    #[arg(long)]
    pub(crate) role: Option<RoleId>,
    /// To whoever is in this group
    #[arg(long)]
    pub(crate) group: Option<GroupId>,
    /// On this thing
    #[arg(long, value_name = "TYPE:ID")]
    pub(crate) resource: Option<Thing>,
}

impl GrantsCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Add { admin, .. } | Self::List { admin, .. } | Self::Remove { admin, .. } => {
                admin
            }
        }
    }
}
