//! Keyed digests: nobody can tell the value from one, and equal values have equal ones.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ee_core::Error;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Number, Value};

/// Fewest bytes of a key.
const MIN_BYTES: usize = 32;
/// Characters of base64url of a SHA-256.
const LENGTH: usize = 43;
/// From here on, not every whole number is one of JSON's (RFC 8785 §3.2.2.3).
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Makes digests of values: `hmac-sha256:<id of the key>:<base64url>`, over the value as JSON writes it.
///
/// Texts, numbers and truth values have one. The text `5` has another one than the number, `5` and `5.0` have the same.
pub struct DigestKey {
    key: hmac::Key,
    /// What every digest begins with.
    prefix: String,
}

impl DigestKey {
    /// Takes the id of a key, such as `1`, and the key.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) unless the id is 1 to 16 lower-case letters and
    /// digits, and the key at least 32 bytes long.
    pub fn new(id: &str, key: &SecretString) -> Result<Self, Error> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if id.is_empty() || id.len() > 16 || !id.bytes().all(is_plain) {
            let message = "must be 1 to 16 lower-case letters and digits";
            return Err(Error::invalid_field("id", message));
        }
        let bytes = key.expose_secret().as_bytes();
        if bytes.len() < MIN_BYTES {
            let message = format!("must have at least {MIN_BYTES} bytes");
            return Err(Error::invalid_field("key", message));
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, bytes),
            prefix: format!("hmac-sha256:{id}:"),
        })
    }

    /// Makes the digest of a value. `None` for null, a list or an object.
    pub(super) fn digest(&self, value: &Value) -> Option<String> {
        match value {
            Value::Array(_) | Value::Null | Value::Object(_) => None,
            Value::Bool(truth) => Some(self.of(truth.to_string().as_bytes())),
            Value::Number(number) => Some(self.of(written(number).as_bytes())),
            Value::String(text) => Some(self.digest_text(text)),
        }
    }

    /// Makes the digest of a text.
    pub(super) fn digest_text(&self, text: &str) -> String {
        self.of(Value::from(text).to_string().as_bytes())
    }

    /// Tells whether a text is a digest by this key already.
    pub(super) fn is_digest(&self, text: &str) -> bool {
        text.strip_prefix(&self.prefix).is_some_and(|digest| {
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            digest.len() == LENGTH && digest.bytes().all(is_base64)
        })
    }

    fn of(&self, json: &[u8]) -> String {
        let tag = hmac::sign(&self.key, json);
        format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(tag))
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestKey({}[REDACTED])", self.prefix)
    }
}

/// Writes a number without a fraction that is zero.
fn written(number: &Number) -> String {
    let float = number.as_f64().filter(|_| number.is_f64());
    match float {
        // Without the sign of a zero.
        Some(float) if float.fract() == 0.0 && float.abs() < LARGEST => {
            format!("{:.0}", float + 0.0)
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(id: &str) -> DigestKey {
        DigestKey::new(id, &SecretString::from("0123456789abcdef0123456789abcdef")).unwrap()
    }

    #[test]
    fn it_is_the_hmac_of_the_value_as_json() {
        // printf '"ada@example.com"' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        assert_eq!(
            key("1").digest_text("ada@example.com"),
            "hmac-sha256:1:8JJPRTK46m6kPEkaJbDWGtZ1G4BEnptwZNqa8G1WNGw"
        );
        // printf '5' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        assert_eq!(
            key("1").digest(&json!(5)).unwrap(),
            "hmac-sha256:1:Sv68PjootDS5w-Jh0KYhxBPUyysTVxT9UkryGijzjPQ"
        );
    }

    #[test]
    fn every_scalar_has_its_own() {
        let key = key("k2");
        let values = [
            json!("5"),
            json!(5),
            json!(-5),
            json!(5.5),
            json!(true),
            json!("true"),
        ];
        let digests: Vec<_> = values.iter().map(|it| key.digest(it).unwrap()).collect();

        for (at, digest) in digests.iter().enumerate() {
            assert!(key.is_digest(digest), "{digest}");
            assert!(!digests[..at].contains(digest), "{digest}");
        }
        assert_eq!(key.digest(&json!(5.0)), key.digest(&json!(5)));
        assert_eq!(key.digest(&json!(-0.0)), key.digest(&json!(0)));
        for value in [json!(null), json!([1]), json!({"a": 1})] {
            assert_eq!(key.digest(&value), None);
        }
    }

    #[test]
    fn a_digest_of_another_key_or_shape_is_none() {
        let digest = key("1").digest_text("a");

        assert!(!key("2").is_digest(&digest));
        assert!(!key("1").is_digest("hmac-sha256:1:short"));
        assert!(!key("1").is_digest(&format!("{digest}x")));
    }

    #[test]
    fn short_keys_and_odd_ids_are_refused() {
        let long = SecretString::from("x".repeat(32));
        for id in ["", "A", "a-b", "k:1", &"a".repeat(17)] {
            assert!(DigestKey::new(id, &long).is_err(), "{id}");
        }
        assert!(DigestKey::new("1", &SecretString::from("x".repeat(31))).is_err());
    }
}
