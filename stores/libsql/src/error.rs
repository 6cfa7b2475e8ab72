use std::{io, path::PathBuf, sync::Arc};

use ee_core::ErrorKind;
use rusqlite::ffi::{self, ErrorCode};

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file could not be created.
    #[error("cannot create the database `{}`", .path.display())]
    Create {
        /// The database file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is the database of another program.
    #[error("`{}` is a database of another program and is left alone", .path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The schema could not be brought up to date. Nothing of it was kept.
    #[error("cannot bring the schema of `{}` up to date", .path.display())]
    Migrate {
        /// The database file.
        path: PathBuf,
        /// What went wrong.
        source: Box<refinery::Error>,
    },
    /// The file was written by a newer version of this program.
    #[error(
        "`{}` was written by a newer version (schema {found}, known up to {known}): update this program",
        .path.display()
    )]
    Newer {
        /// Schema of the file.
        found: i32,
        /// Newest schema that this program knows.
        known: i32,
        /// The database file.
        path: PathBuf,
    },
    /// The directory of the file does not exist or is no directory.
    #[error("there is no directory `{}` for the database", .path.display())]
    NoDirectory {
        /// The missing directory.
        path: PathBuf,
    },
    /// The file is not a SQLite database.
    #[error("`{}` is not a SQLite database", .path.display())]
    NotSqlite {
        /// The database file.
        path: PathBuf,
    },
    /// The file may not be written.
    #[error("the database `{}` is write-protected", .path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
    },
    /// SQLite could not open or prepare the file.
    #[error("cannot open the database `{}`", .path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The system gives no thread.
    #[error("cannot start a thread for the database")]
    Thread {
        /// What the system says.
        #[from]
        source: io::Error,
    },
    /// The file system of the file cannot hold a write-ahead log.
    #[error("`{}` is on a file system without support for a write-ahead log", .path.display())]
    WalUnsupported {
        /// The database file.
        path: PathBuf,
    },
}

/// Why the store could not do what it was asked.
///
/// No message holds a value: neither a stored one nor one that was bound to a query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The transaction that held the change was not committed; nothing of it was kept.
    #[error("could not {operation}: the change was not committed")]
    Commit {
        /// What was asked, such as `create a session`.
        operation: &'static str,
        /// What SQLite says; all changes of one transaction share it.
        source: Arc<rusqlite::Error>,
    },
    /// Too much is queued already.
    #[error("the store is too busy")]
    Full,
    /// A defect of ours was caught in a thread of the store.
    #[error("could not {operation}: the query panicked")]
    Panicked {
        /// What was asked.
        operation: &'static str,
    },
    /// A query failed.
    #[error("could not {operation}")]
    Query {
        /// What was asked.
        operation: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The id is taken.
    #[error("could not {operation}: the id is taken")]
    Taken {
        /// What was asked.
        operation: &'static str,
    },
    /// A search took too long and was ended.
    #[error("could not {operation}: it took too long")]
    Timeout {
        /// What was asked.
        operation: &'static str,
    },
    /// What was found does not allow to go on.
    #[error("what was found does not fit")]
    Unfit {
        /// Why not.
        source: ee_core::Error,
    },
}

impl Error {
    /// Tells a taken key from every other failure of a query.
    pub(crate) fn query(operation: &'static str, source: rusqlite::Error) -> Self {
        match extended_code(&source) {
            Some(ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE) => {
                Self::Taken { operation }
            }
            Some(ffi::SQLITE_INTERRUPT) => Self::Timeout { operation },
            _ => Self::Query { operation, source },
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed | Self::Commit { .. } | Self::Full | Self::Timeout { .. } => {
                ErrorKind::Unavailable
            }
            Self::Unfit { source } => source.kind(),
            Self::Panicked { .. } => ErrorKind::Internal,
            Self::Query { source, .. } => match source.sqlite_error_code() {
                Some(
                    ErrorCode::CannotOpen
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::OutOfMemory
                    | ErrorCode::SystemIoFailure,
                ) => ErrorKind::Unavailable,
                _ => ErrorKind::Internal,
            },
            Self::Taken { .. } => ErrorKind::Conflict,
        }
    }
}

impl From<Error> for ee_core::Error {
    fn from(err: Error) -> Self {
        Self::new(err.kind(), err.to_string()).with_source(err)
    }
}

/// Tells whether another connection was in the way.
pub(crate) fn is_busy(err: &rusqlite::Error) -> bool {
    matches!(
        err.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn extended_code(err: &rusqlite::Error) -> Option<i32> {
    err.sqlite_error().map(|err| err.extended_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_with(code: i32) -> ee_core::Error {
        let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        Error::query("test", source).into()
    }

    #[test]
    fn the_kind_tells_what_the_caller_can_do() {
        for (code, kind) in [
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ErrorKind::Conflict),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, ErrorKind::Conflict),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, ErrorKind::Internal),
            (ffi::SQLITE_BUSY, ErrorKind::Unavailable),
            (ffi::SQLITE_FULL, ErrorKind::Unavailable),
            (ffi::SQLITE_INTERRUPT, ErrorKind::Unavailable),
            (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Unavailable),
            (ffi::SQLITE_CORRUPT, ErrorKind::Internal),
            (ffi::SQLITE_ERROR, ErrorKind::Internal),
        ] {
            assert_eq!(failed_with(code).kind(), kind, "{code}");
        }
    }
}
