//! Opening the file.

use std::{
    cell::Cell,
    fs::{self, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{OpenError, error::is_busy, migrations};

/// Pages after which a commit copies the log into the file: 16 MiB.
const CHECKPOINT_PAGES: i32 = 4_096;
/// A log that grew larger, during a long read for one, is cut back to this.
const LOG_BYTES: i64 = 64 * 1024 * 1024;
/// Bytes of the smallest database that is not empty.
const SMALLEST: u64 = 512;
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;
/// Steps of SQLite after which a query looks at the clock: a fraction of a millisecond.
const STEPS: i32 = 10_000;

thread_local! {
    /// When the query of this thread has to end.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Bounds how long queries of this thread take, as long as it lives.
pub(crate) struct Limit(());

impl Limit {
    pub(crate) fn until(end: Instant) -> Self {
        UNTIL.set(Some(end));
        Self(())
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        UNTIL.set(None);
    }
}

/// Makes sure that there is a file that others cannot read, and returns its absolute path, which
/// SQLite takes for nothing but a file. The log and its index get the mode of the file.
pub(crate) fn create(given: PathBuf) -> Result<PathBuf, OpenError> {
    // Closing any handle of a database drops all locks that this process has on it, so a file
    // is never opened here while another store of the process may be opening it too.
    static CREATING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = CREATING.lock().unwrap_or_else(PoisonError::into_inner);

    let path = match std::path::absolute(&given) {
        Ok(path) => path,
        Err(source) => {
            let path = given;
            return Err(OpenError::Create { path, source });
        }
    };
    let directory = path.parent().unwrap_or(&path);
    if !directory.is_dir() {
        let path = directory.into();
        return Err(OpenError::NoDirectory { path });
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(_) => Ok(path),
        // SQLite would take a few bytes for an empty database and overwrite them.
        Err(_) if fs::metadata(&path).is_ok_and(|it| (1..SMALLEST).contains(&it.len())) => {
            Err(OpenError::NotSqlite { path })
        }
        Err(source) if source.kind() == ErrorKind::AlreadyExists => Ok(path),
        Err(source) => Err(OpenError::Create { path, source }),
    }
}

/// Opens the file to look at it, if there is one. It is left as it is.
pub(crate) fn existing(
    path: &Path,
    busy_timeout: Duration,
) -> Result<Option<Connection>, OpenError> {
    match fs::metadata(path) {
        // SQLite would take a few bytes for an empty database.
        Ok(meta) if (1..SMALLEST).contains(&meta.len()) => {
            Err(OpenError::NotSqlite { path: path.into() })
        }
        Ok(meta) if meta.len() > 0 => {
            // Who can only read leaves the log behind.
            let access = OpenFlags::SQLITE_OPEN_READ_WRITE;
            let conn = connect(path, access, busy_timeout);
            conn.map(Some).map_err(|source| OpenError::Sqlite {
                path: path.into(),
                source,
            })
        }
        _ => Ok(None),
    }
}

/// Opens the file for writing, refuses what is not ours, and migrates.
pub(crate) fn writer(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::Sqlite {
        path: path.into(),
        source,
    };
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let mut conn = connect(path, access, busy_timeout).map_err(sqlite)?;
    if conn.is_readonly("main").map_err(sqlite)? {
        return Err(OpenError::ReadOnly { path: path.into() });
    }
    migrations::migrate(&mut conn, path)?;
    if switch_to_wal(&conn, busy_timeout).map_err(sqlite)? != "wal" {
        return Err(OpenError::WalUnsupported { path: path.into() });
    }
    let prepare = || -> rusqlite::Result<()> {
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "foreign_keys", true)?;
        // What was erased is written over.
        conn.pragma_update(None, "secure_delete", true)?;
        conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        conn.pragma_update(None, "journal_size_limit", LOG_BYTES)
    };
    prepare().map_err(sqlite)?;
    Ok(conn)
}

/// Opens the file for reading, after [`writer`] has. A wait of zero answers "busy" at once.
pub(crate) fn reader(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let open = || {
        let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy_timeout)?;
        let is_over = || UNTIL.get().is_some_and(|end| Instant::now() >= end);
        conn.progress_handler(STEPS, Some(is_over))?;
        Ok(conn)
    };
    open().map_err(|source| OpenError::Sqlite {
        path: path.into(),
        source,
    })
}

fn connect(path: &Path, access: OpenFlags, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(busy_timeout)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.pragma_update(None, "trusted_schema", false)?;
    // Otherwise a statement may be planned anew for other values of its parameters.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(conn)
}

/// Returns the mode that the file has then. SQLite does not wait for others here, so this does.
fn switch_to_wal(conn: &Connection, patience: Duration) -> rusqlite::Result<String> {
    let start = Instant::now();
    loop {
        let switched = conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
        match switched {
            Err(err) if is_busy(&err) && start.elapsed() < patience => {
                thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}
