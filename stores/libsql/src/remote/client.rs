//! Sends pipelines.

use reqwest::{Client, RequestBuilder, redirect::Policy};

use crate::remote::{
    RemoteConfig, RemoteError, RemoteOpenError,
    wire::{Answer, Pipeline, Request, Steps},
};

/// Most bytes of one answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How often a read is asked at most.
const TRIES: u32 = 3;

/// One libSQL server.
pub(crate) struct Remote {
    http: Client,
    token: Option<String>,
    url: String,
}

/// A stream in the midst of a transaction: the server ends both when the next request does not come soon.
#[derive(Debug)]
pub(crate) struct Stream {
    baton: String,
    url: String,
}

impl Remote {
    pub(crate) fn new(config: RemoteConfig) -> Result<Self, RemoteOpenError> {
        let http = Client::builder()
            .connect_timeout(config.timeout.min(std::time::Duration::from_secs(2)))
            .timeout(config.timeout)
            .redirect(Policy::none())
            .build()
            .map_err(RemoteOpenError::Client)?;
        Ok(Self {
            http,
            token: config.auth_token,
            url: config.url,
        })
    }

    /// Runs steps on a stream of their own, which is closed.
    pub(crate) async fn run(&self, steps: Steps<'_>) -> Result<Answer, RemoteError> {
        self.send(
            &self.url,
            None,
            vec![Request::Batch { batch: steps }, Request::Close],
        )
        .await
    }

    /// The same for steps that only read: asked again when the server does not answer well.
    pub(crate) async fn read(
        &self,
        steps: impl Fn() -> Steps<'static> + Sync,
    ) -> Result<Answer, RemoteError> {
        let mut tries = 1;
        loop {
            match self.run(steps()).await {
                Err(err) if err.is_passing() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    /// Begins a stream with steps and leaves it open.
    pub(crate) async fn begin(&self, steps: Steps<'_>) -> Result<(Answer, Stream), RemoteError> {
        let requests = vec![Request::Batch { batch: steps }];
        let mut answer = self.send(&self.url, None, requests).await?;
        let stream = self.stream(&mut answer, &self.url)?;
        Ok((answer, stream))
    }

    /// Ends a stream with steps.
    pub(crate) async fn end(
        &self,
        stream: Stream,
        steps: Steps<'_>,
    ) -> Result<Answer, RemoteError> {
        let requests = vec![Request::Batch { batch: steps }, Request::Close];
        self.send(&stream.url, Some(&stream.baton), requests).await
    }

    fn stream(&self, answer: &mut Answer, url: &str) -> Result<Stream, RemoteError> {
        let baton = answer.baton.take().ok_or(RemoteError::StreamEnded)?;
        // Another address may be named for the rest of a stream; the token goes to none but the configured origin's.
        let url = match answer.base_url.take() {
            Some(other) if self.token.is_none() || same_site(&other, &self.url) => {
                other.trim_end_matches('/').to_owned()
            }
            Some(_) => return Err(RemoteError::Malformed),
            None => url.to_owned(),
        };
        Ok(Stream { baton, url })
    }

    async fn send(
        &self,
        url: &str,
        baton: Option<&str>,
        requests: Vec<Request<'_>>,
    ) -> Result<Answer, RemoteError> {
        let request = self.http.post(format!("{url}/v2/pipeline"));
        let request = self.authorised(request).json(&Pipeline { baton, requests });
        let mut response = request.send().await.map_err(without_url)?;
        let status = response.status();
        if !status.is_success() {
            // A stream that the server has forgotten is a bad request to it.
            return Err(match baton {
                Some(_) if status.is_client_error() => RemoteError::StreamEnded,
                _ => RemoteError::Status {
                    status: status.as_u16(),
                },
            });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(without_url)? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(RemoteError::Malformed);
            }
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|_| RemoteError::Malformed)
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

fn without_url(err: reqwest::Error) -> RemoteError {
    RemoteError::Transport(err.without_url())
}

/// Tells whether an address has the scheme of the configured one and its host, or one below the same name.
fn same_site(other: &str, configured: &str) -> bool {
    let parts = |url: &str| -> Option<(String, String)> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        (!authority.contains('@')).then(|| (scheme.to_owned(), authority.to_ascii_lowercase()))
    };
    match (parts(other), parts(configured)) {
        (Some((scheme, host)), Some((own_scheme, own_host))) => {
            let parent = own_host.split_once('.').map_or("", |(_, parent)| parent);
            let is_sibling = parent.contains('.') && host.ends_with(&format!(".{parent}"));
            scheme == own_scheme && (host == own_host || is_sibling)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_configured_site_alone() {
        let own = "https://db.eu.example.com";
        assert!(same_site("https://db.eu.example.com", own));
        assert!(same_site("https://node-7.eu.example.com/", own));
        for other in [
            "http://db.eu.example.com",
            "https://example.com",
            "https://evil.example",
            "https://eu.example.com.evil.example",
            "https://x@db.eu.example.com",
            "db.eu.example.com",
        ] {
            assert!(!same_site(other, own), "{other}");
        }
        assert!(!same_site("https://evil.com", "https://db.com"));
    }
}
