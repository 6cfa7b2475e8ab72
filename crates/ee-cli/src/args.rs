//! What can be said on the command line.

mod admin;
mod audit;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use ee::{Permission, RoleId};

pub(crate) use admin::{
    AdminArgs, AdminCommand, ExplainArgs, GrantsCommand, GrantsOf, GroupsCommand, KeysCommand,
    Kind, MappingCommand, RolesCommand, SessionsCommand, SessionsToEnd, Thing, UsersCommand,
};
pub(crate) use audit::{
    ArchiveArgs, AuditCommand, EraseArgs, ExportArgs, ExportTo, GenerateArgs, HoldCommand,
    KeysArgs, KeysOf, Order, PinsCommand, ProofArgs, PruneArgs, QueryArgs, ReplayArgs, ShowArgs,
    SinksArgs, SinksOf, StatsArgs, TailArgs, VerifyArgs, VerifyProofArgs, Wanted,
};

/// Enterprise access for servers of AI agents.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(
    name = "mastra-ee",
    version,
    args_conflicts_with_subcommands = true,
    next_display_order = None
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Settings,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Admin(AdminCommand),
    /// Look at the record of who did what, prove it and keep it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at the licence
    #[command(subcommand)]
    License(LicenseCommand),
    /// Look at the schema of the store, or bring it up to date
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Look at roles and permissions
    #[command(subcommand)]
    Permissions(PermissionsCommand),
    /// Start the server
    Serve(Settings),
    /// Move what is kept from one store to another
    #[command(subcommand)]
    Store(StoreCommand),
}

/// What a flag, a variable of the environment or the file can set. A flag wins over a variable, a variable over the file.
///
/// The variables are read where the file is: Clap would take an empty one for a value.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Settings {
    /// Configuration file [default: mastra-ee.toml in the data directory, if it is there] [env: `MASTRA_EE_CONFIG`]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory for everything that is kept [default: ./mastra-ee-data] [env: `MASTRA_EE_DATA`]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:4111] [env: `MASTRA_EE_LISTEN`]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where things are kept: `sqlite:PATH`, `postgres://…`, `libsql://…` or `memory:` [default: a file in the data directory] [env: `MASTRA_EE_STORE`]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the server would start with this configuration
    Check(Settings),
    /// Print the configuration in effect, without secrets
    Print {
        #[command(flatten)]
        settings: Settings,
        /// Print JSON instead of TOML
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LicenseCommand {
    /// Say what the licence covers; exits with 1 when it does not hold
    Inspect {
        #[command(flatten)]
        settings: Settings,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Say which schema the store has; exits with 1 when it is not the newest one
    Status {
        #[command(flatten)]
        settings: Settings,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring the schema up to date, as `serve` does at its start
    Up(Settings),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionsCommand {
    /// Say whether a role permits something and by which grant; exits with 1 when it does not
    Explain {
        #[command(flatten)]
        settings: Settings,
        /// Which role
        #[arg(long)]
        role: RoleId,
        /// What, such as `agents:read` or `agents:read:my-agent`
        #[arg(long)]
        permission: Permission,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy everything to an empty store and compare the two; exits with 1 when they differ
    ///
    /// Stop the server first. A copy that was interrupted goes on where it stopped when it is called again.
    Copy {
        /// The store that there is: `sqlite:PATH`, `postgres://…` or `libsql://…`
        #[arg(long, value_name = "URL")]
        from: String,
        /// The empty store that becomes the same
        #[arg(long, value_name = "URL")]
        to: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
