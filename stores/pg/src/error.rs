use std::fmt;

use deadpool_postgres::PoolError;
use ee_core::ErrorKind;
use tokio_postgres::error::{DbError, SqlState};

/// Why a store could not be opened. No message holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The certificates that a server has to be signed by could not be read.
    #[error("cannot read the certificate authorities for the database")]
    Authorities {
        /// What is wrong with them.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database did not let us in, or did not answer.
    #[error("cannot connect to the database `{target}`")]
    Connect {
        /// What went wrong.
        source: Error,
        /// Host and name of the database.
        target: String,
    },
    /// The schema could not be brought up to date. Nothing of it was kept.
    #[error("cannot bring the schema of `{target}` up to date")]
    Migrate {
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// Host and name of the database.
        target: String,
    },
    /// The schema was written by a newer version of this program.
    #[error(
        "`{target}` was written by a newer version (schema {found}, known up to {known}): update this program"
    )]
    Newer {
        /// Schema of the database.
        found: i32,
        /// Newest schema that this program knows.
        known: i32,
        /// Host and name of the database.
        target: String,
    },
    /// The URL is not one of a PostgreSQL database.
    #[error("the URL of the database is wrong: {reason}")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
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
    /// There is no connection, or it broke. Whether a change was made is unknown.
    #[error("could not {operation}: the database cannot be reached")]
    Lost {
        /// What was asked, such as `create a session`.
        operation: &'static str,
        /// What the driver says; `None` when the server itself ended the connection.
        source: Option<tokio_postgres::Error>,
    },
    /// A defect of ours was caught.
    #[error("could not {operation}: the query panicked")]
    Panicked {
        /// What was asked.
        operation: &'static str,
    },
    /// The server refused a statement.
    #[error("could not {operation}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// What the server says.
        source: Refusal,
    },
    /// The id is taken.
    #[error("could not {operation}: the id is taken")]
    Taken {
        /// What was asked.
        operation: &'static str,
    },
    /// The server did not answer, or no connection became free, in time.
    #[error("could not {operation}: the database did not answer in time")]
    Timeout {
        /// What was asked.
        operation: &'static str,
    },
    /// The history of the schema is damaged.
    #[error("could not {operation}: the history of the schema cannot be read")]
    Unreadable {
        /// What was asked.
        operation: &'static str,
    },
}

impl Error {
    /// Tells what the driver's error means.
    pub(crate) fn query(operation: &'static str, err: tokio_postgres::Error) -> Self {
        let Some(answer) = err.as_db_error() else {
            return Self::Lost {
                operation,
                source: Some(err),
            };
        };
        let code = answer.code();
        if *code == SqlState::UNIQUE_VIOLATION {
            Self::Taken { operation }
        } else if *code == SqlState::QUERY_CANCELED {
            Self::Timeout { operation }
        } else {
            Self::Refused {
                operation,
                source: Refusal::new(answer),
            }
        }
    }

    /// Tells what the pool's error means.
    pub(crate) fn pool(operation: &'static str, err: PoolError) -> Self {
        match err {
            PoolError::Backend(err) => Self::query(operation, err),
            PoolError::Closed => Self::Closed,
            PoolError::Timeout(_) => Self::Timeout { operation },
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Self::Lost {
                operation,
                source: None,
            },
        }
    }

    /// Tells whether another transaction was in the way, so that the server has undone this one and it may be tried
    /// again.
    pub(crate) fn is_contention(&self) -> bool {
        matches!(self, Self::Refused { source, .. } if matches!(source.code(), "40001" | "40P01"))
    }

    /// Tells whether the connection is of no more use. A read may be tried on another one.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            Self::Refused { source, .. } => source.code().starts_with("57P"),
            _ => false,
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed | Self::Lost { .. } | Self::Timeout { .. } => ErrorKind::Unavailable,
            Self::Panicked { .. } | Self::Unreadable { .. } => ErrorKind::Internal,
            Self::Refused { source, .. } => source.kind(),
            Self::Taken { .. } => ErrorKind::Conflict,
        }
    }
}

impl From<Error> for ee_core::Error {
    fn from(err: Error) -> Self {
        Self::new(err.kind(), err.to_string()).with_source(err)
    }
}

/// What the server says when it refuses a statement, without what may hold a value.
#[derive(Debug)]
pub struct Refusal {
    code: String,
    /// Message, constraint or table.
    about: Option<String>,
}

impl Refusal {
    fn new(answer: &DbError) -> Self {
        let code = answer.code().code().to_owned();
        // Messages of these classes speak of the server, of users and of names in our statements.
        let is_harmless = matches!(
            code.get(..2),
            Some("08" | "28" | "3D" | "42" | "53" | "55" | "57" | "58")
        );
        let about = if is_harmless {
            Some(answer.message())
        } else {
            answer.constraint().or_else(|| answer.table())
        };
        Self {
            about: about.map(str::to_owned),
            code,
        }
    }

    /// Returns the five characters of `SQLSTATE`.
    pub fn code(&self) -> &str {
        &self.code
    }

    fn kind(&self) -> ErrorKind {
        match (self.code.get(..2), &*self.code) {
            // What is too long for an index, or holds a NUL.
            (_, "54000" | "22021") => ErrorKind::Invalid,
            // No connection, no such database or user any more, a server that is full, busy, in trouble, stopping or a
            // standby, and contention that did not end.
            (Some("08" | "28" | "3D" | "40" | "53" | "55" | "57" | "58"), _)
            | (_, "25006" | "25P03") => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database answers {}", self.code)?;
        match &self.about {
            Some(about) => write!(f, ": {about}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_with(code: &str) -> Error {
        Error::Refused {
            operation: "test",
            source: Refusal {
                about: None,
                code: code.to_owned(),
            },
        }
    }

    #[test]
    fn the_kind_tells_what_the_caller_can_do() {
        for (code, kind) in [
            ("57P01", ErrorKind::Unavailable),
            ("57P03", ErrorKind::Unavailable),
            ("53300", ErrorKind::Unavailable),
            ("53100", ErrorKind::Unavailable),
            ("40P01", ErrorKind::Unavailable),
            ("25006", ErrorKind::Unavailable),
            ("28P01", ErrorKind::Unavailable),
            ("22021", ErrorKind::Invalid),
            ("54000", ErrorKind::Invalid),
            ("23502", ErrorKind::Internal),
            ("42P01", ErrorKind::Internal),
            ("XX001", ErrorKind::Internal),
        ] {
            assert_eq!(
                ee_core::Error::from(refused_with(code)).kind(),
                kind,
                "{code}"
            );
        }
    }

    #[test]
    fn contention_and_a_lost_connection_are_told_apart() {
        assert!(refused_with("40001").is_contention());
        assert!(!refused_with("40001").is_lost());
        assert!(refused_with("57P01").is_lost());
        assert!(!refused_with("57P01").is_contention());
    }
}
