//! Secrets that travel: random tokens, session ids and the hashes that stores keep of them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use crate::{Error, ErrorKind};

/// Longest session id in bytes: a browser's cookie of 4,096 bytes less name and attributes.
const MAX_SESSION_ID_BYTES: usize = 3_800;

/// Returns 32 bytes of the operating system's random source as 43 characters of base64url.
///
/// Fails with [`ErrorKind::Unavailable`] when the system gives no randomness.
pub fn random_token() -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    fill_random(&mut bytes)?;
    let text = URL_SAFE_NO_PAD.encode(bytes);
    bytes.zeroize();
    Ok(text)
}

/// Fills the bytes from the operating system's random source.
///
/// Fails with [`ErrorKind::Unavailable`] when the system gives no randomness.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|err| {
        Error::new(ErrorKind::Unavailable, "the system gives no randomness")
            .with_source(err.to_string())
    })
}

/// SHA-256 of a secret: what stores keep and compare instead of the secret.
///
/// Comparison takes the same time whatever the bytes are.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a secret.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Takes a hash that a store has kept. `None` when there are not 32 bytes.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the hash as 43 characters of base64url. Whoever knows it cannot show the secret.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`to_text`](Self::to_text) writes.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::from_stored(&URL_SAFE_NO_PAD.decode(text).ok()?)
    }

    /// Returns the hash for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl std::hash::Hash for TokenHash {
    /// The bytes are a hash already; the first eight spread well enough for any map.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let (head, _) = self.0.split_at(8);
        state.write_u64(
            head.iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        );
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash([REDACTED])")
    }
}

/// What a browser shows to continue a session. A secret: no `Display`, a redacted `Debug`.
#[derive(Clone)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// Creates a new id of 256 random bits. Fails with [`ErrorKind::Unavailable`].
    pub fn random() -> Result<Self, Error> {
        random_token().map(|text| Self(text.into_boxed_str()))
    }

    /// Takes the value of a cookie. `None` when it cannot be an id of ours: empty, longer than a
    /// cookie may be, or outside the base64url alphabet.
    pub fn from_cookie(text: &str) -> Option<Self> {
        let ours = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = !text.is_empty() && text.len() <= MAX_SESSION_ID_BYTES;
        (fits && text.bytes().all(ours)).then(|| Self(text.into()))
    }

    /// Returns the secret text, for the cookie alone.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns what a store keeps of the id.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId([REDACTED])")
    }
}

impl Drop for SessionId {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.0).into_string();
        text.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_token_has_43_characters_and_does_not_repeat() {
        let first = random_token().unwrap();

        assert_eq!(first.len(), 43);
        assert_ne!(first, random_token().unwrap());
    }

    #[test]
    fn secrets_do_not_print() {
        let id = SessionId::random().unwrap();

        assert!(!format!("{id:?} {:?}", id.hash()).contains(id.expose()));
    }

    #[test]
    fn a_cookie_value_of_another_alphabet_is_no_session_id() {
        for text in ["", "a b", "a=b", "a;b", "ä", "a\"", &"a".repeat(3_801)] {
            assert!(SessionId::from_cookie(text).is_none(), "{text:?}");
        }
        assert!(SessionId::from_cookie("abc-_9").is_some());
    }
}
