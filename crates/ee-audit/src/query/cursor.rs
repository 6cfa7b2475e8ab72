//! Where a list goes on, sealed so that nobody makes one up.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, error::Unspecified, hkdf, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ee_core::{AuditPlace, AuditQuery, Error, ErrorKind};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Context, Order, Search, to_text};

/// Says what the bytes are; another format has another number.
const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const FILTER_BYTES: usize = 16;
const MAC_BYTES: usize = 16;
/// Version, key, order, two times, an id and the hash of the filter.
const BODY_BYTES: usize = 1 + KEY_ID_BYTES + 1 + 8 + 8 + 16 + FILTER_BYTES;
/// Fewest bytes of a secret.
const MIN_SECRET_BYTES: usize = 32;

/// Makes and opens cursors: texts of base64url that say where a list goes on, with an HMAC-SHA-256 of 16 bytes.
///
/// A cursor is good for one filter in one order; it gives no right, so access is checked for every part anew. It also says
/// when the list was begun, so that relative times do not move from part to part.
pub struct Cursors {
    /// Never empty, newest first.
    keys: Vec<Key>,
}

struct Key {
    id: [u8; KEY_ID_BYTES],
    mac: hmac::Key,
}

/// What a cursor says.
struct Body {
    began: Timestamp,
    filter: [u8; FILTER_BYTES],
    order: Order,
    place: AuditPlace,
}

impl Cursors {
    /// Seals with the first secret and opens with each: put a new one in front, and drop the old one later.
    ///
    /// Fails with [`ErrorKind::Invalid`] without a secret, with one of fewer than 32 bytes, and with one twice.
    pub fn new(secrets: &[SecretString]) -> Result<Self, Error> {
        let invalid = |message: String| Error::new(ErrorKind::Invalid, message);
        if secrets.is_empty() {
            return Err(invalid("cursors need a secret".to_owned()));
        }
        let mut keys: Vec<Key> = Vec::with_capacity(secrets.len());
        for (secret, position) in secrets.iter().zip(1..) {
            let secret = secret.expose_secret().as_bytes();
            if secret.len() < MIN_SECRET_BYTES {
                let bytes = secret.len();
                let message = format!(
                    "secret {position} of the cursors has {bytes} bytes; at least {MIN_SECRET_BYTES} are needed"
                );
                return Err(invalid(message));
            }
            let key = Key::new(secret).map_err(|Unspecified| {
                Error::new(ErrorKind::Internal, "cannot make a key for cursors")
            })?;
            if keys.iter().any(|other| other.id == key.id) {
                let message = format!("secret {position} of the cursors stands there already");
                return Err(invalid(message));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// Returns what the parameters of a request are to be read with: those of a later part from when the list was begun.
    ///
    /// Fails with [`ErrorKind::Invalid`] for a cursor that was not made here.
    pub fn context(
        &self,
        pairs: &[(String, String)],
        mut context: Context,
    ) -> Result<Context, Error> {
        if let Some((_, text)) = pairs.iter().find(|(name, _)| name == "cursor") {
            context.now = self.read(text)?.began;
        }
        Ok(context)
    }

    /// Returns what a store is asked, from where the cursor of the search says.
    ///
    /// Fails with [`ErrorKind::Invalid`] for a cursor that was not made here or for another search.
    pub fn query(&self, search: &Search) -> Result<AuditQuery, Error> {
        let after = search.cursor.as_deref().map(|text| self.open(search, text));
        Ok(search.query(after.transpose()?))
    }

    /// Makes the cursor of what comes behind a place.
    pub fn seal(&self, search: &Search, place: AuditPlace) -> Result<String, Error> {
        let internal = || Error::new(ErrorKind::Internal, "cannot make a cursor");
        let key = self.keys.first().ok_or_else(internal)?;
        let body = Body {
            began: search.began,
            filter: hash(search),
            order: search.order,
            place,
        };
        let mut bytes = body.to_bytes(key.id);
        let mac = hmac::sign(&key.mac, &bytes);
        bytes.extend(mac.as_ref().iter().take(MAC_BYTES));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the place that a cursor was made of.
    ///
    /// Fails with [`ErrorKind::Invalid`] for one that was not made here, or for another filter or order.
    pub fn open(&self, search: &Search, text: &str) -> Result<AuditPlace, Error> {
        let body = self.read(text)?;
        if body.filter != hash(search) || body.order != search.order {
            let message = "belongs to a search with another filter or order";
            return Err(Error::invalid_field("cursor", message));
        }
        Ok(body.place)
    }

    fn read(&self, text: &str) -> Result<Body, Error> {
        self.verified(text)
            .ok_or_else(|| Error::invalid_field("cursor", "is not one that this server made"))
    }

    fn verified(&self, text: &str) -> Option<Body> {
        let mut bytes = [0; BODY_BYTES + MAC_BYTES];
        // Every text of another length is refused before it costs anything.
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (body, mac) = bytes.get(..length)?.split_at_checked(BODY_BYTES)?;
        let key_id = body.get(1..=KEY_ID_BYTES)?;
        let key = self.keys.iter().find(|key| key.id == key_id)?;
        let expected = hmac::sign(&key.mac, body);
        verify_slices_are_equal(expected.as_ref().get(..MAC_BYTES)?, mac).ok()?;
        Body::from_bytes(body)
    }
}

impl Key {
    fn new(secret: &[u8]) -> Result<Self, Unspecified> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"ee-audit/cursors").extract(secret);
        let mut id = [0; 32];
        let name = root.expand(&[b"key id v1"], hkdf::HKDF_SHA256)?;
        name.fill(&mut id)?;
        let [a, b, c, d, ..] = id;
        Ok(Self {
            id: [a, b, c, d],
            mac: root.expand(&[b"mac v1"], hmac::HMAC_SHA256)?.into(),
        })
    }
}

impl Body {
    fn to_bytes(&self, key_id: [u8; KEY_ID_BYTES]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BODY_BYTES + MAC_BYTES);
        bytes.push(VERSION);
        bytes.extend(key_id);
        bytes.push(match self.order {
            Order::Ascending => 0,
            Order::Descending => 1,
        });
        bytes.extend(self.began.as_microsecond().to_be_bytes());
        bytes.extend(self.place.timestamp.as_microsecond().to_be_bytes());
        bytes.extend(self.place.id.as_bytes());
        bytes.extend(self.filter);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION, _, _, _, _, order], rest) = bytes.split_first_chunk()? else {
            return None;
        };
        let order = match order {
            0 => Order::Ascending,
            1 => Order::Descending,
            _ => return None,
        };
        let (began, rest) = rest.split_first_chunk()?;
        let (timestamp, rest) = rest.split_first_chunk()?;
        let (id, filter) = rest.split_first_chunk()?;
        Some(Self {
            began: Timestamp::from_microsecond(i64::from_be_bytes(*began)).ok()?,
            filter: filter.try_into().ok()?,
            order,
            place: AuditPlace {
                timestamp: Timestamp::from_microsecond(i64::from_be_bytes(*timestamp)).ok()?,
                id: Uuid::from_bytes(*id),
            },
        })
    }
}

/// Returns a hash that only searches for the same have.
fn hash(search: &Search) -> [u8; FILTER_BYTES] {
    let digest: [u8; 32] = Sha256::digest(to_text(&search.filter)).into();
    let mut hash = [0; FILTER_BYTES];
    for (to, from) in hash.iter_mut().zip(digest) {
        *to = from;
    }
    hash
}

impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursors")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}
