//! Log records of OpenTelemetry by HTTP (OTLP 1.x, JSON).

mod record;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use ee_core::{Clock, Error, storage::AuditEntry};
use http::HeaderMap;
use reqwest::Response;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use self::record::{attributes, log_record};
use super::{AuditSink, DeliveryError, endpoint::parse_http, http::headers, post::Receiver};
use crate::format::Product;

/// Where records are posted to, below the address.
const PATH: &str = "v1/logs";

/// Most bytes of an answer that are looked at.
const MAX_ANSWER: usize = 64 * 1_024;

/// Where log records are posted to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OtlpConfig {
    /// The address of the collector, with or without `/v1/logs`: `https`, or `http` on this machine.
    pub url: String,
    /// Whether it is compressed. No.
    #[serde(default)]
    pub gzip: bool,
    /// Headers of each request, such as `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// File with the certificates (PEM) that the collector's is signed by. Those of the system.
    #[serde(default)]
    pub roots: Option<PathBuf>,
}

impl OtlpConfig {
    /// Names the address and leaves the rest at the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            gzip: false,
            headers: BTreeMap::new(),
            roots: None,
        }
    }

    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the name of the field that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        self.target()?;
        headers(&self.headers).map(drop)
    }

    fn target(&self) -> Result<Url, Error> {
        let mut url = parse_http("url", &self.url)?;
        let path = url.path().trim_end_matches('/');
        if !path.ends_with(PATH) {
            url.set_path(&format!("{path}/{PATH}"));
        }
        Ok(url)
    }
}

/// Posts events as log records: the whole event is the body, what collectors search by is in attributes.
///
/// Answers mean what they mean to [`HttpSink`](super::HttpSink). A collector that takes only a part of a batch does not
/// say which, so the batch is sent again in parts until it is known.
#[derive(Debug)]
pub struct OtlpSink {
    product: Product,
    receiver: Receiver,
}

impl OtlpSink {
    /// Prepares it. Fails for a wrong field, or when the file of certificates cannot be read.
    pub fn new(
        config: &OtlpConfig,
        product: Product,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let headers = headers(&config.headers)?;
        let roots = config.roots.as_deref();
        let receiver = Receiver::new(config.target()?, roots, headers, config.gzip, clock)?;
        Ok(Self { product, receiver })
    }

    fn body(&self, batch: &[AuditEntry]) -> Vec<u8> {
        let records: Vec<Value> = batch.iter().map(log_record).collect();
        let resource = attributes([
            ("service.name", Some(json!(self.product.name))),
            ("service.version", Some(json!(self.product.version))),
        ]);
        let body = json!({ "resourceLogs": [{
            "resource": { "attributes": resource },
            "scopeLogs": [{ "scope": { "name": "ee-audit" }, "logRecords": records }],
        }] });
        body.to_string().into_bytes()
    }
}

#[async_trait]
impl AuditSink for OtlpSink {
    fn kind(&self) -> &'static str {
        "otlp"
    }

    async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        let body = self.body(batch);
        let answer = self
            .receiver
            .post("application/json", body, HeaderMap::new())
            .await?;
        if rejected(answer).await? > 0 {
            return Err(DeliveryError::refused(
                "the collector has rejected log records",
            ));
        }
        Ok(())
    }
}

/// Returns how many records the collector has not taken. Nothing at all says that it has taken them, and what is not the
/// answer of a collector says nothing.
async fn rejected(mut answer: Response) -> Result<u64, DeliveryError> {
    let mut bytes = Vec::new();
    let unread = |_| DeliveryError::later("the answer of the collector was cut");
    while let Some(chunk) = answer.chunk().await.map_err(unread)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER {
            return Err(DeliveryError::later(
                "the answer is too long for a collector",
            ));
        }
    }
    if bytes.is_empty() {
        return Ok(0);
    }
    let answer: Value = serde_json::from_slice(&bytes)
        .map_err(|_| DeliveryError::later("the answer is not that of a collector"))?;
    Ok(match answer.pointer("/partialSuccess/rejectedLogRecords") {
        // A number of 64 bits is a text in the JSON of protobuf, and many write a number all the same.
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(value) => value.as_u64().unwrap_or(0),
        None => 0,
    })
}
