use std::{path::PathBuf, sync::Arc};

use ee_core::{TokenHash, UserId, storage::SessionRecord};
use ee_store_libsql::{SqliteConfig, SqliteFile, SqliteStore};
use jiff::Timestamp;
use tempfile::TempDir;

/// A directory of its own for one database.
#[derive(Debug)]
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("ee.db")
    }

    pub(crate) fn open(&self) -> Arc<SqliteStore> {
        let config = SqliteConfig::new(self.path());
        Arc::new(SqliteFile::open(config).unwrap())
    }
}

pub(crate) fn session(secret: &str) -> SessionRecord {
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let user = UserId::new("anna").unwrap();
    SessionRecord::new(TokenHash::of(secret), user, now, now, now)
}
