//! Databases of every kind, as one type.

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use ee::{
    Error, async_trait,
    sql::{
        Batch, Database, Dialect, Done, Reach, Row, SqlStore, Statement, Then,
        copy::{Copied, Copier, CopyError, TABLES},
    },
    storage::ChangeHub,
    store_libsql::{
        RemoteConfig, RemoteDatabase, RemoteStore, SqliteConfig, SqliteFile, SqliteStore,
    },
    store_pg::{PgConfig, PgDatabase, PgStore},
};
use ee_testkit::{HranaServer, PgCluster, PgTestDatabase};
use tempfile::TempDir;

/// The name that sources have here.
pub(crate) const SOURCE: &str = "sqlite:/old/ee.db";

/// A place for one store, which goes with it.
pub(crate) enum Place {
    File(TempDir),
    Pg(PgTestDatabase),
    Remote(
        HranaServer,
        #[expect(dead_code, reason = "goes with the place")] TempDir,
    ),
}

impl Place {
    pub(crate) fn file() -> Self {
        Self::File(TempDir::new().unwrap())
    }

    /// A database with the schema and nothing else.
    pub(crate) async fn pg() -> Self {
        let migrate = |url: String| async move {
            PgDatabase::migrate(&PgConfig::new(url)).await.unwrap();
        };
        let cluster = PgCluster::shared();
        Self::Pg(cluster.database_from("ee_cli", migrate).await)
    }

    pub(crate) async fn remote() -> Self {
        let dir = TempDir::new().unwrap();
        let server = HranaServer::start(dir.path().join("ee.db")).await;
        Self::Remote(server, dir)
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(_) => format!("sqlite:{}", self.path().display()),
            Self::Pg(database) => database.url(),
            Self::Remote(server, _) => server.url(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        let Self::File(dir) = self else {
            unreachable!("only a file has a path")
        };
        dir.path().join("ee.db")
    }

    pub(crate) async fn open(&self) -> SqlStore<Any> {
        let any = match self {
            Self::File(_) => Any::File(
                SqliteFile::open(SqliteConfig::new(self.path()))
                    .unwrap()
                    .into(),
            ),
            Self::Pg(database) => {
                let config = PgConfig::new(database.url());
                Any::Pg(PgDatabase::connect(config).await.unwrap().into())
            }
            Self::Remote(server, _) => {
                let config = RemoteConfig::new(&server.url()).unwrap();
                Any::Remote(RemoteDatabase::open(config).await.unwrap().into())
            }
        };
        SqlStore::new(any)
    }
}

/// A database of any kind.
#[derive(Clone, Debug)]
pub(crate) enum Any {
    File(Arc<SqliteStore>),
    Pg(Arc<PgStore>),
    Remote(Arc<RemoteStore>),
}

impl Any {
    fn inner(&self) -> &dyn Database {
        match self {
            Self::File(store) => store.database(),
            Self::Pg(store) => store.database(),
            Self::Remote(store) => store.database(),
        }
    }

    /// Runs SQL without parameters.
    pub(crate) async fn run(&self, sql: &'static str) {
        let batch = Batch::from(Statement::new(sql).must_change());
        assert!(
            self.execute("test", batch).await.unwrap().is_some(),
            "{sql}"
        );
    }
}

#[async_trait]
impl Database for Any {
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, Error> {
        self.inner().query(operation, queries).await
    }

    async fn find(&self, operation: &'static str, query: Statement) -> Result<Vec<Row>, Error> {
        self.inner().find(operation, query).await
    }

    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error> {
        self.inner().execute(operation, batch).await
    }

    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, Error> {
        self.inner().exchange(operation, first, then).await
    }

    async fn search(
        &self,
        operation: &'static str,
        query: Statement,
        reach: Reach,
    ) -> Result<Vec<Row>, Error> {
        self.inner().search(operation, query, reach).await
    }

    fn dialect(&self) -> Dialect {
        self.inner().dialect()
    }

    async fn go_on_numbering(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<(), Error> {
        self.inner().go_on_numbering(table, column).await
    }

    fn hub(&self) -> &ChangeHub {
        self.inner().hub()
    }
}

/// Copies and says nothing meanwhile.
pub(crate) async fn copy(
    source: &SqlStore<Any>,
    target: &dyn Database,
) -> Result<Copied, CopyError> {
    Copier::new(source.database(), target, SOURCE)
        .run(&mut |_| {})
        .await
}

/// Lists what both sides of a copy hold, for a comparison that shows where they differ.
pub(crate) fn contents(copied: &Copied) -> [Contents; 2] {
    let both = copied.tables.iter();
    let source = both
        .clone()
        .map(|it| (it.name, it.source.rows, it.source.digest()));
    let target = both.map(|it| (it.name, it.target.rows, it.target.digest()));
    [Contents(source.collect()), Contents(target.collect())]
}

#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Contents(pub(crate) Vec<(&'static str, u64, String)>);

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (name, rows, digest) in &self.0 {
            writeln!(text, "{name} {rows} {digest}")?;
        }
        f.write_str(&text)
    }
}

/// Asserts that every table was compared and both hold the same.
#[track_caller]
pub(crate) fn assert_equal(copied: &Copied) {
    let [source, target] = contents(copied);
    assert_eq!(source, target);
    assert_eq!(source.0.len(), TABLES.len());
    assert!(copied.is_equal());
}
