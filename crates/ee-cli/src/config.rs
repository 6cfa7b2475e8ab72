//! The configuration: one TOML file, the environment and flags.

mod audit;
mod effective;
mod load;
mod problem;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ee::{
    Role, RoleMapping,
    agent_host::ModelsConfig,
    auth_password::{PasswordConfig, SmtpConfig},
    auth_simple::SimpleConfig,
};
use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

pub(crate) use audit::{AuditConfig, KeySource, anchor_name};
pub(crate) use load::{Loaded, load, store_url, variable};

/// The configuration file. Every name is optional and unknown ones are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) audit: AuditConfig,
    pub(crate) auth: AuthKind,
    pub(crate) cross_origin: Vec<String>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) environment: Environment,
    pub(crate) license: LicenseConfig,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) mail: Option<SmtpConfig>,
    pub(crate) models: ModelsConfig,
    pub(crate) password: Option<PasswordConfig>,
    pub(crate) public_url: Option<String>,
    pub(crate) rbac: RbacConfig,
    pub(crate) sessions: SessionsConfig,
    pub(crate) simple: Option<SimpleConfig>,
    pub(crate) store: Option<String>,
    pub(crate) trusted_proxies: Vec<IpNet>,
}

/// How people sign in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthKind {
    /// They do not: everybody may do everything.
    None,
    /// With an address and a password.
    Password,
    /// With tokens of the configuration, or with two that the first start makes.
    #[default]
    Simple,
}

impl AuthKind {
    /// Returns what the configuration calls it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password => "password",
            Self::Simple => "simple",
        }
    }
}

/// Where the server stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Environment {
    /// On somebody's desk.
    #[default]
    Development,
    /// Where it counts.
    Production,
}

/// Where the licence key is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LicenseConfig {
    /// The key itself; the variable `MASTRA_EE_LICENSE` wins.
    pub(crate) key: Option<SecretString>,
}

/// Lines for people or for programs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people on a terminal, else JSON.
    #[default]
    Auto,
    /// JSON, one object a line.
    Json,
    /// For people.
    Pretty,
}

/// Which roles there are. The default roles when nothing is said.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RbacConfig {
    /// Permissions of the roles that the provider asserts; `_default` for those not named.
    pub(crate) mapping: Option<RoleMapping>,
    /// Roles that are defined here.
    pub(crate) roles: Option<Vec<Role>>,
}

/// How browsers stay signed in.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SessionsConfig {
    /// Longest time of a session in hours.
    pub(crate) absolute_hours: u32,
    /// Secrets of sealed cookies, the newest first; each of 32 bytes at least.
    pub(crate) cookie_secrets: Vec<SecretString>,
    /// Longest time without a request in minutes.
    pub(crate) idle_minutes: u32,
    /// Where sessions are kept.
    pub(crate) kind: SessionKind,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            absolute_hours: 12,
            cookie_secrets: Vec::new(),
            idle_minutes: 60,
            kind: SessionKind::default(),
        }
    }
}

impl SessionsConfig {
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_mins(self.idle_minutes.into())
    }

    pub(crate) fn absolute(&self) -> Duration {
        Duration::from_hours(self.absolute_hours.into())
    }
}

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SessionKind {
    /// In the browser, sealed.
    Cookie,
    /// In the memory of the process: everybody signs in again after a restart.
    Memory,
    /// In the store.
    #[default]
    Store,
}

/// Where everything else is kept.
#[derive(Clone, Debug)]
pub(crate) enum StoreUrl {
    /// On a libSQL server. The address may hold a token.
    LibSql(SecretString),
    /// In the memory of the process.
    Memory,
    /// On a PostgreSQL server. The address may hold a password.
    Postgres(SecretString),
    /// In one file.
    Sqlite(PathBuf),
}

impl std::fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LibSql(url) | Self::Postgres(url) => {
                f.write_str(&without_secrets(url.expose_secret()))
            }
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

/// Leaves out of an address what may be a secret: user and password, and the query.
pub(crate) fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", ""));
    // A password may hold a slash or another `@`.
    let (secret, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    // Nobody can tell whether that `@` ends a password or stands in the query.
    if secret.contains(['?', '#']) {
        return format!("{scheme}://…");
    }
    let place = place.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_store_is_shown_without_its_secrets() {
        for (url, shown) in [
            (
                "postgres://ee:s3cret@db/ee?sslmode=require",
                "postgres://db/ee",
            ),
            ("postgres://ee:s3/cr@t@db:5432/ee", "postgres://db:5432/ee"),
            (
                "libsql://db.example.com?authToken=s3cret",
                "libsql://db.example.com",
            ),
            ("postgres://ee:s3?cret@db/ee", "postgres://…"),
            ("postgres://db/ee?password=s3@cret", "postgres://…"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
