//! How letters leave.

mod letters;
mod queue;
#[cfg(feature = "smtp")]
mod smtp;

use std::fmt;

use async_trait::async_trait;
use ee_core::Error;

pub(crate) use letters::Letter;
pub use queue::{MailQueue, MailWorker};
#[cfg(feature = "smtp")]
pub use smtp::{SmtpConfig, SmtpMailer, SmtpTls};

/// Sends letters.
#[async_trait]
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Sends one letter of plain text. Fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable) when it cannot be handed over now.
    async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Error>;
}

/// Writes letters, with the secrets in them, to the log instead of sending them: for development alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogMailer;

#[async_trait]
impl Mailer for LogMailer {
    async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Error> {
        tracing::warn!(
            "no mail server is configured; a letter to {to} would say:\n{subject}\n\n{text}"
        );
        Ok(())
    }
}
