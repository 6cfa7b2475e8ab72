//! The keys that seal cookies, made of the configured secrets.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ee_core::{Error, ErrorKind, fill_random};
use secrecy::{ExposeSecret as _, SecretString};

use super::{MAX_SECRETS, MIN_SECRET_BYTES};
use crate::SessionConfigError;

/// Says what the bytes are; another format has another number.
const VERSION: u8 = 1;
/// Version and key id, before the nonce.
const HEAD: usize = 2;

/// Seals with the newest key and opens with any.
pub(super) struct KeyRing {
    newest: Key,
    older: Vec<Key>,
}

struct Key {
    /// Purpose, version, key id and cookie name: what is sealed for one is nothing for another.
    aad: Box<[u8]>,
    aead: LessSafeKey,
    /// Made of the secret, so that it stays when the list changes. Two keys may share one.
    id: u8,
}

impl KeyRing {
    /// Makes a key of each secret, newest first, for the cookie of this name.
    pub(super) fn new(secrets: &[SecretString], cookie: &str) -> Result<Self, SessionConfigError> {
        if secrets.len() > MAX_SECRETS {
            let count = secrets.len();
            return Err(SessionConfigError::TooManySecrets { count });
        }
        let mut keys = secrets
            .iter()
            .zip(1..)
            .map(|(secret, position)| Key::new(secret, position, cookie));
        let newest = keys.next().ok_or(SessionConfigError::NoSecret)??;
        let older = keys.collect::<Result<_, _>>()?;
        Ok(Self { newest, older })
    }

    /// Encrypts with the newest key and writes the text of a cookie.
    pub(super) fn seal(&self, plain: &[u8]) -> Result<String, Error> {
        let Key { aad, aead, id } = &self.newest;
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut bytes = Vec::with_capacity(HEAD + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        bytes.extend([VERSION, *id]);
        bytes.extend(nonce);
        let (nonce, mut body) = (Nonce::from(&nonce), plain.to_vec());
        aead.seal_in_place_append_tag(nonce, Aad::from(aad), &mut body)
            .map_err(|Unspecified| Error::new(ErrorKind::Internal, "cannot seal a session"))?;
        bytes.extend(body);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Decrypts the text of a cookie into `bytes`. `None` for whatever was not sealed with one of the keys.
    pub(super) fn open<'a>(&self, text: &str, bytes: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        URL_SAFE_NO_PAD.decode_vec(text, bytes).ok()?;
        let [VERSION, id, ..] = *bytes.as_slice() else {
            return None;
        };
        let mut keys = std::iter::once(&self.newest)
            .chain(&self.older)
            .filter(|key| key.id == id);
        let length = keys.next()?.open(bytes).or_else(|| {
            // Two keys may have one id. A failed try leaves nothing of the bytes.
            keys.find_map(|key| {
                bytes.clear();
                URL_SAFE_NO_PAD.decode_vec(text, bytes).ok()?;
                key.open(bytes)
            })
        })?;
        bytes.get(HEAD + NONCE_LEN..)?.get(..length)
    }
}

impl Key {
    fn new(
        secret: &SecretString,
        position: usize,
        cookie: &str,
    ) -> Result<Self, SessionConfigError> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < MIN_SECRET_BYTES {
            let bytes = secret.len();
            return Err(SessionConfigError::ShortSecret { position, bytes });
        }
        let refused = |Unspecified| SessionConfigError::KeyRefused { position };
        let root =
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"ee-defaults/cookie-sessions").extract(secret);
        let key = root.expand(&[b"seal v1"], &AES_256_GCM).map_err(refused)?;
        let aead = LessSafeKey::new(UnboundKey::from(key));
        let mut id = [0; 32];
        root.expand(&[b"key id v1"], hkdf::HKDF_SHA256)
            .and_then(|key_id| key_id.fill(&mut id))
            .map_err(refused)?;
        let [id, ..] = id;
        let aad = [b"ee-session".as_slice(), &[VERSION, id], cookie.as_bytes()].concat();
        Ok(Self {
            aad: aad.into(),
            aead,
            id,
        })
    }

    /// Decrypts in place what follows the nonce and returns how long the plain text is.
    fn open(&self, bytes: &mut [u8]) -> Option<usize> {
        let (nonce, sealed) = bytes
            .get_mut(HEAD..)?
            .split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::from(&*nonce);
        let plain = self.aead.open_in_place(nonce, Aad::from(&self.aad), sealed);
        plain.ok().map(|plain| plain.len())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &(1 + self.older.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two secrets in some hundreds have keys of one id; the right one of them opens.
    #[test]
    fn keys_of_one_id_do_not_hide_each_other() {
        let secret =
            |n: u32| SecretString::from(format!("secret {n} of at least thirty-two bytes"));
        let key = |n: u32| Key::new(&secret(n), 1, "c").unwrap();
        let id = key(0).id;
        let twin = (1..100_000).find(|&n| key(n).id == id).unwrap();
        let (mut bytes, text) = (
            Vec::new(),
            KeyRing::new(&[secret(0)], "c")
                .unwrap()
                .seal(b"hello")
                .unwrap(),
        );

        let both = KeyRing::new(&[secret(twin), secret(0)], "c").unwrap();
        let other = KeyRing::new(&[secret(twin)], "c").unwrap();

        assert_eq!(both.open(&text, &mut bytes), Some(b"hello".as_slice()));
        assert_eq!(other.open(&text, &mut Vec::new()), None);
    }
}
