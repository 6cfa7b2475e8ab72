//! Letters by SMTP (RFC 5321, RFC 8314).

use std::time::Duration;

use async_trait::async_trait;
use ee_core::{Error, ErrorKind};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::Mailer;
use crate::PasswordConfigError;

/// How long a mail server may take for one step.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A mail server that takes letters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SmtpConfig {
    /// Name of the server.
    pub host: String,
    /// Port; 465, 587 or 25 after the kind of encryption if it is not set.
    #[serde(default)]
    pub port: Option<u16>,
    /// When the encryption begins.
    #[serde(default)]
    pub tls: SmtpTls,
    /// Name to sign in with, if the server wants one.
    #[serde(default)]
    pub username: Option<String>,
    /// Password to sign in with.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Whom letters come from: an address, or a name with the address in angle brackets.
    pub from: String,
}

impl SmtpConfig {
    /// Describes a server that wants no password.
    pub fn new(host: impl Into<String>, from: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            tls: SmtpTls::Implicit,
            username: None,
            password: None,
            from: from.into(),
        }
    }
}

/// When the encryption begins.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SmtpTls {
    /// With the connection (port 465, RFC 8314 §3).
    #[default]
    Implicit,
    /// Never: for a server on this machine alone.
    Off,
    /// After a command, and nothing is said before that succeeds (port 587).
    Starttls,
}

/// Sends letters by SMTP. Certificates are checked as the system checks them.
#[derive(Debug)]
pub struct SmtpMailer {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl SmtpMailer {
    /// Checks the configuration; the server is asked when the first letter leaves.
    ///
    /// Fails without encryption to another machine, and with a user name without a password.
    pub fn new(config: SmtpConfig) -> Result<Self, PasswordConfigError> {
        let refused = |problem| PasswordConfigError::Smtp { problem };
        let from: Mailbox = config
            .from
            .parse()
            .map_err(|_| refused("`from` is no e-mail address"))?;
        let tls = |()| {
            let made = TlsParameters::new(config.host.clone());
            made.map_err(|_| refused("`host` is no name of a server"))
        };
        let (port, tls) = match config.tls {
            SmtpTls::Implicit => (465, Tls::Wrapper(tls(())?)),
            SmtpTls::Starttls => (587, Tls::Required(tls(())?)),
            SmtpTls::Off if is_this_machine(&config.host) => (25, Tls::None),
            SmtpTls::Off => return Err(refused("`tls` may be off for this machine alone")),
        };
        let hello = ClientId::Domain(from.email.domain().to_owned());
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
                .port(config.port.unwrap_or(port))
                .tls(tls)
                .hello_name(hello)
                .timeout(Some(TIMEOUT));
        builder = match (config.username, config.password) {
            (Some(user), Some(password)) => {
                let password = password.expose_secret().to_owned();
                builder.credentials(Credentials::new(user, password))
            }
            (None, None) => builder,
            _ => return Err(refused("`username` and `password` go together")),
        };
        Ok(Self {
            from,
            transport: builder.build(),
        })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Error> {
        let to = to
            .parse()
            .map_err(|_| Error::invalid_field("email", "must be an e-mail address"))?;
        let letter = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())
            .map_err(|err| {
                Error::new(ErrorKind::Internal, "cannot write a letter").with_source(err)
            })?;
        self.transport.send(letter).await.map_err(|err| {
            Error::new(ErrorKind::Unavailable, "the mail server takes no letter").with_source(err)
        })?;
        Ok(())
    }
}

fn is_this_machine(host: &str) -> bool {
    let address: Result<std::net::IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
