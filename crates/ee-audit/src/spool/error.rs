use std::{io, path::PathBuf, sync::Arc, time::Duration};

use ee_core::ErrorKind;

/// Why a spool could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolOpenError {
    /// A value of the configuration makes no sense.
    #[error("`{field}` of the audit spool {message}")]
    Invalid {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        message: &'static str,
    },
    /// The disk does not do it.
    #[error("cannot {action} `{}`", .path.display())]
    Io {
        /// What was tried, such as `create`.
        action: &'static str,
        /// The file or the directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process owns the directory.
    #[error("another process uses the audit spool `{}`", .dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The segment was written by a newer version of this program.
    #[error("`{}` was written by a newer version: update this program", .path.display())]
    Newer {
        /// The segment.
        path: PathBuf,
    },
    /// The system gives no thread.
    #[error("cannot start a thread for the audit spool")]
    Thread {
        /// What the system says.
        source: io::Error,
    },
}

impl From<SpoolOpenError> for ee_core::Error {
    fn from(err: SpoolOpenError) -> Self {
        let kind = match &err {
            SpoolOpenError::Invalid { .. } => ErrorKind::Invalid,
            SpoolOpenError::Locked { .. } => ErrorKind::Conflict,
            SpoolOpenError::Newer { .. } => ErrorKind::Unsupported,
            SpoolOpenError::Io { .. } | SpoolOpenError::Thread { .. } => ErrorKind::Unavailable,
        };
        Self::new(kind, "cannot open the audit spool").with_source(err)
    }
}

/// Why a spool could not do what it was asked. After any of them but [`Closed`](Self::Closed) it works on.
///
/// An event that was answered with one may have been kept all the same, when the disk failed. No message holds
/// anything of an event.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The spool is closed.
    #[error("the audit spool is closed")]
    Closed,
    /// There is no room: the cap is reached, or the disk is full.
    #[error("the audit spool is full")]
    Full,
    /// The disk does not do it.
    #[error("the audit spool could not {action}")]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// What the system says; all events of one group share it.
        source: Arc<io::Error>,
    },
    /// So much waits to be written that nothing more is taken.
    #[error("too many events wait for the audit spool")]
    Overloaded,
    /// An event is larger than any may be.
    #[error("an event of {bytes} bytes is too large for the audit spool")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// What was to be acknowledged was not handed out.
    #[error("a position was acknowledged that the audit spool has not handed out")]
    UnknownPosition,
}

impl SpoolError {
    pub(super) fn io(action: &'static str, source: io::Error) -> Self {
        Self::Io {
            action,
            source: Arc::new(source),
        }
    }
}

/// How long whoever finds no room is asked to wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl From<SpoolError> for ee_core::Error {
    fn from(err: SpoolError) -> Self {
        match &err {
            SpoolError::Full | SpoolError::Overloaded => {
                Self::new(ErrorKind::Unavailable, err.to_string()).with_retry_after(RETRY_AFTER)
            }
            SpoolError::Closed | SpoolError::Io { .. } => {
                Self::new(ErrorKind::Unavailable, err.to_string())
            }
            SpoolError::TooLarge { .. } | SpoolError::UnknownPosition => {
                Self::new(ErrorKind::Internal, err.to_string())
            }
        }
        .with_source(err)
    }
}

/// Tells whether the disk, or a limit on it, has no room.
pub(super) fn is_no_room(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded | io::ErrorKind::StorageFull
    )
}
