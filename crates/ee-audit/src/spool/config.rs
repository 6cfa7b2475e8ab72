use std::path::PathBuf;

use super::SpoolOpenError;

const MIB: u64 = 1_024 * 1_024;

/// When what was written is forced onto the disk.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SpoolFsync {
    /// Once for each append.
    Each,
    /// Once for all appends that wait at the same time.
    #[default]
    Group,
    /// Never: what was acknowledged survives the death of the process, and not that of the machine. For events alone
    /// that may be lost.
    None,
}

/// Where a spool is, and what it may take.
///
/// ```
/// let mut config = ee_audit::spool::SpoolConfig::new("data/audit-spool");
/// config.max_bytes = 256 * 1024 * 1024;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpoolConfig {
    /// The directory. It is created with mode 0700 and belongs to the spool alone.
    pub dir: PathBuf,
    /// When what was written is forced onto the disk. Once for each group.
    pub fsync: SpoolFsync,
    /// How much of the disk stays free for others, in percent, at most 90: so much of it, or 1 GiB where that is less.
    /// `max_bytes` is what keeps a spool small on a large disk. 10.
    pub keep_free_percent: u8,
    /// How many bytes all segments together may have. 1 GiB.
    pub max_bytes: u64,
    /// How large a segment grows before the next one is begun: a quarter of `max_bytes` at most. 64 MiB.
    pub segment_bytes: u64,
}

impl SpoolConfig {
    /// Names the directory and leaves the rest at the defaults.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            fsync: SpoolFsync::default(),
            keep_free_percent: 10,
            max_bytes: 1_024 * MIB,
            segment_bytes: 64 * MIB,
        }
    }

    pub(super) fn check(&self) -> Result<(), SpoolOpenError> {
        let invalid = |field, message| Err(SpoolOpenError::Invalid { field, message });
        if self.keep_free_percent > 90 {
            return invalid("keep_free_percent", "is more than 90");
        }
        if self.max_bytes == 0 {
            return invalid("max_bytes", "is 0");
        }
        if self.segment_bytes == 0 {
            return invalid("segment_bytes", "is 0");
        }
        Ok(())
    }

    /// Space comes back by whole segments, so there have to be some.
    pub(super) fn segment_limit(&self) -> u64 {
        self.segment_bytes.min(self.max_bytes / 4)
    }

    /// From this size on, a segment in which everything is acknowledged is given up for a new one.
    pub(super) fn tidy_limit(&self) -> u64 {
        (self.segment_limit() / 4).min(MIB)
    }
}
