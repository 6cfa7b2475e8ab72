//! Lines in a file that is begun anew from time to time.

mod log_file;
mod rotation;

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use ee_core::{Clock, Error, ErrorKind, storage::AuditEntry};
use serde::Deserialize;

use self::rotation::Rotated;
use super::{AuditSink, DeliveryError, EventFormat, lane::Lane};
use crate::format::Product;

/// Where a file is, and when it is begun anew.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FileConfig {
    /// The file. Its directory is there already.
    pub path: PathBuf,
    /// How events are written. As we have them.
    #[serde(default)]
    pub format: EventFormat,
    /// Whether each day (UTC) begins a new file. Yes.
    #[serde(default = "yes")]
    pub daily: bool,
    /// How many files of before are kept. 14.
    #[serde(default = "keep")]
    pub keep: usize,
    /// From which size on a new file is begun. 64 MiB.
    #[serde(default = "max_bytes")]
    pub max_bytes: u64,
}

const fn yes() -> bool {
    true
}

const fn keep() -> usize {
    14
}

const fn max_bytes() -> u64 {
    64 * 1_024 * 1_024
}

impl FileConfig {
    /// Names the file and leaves the rest at the defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: EventFormat::default(),
            daily: yes(),
            keep: keep(),
            max_bytes: max_bytes(),
        }
    }

    /// Fails with [`ErrorKind::Invalid`] and the name of the field that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let invalid = |field: &str, message: &str| Err(Error::invalid_field(field, message));
        if self.path.file_name().is_none() {
            return invalid("path", "does not name a file");
        }
        if self.keep == 0 {
            return invalid("keep", "is 0");
        }
        if self.max_bytes < 4_096 {
            return invalid("max_bytes", "is less than 4096");
        }
        Ok(())
    }
}

/// Writes each event as one line to a file with mode 0600, and says that it has them when they are on the disk.
///
/// The file is renamed when it is large enough or a day is over; then it has the time in its name. A file that somebody
/// else has moved away is begun anew. What a crash has left of a line is cut off; its event is written again.
pub struct FileSink {
    clock: Arc<dyn Clock>,
    format: EventFormat,
    lane: Lane<Rotated>,
    product: Product,
}

impl FileSink {
    /// Prepares it; the file is opened with the first event. Fails for a wrong field, or when the system gives no thread.
    pub fn new(config: FileConfig, product: Product, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        config.check()?;
        let format = config.format;
        let lane = Lane::start("audit-file", Rotated::new(config)).map_err(|err| {
            Error::new(
                ErrorKind::Unavailable,
                "cannot start a thread for the audit file",
            )
            .with_source(err)
        })?;
        Ok(Self {
            clock,
            format,
            lane,
            product,
        })
    }
}

#[async_trait]
impl AuditSink for FileSink {
    fn kind(&self) -> &'static str {
        "file"
    }

    async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        let lines = self.format.lines(batch, &self.product);
        let now = self.clock.now();
        let written = self.lane.run(move |file| file.append(&lines, now)).await?;
        written.map_err(|err| DeliveryError::later(format!("cannot write the file: {err}")))
    }
}

impl fmt::Debug for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
