//! What can be wrong with the configuration of sessions.

use ee_core::{Error, ErrorKind};

use crate::cookie_sessions::{MAX_SECRETS, MIN_SECRET_BYTES};

/// What is wrong with the configuration of sessions.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionConfigError {
    /// The cryptographic back end takes no key.
    #[error("the cryptographic back end refuses the key made of secret {position}")]
    KeyRefused {
        /// Place in the list, counted from 1.
        position: usize,
    },
    /// The limits contradict each other.
    #[error(
        "a session lasts {idle_secs} s unused and {absolute_secs} s at most: want 1 ≤ unused ≤ at most ≤ 34560000"
    )]
    Lifetimes {
        /// Seconds after which an unused session ends.
        idle_secs: u64,
        /// Seconds after which every session ends.
        absolute_secs: u64,
    },
    /// There is nothing to seal cookies with.
    #[error("cookie sessions need at least one secret")]
    NoSecret,
    /// A secret is too easy to guess.
    #[error(
        "secret {position} of the cookie sessions has {bytes} bytes, fewer than {MIN_SECRET_BYTES}"
    )]
    ShortSecret {
        /// Place in the list, counted from 1.
        position: usize,
        /// How long it is.
        bytes: usize,
    },
    /// Nobody needs so many.
    #[error("cookie sessions take {MAX_SECRETS} secrets at most, not {count}")]
    TooManySecrets {
        /// How many there are.
        count: usize,
    },
}

impl From<SessionConfigError> for Error {
    fn from(err: SessionConfigError) -> Self {
        let kind = match err {
            SessionConfigError::KeyRefused { .. } => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, err.to_string()).with_source(err)
    }
}
