use std::{fmt, time::Duration};

use crate::remote::RemoteOpenError;

/// Which libSQL server is the store, and how it is asked.
#[derive(Clone)]
#[non_exhaustive]
pub struct RemoteConfig {
    /// Sent as a bearer token with every request, if the server asks for one.
    pub auth_token: Option<String>,
    /// Longest time of one request. 5 seconds.
    pub timeout: Duration,
    /// Where the server is: `https://…`, or `http://…` on a loopback address.
    pub(crate) url: String,
}

impl RemoteConfig {
    /// Takes `libsql://host`, which is `https://host`, or `https://host`, or `http://` with a loopback address. A
    /// token may stand in the query as `authToken`.
    ///
    /// Fails for anything else: a token must not travel in the clear.
    pub fn new(url: &str) -> Result<Self, RemoteOpenError> {
        let invalid = |why: &'static str| RemoteOpenError::Url { why };
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut auth_token = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("authToken", token)) => auth_token = Some(token.to_owned()),
                _ => return Err(invalid("its query may hold `authToken` and nothing else")),
            }
        }
        let address = address.trim_end_matches('/');
        let url = match address.split_once("://") {
            Some(("libsql" | "https", rest)) if !rest.is_empty() => format!("https://{rest}"),
            Some(("http", rest)) if is_loopback(rest) => format!("http://{rest}"),
            Some(("http", _)) => {
                return Err(invalid(
                    "plain HTTP is for loopback addresses alone: use https://",
                ));
            }
            _ => return Err(invalid("it must begin with libsql://, https:// or http://")),
        };
        if url.contains('@') {
            return Err(invalid("it must not hold a user name"));
        }
        Ok(Self {
            auth_token,
            timeout: Duration::from_secs(5),
            url,
        })
    }
}

fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

impl fmt::Debug for RemoteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteConfig")
            .field("url", &self.url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_keep_the_token_to_themselves_are_taken() {
        for (given, url) in [
            ("libsql://db.example.com", "https://db.example.com"),
            ("https://db.example.com/", "https://db.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost:8080", "http://localhost:8080"),
        ] {
            assert_eq!(RemoteConfig::new(given).unwrap().url, url);
        }
        let config = RemoteConfig::new("libsql://db.example.com?authToken=secret").unwrap();
        assert_eq!(config.auth_token.as_deref(), Some("secret"));
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in [
            "",
            "db.example.com",
            "http://db.example.com",
            "http://127.0.0.1.evil.example",
            "ftp://x",
            "https://",
            "https://user:pw@db.example.com",
            "https://db.example.com?x=1",
        ] {
            assert!(RemoteConfig::new(url).is_err(), "{url}");
        }
    }
}
