//! The keys made of the configured secrets: they seal what lies in the store and sign what browsers bring back.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf, hmac,
};
use ee_core::{Error, ErrorKind, fill_random};
use secrecy::{ExposeSecret as _, SecretString};

use crate::PasswordConfigError;

/// Fewest bytes of a secret.
pub(crate) const MIN_SECRET_BYTES: usize = 32;
/// Most secrets in use at once.
pub(crate) const MAX_SECRETS: usize = 16;
/// Bytes of the id of a key.
pub(crate) const KEY_ID_BYTES: usize = 4;
/// Says what sealed bytes are; another format has another number.
const VERSION: u8 = 1;

/// Names a key in what it has made, so that the right one of a list is found again.
pub(crate) type KeyId = [u8; KEY_ID_BYTES];

/// Works with the newest key and accepts what any of them has made.
pub(crate) struct KeyRing {
    /// Never empty, newest first.
    keys: Vec<Key>,
}

struct Key {
    aead: LessSafeKey,
    id: KeyId,
    mac: hmac::Key,
}

/// What was sealed, and whether with the newest key.
pub(crate) struct Opened {
    pub(crate) is_newest: bool,
    pub(crate) plain: Vec<u8>,
}

impl KeyRing {
    /// Makes keys of each secret, newest first, with HKDF-SHA-256 (RFC 5869). `list` is the name of the setting, and
    /// keys of two lists have nothing in common.
    pub(crate) fn new(
        list: &'static str,
        secrets: &[SecretString],
    ) -> Result<Self, PasswordConfigError> {
        if secrets.is_empty() {
            return Err(PasswordConfigError::NoSecret { list });
        }
        if secrets.len() > MAX_SECRETS {
            let count = secrets.len();
            return Err(PasswordConfigError::TooManySecrets { list, count });
        }
        let mut keys: Vec<Key> = Vec::with_capacity(secrets.len());
        for (secret, position) in secrets.iter().zip(1..) {
            let key = Key::new(list, secret, position)?;
            // Of two keys with one id only the first would be found.
            if keys.iter().any(|other| other.id == key.id) {
                return Err(PasswordConfigError::SecretTwice { list, position });
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// Encrypts with the newest key for one place: what is sealed there opens nowhere else.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let refused = || Error::new(ErrorKind::Internal, "cannot seal a secret");
        let key = self.keys.first().ok_or_else(refused)?;
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut sealed = [&[VERSION], key.id.as_slice(), &nonce].concat();
        let mut body = plain.to_vec();
        key.aead
            .seal_in_place_append_tag(Nonce::from(&nonce), Aad::from(place), &mut body)
            .map_err(|Unspecified| refused())?;
        sealed.extend(body);
        Ok(sealed)
    }

    /// Decrypts what was sealed for this place with one of the keys. `None` for anything else.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Option<Opened> {
        let (&[VERSION], rest) = sealed.split_first_chunk()? else {
            return None;
        };
        let (id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        let at = self.position(*id)?;
        let key = self.keys.get(at)?;
        let mut body = body.to_vec();
        let plain = key
            .aead
            .open_in_place(Nonce::from(nonce), Aad::from(place), &mut body)
            .ok()?;
        Some(Opened {
            is_newest: at == 0,
            plain: plain.to_vec(),
        })
    }

    /// Returns the id of the newest key.
    pub(crate) fn newest(&self) -> Option<KeyId> {
        self.keys.first().map(|key| key.id)
    }

    /// Computes HMAC-SHA-256 (RFC 2104) with one of the keys. `None` for an id that is not on the list.
    pub(crate) fn mac(&self, id: KeyId, data: &[u8]) -> Option<hmac::Tag> {
        let key = self.keys.get(self.position(id)?)?;
        Some(hmac::sign(&key.mac, data))
    }

    /// Tells whether one of the keys has made the tag. Takes the same time for every wrong tag.
    pub(crate) fn is_mac_of(&self, id: KeyId, data: &[u8], tag: &[u8]) -> bool {
        let key = self.position(id).and_then(|at| self.keys.get(at));
        key.is_some_and(|key| hmac::verify(&key.mac, data, tag).is_ok())
    }

    fn position(&self, id: KeyId) -> Option<usize> {
        self.keys.iter().position(|key| key.id == id)
    }
}

impl Key {
    fn new(
        list: &'static str,
        secret: &SecretString,
        position: usize,
    ) -> Result<Self, PasswordConfigError> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < MIN_SECRET_BYTES {
            let bytes = secret.len();
            return Err(PasswordConfigError::ShortSecret {
                list,
                position,
                bytes,
            });
        }
        let refused = |Unspecified| PasswordConfigError::KeyRefused { list, position };
        let salt = format!("ee-auth-password/{list}");
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, salt.as_bytes()).extract(secret);
        let aead = root.expand(&[b"seal v1"], &AES_256_GCM).map_err(refused)?;
        let mac = root
            .expand(&[b"mac v1"], hmac::HMAC_SHA256)
            .map_err(refused)?;
        let mut id = [0; 32];
        root.expand(&[b"key id v1"], hkdf::HKDF_SHA256)
            .and_then(|key_id| key_id.fill(&mut id))
            .map_err(refused)?;
        let [a, b, c, d, ..] = id;
        Ok(Self {
            aead: LessSafeKey::new(UnboundKey::from(aead)),
            id: [a, b, c, d],
            mac: mac.into(),
        })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(secrets: &[&str]) -> Result<KeyRing, PasswordConfigError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|text| (*text).into()).collect();
        KeyRing::new("secrets", &secrets)
    }

    const OLD: &str = "an old secret of at least thirty-two bytes";
    const NEW: &str = "a new secret of at least thirty-two bytes";

    #[test]
    fn what_an_older_key_sealed_opens_for_its_place_alone() {
        let sealed = ring(&[OLD]).unwrap().seal("row 1", b"hello").unwrap();
        let both = ring(&[NEW, OLD]).unwrap();

        let opened = both.open("row 1", &sealed).unwrap();

        assert_eq!(opened.plain, b"hello");
        assert!(!opened.is_newest);
        assert!(both.open("row 2", &sealed).is_none());
        assert!(ring(&[NEW]).unwrap().open("row 1", &sealed).is_none());
        assert!(
            both.open("row 1", &both.seal("row 1", b"").unwrap())
                .unwrap()
                .is_newest
        );
    }

    #[test]
    fn changed_and_shortened_bytes_open_nothing() {
        let ring = ring(&[NEW]).unwrap();
        let sealed = ring.seal("row", b"hello").unwrap();

        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring.open("row", &changed).is_none(), "{at}");
            assert!(ring.open("row", &sealed[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn a_tag_is_good_for_its_key_and_data() {
        let ring = ring(&[NEW, OLD]).unwrap();
        let id = ring.newest().unwrap();
        let tag = ring.mac(id, b"data").unwrap();

        assert!(ring.is_mac_of(id, b"data", tag.as_ref()));
        assert!(!ring.is_mac_of(id, b"date", tag.as_ref()));
        assert!(!ring.is_mac_of([0; 4], b"data", tag.as_ref()));
        assert!(ring.mac([0; 4], b"data").is_none());
        let pepper = KeyRing::new("hashing.pepper", &[NEW.into()]).unwrap();
        assert_ne!(pepper.newest(), Some(id));
    }

    #[test]
    fn lists_that_cannot_be_meant_are_refused() {
        let short = ring(&[NEW, "short"]).unwrap_err();
        let twice = ring(&[NEW, OLD, NEW]).unwrap_err();

        assert_eq!(
            short.to_string(),
            "secret 2 of `secrets` has 5 bytes; at least 32 are needed"
        );
        assert_eq!(
            twice.to_string(),
            "secret 3 of `secrets` stands there already"
        );
        assert!(ring(&[]).is_err());
        assert!(ring(&[NEW; 17]).is_err());
        assert!(!format!("{:?}", ring(&[NEW]).unwrap()).contains("thirty"));
    }
}
