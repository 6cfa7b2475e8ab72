//! The one error that every plugin returns.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

/// What went wrong, coarse enough that every plugin can name it.
///
/// An adapter turns the kind into a status in exactly one place.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The state has changed or already holds such a thing.
    Conflict,
    /// The caller is known and may not do this.
    Forbidden,
    /// Our own fault; the message is for the log.
    Internal,
    /// The input is wrong; the message names what.
    Invalid,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// Too many tries.
    RateLimited,
    /// What is to be changed is not any more what the caller has seen.
    Stale,
    /// The caller is known and signed in too long ago for this (RFC 9470).
    StepUpRequired,
    /// The caller is not known.
    Unauthenticated,
    /// A dependency does not answer. The message goes to the caller: it names no address and no value.
    Unavailable,
    /// The licence does not cover this.
    Unlicensed,
    /// No configured plugin can do this.
    Unsupported,
}

impl ErrorKind {
    /// Returns the stable, lower-case code that goes over the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Internal => "internal",
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Stale => "stale",
            Self::StepUpRequired => "insufficient_user_authentication",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Unlicensed => "unlicensed",
            Self::Unsupported => "unsupported",
        }
    }
}

/// One thing that is wrong with an input.
#[derive(Clone, Debug, Eq, PartialEq, schemars::JsonSchema, serde::Serialize)]
pub struct Issue {
    /// Path of the field, `root` for the whole body, `body` for text that is not JSON.
    pub field: String,
    /// What is wrong, for a person.
    pub message: String,
}

/// An error with a kind, a message for people and the cause for the log.
///
/// The [`Display`](fmt::Display) text is shown to the caller unless the kind is
/// [`Internal`](ErrorKind::Internal); the cause is for the log alone.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    issues: Vec<Issue>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error. The message is lower-case, has no full stop and quotes input in backticks.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            issues: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    /// Creates an [`ErrorKind::Invalid`] error that names one field.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let issue = Issue {
            field: field.into(),
            message: message.into(),
        };
        Self::new(
            ErrorKind::Invalid,
            format!("invalid `{}`: {}", issue.field, issue.message),
        )
        .with_issues(vec![issue])
    }

    /// Adds the list of wrong fields.
    #[must_use]
    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.issues = issues;
        self
    }

    /// Says after how long another try makes sense.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns what went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the wrong fields, empty when the error is not about fields.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// Returns after how long another try makes sense, if that is known (RFC 9110 §10.2.3).
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
