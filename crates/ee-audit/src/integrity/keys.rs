//! Keys that sign checkpoints, and those that tell who has signed.

mod signing;
mod verifying;

pub use signing::SigningKey;
pub use verifying::{VerifierKey, VerifierKeys};

use super::IntegrityError;

/// Ed25519 among the types of signatures of <https://c2sp.org/signed-note>.
const ED25519: u8 = 1;

/// Returns the type of signature and the key, as texts and ids of keys hold them.
fn encoded(public: &[u8; 32]) -> [u8; 33] {
    let mut bytes = [ED25519; 33];
    if let Some(key) = bytes.last_chunk_mut() {
        *key = *public;
    }
    bytes
}

/// Reads the id of a key: eight digits of lower-case hex.
fn parse_id(text: &str) -> Result<u32, IntegrityError> {
    let id = u32::from_str_radix(text, 16).map_err(|_| IntegrityError::KeyForm)?;
    if format!("{id:08x}") == text {
        Ok(id)
    } else {
        Err(IntegrityError::KeyForm)
    }
}
