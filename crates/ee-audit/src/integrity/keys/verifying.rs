//! What tells who has signed.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519 as ALGORITHM, ParsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use signed_note::{VerificationError, Verifier, Verifiers};

use super::{ED25519, encoded, parse_id};
use crate::integrity::IntegrityError;

/// The public half of a key: `<name>+<id>+<key>`.
#[derive(Clone)]
pub struct VerifierKey {
    id: u32,
    key: ParsedPublicKey,
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// Takes the bytes of a key.
    pub(super) fn new(name: &str, public: [u8; 32]) -> Result<Self, IntegrityError> {
        if !signed_note::is_key_name_valid(name) || name.chars().any(char::is_control) {
            return Err(IntegrityError::KeyName);
        }
        Ok(Self {
            id: signed_note::key_id(name, &encoded(&public)),
            key: ParsedPublicKey::new(&ALGORITHM, public).map_err(|_| IntegrityError::KeyForm)?,
            name: name.to_owned(),
            public,
        })
    }

    /// Returns under which name it signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number that stands in its signatures.
    pub const fn id(&self) -> u32 {
        self.id
    }
}

impl Verifier for VerifierKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(text, signature).is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = IntegrityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || IntegrityError::KeyForm;
        let (name, rest) = text.trim().split_once('+').ok_or_else(malformed)?;
        let (id, key) = rest.split_once('+').ok_or_else(malformed)?;
        let key = STANDARD.decode(key).map_err(|_| malformed())?;
        let Some((&ED25519, public)) = key.split_first() else {
            return Err(malformed());
        };
        let key = Self::new(name, public.try_into().map_err(|_| malformed())?)?;
        if key.id == parse_id(id)? {
            Ok(key)
        } else {
            Err(malformed())
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode(encoded(&self.public));
        write!(f, "{}+{:08x}+{key}", self.name, self.id)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The keys that are trusted. After a rotation these are the new one and those before it.
#[derive(Clone, Debug, Default)]
pub struct VerifierKeys(Vec<VerifierKey>);

impl VerifierKeys {
    /// Tells whether there is none: then nothing that is signed can be judged.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<VerifierKey> for VerifierKeys {
    fn from_iter<I: IntoIterator<Item = VerifierKey>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl FromStr for VerifierKeys {
    type Err = IntegrityError;

    /// Reads one key a line. Empty lines, and those which begin with `#`, count for nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lines = text.lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::parse)
            .collect()
    }
}

impl Verifiers for VerifierKeys {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        let known = self.0.iter().find(|key| key.name == name && key.id == id);
        known
            .map(|key| key as &dyn Verifier)
            .ok_or_else(|| VerificationError::UnknownKey {
                name: name.to_owned(),
                id,
            })
    }
}
