//! What a use case answers beside its body.

use ee_core::ReturnTo;
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};

use crate::AuditNote;

/// A body with cookies and a note for the record.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The body.
    pub body: T,
    /// Values of `Set-Cookie`.
    pub cookies: Vec<HeaderValue>,
    /// What the record shall know.
    pub note: Option<AuditNote>,
}

impl<T> Reply<T> {
    /// A body and nothing else.
    pub const fn new(body: T) -> Self {
        Self {
            body,
            cookies: Vec::new(),
            note: None,
        }
    }

    /// Adds a note for the record.
    #[must_use]
    pub fn noted(mut self, note: AuditNote) -> Self {
        self.note = Some(note);
        self
    }

    /// Adds cookies.
    #[must_use]
    pub fn cookies(mut self, cookies: Vec<HeaderValue>) -> Self {
        self.cookies = cookies;
        self
    }

    /// Changes the body.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reply<U> {
        Reply {
            body: change(self.body),
            cookies: self.cookies,
            note: self.note,
        }
    }
}

/// A secret on its way to whom it is for: an answer shows it, and nothing else does.
#[derive(Clone, Debug)]
pub struct ShownOnce(pub SecretString);

impl ShownOnce {
    /// Returns the secret, for an answer.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Serialize for ShownOnce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

/// Where a browser goes next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// A page of ours.
    Ours(ReturnTo),
    /// The address that a configured identity provider named.
    Provider(String),
}
