//! Places outside the store where checkpoints are published: whoever changes the store does not reach them.

mod file;
#[cfg(feature = "net")]
mod http;

use std::fmt;

use async_trait::async_trait;
use ee_core::Error;

pub use file::FileAnchor;
#[cfg(feature = "net")]
pub use http::HttpAnchor;

/// Publishes checkpoints. Whoever calls it tries again after a failure.
#[async_trait]
pub trait Anchor: fmt::Debug + Send + Sync + 'static {
    /// Returns its name for logs and events.
    fn name(&self) -> &str;

    /// Publishes a signed checkpoint.
    ///
    /// Fails with [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable) when another try makes sense.
    async fn publish(&self, note: &str) -> Result<(), Error>;

    /// Returns the checkpoint of this origin that was published last, as it was: it is not verified.
    async fn latest(&self, origin: &str) -> Result<Option<String>, Error>;
}
