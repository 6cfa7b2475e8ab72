//! Sends something by HTTP, and judges the answer.

use std::{
    error::Error as StdError,
    io::{self, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use ee_core::{Clock, Error, ErrorKind};
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{Client, Response, redirect::Policy};
use url::Url;

use super::{DeliveryError, endpoint, http::Signer, tls};

/// The longest that anything takes, whatever the options say.
const LONGEST: Duration = Duration::from_mins(1);

/// A receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    client: Client,
    clock: Arc<dyn Clock>,
    gzip: bool,
    headers: HeaderMap,
    signer: Option<Signer>,
    url: Url,
}

impl Receiver {
    /// Prepares the client. Fails when the roots cannot be read.
    pub(super) fn new(
        url: Url,
        roots: Option<&Path>,
        headers: HeaderMap,
        gzip: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let mut builder = Client::builder()
            .https_only(url.scheme() == "https")
            // Somebody else would get what is meant for this one.
            .redirect(Policy::none())
            .resolve_to_addrs("localhost", &endpoint::loopback_addresses())
            .pool_max_idle_per_host(1)
            .timeout(LONGEST)
            .user_agent(concat!("mastra-ee/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = roots {
            builder = builder.tls_certs_only(tls::http_roots(path)?);
        }
        let client = builder.build().map_err(|err| {
            Error::new(ErrorKind::Internal, "no HTTP client for the audit sink").with_source(err)
        })?;
        Ok(Self {
            client,
            clock,
            gzip,
            headers,
            signer: None,
            url,
        })
    }

    /// Signs what is sent.
    pub(super) fn signed(mut self, signer: Option<Signer>) -> Self {
        self.signer = signer;
        self
    }

    /// Sends a body, and returns an answer that says that it was taken.
    pub(super) async fn post(
        &self,
        content_type: &'static str,
        body: Vec<u8>,
        more: HeaderMap,
    ) -> Result<Response, DeliveryError> {
        let mut headers = self.headers.clone();
        headers.extend(more);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let body = if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip(&body).map_err(|_| DeliveryError::later("cannot compress the batch"))?
        } else {
            body
        };
        if let Some(signer) = &self.signer {
            signer.sign(&mut headers, self.clock.now(), &body);
        }
        let request = self
            .client
            .post(self.url.clone())
            .headers(headers)
            .body(body);
        let response = request.send().await.map_err(|err| unreachable(&err))?;
        judge(response.status(), response.headers(), self.clock.now())?;
        Ok(response)
    }
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Says what an answer means for the events.
fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Result<(), DeliveryError> {
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("the receiver answered {}", status.as_u16());
    Err(match status.as_u16() {
        300..=399 => DeliveryError::later(format!("{reason}, and redirects are not followed")),
        400 | 413 | 422 => DeliveryError::refused(reason),
        401 | 403 | 407 => DeliveryError::unauthorised(reason),
        _ => DeliveryError::later(reason).with_retry_after(retry_after(headers, now)),
    })
}

/// Reads seconds or a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTimeParser::new().parse_timestamp(text).ok()?;
    Duration::try_from(at.duration_since(now)).ok()
}

/// Says why there is no answer, without the address: it may have something in its query.
fn unreachable(err: &reqwest::Error) -> DeliveryError {
    if err.is_timeout() {
        return DeliveryError::later("no answer in time");
    }
    if !err.is_connect() {
        return DeliveryError::later("the connection ended before there was an answer");
    }
    // Nothing was sent yet, so this says nothing of an event.
    let mut cause: &dyn StdError = err;
    while let Some(source) = cause.source() {
        cause = source;
    }
    DeliveryError::later(format!("cannot connect: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::DeliveryErrorKind::{self, Later, Refused, Unauthorised};

    fn judged(status: u16, retry_after: Option<&str>) -> Result<(), DeliveryError> {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(RETRY_AFTER, text.parse().unwrap());
        }
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        judge(StatusCode::from_u16(status).unwrap(), &headers, now)
    }

    #[test]
    fn every_answer_means_one_thing_and_only_success_takes_events() {
        let expected = |status| -> Option<DeliveryErrorKind> {
            match status {
                200..=299 => None,
                400 | 413 | 422 => Some(Refused),
                401 | 403 | 407 => Some(Unauthorised),
                _ => Some(Later),
            }
        };
        for status in 100..=599 {
            let kind = judged(status, None).err().map(|err| err.kind());
            assert_eq!(kind, expected(status), "{status}");
        }
    }

    #[test]
    fn a_receiver_says_when_it_wants_to_be_asked_again() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("Thu, 01 Jan 2026 00:02:00 GMT", Some(120)),
            ("99999999999", Some(3_600)),
            ("Thu, 01 Jan 2099 00:00:00 GMT", Some(3_600)),
            ("Thu, 01 Jan 2015 00:00:00 GMT", None),
            ("-1", None),
            ("soon", None),
        ] {
            let err = judged(429, Some(text)).unwrap_err();
            assert_eq!(err.retry_after().map(|it| it.as_secs()), seconds, "{text}");
        }
    }
}
