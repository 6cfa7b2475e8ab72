//! What a provider may see of a request.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};

use crate::{Error, ErrorKind, Session};

/// The headers and the judged client address of a request.
///
/// The URL and the body are left out on purpose: no credential is ever read from them.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The headers as they came.
    pub headers: &'a HeaderMap,
    /// The client's address as judged by the adapter (trusted proxies only), if it is known.
    pub client_ip: Option<IpAddr>,
    /// Whether the request was looked at before: looking at it again is no use of its session or key.
    pub is_repeated: bool,
    /// The session that it was found to come by.
    pub session: Option<&'a Session>,
}

impl<'a> RequestHead<'a> {
    /// Looks at a request.
    pub const fn new(headers: &'a HeaderMap, client_ip: Option<IpAddr>) -> Self {
        Self {
            headers,
            client_ip,
            is_repeated: false,
            session: None,
        }
    }

    /// Looks at the same request once more, which came by this session if by any.
    #[must_use]
    pub const fn repeated(mut self, session: Option<&'a Session>) -> Self {
        self.is_repeated = true;
        self.session = session;
        self
    }

    /// Returns the token of `Authorization: Bearer` (RFC 6750); the scheme's letter case does not matter.
    ///
    /// `Ok(None)` when there is no such header or it has another scheme. Fails with
    /// [`ErrorKind::Unauthenticated`] when the header comes twice, is not ASCII, or when the token is
    /// empty or holds white space.
    pub fn bearer(&self) -> Result<Option<&'a str>, Error> {
        let Some(value) = self.single(&header::AUTHORIZATION)? else {
            return Ok(None);
        };
        // Bytes are compared sooner than characters, and the text is ASCII.
        let is_space = |byte: u8| byte.is_ascii_whitespace();
        let end = value.bytes().position(is_space).unwrap_or(value.len());
        let (scheme, rest) = value.split_at(end);
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Ok(None);
        }
        // Exactly one space, then the token: what another parser could read differently is refused.
        let token = rest.strip_prefix(' ').ok_or_else(malformed)?;
        if token.is_empty() || token.bytes().any(is_space) {
            return Err(malformed());
        }
        Ok(Some(token))
    }

    /// Returns a header that may come once at most. Fails with [`ErrorKind::Unauthenticated`].
    pub fn single(&self, name: &HeaderName) -> Result<Option<&'a str>, Error> {
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(malformed());
        }
        value.to_str().map(Some).map_err(|_| malformed())
    }

    /// Returns the value of the cookie with exactly this name.
    ///
    /// Fails with [`ErrorKind::Unauthenticated`] when the name comes with two different values, since
    /// nobody can tell which of the two is ours (cookie tossing), and when its value is not UTF-8.
    pub fn cookie(&self, name: &str) -> Result<Option<&'a str>, Error> {
        let mut found = None;
        // Bytes, not text: a cookie of another program may hold any, and hides ours no more than an ASCII one.
        for header in self.headers.get_all(header::COOKIE) {
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let mut halves = pair.trim_ascii().splitn(2, |byte| *byte == b'=');
                let (Some(key), Some(value)) = (halves.next(), halves.next()) else {
                    continue;
                };
                if key != name.as_bytes() {
                    continue;
                }
                let value = str::from_utf8(value).map_err(|_| malformed())?;
                if found.is_some_and(|before| before != value) {
                    return Err(malformed());
                }
                found = Some(value);
            }
        }
        Ok(found)
    }

    /// Returns the user agent, cut at 512 bytes, if it is ASCII.
    pub fn user_agent(&self) -> Option<&'a str> {
        let text = self.headers.get(header::USER_AGENT)?.to_str().ok()?;
        text.get(..text.len().min(512))
    }
}

fn malformed() -> Error {
    Error::new(ErrorKind::Unauthenticated, "malformed credentials")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn the_bearer_scheme_has_no_letter_case() {
        for text in ["Bearer t0k", "bearer t0k", "BEARER t0k", "bEaReR t0k"] {
            let headers = headers(&[("authorization", text)]);
            assert_eq!(
                RequestHead::new(&headers, None).bearer().unwrap(),
                Some("t0k"),
                "{text}"
            );
        }
    }

    #[test]
    fn v32_lenient_bearer_spellings_are_refused() {
        for text in [
            "Bearer  t",
            "Bearer\tt",
            "Bearer t t",
            "Bearer ",
            "Bearer",
            "Bearer t\t",
        ] {
            let headers = headers(&[("authorization", text)]);
            assert!(
                RequestHead::new(&headers, None).bearer().is_err(),
                "{text:?}"
            );
        }
        let twice = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]);
        assert!(RequestHead::new(&twice, None).bearer().is_err());
        let basic = headers(&[("authorization", "Basic eDp5")]);
        assert_eq!(RequestHead::new(&basic, None).bearer().unwrap(), None);
    }

    #[test]
    fn v34_cookies_match_by_whole_name_and_never_twice() {
        let once = headers(&[("cookie", "xee=1; ee=2"), ("cookie", "eex=3")]);
        assert_eq!(
            RequestHead::new(&once, None).cookie("ee").unwrap(),
            Some("2")
        );

        let tossed = headers(&[("cookie", "ee=1; ee=2")]);
        assert!(RequestHead::new(&tossed, None).cookie("ee").is_err());

        let beside = headers(&[("cookie", "name=Jörg; ee=2")]);
        assert_eq!(
            RequestHead::new(&beside, None).cookie("ee").unwrap(),
            Some("2")
        );

        let repeated = headers(&[("cookie", "ee=1; ee=1")]);
        assert_eq!(
            RequestHead::new(&repeated, None).cookie("ee").unwrap(),
            Some("1")
        );
    }
}
