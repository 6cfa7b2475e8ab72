//! Takes the record to other places.
//!
//! A [`SinkRunner`] follows every log by `seq`, from a cursor that moves only when the receiver has taken what stands
//! before it. So events arrive *at least once* and in the order of their log; a receiver that has seen an id before has
//! seen the event. What a receiver refuses three times is put among the dead letters and holds up nothing. A receiver that
//! is gone, or does not answer, costs one batch of memory and delays no one but itself.

mod breaker;
mod config;
mod console;
mod delivery;
#[cfg(feature = "net")]
mod endpoint;
mod file;
mod format;
mod handle;
#[cfg(feature = "net")]
mod http;
mod lane;
mod name;
mod options;
#[cfg(feature = "net")]
mod otlp;
#[cfg(feature = "net")]
mod post;
mod push;
mod replay;
mod report;
mod runner;
mod shared;
mod state;
mod status;
#[cfg(feature = "net")]
mod syslog;
#[cfg(feature = "net")]
mod tls;

use std::fmt;

use async_trait::async_trait;
use ee_core::storage::AuditEntry;

pub use config::{SinkConfig, SinkContext, SinkSettings};
pub use console::{ConsoleConfig, ConsoleSink, ConsoleStyle};
pub use delivery::{DeliveryError, DeliveryErrorKind};
pub use file::{FileConfig, FileSink};
pub use format::EventFormat;
pub use handle::{SinkHandle, test_sink};
#[cfg(feature = "net")]
pub use http::{HttpBody, HttpConfig, HttpSink, SIGNATURE_HEADER};
pub use name::SinkName;
pub use options::SinkOptions;
#[cfg(feature = "net")]
pub use otlp::{OtlpConfig, OtlpSink};
pub use runner::{SinkParts, SinkRunner};
pub use state::{
    DeadLetter, FileSinkStore, SinkCursor, SinkPause, SinkReplay, SinkState, SinkStore,
};
pub use status::{SinkHealth, SinkStatus};
#[cfg(feature = "net")]
pub use syslog::{SyslogConfig, SyslogSink};

/// A place that events are taken to.
///
/// It is asked for one batch after another, may be asked again for events that it has taken, and may be dropped in the
/// midst of a delivery. What stands in its errors is shown to operators: it names no value of an event and no secret.
#[async_trait]
pub trait AuditSink: fmt::Debug + Send + Sync + 'static {
    /// What kind of place it is, such as `http`.
    fn kind(&self) -> &'static str;

    /// Delivers events of one log in their order; `Ok` means that the other side has taken all of them.
    async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError>;
}
