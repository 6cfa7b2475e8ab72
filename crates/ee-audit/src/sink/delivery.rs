use std::{borrow::Cow, time::Duration};

use ee_core::{Error, ErrorKind};

/// Longest time that a receiver may ask for: nobody turns a sink off by a header.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// What is to be done with events that were not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeliveryErrorKind {
    /// They are tried again, for as long as it takes.
    Later,
    /// The receiver does not want one of them. A batch is delivered in parts to find out which; an event alone is put
    /// among the dead letters after three tries.
    Refused,
    /// The receiver does not know us: nothing more is sent until an operator says so.
    Unauthorised,
}

/// Why a batch, or the rest of it, was not taken.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct DeliveryError {
    accepted: usize,
    kind: DeliveryErrorKind,
    reason: Cow<'static, str>,
    retry_after: Option<Duration>,
}

impl DeliveryError {
    fn new(kind: DeliveryErrorKind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            accepted: 0,
            kind,
            reason: reason.into(),
            retry_after: None,
        }
    }

    /// The receiver cannot take them now.
    pub fn later(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(DeliveryErrorKind::Later, reason)
    }

    /// The receiver does not want one of them.
    pub fn refused(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(DeliveryErrorKind::Refused, reason)
    }

    /// The receiver does not know us, or does not permit it.
    pub fn unauthorised(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(DeliveryErrorKind::Unauthorised, reason)
    }

    /// Says that so many from the front were taken all the same. The error is about the one behind them.
    #[must_use]
    pub const fn after(mut self, accepted: usize) -> Self {
        self.accepted = accepted;
        self
    }

    /// Says when the receiver wants to be asked again; an hour at most.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait.map(|wait| wait.min(MAX_RETRY_AFTER));
        self
    }

    /// Returns how many from the front were taken.
    pub const fn accepted(&self) -> usize {
        self.accepted
    }

    /// Returns what is to be done.
    pub const fn kind(&self) -> DeliveryErrorKind {
        self.kind
    }

    /// Returns when the receiver wants to be asked again.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<DeliveryError> for Error {
    fn from(err: DeliveryError) -> Self {
        Self::new(
            ErrorKind::Unavailable,
            "the sink has not taken the audit event",
        )
        .with_source(err)
    }
}
