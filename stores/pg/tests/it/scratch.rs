use std::{error::Error, fmt::Write as _, sync::Arc, time::Duration};

use ee_core::{
    TokenHash, UserId,
    storage::{Change, ChangeListener, SessionRecord},
};
use ee_store_pg::{PgConfig, PgDatabase, PgStore};
use ee_testkit::{PgCluster, PgTestDatabase};
use jiff::Timestamp;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

/// A store on an empty database of its own.
pub(crate) async fn fresh() -> (Arc<PgStore>, PgTestDatabase) {
    let database = migrated().await;
    (open(&database.url()).await, database)
}

/// A database with our schema and nothing in it.
pub(crate) async fn migrated() -> PgTestDatabase {
    let migrate = |url: String| async move {
        PgDatabase::migrate(&PgConfig::new(url)).await.unwrap();
    };
    PgCluster::shared().database_from("store_pg", migrate).await
}

pub(crate) async fn open(url: &str) -> Arc<PgStore> {
    open_with(PgConfig::new(url)).await
}

pub(crate) async fn open_with(config: PgConfig) -> Arc<PgStore> {
    Arc::new(PgDatabase::connect(config).await.unwrap())
}

pub(crate) fn session(secret: &str) -> SessionRecord {
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let user = UserId::new("anna").unwrap();
    SessionRecord::new(TokenHash::of(secret), user, now, now, now)
}

/// Everything that an error and its causes tell.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        writeln!(text, "{error} / {error:?}").unwrap();
        next = error.source();
    }
    text
}

/// What a store tells.
#[derive(Debug)]
pub(crate) struct Heard(UnboundedReceiver<Change>);

#[derive(Debug)]
struct Ear(UnboundedSender<Change>);

impl ChangeListener for Ear {
    fn changed(&self, change: &Change) {
        let _ = self.0.send(change.clone());
    }
}

impl Heard {
    pub(crate) fn from(store: &PgStore) -> Self {
        let (sender, receiver) = unbounded_channel();
        store.hub().listen(Arc::new(Ear(sender)));
        Self(receiver)
    }

    /// Waits for a change, no longer than a second.
    pub(crate) async fn within_a_second(&mut self, wanted: &Change) {
        let heard = async { while self.0.recv().await.as_ref() != Some(wanted) {} };
        let in_time = timeout(Duration::from_secs(1), heard).await;
        assert!(in_time.is_ok(), "{wanted} was not told within a second");
    }

    /// Returns what was told until now.
    pub(crate) fn until_now(&mut self) -> Vec<Change> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}
