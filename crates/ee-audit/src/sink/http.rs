//! Batches by HTTP POST.

mod signature;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use ee_core::{Clock, Error, storage::AuditEntry};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::signature::SIGNATURE_HEADER;
pub(super) use self::signature::Signer;
use super::{AuditSink, DeliveryError, EventFormat, endpoint::parse_http, post::Receiver};
use crate::format::Product;

/// Which batch it is: the same events have the same key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Fewest bytes of a secret.
const MIN_SECRET_BYTES: usize = 16;

/// How a batch is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpBody {
    /// A JSON array.
    Json,
    /// One event a line.
    #[default]
    Ndjson,
}

/// Where batches are posted to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The address: `https`, or `http` on this machine.
    pub url: String,
    /// How a batch is written. One event a line.
    #[serde(default)]
    pub body: HttpBody,
    /// How events are written. As we have them.
    #[serde(default)]
    pub format: EventFormat,
    /// Whether it is compressed. No.
    #[serde(default)]
    pub gzip: bool,
    /// Headers of each request, such as `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// File with the certificates (PEM) that the receiver's is signed by. Those of the system.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// What requests are signed with, of 16 bytes at least. They are not signed.
    #[serde(default)]
    pub secret: Option<SecretString>,
}

impl HttpConfig {
    /// Names the address and leaves the rest at the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            body: HttpBody::default(),
            format: EventFormat::default(),
            gzip: false,
            headers: BTreeMap::new(),
            roots: None,
            secret: None,
        }
    }

    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the name of the field that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        parse_http("url", &self.url)?;
        headers(&self.headers)?;
        if self.body == HttpBody::Json && self.format == EventFormat::Cef {
            return Err(Error::invalid_field("body", "is `json`, and `cef` is none"));
        }
        let is_short = |it: &SecretString| it.expose_secret().len() < MIN_SECRET_BYTES;
        if self.secret.as_ref().is_some_and(is_short) {
            return Err(Error::invalid_field("secret", "has less than 16 bytes"));
        }
        Ok(())
    }
}

/// Posts batches of events.
///
/// - A batch is taken when the answer is a success. 400, 413 and 422 mean that an event in it is not wanted; 401, 403 and
///   407 that we are not; everything else that it has to be tried again, and `Retry-After` says when.
/// - Whoever receives them may get an event twice, and tells by its `id`. `Idempotency-Key` is the id of an event that
///   comes alone, else a digest of the ids: the same batch has the same key.
/// - [`SIGNATURE_HEADER`] says who has sent it.
#[derive(Debug)]
pub struct HttpSink {
    body: HttpBody,
    format: EventFormat,
    product: Product,
    receiver: Receiver,
}

impl HttpSink {
    /// Prepares it. Fails for a wrong field, or when the file of certificates cannot be read.
    pub fn new(
        config: &HttpConfig,
        product: Product,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        config.check()?;
        let url = parse_http("url", &config.url)?;
        let (headers, roots) = (headers(&config.headers)?, config.roots.as_deref());
        let receiver = Receiver::new(url, roots, headers, config.gzip, clock)?;
        Ok(Self {
            body: config.body,
            format: config.format,
            product,
            receiver: receiver.signed(config.secret.as_ref().map(Signer::new)),
        })
    }

    fn body(&self, batch: &[AuditEntry]) -> Vec<u8> {
        match self.body {
            HttpBody::Ndjson => self.format.lines(batch, &self.product),
            HttpBody::Json => {
                let lines = batch.iter().map(|it| self.format.line(it, &self.product));
                let lines: Vec<String> = lines.collect();
                format!("[{}]", lines.join(",")).into_bytes()
            }
        }
    }

    const fn content_type(&self) -> &'static str {
        match (self.format, self.body) {
            (EventFormat::Cef, _) => "text/plain; charset=utf-8",
            (_, HttpBody::Json) => "application/json",
            (_, HttpBody::Ndjson) => "application/x-ndjson",
        }
    }
}

#[async_trait]
impl AuditSink for HttpSink {
    fn kind(&self) -> &'static str {
        "http"
    }

    async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        let more = HeaderMap::from_iter([(IDEMPOTENCY_KEY, key(batch))]);
        let posted = self
            .receiver
            .post(self.content_type(), self.body(batch), more)
            .await;
        posted.map(drop)
    }
}

/// Returns the same key for the same events.
fn key(batch: &[AuditEntry]) -> HeaderValue {
    let text = if let [entry] = batch {
        entry.record.event.id.to_string()
    } else {
        let mut hasher = Sha256::new();
        for entry in batch {
            hasher.update(entry.record.event.id);
        }
        signature::hex(&hasher.finalize())
    };
    // Letters, digits and hyphens are a value.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Reads headers that an operator wants. Those that belong to us, or to the connection, are none of them.
pub(super) fn headers(wanted: &BTreeMap<String, SecretString>) -> Result<HeaderMap, Error> {
    const OURS: [&str; 9] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in wanted {
        let field = format!("headers.{name}");
        let invalid = |message: &str| Error::invalid_field(field.as_str(), message);
        let header =
            HeaderName::try_from(name).map_err(|_| invalid("is not a name of a header"))?;
        if OURS.contains(&header.as_str()) || header == SIGNATURE_HEADER {
            return Err(invalid("is set by the sink itself"));
        }
        let value = HeaderValue::try_from(value.expose_secret());
        let mut value = value.map_err(|_| invalid("is not a value of a header"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}
