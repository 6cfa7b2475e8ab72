use ee_core::ErrorKind;

/// Why a libSQL server could not be opened as a store. No message holds the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteOpenError {
    /// No client can be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The database was migrated by something else.
    #[error("the database has a history of schemas that is not ours (version {version})")]
    Foreign {
        /// The version that differs.
        version: i32,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database was written by a newer version (schema {found}, known up to {known}): update this program"
    )]
    Newer {
        /// Schema of the database.
        found: i32,
        /// Newest schema that this program knows.
        known: i32,
    },
    /// The server does not answer as it should.
    #[error("cannot bring the schema of the database up to date")]
    Server(#[source] RemoteError),
    /// The address cannot be used.
    #[error("the address of the libSQL server cannot be used: {why}")]
    Url {
        /// Why not.
        why: &'static str,
    },
}

/// Why a libSQL server could not do what it was asked. No message holds a value or the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The answer is none of the protocol.
    #[error("the libSQL server gave an answer that cannot be read")]
    Malformed,
    /// A statement failed.
    #[error("the libSQL server refused a statement ({code})")]
    Statement {
        /// What SQLite calls it.
        code: String,
    },
    /// The server answered with an error.
    #[error("the libSQL server answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The stream ended before the transaction did; nothing of it was kept.
    #[error("the libSQL server ended the transaction early")]
    StreamEnded,
    /// The server cannot be reached, or does not answer in time.
    #[error("the libSQL server cannot be reached")]
    Transport(#[source] reqwest::Error),
    /// A key is taken.
    #[error("the id is taken")]
    Taken,
}

impl RemoteError {
    /// Tells a taken key from every other failure of a statement.
    pub(crate) fn statement(code: Option<String>, message: &str) -> Self {
        let code = code.unwrap_or_else(|| "unknown".to_owned());
        let is_unique = matches!(
            code.as_str(),
            "SQLITE_CONSTRAINT_PRIMARYKEY" | "SQLITE_CONSTRAINT_UNIQUE"
        );
        // Some servers tell the plain code alone.
        let says_unique = code == "SQLITE_CONSTRAINT" && message.contains("UNIQUE constraint");
        if is_unique || says_unique {
            Self::Taken
        } else {
            Self::Statement { code }
        }
    }

    /// Tells whether nothing of the request can have reached the database.
    pub(crate) fn is_unsent(&self) -> bool {
        matches!(self, Self::Transport(err) if err.is_connect())
    }

    /// Tells whether asking again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Transport(_) | Self::StreamEnded => true,
            Self::Status { status } => *status >= 500 || *status == 429,
            _ => false,
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed | Self::Status { .. } | Self::StreamEnded | Self::Transport(_) => {
                ErrorKind::Unavailable
            }
            Self::Malformed => ErrorKind::Internal,
            Self::Statement { code } => match code.as_str() {
                "SQLITE_BUSY" | "SQLITE_LOCKED" | "SQLITE_FULL" | "SQLITE_NOMEM" => {
                    ErrorKind::Unavailable
                }
                code if code.starts_with("SQLITE_IOERR") || code.starts_with("SQLITE_BUSY") => {
                    ErrorKind::Unavailable
                }
                _ => ErrorKind::Internal,
            },
            Self::Taken => ErrorKind::Conflict,
        }
    }

    /// Says what could not be done.
    pub(crate) fn during(self, operation: &'static str) -> ee_core::Error {
        let message = format!("could not {operation}: {self}");
        ee_core::Error::new(self.kind(), message).with_source(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_tells_what_the_caller_can_do() {
        let kind = |code: &str, message: &str| {
            RemoteError::statement(Some(code.to_owned()), message)
                .during("test")
                .kind()
        };

        assert_eq!(
            kind("SQLITE_CONSTRAINT_PRIMARYKEY", ""),
            ErrorKind::Conflict
        );
        let text = "UNIQUE constraint failed: t.id";
        assert_eq!(kind("SQLITE_CONSTRAINT", text), ErrorKind::Conflict);
        assert_eq!(kind("SQLITE_CONSTRAINT", "CHECK"), ErrorKind::Internal);
        assert_eq!(kind("SQLITE_BUSY", ""), ErrorKind::Unavailable);
        assert_eq!(kind("SQLITE_IOERR_FSYNC", ""), ErrorKind::Unavailable);
        assert_eq!(kind("SQL_PARSE_ERROR", "near secret"), ErrorKind::Internal);
        let error = RemoteError::Status { status: 502 };
        assert!(error.is_passing() && !error.is_unsent());
        assert_eq!(error.during("x").kind(), ErrorKind::Unavailable);
    }
}
