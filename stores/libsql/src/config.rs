use std::{path::PathBuf, time::Duration};

/// Which file is the store, and how it is used.
///
/// ```
/// use std::time::Duration;
///
/// let mut config = ee_store_libsql::SqliteConfig::new("data/ee.db");
/// config.busy_timeout = Duration::from_secs(2);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// How long a change waits for another process that writes, before it fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable). 5 seconds.
    pub busy_timeout: Duration,
    /// The database file. Its directory must exist; the file itself is created with mode 0600.
    pub path: PathBuf,
    /// How many changes, and how many reads, may wait before the next one is refused with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable). 8,192.
    pub queue: usize,
    /// Threads that read. 2; at least one is started.
    pub readers: usize,
}

impl SqliteConfig {
    /// Names the file and leaves the rest at the defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            path: path.into(),
            queue: 8_192,
            readers: 2,
        }
    }
}
