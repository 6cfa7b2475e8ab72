//! What can be said to the commands that manage access.

mod grants;
mod groups;
mod keys;
mod roles;
mod sessions;
mod users;
mod values;

use clap::Subcommand;
use ee::Permission;

pub(crate) use {
    grants::{GrantsCommand, GrantsOf},
    groups::GroupsCommand,
    keys::KeysCommand,
    roles::{MappingCommand, RolesCommand},
    sessions::{SessionsCommand, SessionsToEnd},
    users::UsersCommand,
    values::{Kind, Status, Thing},
};

use super::Settings;

/// What every command that manages access takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Commands that work on the store itself, beside a server that runs or not.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Say whether somebody may do something, and why; exits with 1 when not, with 2 when that cannot be told
    Explain(ExplainArgs),
    /// Manage what is granted on single things
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Manage groups and who is in them
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// Manage API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Manage roles and who has them
    #[command(subcommand)]
    Roles(RolesCommand),
    /// Look at who is signed in, and sign people out
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Manage accounts, and let people in again
    #[command(subcommand)]
    Users(UsersCommand),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Who, by id or e-mail address
    #[arg(long)]
    pub(crate) user: String,
    /// What, such as `agents:read`
    #[arg(long)]
    pub(crate) permission: Permission,
    /// With which thing, if with one
    #[arg(long)]
    pub(crate) id: Option<String>,
}

impl AdminCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Explain(explain) => &explain.admin,
            Self::Grants(command) => command.admin(),
            Self::Groups(command) => command.admin(),
            Self::Keys(command) => command.admin(),
            Self::Roles(command) => command.admin(),
            Self::Sessions(command) => command.admin(),
            Self::Users(command) => command.admin(),
        }
    }

    /// Tells whether a deployment may begin with it, before its store is there.
    pub(crate) const fn may_begin(&self) -> bool {
        matches!(
            self,
            Self::Users(UsersCommand::Create { .. } | UsersCommand::SetupLink { .. })
        )
    }
}
