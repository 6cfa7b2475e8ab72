//! What signs.

use std::{fmt, path::Path};

use aws_lc_rs::{
    encoding::{AsBigEndian as _, Curve25519SeedBin},
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ee_core::fill_random;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{ED25519, VerifierKey, parse_id};
use crate::integrity::{IntegrityError, private_file};

const PREFIX: &str = "PRIVATE+KEY+";

/// An Ed25519 key that signs checkpoints under a name, such as `example.com/audit`.
///
/// Its text is the one of Go's `note` package: `PRIVATE+KEY+<name>+<id>+<key>`.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl SigningKey {
    /// Makes a new key.
    ///
    /// Fails with [`IntegrityError::KeyName`] for a name that cannot stand in a signature.
    pub fn generate(name: &str) -> Result<Self, IntegrityError> {
        let mut seed = Zeroizing::new([0; 32]);
        fill_random(seed.as_mut()).map_err(IntegrityError::Random)?;
        Self::from_seed(name, &seed)
    }

    /// Reads a key. Fails with [`IntegrityError::KeyForm`] for anything that is not one.
    pub fn parse(text: &str) -> Result<Self, IntegrityError> {
        let malformed = || IntegrityError::KeyForm;
        let rest = text.trim().strip_prefix(PREFIX).ok_or_else(malformed)?;
        let (name, rest) = rest.split_once('+').ok_or_else(malformed)?;
        let (id, key) = rest.split_once('+').ok_or_else(malformed)?;
        let key = STANDARD.decode(key).map(Zeroizing::new);
        let key = key.map_err(|_| malformed())?;
        let Some((&ED25519, seed)) = key.split_first() else {
            return Err(malformed());
        };
        let seed = seed.try_into().map_err(|_| malformed())?;
        let key = Self::from_seed(name, &Zeroizing::new(seed))?;
        if key.verifier.id() == parse_id(id)? {
            Ok(key)
        } else {
            Err(malformed())
        }
    }

    /// Reads a key from a file that only its owner may read.
    pub fn load(path: &Path) -> Result<Self, IntegrityError> {
        let Some(text) = private_file::read(path)?.map(Zeroizing::new) else {
            let missing = std::io::ErrorKind::NotFound.into();
            return Err(private_file::at(path)(missing));
        };
        Self::parse(&text)
    }

    /// Writes the key into a new file that only its owner may read. Fails when there is one.
    pub fn save(&self, path: &Path) -> Result<(), IntegrityError> {
        let text = self.text()?;
        private_file::create(path, &text)
    }

    /// Returns what [`parse`](Self::parse) reads. Whoever has it can sign.
    pub fn to_secret(&self) -> Result<SecretString, IntegrityError> {
        Ok(SecretString::from(self.text()?.as_str()))
    }

    /// Returns what others need to tell that this key has signed.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Makes a secret of 43 characters for something else than signing, the same for the same purpose. Whoever knows it
    /// learns nothing of the key.
    pub fn derive(&self, purpose: &str) -> Result<SecretString, IntegrityError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.text()?.as_bytes());
        let made = hmac::sign(&key, format!("mastra-ee/{purpose}/1").as_bytes());
        Ok(SecretString::from(URL_SAFE_NO_PAD.encode(made)))
    }

    /// Signs bytes.
    pub(in crate::integrity) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, IntegrityError> {
        let signature = self.pair.try_sign(bytes);
        Ok(signature
            .map_err(|_| IntegrityError::Sign)?
            .as_ref()
            .to_vec())
    }

    fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, IntegrityError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| IntegrityError::KeyForm)?;
        let public = pair.public_key().as_ref().try_into();
        let verifier = VerifierKey::new(name, public.map_err(|_| IntegrityError::KeyForm)?)?;
        Ok(Self { pair, verifier })
    }

    fn text(&self) -> Result<Zeroizing<String>, IntegrityError> {
        let refused = |_| IntegrityError::Sign;
        let seed = self.pair.seed().map_err(refused)?;
        let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().map_err(refused)?;
        let key = Zeroizing::new([&[ED25519], seed.as_ref()].concat());
        let key = Zeroizing::new(STANDARD.encode(&*key));
        let (name, id) = (self.verifier.name(), self.verifier.id());
        Ok(Zeroizing::new(format!("{PREFIX}{name}+{id:08x}+{}", *key)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}
