//! The URL of a database.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret as _;
use tokio_postgres::config::{Config, Host, SslMode};

use crate::{OpenError, PgConfig};

/// How much the server has to prove before it learns anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    /// Nothing.
    None,
    /// That a known authority signed its certificate.
    Authority,
    /// That, and that the certificate is for its name.
    Name,
}

/// What a URL says.
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) proof: Proof,
    /// File with the authorities, or those of the system.
    pub(crate) roots: Option<PathBuf>,
    /// Names the database for people, without user and password.
    pub(crate) target: String,
}

impl Address {
    /// Reads the URL. Fails with [`OpenError::Url`], which holds nothing of it.
    pub(crate) fn parse(settings: &PgConfig) -> Result<Self, OpenError> {
        let url = settings.url.expose_secret();
        if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
            return Err(OpenError::Url {
                reason: "it does not begin with `postgresql://`",
            });
        }
        let (rest, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = "prefer";
        let mut roots = None;
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", "system")) => roots = None,
                Some(("sslrootcert", value)) => {
                    let path = percent_decode_str(value).decode_utf8_lossy();
                    roots = Some(PathBuf::from(path.as_ref()));
                }
                _ => others.push(pair),
            }
        }
        let url = format!("{rest}?{}", others.join("&"));
        let mut config: Config = url.parse().map_err(|_| OpenError::Url {
            reason: "it cannot be read, or has a parameter that is not known",
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(OpenError::Url {
                reason: "it names no host",
            });
        }
        let (mode, proof) = match (mode, &roots) {
            ("disable", _) => (SslMode::Disable, Proof::None),
            ("prefer", _) => (SslMode::Prefer, Proof::None),
            ("require", None) => (SslMode::Require, Proof::None),
            ("require" | "verify-ca", _) => (SslMode::Require, Proof::Authority),
            ("verify-full", _) => (SslMode::Require, Proof::Name),
            _ => {
                return Err(OpenError::Url {
                    reason: "`sslmode` is not one of `disable`, `prefer`, `require`, `verify-ca` \
                        and `verify-full`",
                });
            }
        };
        // Nobody but the system is on the line of a socket.
        let is_local = config
            .get_hosts()
            .iter()
            .all(|host| matches!(host, Host::Unix(_)));
        let is_local = is_local && config.get_hostaddrs().is_empty();
        config.ssl_mode(if is_local { SslMode::Disable } else { mode });
        complete(&mut config, settings);
        let target = target(&config);
        Ok(Self {
            config,
            proof: if is_local { Proof::None } else { proof },
            roots,
            target,
        })
    }
}

/// Sets what every connection of ours needs. What the URL says of it itself counts more.
fn complete(config: &mut Config, settings: &PgConfig) {
    // 0 would mean no limit.
    let millis = settings.statement_timeout.as_millis().max(1);
    // A process that went away in the middle holds its locks no longer than this.
    let idle = settings.patience().as_millis();
    let mut options = format!(
        "-c statement_timeout={millis} -c idle_in_transaction_session_timeout={idle} \
         -c default_transaction_isolation=read\\ committed"
    );
    if let Some(own) = config.get_options() {
        let _ = write!(options, " {own}");
    }
    config.options(options);
    config.connect_timeout(settings.connect_timeout);
    if config.get_application_name().is_none() {
        config.application_name("mastra-ee");
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(5));
    }
    if config.get_keepalives_interval().is_none() {
        config
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(3))
            .keepalives_retries(3);
    }
}

fn target(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
    let mut names: Vec<String> = hosts.collect();
    if names.is_empty() {
        names.extend(addresses);
    }
    let ports = config.get_ports();
    for (index, name) in names.iter_mut().enumerate() {
        if let Some(port) = ports.get(index).or_else(|| ports.first()) {
            let _ = write!(name, ":{port}");
        }
    }
    let database = config.get_dbname().or_else(|| config.get_user());
    format!("{}/{}", names.join(","), database.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, OpenError> {
        Address::parse(&PgConfig::new(url))
    }

    #[test]
    fn the_mode_decides_what_the_server_has_to_prove() {
        for (query, mode, proof) in [
            ("", SslMode::Prefer, Proof::None),
            ("?sslmode=disable", SslMode::Disable, Proof::None),
            ("?sslmode=require", SslMode::Require, Proof::None),
            (
                "?sslmode=require&sslrootcert=/ca.pem",
                SslMode::Require,
                Proof::Authority,
            ),
            ("?sslmode=verify-ca", SslMode::Require, Proof::Authority),
            (
                "?connect_timeout=3&sslmode=verify-full",
                SslMode::Require,
                Proof::Name,
            ),
        ] {
            let address = parse(&format!("postgres://u:p@db.example.com/ee{query}")).unwrap();

            assert_eq!(
                (address.config.get_ssl_mode(), address.proof),
                (mode, proof),
                "{query}"
            );
        }
    }

    #[test]
    fn a_socket_has_no_tls() {
        let address = parse("postgresql://u@%2Frun%2Fpg:5433/ee?sslmode=verify-full").unwrap();

        assert_eq!(address.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(address.proof, Proof::None);
        assert_eq!(address.target, "/run/pg:5433/ee");
    }

    #[test]
    fn the_file_with_the_authorities_may_have_any_name() {
        let address =
            parse("postgres://h/d?sslmode=verify-full&sslrootcert=/etc/my%20ca.pem").unwrap();

        assert_eq!(address.roots.unwrap(), PathBuf::from("/etc/my ca.pem"));
    }

    #[test]
    fn a_wrong_url_is_refused_and_not_shown() {
        for (url, word) in [
            ("mysql://anna:hunter2@h/d", "postgresql://"),
            ("host=h password=hunter2", "postgresql://"),
            ("postgresql://anna:hunter2@h:port/d", "read"),
            ("postgresql://anna@h/d?password=a&hunter2=1", "read"),
            ("postgresql://anna:hunter2@/d", "host"),
            ("postgresql://anna:hunter2@h/d?sslmode=hunter2", "sslmode"),
        ] {
            let error = parse(url).err().unwrap();

            assert!(error.to_string().contains(word), "{url}: {error}");
            assert!(
                !format!("{error:?} {error}").contains("hunter2"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn the_name_of_a_database_holds_neither_user_nor_password() {
        for (url, target) in [
            ("postgres://anna:hunter2@h/ee", "h:5432/ee"),
            ("postgres://anna:hunter2@h:1,i:2/ee", "h:1,i:2/ee"),
            ("postgres://anna:hunter2@[::1]:5/ee", "::1:5/ee"),
        ] {
            assert_eq!(parse(url).unwrap().target, target);
        }
    }

    #[test]
    fn what_the_url_sets_itself_counts_more() {
        let address = parse("postgres://h/d?application_name=mine&options=-c%20jit=off").unwrap();

        assert_eq!(address.config.get_application_name(), Some("mine"));
        let options = address.config.get_options().unwrap();
        assert!(options.starts_with("-c statement_timeout=1500 "));
        assert!(options.ends_with(" -c jit=off"));
    }
}
