//! The cookie that carries a session.

use std::{borrow::Cow, time::Duration};

use http::HeaderValue;

use crate::{Error, RequestHead, SessionId};

/// Name and attributes of a cookie that only the server reads (`security` parameters: `HttpOnly`,
/// `SameSite=Lax`, `Path=/`, no `Domain`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerCookie {
    name: Cow<'static, str>,
    secure: bool,
}

impl ServerCookie {
    /// The session cookie of a server that browsers reach over HTTPS: `__Host-ee_session; Secure` (RFC 6265bis).
    pub const fn secure_session() -> Self {
        Self {
            name: Cow::Borrowed("__Host-ee_session"),
            secure: true,
        }
    }

    /// The session cookie of a server on a loopback address without TLS: `ee_session`.
    pub const fn loopback_session() -> Self {
        Self {
            name: Cow::Borrowed("ee_session"),
            secure: false,
        }
    }

    /// A further cookie with the same attributes; the `__Host-` prefix is added when it is secure.
    pub fn named(name: &str, secure: bool) -> Self {
        let name = if secure {
            format!("__Host-{name}")
        } else {
            name.to_owned()
        };
        Self {
            name: Cow::Owned(name),
            secure,
        }
    }

    /// Tells whether the cookie is sent over HTTPS alone.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the name with its prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the session id that the request shows.
    ///
    /// Fails with [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated) when the cookie is there and cannot be ours.
    pub fn read(&self, head: &RequestHead<'_>) -> Result<Option<SessionId>, Error> {
        let Some(text) = head.cookie(&self.name)? else {
            return Ok(None);
        };
        SessionId::from_cookie(text).map(Some).ok_or_else(|| {
            Error::new(
                crate::ErrorKind::Unauthenticated,
                "malformed session cookie",
            )
        })
    }

    /// Returns the `Set-Cookie` value. `None` when the value cannot stand in a header.
    pub fn set(&self, value: &str, max_age: Duration) -> Option<HeaderValue> {
        let Self { name, secure } = self;
        let secure = if *secure { "; Secure" } else { "" };
        let text = format!(
            "{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={}{secure}",
            max_age.as_secs()
        );
        HeaderValue::try_from(text).ok()
    }

    /// Returns the `Set-Cookie` value that makes the browser forget the cookie: the same attributes, no value.
    pub fn clear(&self) -> Option<HeaderValue> {
        self.set("", Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secure_cookie_has_the_host_prefix_and_clears_with_the_same_attributes() {
        let cookie = ServerCookie::secure_session();

        let set = cookie.set("abc", Duration::from_mins(1)).unwrap();
        let clear = cookie.clear().unwrap();

        assert_eq!(
            set,
            "__Host-ee_session=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
        );
        assert_eq!(
            clear,
            "__Host-ee_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Secure"
        );
    }

    #[test]
    fn a_value_cannot_break_out_of_the_header() {
        assert!(
            ServerCookie::loopback_session()
                .set("a\r\nx: y", Duration::ZERO)
                .is_none()
        );
    }
}
