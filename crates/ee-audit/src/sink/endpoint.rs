//! Where something may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ee_core::Error;
use url::Url;

/// This machine, whatever a name server says.
pub(super) const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Tells whether the host is this machine: exactly `localhost`, `127.0.0.1` or `[::1]`.
pub(super) fn is_loopback(url: &Url) -> bool {
    matches!(
        url.host_str(),
        Some("localhost" | "127.0.0.1" | "[::1]" | "::1")
    )
}

/// Returns the addresses of this machine for a client that asks name servers for everything else.
pub(super) fn loopback_addresses() -> [SocketAddr; 2] {
    // 0 stands for the port of the request.
    LOOPBACK.map(|ip| SocketAddr::new(ip, 0))
}

/// Reads the address of a receiver: an `https` URL, or an `http` URL on this machine.
///
/// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the name of the field.
pub(super) fn parse_http(field: &str, text: &str) -> Result<Url, Error> {
    let url = parse(field, text)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(Error::invalid_field(
            field,
            "is `http` for another machine: use `https`",
        )),
        _ => Err(Error::invalid_field(field, "is neither `https` nor `http`")),
    }
}

/// Reads an address with a host, and without anything secret in it.
pub(super) fn parse(field: &str, text: &str) -> Result<Url, Error> {
    let invalid = |message: &str| Err(Error::invalid_field(field, message));
    let Ok(url) = Url::parse(text) else {
        return invalid("is not a URL");
    };
    if url.host_str().is_none_or(str::is_empty) {
        return invalid("has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("has credentials in it: they belong into a header");
    }
    if url.fragment().is_some() {
        return invalid("has a fragment, which is never sent");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_in_the_clear_to_another_machine() {
        for text in [
            "https://siem.example.com/in",
            "http://127.0.0.1:8080/in",
            "http://localhost/in",
            "http://[::1]:1/in",
        ] {
            assert!(parse_http("url", text).is_ok(), "{text}");
        }
        for text in [
            "http://siem.example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.2/",
            "http://0.0.0.0/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost@example.com/",
            "https://user:word@example.com/",
            "https://example.com/#x",
            "https://",
            "ftp://localhost/",
            "file:///etc/passwd",
            "/in",
            "",
        ] {
            let err = parse_http("url", text).unwrap_err();
            assert_eq!(err.issues()[0].field, "url", "{text}");
        }
    }
}
