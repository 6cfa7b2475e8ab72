//! Keeps pages of other sites from acting with a visitor's cookies.

use ee_core::{Error, ErrorKind};
use http::{HeaderMap, header};

use crate::Origins;

/// Judges a request with an unsafe method.
///
/// Fetch Metadata decides (`Sec-Fetch-Site` must be `same-origin`); browsers without it send `Origin`.
/// A client that sends neither is no browser: it passes unless it shows cookies. A request with a bearer token
/// needs no check, since no page can make a browser add one; credentials of other schemes browsers add by themselves.
///
/// Fails with [`ErrorKind::Forbidden`].
pub(crate) fn check(headers: &HeaderMap, origins: &Origins) -> Result<(), Error> {
    if shows_bearer(headers) {
        return Ok(());
    }
    let origin = headers
        .get(header::ORIGIN)
        .and_then(|value| value.to_str().ok());
    let allowed = match (
        headers
            .get("sec-fetch-site")
            .map(http::HeaderValue::as_bytes),
        origin,
    ) {
        (Some(b"same-origin"), _) => true,
        (Some(_), Some(origin)) => origins.cross_origin.iter().any(|known| known == origin),
        (Some(_), None) => false,
        (None, Some(origin)) => is_own(origin, headers, origins),
        (None, None) => {
            !headers.contains_key(header::ORIGIN) && !headers.contains_key(header::COOKIE)
        }
    };
    if allowed {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::Forbidden,
            "Cross-site request refused",
        ))
    }
}

fn shows_bearer(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION);
    let scheme = value.and_then(|value| value.as_bytes().split(|byte| *byte == b' ').next());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}

fn is_own(origin: &str, headers: &HeaderMap, origins: &Origins) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    // The host was checked against the names that are answered before the request came here.
    let same_host = match (origin.split_once("://"), host) {
        (Some((scheme @ ("http" | "https"), authority)), Some(host)) => {
            authority.eq_ignore_ascii_case(host) && (scheme == "https" || !origins.is_https())
        }
        _ => false,
    };
    same_host
        || origin == origins.public
        || origins.cross_origin.iter().any(|known| known == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let mut origins = Origins::new("https://own.example");
        origins.cross_origin = vec!["https://friend.example".to_owned()];
        check(&headers, &origins).is_ok()
    }

    #[test]
    fn fetch_metadata_decides_where_the_browser_sends_it() {
        assert!(verdict(&[
            ("sec-fetch-site", "same-origin"),
            ("cookie", "a=b")
        ]));
        for site in ["cross-site", "same-site", "none", "", "SAME-ORIGIN"] {
            assert!(!verdict(&[("sec-fetch-site", site)]), "{site}");
        }
        assert!(!verdict(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://own.example")
        ]));
        assert!(verdict(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://friend.example")
        ]));
    }

    #[test]
    fn the_origin_decides_where_fetch_metadata_is_missing() {
        assert!(verdict(&[
            ("origin", "https://own.example"),
            ("cookie", "a=b")
        ]));
        assert!(verdict(&[
            ("origin", "https://127.0.0.1:1"),
            ("host", "127.0.0.1:1")
        ]));
        for origin in [
            "null",
            "https://own.example.evil",
            "http://own.example",
            "https://evil",
            "ftp://127.0.0.1:1",
            "http://127.0.0.1:1",
        ] {
            assert!(
                !verdict(&[("origin", origin), ("host", "127.0.0.1:1")]),
                "{origin}"
            );
        }
    }

    #[test]
    fn without_both_a_cookie_is_refused_and_a_program_passes() {
        assert!(!verdict(&[("cookie", "ee_session=x")]));
        assert!(verdict(&[]));
        assert!(verdict(&[
            ("authorization", "Bearer x"),
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(!verdict(&[
            ("authorization", "Basic eDp5"),
            ("sec-fetch-site", "cross-site")
        ]));
    }
}
