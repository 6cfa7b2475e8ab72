//! The server that connections are made to.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Config, Connection, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Error, OpenError, PgConfig, tls, url::Address};

/// A connection that has to be driven.
pub(crate) type Wire = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Where a database is and how one gets in.
pub(crate) struct Server {
    pub(crate) config: Config,
    connect_timeout: Duration,
    /// How long a call takes at most.
    pub(crate) patience: Duration,
    /// Names the database for people, without user and password.
    pub(crate) target: String,
    pub(crate) tls: MakeRustlsConnect,
}

impl Server {
    /// Reads the URL and prepares TLS.
    pub(crate) fn new(settings: &PgConfig) -> Result<Self, OpenError> {
        let address = Address::parse(settings)?;
        Ok(Self {
            connect_timeout: settings.connect_timeout,
            patience: settings.patience(),
            tls: tls::connector(&address)?,
            config: address.config,
            target: address.target,
        })
    }

    /// Connects outside of the pool. Whoever looks at the server's connections finds the purpose in the name.
    pub(crate) async fn connect(
        &self,
        operation: &'static str,
        purpose: &str,
    ) -> Result<(Client, Wire), Error> {
        let mut config = self.config.clone();
        let name = config.get_application_name().unwrap_or_default();
        config.application_name(format!("{name} ({purpose})"));
        let connected = Box::pin(config.connect(self.tls.clone()));
        timeout(self.connect_timeout, connected)
            .await
            .map_err(|_| Error::Timeout { operation })?
            .map_err(|err| Error::query(operation, err))
    }
}
