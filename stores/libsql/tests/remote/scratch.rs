use std::sync::Arc;

use ee_core::{TokenHash, UserId, storage::SessionRecord};
use ee_store_libsql::{RemoteConfig, RemoteDatabase, RemoteStore};
use ee_testkit::HranaServer;
use jiff::Timestamp;
use tempfile::TempDir;

/// A server over a file in a directory of its own.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) server: HranaServer,
    _directory: TempDir,
}

impl Scratch {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            server: HranaServer::start(directory.path().join("ee.db")).await,
            _directory: directory,
        }
    }

    pub(crate) async fn open(&self) -> Arc<RemoteStore> {
        let config = RemoteConfig::new(&self.server.url()).unwrap();
        Arc::new(RemoteDatabase::open(config).await.unwrap())
    }
}

pub(crate) fn session(secret: &str) -> SessionRecord {
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let user = UserId::new("anna").unwrap();
    SessionRecord::new(TokenHash::of(secret), user, now, now, now)
}
