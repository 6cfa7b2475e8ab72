//! What can go wrong with keys, checkpoints, proofs and pins.

use std::{io, path::PathBuf};

use ee_core::{Error, ErrorKind};

/// What went wrong. Never says what a key or an event is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// A known key did not sign this.
    #[error("the signature of a known key is wrong")]
    BadSignature,
    /// The disk.
    #[error("cannot read or write `{}`", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file that only its owner may read.
    #[error("`{}` is open to others (mode {mode:o}): only its owner may read it", path.display())]
    FileMode {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A text that is no key, or not one of Ed25519.
    #[error("not an Ed25519 key in the form of signed notes")]
    KeyForm,
    /// Names of keys stand in signatures.
    #[error("the name of a key is not empty and has neither white space nor `+`")]
    KeyName,
    /// The tree of a store has a hole.
    #[error("node {index} on level {level} of the tree is not there")]
    MissingNode {
        /// 0 for leaves.
        level: u8,
        /// From 0.
        index: u64,
    },
    /// A text that is no signed checkpoint.
    #[error("not a signed checkpoint")]
    NoteForm,
    /// What cannot be the first line of a checkpoint.
    #[error("the name of a log is not empty and has no control characters")]
    Origin,
    /// A good signature under something else.
    #[error("the checkpoint is one of another log, `{origin}`")]
    OtherLog {
        /// Which one.
        origin: String,
    },
    /// A pin that cannot be read says that somebody was there: it is not taken for a missing one.
    #[error("`{}` is not a pin", path.display())]
    PinForm {
        /// Which file.
        path: PathBuf,
    },
    /// A text that is no proof.
    #[error("not a proof")]
    ProofForm,
    /// A proof of something else.
    #[error("the proof does not hold")]
    ProofWrong,
    /// Keys need randomness.
    #[error("the system gives no randomness")]
    Random(#[source] Error),
    /// The library refuses to sign.
    #[error("the signing key does not work")]
    Sign,
    /// Nobody whom we know has signed this.
    #[error("no known key has signed this")]
    UnknownKey,
}

impl From<IntegrityError> for Error {
    fn from(err: IntegrityError) -> Self {
        let kind = match &err {
            IntegrityError::BadSignature
            | IntegrityError::FileMode { .. }
            | IntegrityError::KeyForm
            | IntegrityError::KeyName
            | IntegrityError::NoteForm
            | IntegrityError::Origin
            | IntegrityError::OtherLog { .. }
            | IntegrityError::ProofForm
            | IntegrityError::ProofWrong
            | IntegrityError::UnknownKey => ErrorKind::Invalid,
            IntegrityError::MissingNode { .. }
            | IntegrityError::PinForm { .. }
            | IntegrityError::Sign => ErrorKind::Internal,
            IntegrityError::File { .. } | IntegrityError::Random(_) => ErrorKind::Unavailable,
        };
        let message = match kind {
            // The caller of a server learns no path.
            ErrorKind::Unavailable => "the proof of the audit record is not available".to_owned(),
            _ => err.to_string(),
        };
        Self::new(kind, message).with_source(err)
    }
}
