use std::{fmt, time::Duration};

use secrecy::SecretString;

/// Which database is the store, and how it is used.
///
/// ```
/// use std::time::Duration;
///
/// let mut config = ee_store_pg::PgConfig::new("postgresql://ee:secret@db.example.com/ee?sslmode=verify-full");
/// config.statement_timeout = Duration::from_secs(5);
///
/// assert!(!format!("{config:?}").contains("secret"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct PgConfig {
    /// How long a call waits for a connection, a new one included, before it fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable). 1.5 seconds.
    pub connect_timeout: Duration,
    /// Connections of the pool. 16; at least one is used. One more listens for changes.
    pub pool_size: usize,
    /// How long the server works on one statement before the call fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable). 1.5 seconds. Migrations have no limit.
    pub statement_timeout: Duration,
    /// Where the database is, as a `postgresql://` URL; it may hold a password.
    pub url: SecretString,
}

impl PgConfig {
    /// Names the database and leaves the rest at the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            connect_timeout: Duration::from_millis(1_500),
            pool_size: 16,
            statement_timeout: Duration::from_millis(1_500),
            url: url.into().into(),
        }
    }

    /// How long a whole call takes at most, whatever the server and the network do.
    pub(crate) fn patience(&self) -> Duration {
        self.connect_timeout.max(self.statement_timeout) + Duration::from_millis(300)
    }
}

impl fmt::Debug for PgConfig {
    /// Leaves the URL out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgConfig")
            .field("connect_timeout", &self.connect_timeout)
            .field("pool_size", &self.pool_size)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}
