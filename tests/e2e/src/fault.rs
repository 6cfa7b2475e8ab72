use std::sync::{Mutex, PoisonError};

use ee::{Error, ErrorKind};

/// A plug: while it is pulled, everything that asks it fails.
#[derive(Debug, Default)]
pub struct Fault(Mutex<Option<ErrorKind>>);

impl Fault {
    /// Lets everything fail in one way.
    pub fn begin(&self, kind: ErrorKind) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind);
    }

    /// Lets everything work again.
    pub fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Asks the plug.
    ///
    /// # Errors
    ///
    /// While it is pulled.
    pub fn check(&self) -> Result<(), Error> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(kind) => Err(Error::new(kind, "the plug is pulled")),
            None => Ok(()),
        }
    }
}
