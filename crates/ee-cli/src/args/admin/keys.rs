//! What can be said about API keys.

use clap::Subcommand;
use ee::{KeyId, PermissionPattern};
use jiff::SignedDuration;

use super::{AdminArgs, values::duration};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List keys
    List {
        #[command(flatten)]
        admin: AdminArgs,
        /// Of this user, by id or e-mail address
        #[arg(long)]
        user: Option<String>,
    },
    /// Create a key; its secret is printed this once
    Create {
        #[command(flatten)]
        admin: AdminArgs,
        /// Whose it is, by id or e-mail address
        #[arg(long)]
        user: String,
        /// Name for people
        #[arg(long)]
        name: String,
        /// What it may do of what its owner may do, such as `agents:read`; can be repeated
        #[arg(long = "scope", required = true, value_name = "PERMISSION")]
        scopes: Vec<PermissionPattern>,
        /// When it ends, such as `30d` [default: 90d]
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires_in: Option<SignedDuration>,
        /// From where it may be used, such as `10.0.0.0/8`; can be repeated [default: anywhere]
        #[arg(long = "address", value_name = "NETWORK")]
        addresses: Vec<String>,
        /// For whom it may act, by id or e-mail address; can be repeated
        #[arg(long, value_name = "USER")]
        may_act_for: Vec<String>,
    },
    /// Give a key a new secret, which is printed this once
    Rotate {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which key
        key: KeyId,
        /// How long the old secret stays good, such as `1h` [default: not at all]
        #[arg(long, value_name = "TIME", value_parser = duration)]
        overlap: Option<SignedDuration>,
    },
    /// Delete a key: it is refused from now on
    Delete {
        #[command(flatten)]
        admin: AdminArgs,
        /// Which key
        key: KeyId,
    },
}

impl KeysCommand {
    /// Returns what every command takes.
    pub(crate) const fn admin(&self) -> &AdminArgs {
        match self {
            Self::Create { admin, .. }
            | Self::Delete { admin, .. }
            | Self::List { admin, .. }
            | Self::Rotate { admin, .. } => admin,
        }
    }
}
