//! What a sealed cookie says, as bytes.

use ee_core::{Error, ErrorKind, TokenHash, UserId, fill_random};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What a sealed cookie says.
///
/// As bytes, numbers little-endian: 16 of the id, 8 each of creation and end in milliseconds since
/// 1970, 8 of the credential version, 2 of the length of the user id, the user id, and the metadata as JSON unless it is empty.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Payload {
    /// To the millisecond.
    pub(super) created_at: Timestamp,
    pub(super) credential_version: u64,
    /// To the millisecond.
    pub(super) expires_at: Timestamp,
    /// Random, new at each sealing.
    pub(super) id: [u8; 16],
    pub(super) metadata: Map<String, Value>,
    pub(super) user_id: UserId,
}

impl Payload {
    /// Returns an id that was never used. Fails with [`ErrorKind::Unavailable`].
    pub(super) fn fresh_id() -> Result<[u8; 16], Error> {
        let mut id = [0; 16];
        fill_random(&mut id)?;
        Ok(id)
    }

    /// Returns the name of this sealing in the list of ended sessions: its id, creation and end.
    ///
    /// They never leave the seal and nothing follows from them, so they are not hashed again.
    pub(super) fn name(&self) -> Result<TokenHash, Error> {
        TokenHash::from_stored(&self.head())
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the name of a session has 32 bytes"))
    }

    /// Writes the bytes. Fails with [`ErrorKind::Invalid`] for a user id that is too long.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let user = self.user_id.as_str();
        let length = u16::try_from(user.len())
            .map_err(|_| Error::invalid_field("userId", "is too long for a cookie"))?;
        let mut bytes = Vec::with_capacity(42 + user.len());
        bytes.extend(self.head());
        bytes.extend(self.credential_version.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(user.as_bytes());
        if !self.metadata.is_empty() {
            serde_json::to_writer(&mut bytes, &self.metadata).map_err(|err| {
                Error::new(
                    ErrorKind::Internal,
                    "cannot write the metadata of a session",
                )
                .with_source(err)
            })?;
        }
        Ok(bytes)
    }

    /// Reads the bytes. `None` for what this version has not written.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, bytes) = bytes.split_first_chunk::<16>()?;
        let (created_at, bytes) = split_moment(bytes)?;
        let (expires_at, bytes) = split_moment(bytes)?;
        let (version, bytes) = bytes.split_first_chunk()?;
        let (length, bytes) = bytes.split_first_chunk()?;
        let (user, metadata) = bytes.split_at_checked(u16::from_le_bytes(*length).into())?;
        Some(Self {
            created_at,
            credential_version: u64::from_le_bytes(*version),
            expires_at,
            id: *id,
            metadata: match metadata {
                [] => Map::new(),
                json => serde_json::from_slice(json).ok()?,
            },
            user_id: UserId::new(str::from_utf8(user).ok()?).ok()?,
        })
    }

    fn head(&self) -> [u8; 32] {
        let mut head = [0; 32];
        let (id, moments) = head.split_at_mut(16);
        let (created_at, expires_at) = moments.split_at_mut(8);
        id.copy_from_slice(&self.id);
        created_at.copy_from_slice(&self.created_at.as_millisecond().to_le_bytes());
        expires_at.copy_from_slice(&self.expires_at.as_millisecond().to_le_bytes());
        head
    }
}

fn split_moment(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (millis, rest) = bytes.split_first_chunk()?;
    let at = Timestamp::from_millisecond(i64::from_le_bytes(*millis)).ok()?;
    Some((at, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Payload {
        Payload {
            created_at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            credential_version: 7,
            expires_at: "2026-01-09T03:04:05.678Z".parse().unwrap(),
            id: Payload::fresh_id().unwrap(),
            metadata: Map::new(),
            user_id: "user-1".parse().unwrap(),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let mut payload = payload();
        assert_eq!(
            Payload::from_bytes(&payload.to_bytes().unwrap()),
            Some(payload.clone())
        );

        payload.metadata.insert("role".into(), "ünïcode".into());
        assert_eq!(
            Payload::from_bytes(&payload.to_bytes().unwrap()),
            Some(payload)
        );
    }

    #[test]
    fn shortened_bytes_are_read_as_nothing() {
        let bytes = payload().to_bytes().unwrap();

        for end in 0..bytes.len() {
            assert_eq!(Payload::from_bytes(&bytes[..end]), None, "{end}");
        }
        assert_eq!(
            Payload::from_bytes(&[bytes.as_slice(), b"x"].concat()),
            None
        );
    }
}
