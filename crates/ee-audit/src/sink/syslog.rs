//! Syslog (RFC 5424) over TLS (RFC 5425), and without it on this machine.

mod message;
mod transport;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use ee_core::{Error, storage::AuditEntry};
use rustls::ClientConfig;
use serde::Deserialize;
use url::Url;

use self::message::Header;
use super::{AuditSink, DeliveryError, EventFormat, endpoint, tls};
use crate::format::Product;

/// Where messages are sent to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SyslogConfig {
    /// The address, such as `tls://siem.example.com:6514`. `tcp://` and `udp://` only on this machine.
    pub url: String,
    /// What the sender is called in messages. `mastra-ee`.
    #[serde(default = "app_name")]
    pub app_name: String,
    /// Facility number of RFC 5424. 13, which is that of audits.
    #[serde(default = "facility")]
    pub facility: u8,
    /// How events are written in the text of messages. As we have them.
    #[serde(default)]
    pub format: EventFormat,
    /// What this machine is called in messages. Nothing is said.
    #[serde(default)]
    pub host_name: Option<String>,
    /// File with the certificates (PEM) that the receiver's is signed by. Those of the system.
    #[serde(default)]
    pub roots: Option<PathBuf>,
}

fn app_name() -> String {
    "mastra-ee".to_owned()
}

const fn facility() -> u8 {
    13
}

/// How messages travel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Transport {
    Tcp,
    Tls,
    Udp,
}

impl SyslogConfig {
    /// Names the address and leaves the rest at the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            app_name: app_name(),
            facility: facility(),
            format: EventFormat::default(),
            host_name: None,
            roots: None,
        }
    }

    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the name of the field that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        self.target()?;
        let invalid = |field: &str, message: &str| Err(Error::invalid_field(field, message));
        let is_plain = |text: &str, most| {
            !text.is_empty() && text.len() <= most && text.bytes().all(|it| it.is_ascii_graphic())
        };
        if !is_plain(&self.app_name, 48) {
            return invalid("app_name", "is not 1 to 48 visible characters of ASCII");
        }
        if self.host_name.as_ref().is_some_and(|it| !is_plain(it, 255)) {
            return invalid("host_name", "is not 1 to 255 visible characters of ASCII");
        }
        if self.facility > 23 {
            return invalid("facility", "is more than 23");
        }
        Ok(())
    }

    fn target(&self) -> Result<(Transport, Url), Error> {
        let url = endpoint::parse("url", &self.url)?;
        let transport = match url.scheme() {
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            "udp" => Transport::Udp,
            _ => {
                return Err(Error::invalid_field(
                    "url",
                    "is none of `tls`, `tcp` and `udp`",
                ));
            }
        };
        if transport != Transport::Tls && !endpoint::is_loopback(&url) {
            let message = "is without TLS to another machine: use `tls`";
            return Err(Error::invalid_field("url", message));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(Error::invalid_field(
                "url",
                "has more than a host and a port",
            ));
        }
        Ok((transport, url))
    }
}

/// Sends each event as one message.
///
/// Over TLS and TCP each batch has a connection of its own, and is taken when the receiver has answered its end
/// (`close_notify`, RFC 5425 §4.4): nothing in syslog itself says that a message was read. Over UDP nothing says it at
/// all.
pub struct SyslogSink {
    format: EventFormat,
    header: Header,
    product: Product,
    url: Url,
    way: Way,
}

/// How messages travel, and what is needed for it.
enum Way {
    Tcp,
    Tls(Arc<ClientConfig>),
    Udp,
}

impl SyslogSink {
    /// Prepares it. Fails for a wrong field, or when the file of certificates cannot be read.
    pub fn new(config: SyslogConfig, product: Product) -> Result<Self, Error> {
        config.check()?;
        let (transport, url) = config.target()?;
        let way = match transport {
            Transport::Tcp => Way::Tcp,
            Transport::Tls => Way::Tls(tls::client_config(config.roots.as_deref())?),
            Transport::Udp => Way::Udp,
        };
        Ok(Self {
            format: config.format,
            header: Header {
                app_name: config.app_name,
                facility: config.facility,
                host_name: config.host_name,
                software: product.name.clone(),
                version: product.version.clone(),
            },
            product,
            url,
            way,
        })
    }

    fn message(&self, entry: &AuditEntry) -> Vec<u8> {
        self.header
            .message(entry, &self.format.line(entry, &self.product))
    }
}

#[async_trait]
impl AuditSink for SyslogSink {
    fn kind(&self) -> &'static str {
        "syslog"
    }

    async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        let messages = batch.iter().map(|entry| self.message(entry));
        match &self.way {
            Way::Tcp => transport::tcp(&self.url, messages).await,
            Way::Tls(config) => transport::tls(&self.url, config, messages).await,
            Way::Udp => transport::udp(&self.url, messages).await,
        }
    }
}

impl std::fmt::Debug for SyslogSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyslogSink")
            .field("format", &self.format)
            .field("scheme", &self.url.scheme())
            .finish_non_exhaustive()
    }
}
