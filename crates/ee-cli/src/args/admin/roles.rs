//! What can be said about roles.

use clap::Subcommand;
use ee::{PermissionPattern, RoleId};

use super::AdminArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum RolesCommand {
    /// List roles: those of the program, then those made here
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a role, what it permits with all that it inherits, and who has it
    Show {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which role
        role: RoleId,
    },
    /// Create a role, or replace one that was made here
    Put {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which role
        role: RoleId,
        /// What it permits by itself, such as `agents:read`; can be repeated
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<PermissionPattern>,
        /// A role whose permissions it has as well; can be repeated
        #[arg(long, value_name = "ROLE")]
        inherits: Vec<RoleId>,
        /// Name for people [default: its id]
        #[arg(long)]
        name: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete a role that was made here
    Delete {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which role
        role: RoleId,
    },
    /// Give somebody a role
    Assign {
        #[command(flatten)]
        admin: AdminArgs,
        /// Who, by id or e-mail address
        user: String,
        /// Which role
        role: RoleId,
    },
    /// Take a role from somebody
    Unassign {
        #[command(flatten)]
        admin: AdminArgs,
        /// Who, by id or e-mail address
        user: String,
        /// Which role
        role: RoleId,
    },
    /// Manage what the roles of identity providers stand for
    #[command(subcommand)]
    Mapping(MappingCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum MappingCommand {
    /// Show what the roles of identity providers stand for
    Show {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Say which roles a role of an identity provider stands for
    Set {
        #[command(flatten)]
        admin: AdminArgs,
        /// Role at the provider, such as `org:admin`
        provider_role: RoleId,
        /// Roles here
        #[arg(required = true, value_name = "ROLE")]
        roles: Vec<RoleId>,
    },
    /// Have a role of an identity provider stand for nothing
    Unset {
        #[command(flatten)]
        admin: AdminArgs,
        /// Role at the provider
        provider_role: RoleId,
    },
}

impl RolesCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Assign { admin, .. }
            | Self::Delete { admin, .. }
            | Self::List { admin, .. }
            | Self::Put { admin, .. }
            | Self::Show { admin, .. }
            | Self::Unassign { admin, .. } => admin,
            Self::Mapping(command) => command.admin(),
        }
    }
}

impl MappingCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Set { admin, .. } | Self::Show { admin, .. } | Self::Unset { admin, .. } => admin,
        }
    }
}
