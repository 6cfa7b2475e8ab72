//! The store that the configuration names.

use std::sync::Arc;

use anyhow::{Context as _, Result};
#[cfg(feature = "store-libsql")]
use ee::store_libsql::{
    RemoteConfig, RemoteDatabase, RemoteStore, SqliteConfig, SqliteFile, SqliteStore,
};
#[cfg(feature = "store-pg")]
use ee::store_pg::{PgConfig, PgDatabase, PgStore};
use ee::{
    SystemClock,
    access::{CachedSessions, Epochs, StoreAccess},
    defaults::MemoryStore,
    sql::{Database, SchemaStatus, copy},
    storage::{
        AccountStore, AgentStore, ApiKeyStore, AssignmentStore, AuditIndex, AuditProofStore,
        AuditRetention, AuditSearch, AuditStore, EndedSessionStore, GrantStore, GroupStore,
        OneTimeTokenStore, RoleStore, RunStore, SessionStore, SignInFlowStore, ThreadStore,
        ThrottleStore, WorkflowStore,
    },
};
#[cfg(any(feature = "store-libsql", feature = "store-pg"))]
use secrecy::ExposeSecret as _;

use crate::config::{SessionKind, StoreUrl};

/// A store as the domains that it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) agents: Arc<dyn AgentStore>,
    pub(crate) assignments: Arc<dyn AssignmentStore>,
    pub(crate) audit: AuditStores,
    /// Closed last, after everything that writes.
    kept: Kept,
    pub(crate) ended: Arc<dyn EndedSessionStore>,
    /// What has changed since something was remembered.
    pub(crate) epochs: Arc<Epochs>,
    pub(crate) flows: Arc<dyn SignInFlowStore>,
    pub(crate) grants: Arc<dyn GrantStore>,
    pub(crate) groups: Arc<dyn GroupStore>,
    pub(crate) keys: Arc<dyn ApiKeyStore>,
    pub(crate) roles: Arc<dyn RoleStore>,
    pub(crate) runs: Arc<dyn RunStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) threads: Arc<dyn ThreadStore>,
    pub(crate) throttle: Arc<dyn ThrottleStore>,
    pub(crate) tokens: Arc<dyn OneTimeTokenStore>,
    pub(crate) workflows: Arc<dyn WorkflowStore>,
}

/// The record, as the domains that it is kept in.
#[derive(Clone, Debug)]
pub(crate) struct AuditStores {
    pub(crate) index: Arc<dyn AuditIndex>,
    pub(crate) logs: Arc<dyn AuditStore>,
    pub(crate) proofs: Arc<dyn AuditProofStore>,
    pub(crate) retention: Arc<dyn AuditRetention>,
    pub(crate) search: Arc<dyn AuditSearch>,
}

/// What has to be closed.
#[derive(Clone, Debug)]
enum Kept {
    #[cfg(feature = "store-libsql")]
    File(Arc<SqliteStore>),
    Memory,
    #[cfg(feature = "store-pg")]
    Postgres(Arc<PgStore>),
    #[cfg(feature = "store-libsql")]
    Remote(Arc<RemoteStore>),
}

macro_rules! stores {
    ($store:expr, $kept:expr) => {{
        let store = $store;
        Stores {
            accounts: store.clone(),
            agents: store.clone(),
            assignments: store.clone(),
            audit: AuditStores {
                index: store.clone(),
                logs: store.clone(),
                proofs: store.clone(),
                retention: store.clone(),
                search: store.clone(),
            },
            ended: store.clone(),
            epochs: StoreAccess::epochs_of(store.hub()),
            flows: store.clone(),
            grants: store.clone(),
            groups: store.clone(),
            keys: store.clone(),
            roles: store.clone(),
            runs: store.clone(),
            sessions: store.clone(),
            threads: store.clone(),
            throttle: store.clone(),
            tokens: store.clone(),
            workflows: store.clone(),
            kept: $kept(store),
        }
    }};
}

impl Stores {
    /// Opens the store that the URL names; sessions may be kept in memory beside it.
    pub(crate) async fn open(url: &StoreUrl, sessions: SessionKind) -> Result<Self> {
        let mut stores = open(url, Use::Serve)
            .await
            .context("cannot open the store")?;
        if let Some(database) = stores.database()
            && let Some(of) = copy::unfinished(database).await?
        {
            anyhow::bail!(
                "the store is an unfinished copy of `{of}`: finish it with `mastra-ee store copy`"
            );
        }
        if sessions == SessionKind::Memory {
            let memory = MemoryStore::new();
            memory.hub().listen(Arc::clone(&stores.epochs) as _);
            stores.sessions = Arc::new(memory);
        } else {
            let epochs = Arc::clone(&stores.epochs);
            let cached = CachedSessions::new(stores.sessions, epochs, Arc::new(SystemClock));
            stores.sessions = Arc::new(cached);
        }
        Ok(stores)
    }

    /// Opens a store to copy it as it is, also one that is not finished yet.
    pub(crate) async fn open_to_copy(url: &StoreUrl) -> Result<Self> {
        open(url, Use::Copy).await
    }

    /// Returns the database that keeps everything; `None` for memory.
    pub(crate) fn database(&self) -> Option<&dyn Database> {
        match &self.kept {
            #[cfg(feature = "store-libsql")]
            Kept::File(store) => Some(store.database()),
            Kept::Memory => None,
            #[cfg(feature = "store-pg")]
            Kept::Postgres(store) => Some(store.database()),
            #[cfg(feature = "store-libsql")]
            Kept::Remote(store) => Some(store.database()),
        }
    }

    /// Keeps everything in memory.
    pub(crate) fn in_memory() -> Self {
        stores!(Arc::new(MemoryStore::new()), |_| Kept::Memory)
    }

    /// Finishes what is queued.
    pub(crate) async fn close(&self) {
        match &self.kept {
            #[cfg(feature = "store-libsql")]
            Kept::File(store) => store.database().close().await,
            Kept::Memory => {}
            #[cfg(feature = "store-pg")]
            Kept::Postgres(store) => store.database().close().await,
            #[cfg(feature = "store-libsql")]
            Kept::Remote(store) => store.database().close(),
        }
    }
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Use {
    /// One long task, for which nobody waits.
    Copy,
    /// Short calls, for which somebody waits.
    Serve,
}

/// How long one step of a copy may take.
#[cfg(any(feature = "store-libsql", feature = "store-pg"))]
const COPY_STEP: std::time::Duration = std::time::Duration::from_mins(2);

#[cfg_attr(
    not(any(feature = "store-libsql", feature = "store-pg")),
    expect(unused_variables, reason = "memory is all that there is")
)]
async fn open(url: &StoreUrl, purpose: Use) -> Result<Stores> {
    match url {
        StoreUrl::Memory => Ok(Stores::in_memory()),
        #[cfg(feature = "store-libsql")]
        StoreUrl::LibSql(url) => {
            let mut config = RemoteConfig::new(url.expose_secret())?;
            if purpose == Use::Copy {
                config.timeout = COPY_STEP;
            }
            let store = RemoteDatabase::open(config).await?;
            Ok(stores!(Arc::new(store), Kept::Remote))
        }
        #[cfg(feature = "store-libsql")]
        StoreUrl::Sqlite(path) => {
            let store = SqliteFile::open(SqliteConfig::new(path))?;
            Ok(stores!(Arc::new(store), Kept::File))
        }
        #[cfg(not(feature = "store-libsql"))]
        StoreUrl::LibSql(_) | StoreUrl::Sqlite(_) => {
            anyhow::bail!("this build has no SQLite and libSQL store (feature `store-libsql`)")
        }
        #[cfg(feature = "store-pg")]
        StoreUrl::Postgres(url) => {
            let mut config = PgConfig::new(url.expose_secret());
            if purpose == Use::Copy {
                config.pool_size = 2;
                config.statement_timeout = COPY_STEP;
            }
            let store = PgDatabase::connect(config).await?;
            Ok(stores!(Arc::new(store), Kept::Postgres))
        }
        #[cfg(not(feature = "store-pg"))]
        StoreUrl::Postgres(_) => {
            anyhow::bail!("this build has no PostgreSQL store (feature `store-pg`)")
        }
    }
}

/// Tells which schema a store has, and changes nothing. `None` for memory, which has none.
pub(crate) async fn schema(url: &StoreUrl) -> Result<Option<SchemaStatus>> {
    match url {
        StoreUrl::Memory => Ok(None),
        #[cfg(feature = "store-libsql")]
        StoreUrl::LibSql(url) => {
            let config = RemoteConfig::new(url.expose_secret())?;
            Ok(Some(RemoteDatabase::schema(config).await?))
        }
        #[cfg(feature = "store-libsql")]
        StoreUrl::Sqlite(path) => Ok(Some(SqliteFile::schema(&SqliteConfig::new(path))?)),
        #[cfg(feature = "store-pg")]
        StoreUrl::Postgres(url) => {
            let config = PgConfig::new(url.expose_secret());
            Ok(Some(PgDatabase::schema(&config).await?))
        }
        #[cfg(not(all(feature = "store-libsql", feature = "store-pg")))]
        _ => anyhow::bail!("this build has no such store"),
    }
}
