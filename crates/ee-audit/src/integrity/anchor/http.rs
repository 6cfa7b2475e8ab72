//! An endpoint that takes checkpoints over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use ee_core::{Error, ErrorKind};
use reqwest::{Client, Response, StatusCode, Url, header::CONTENT_TYPE, redirect::Policy};

use super::Anchor;

/// An endpoint that takes longer is not there.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read: a checkpoint has a few hundred bytes.
const LIMIT: usize = 64 * 1_024;

/// Posts checkpoints to an endpoint, and asks the same for the last one with the origin as query parameter.
#[derive(Clone, Debug)]
pub struct HttpAnchor {
    client: Client,
    name: String,
    url: Url,
}

impl HttpAnchor {
    /// Posts to this address.
    ///
    /// Fails with [`ErrorKind::Invalid`] for one that is not of HTTPS, unless it is on this machine, and with
    /// [`ErrorKind::Internal`] when TLS cannot be set up.
    pub fn new(name: impl Into<String>, url: Url) -> Result<Self, Error> {
        if !is_safe(&url) {
            let message = "an anchor is an https address without user and password";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let client = Client::builder()
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("mastra-ee/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|err| Error::new(ErrorKind::Internal, "no HTTP client").with_source(err))?;
        Ok(Self {
            client,
            name: name.into(),
            url,
        })
    }
}

fn is_safe(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none();
    is_plain && (url.scheme() == "https" || (url.scheme() == "http" && is_local))
}

#[async_trait]
impl Anchor for HttpAnchor {
    fn name(&self) -> &str {
        &self.name
    }

    async fn publish(&self, note: &str) -> Result<(), Error> {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(note.to_owned());
        let answer = request.send().await.map_err(unavailable)?;
        refuse(answer.status())
    }

    async fn latest(&self, origin: &str) -> Result<Option<String>, Error> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("origin", origin);
        let answer = self.client.get(url).send().await.map_err(unavailable)?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => return Ok(None),
            status => refuse(status)?,
        }
        let body = read(answer).await?;
        String::from_utf8(body)
            .map(Some)
            .map_err(|_| no_checkpoint())
    }
}

/// Reads an answer as far as one may be long.
async fn read(mut answer: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
        if body.len() + chunk.len() > LIMIT {
            return Err(no_checkpoint());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn refuse(status: StatusCode) -> Result<(), Error> {
    if status.is_success() {
        return Ok(());
    }
    let is_passing = status.is_server_error()
        || status == StatusCode::REQUEST_TIMEOUT
        || status == StatusCode::TOO_MANY_REQUESTS;
    let kind = if is_passing {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Internal
    };
    let message = format!("the anchor answers with status {}", status.as_u16());
    Err(Error::new(kind, message))
}

fn no_checkpoint() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the anchor answers with something that is no checkpoint",
    )
}

fn unavailable(err: reqwest::Error) -> Error {
    // The address may hold a secret.
    Error::new(ErrorKind::Unavailable, "the anchor does not answer").with_source(err.without_url())
}
