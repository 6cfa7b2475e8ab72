//! Hashes as lower-case hex in JSON.

use ee_core::AuditHash;
use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

pub(super) fn serialize<S: Serializer>(hash: &AuditHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AuditHash, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| D::Error::custom("not a hash of 64 digits of lower-case hex"))
}

/// Reads what a hash displays.
pub(super) fn parse(text: &str) -> Option<AuditHash> {
    let (digits, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits
        .iter()
        .map(|[high, low]| Some(value(*high)? << 4 | value(*low)?))
        .collect();
    AuditHash::from_slice(&bytes?)
}
