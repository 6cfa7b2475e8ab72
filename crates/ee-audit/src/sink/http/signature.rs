use std::fmt::{self, Write as _};

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

/// The header that says who has sent a batch: `t=1767225600,v1=5f8d…`.
///
/// `t` is when it was sent, in seconds since 1970. `v1` is the HMAC-SHA256, in lower-case hex, over `t` as it stands there,
/// a full stop and the bytes of the body as they were sent, compressed or not. Whoever checks it compares in constant time
/// and refuses a `t` that is minutes away; another `v` with a number is to be passed over.
pub const SIGNATURE_HEADER: &str = "x-ee-signature";

/// Signs batches.
pub(in crate::sink) struct Signer(hmac::Key);

impl Signer {
    pub(in crate::sink) fn new(secret: &SecretString) -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            secret.expose_secret().as_bytes(),
        ))
    }

    /// Adds the header.
    pub(in crate::sink) fn sign(&self, headers: &mut HeaderMap, now: Timestamp, body: &[u8]) {
        let at = now.as_second().to_string();
        let mut context = hmac::Context::with_key(&self.0);
        context.update(at.as_bytes());
        context.update(b".");
        context.update(body);
        let text = format!("t={at},v1={}", hex(context.sign().as_ref()));
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(SIGNATURE_HEADER, value);
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer([REDACTED])")
    }
}

/// Writes lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_over_time_and_body() {
        let signer = Signer::new(&SecretString::from("key"));
        let mut headers = HeaderMap::new();

        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        signer.sign(&mut headers, now, b"{}");

        let expected =
            "t=1767225600,v1=df344de429b8ee672e1863e0008fdbd0080000536fbccdf0e4f89846acbbe872";
        assert_eq!(headers[SIGNATURE_HEADER], expected);
        assert!(!format!("{signer:?}").contains("key"));
    }
}
