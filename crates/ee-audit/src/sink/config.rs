use std::{collections::HashSet, ops::RangeInclusive, sync::Arc, time::Duration};

use ee_core::{AuditFilter, Clock, Error};
use jiff::Timestamp;
use serde::Deserialize;

use super::{AuditSink, ConsoleConfig, ConsoleSink, FileConfig, FileSink, SinkName, SinkOptions};
#[cfg(feature = "net")]
use super::{HttpConfig, HttpSink, OtlpConfig, OtlpSink, SyslogConfig, SyslogSink};
use crate::{
    format::Product,
    query::{Context, parse},
};

/// One sink of the configuration.
///
/// ```toml
/// [[audit.sinks]]
/// name = "siem"
/// filter = "outcome:denied"
/// to = { kind = "http", url = "https://siem.example.com/in", format = "ocsf", gzip = true }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SinkSettings {
    /// What it is called. Its cursors are kept under this name.
    pub name: SinkName,
    /// Where events go.
    pub to: SinkConfig,
    /// How many bytes a batch has at most. 1 MiB.
    #[serde(default)]
    pub batch_bytes: Option<usize>,
    /// How many events a batch has at most. 100.
    #[serde(default)]
    pub batch_events: Option<u32>,
    /// Which events, in the grammar of the search. All.
    #[serde(default)]
    pub filter: Option<String>,
    /// How long a delivery may take. Five seconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

impl SinkSettings {
    /// Looks through all sinks. Two of the same name would share their cursors, and each would miss what the other got.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the sink and the field that is wrong, such as
    /// `siem.url`.
    pub fn check_all(all: &[Self]) -> Result<(), Error> {
        let mut names = HashSet::new();
        for settings in all {
            let name = &settings.name;
            if !names.insert(name) {
                return Err(Error::invalid_field(
                    format!("{name}.name"),
                    "is there twice",
                ));
            }
            settings.check().map_err(|err| match err.issues() {
                [issue, ..] => {
                    Error::invalid_field(format!("{name}.{}", issue.field), &*issue.message)
                }
                [] => err,
            })?;
        }
        Ok(())
    }

    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the name of the field that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        self.options()?;
        self.filter(Timestamp::UNIX_EPOCH)?;
        self.to.check()
    }

    /// Returns how it is delivered to.
    pub fn options(&self) -> Result<SinkOptions, Error> {
        let mut options = SinkOptions::default();
        if let Some(bytes) = self.batch_bytes {
            within("batch_bytes", bytes as u64, 1..=16 * 1_024 * 1_024)?;
            options.batch_bytes = bytes;
        }
        if let Some(events) = self.batch_events {
            within("batch_events", events.into(), 1..=1_000)?;
            options.batch_events = events;
        }
        if let Some(millis) = self.timeout_ms {
            within("timeout_ms", millis, 100..=60_000)?;
            options.timeout = Duration::from_millis(millis);
        }
        Ok(options)
    }

    /// Returns which events are wanted; times such as `-15m` are counted from `now`.
    pub fn filter(&self, now: Timestamp) -> Result<AuditFilter, Error> {
        let text = self.filter.as_deref().unwrap_or_default();
        Ok(parse(text, &Context::new(now))?)
    }
}

fn within(field: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    let message = format!("is {value}, not from {least} to {most}");
    Err(Error::invalid_field(field, message))
}

/// Where events go.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
#[non_exhaustive]
pub enum SinkConfig {
    /// The standard output of the process.
    Console(ConsoleConfig),
    /// A file with rotation.
    File(FileConfig),
    /// HTTP POST.
    #[cfg(feature = "net")]
    Http(HttpConfig),
    /// OpenTelemetry logs by HTTP.
    #[cfg(feature = "net")]
    Otlp(OtlpConfig),
    /// Syslog.
    #[cfg(feature = "net")]
    Syslog(SyslogConfig),
}

/// What sinks need beside their configuration.
#[derive(Clone, Debug)]
pub struct SinkContext {
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// What the events are written by.
    pub product: Product,
}

impl SinkConfig {
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) and the name of the field that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Console(_) => Ok(()),
            Self::File(config) => config.check(),
            #[cfg(feature = "net")]
            Self::Http(config) => config.check(),
            #[cfg(feature = "net")]
            Self::Otlp(config) => config.check(),
            #[cfg(feature = "net")]
            Self::Syslog(config) => config.check(),
        }
    }

    /// Returns what kind of place it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Console(_) => "console",
            Self::File(_) => "file",
            #[cfg(feature = "net")]
            Self::Http(_) => "http",
            #[cfg(feature = "net")]
            Self::Otlp(_) => "otlp",
            #[cfg(feature = "net")]
            Self::Syslog(_) => "syslog",
        }
    }

    /// Prepares the sink. Nothing is sent or written yet.
    pub fn open(&self, context: &SinkContext) -> Result<Arc<dyn AuditSink>, Error> {
        let product = context.product.clone();
        let clock = Arc::clone(&context.clock);
        Ok(match self {
            Self::Console(config) => Arc::new(ConsoleSink::new(config)?),
            Self::File(config) => Arc::new(FileSink::new(config.clone(), product, clock)?),
            #[cfg(feature = "net")]
            Self::Http(config) => Arc::new(HttpSink::new(config, product, clock)?),
            #[cfg(feature = "net")]
            Self::Otlp(config) => Arc::new(OtlpSink::new(config, product, clock)?),
            #[cfg(feature = "net")]
            Self::Syslog(config) => Arc::new(SyslogSink::new(config.clone(), product)?),
        })
    }
}
