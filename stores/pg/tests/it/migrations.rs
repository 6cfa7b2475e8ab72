//! Which schema a database has.

use std::sync::Arc;

use ee_sql::SchemaStatus;
use ee_store_pg::{OpenError, PgConfig, PgDatabase};
use ee_testkit::{PgCluster, PgTestDatabase, in_parallel};
use tokio::time::{Duration, timeout};
use tokio_postgres::NoTls;

use crate::scratch::{migrated, open};

const TABLES: &str = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";

async fn schema(database: &PgTestDatabase) -> SchemaStatus {
    let config = PgConfig::new(database.url());
    PgDatabase::schema(&config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_that_start_at_once_one_creates_the_schema() {
    for _ in 0..3 {
        let database = PgCluster::shared().database().await;
        let url = Arc::new(database.url());

        let stores = in_parallel(8, |_| {
            let url = Arc::clone(&url);
            async move { open(&url).await }
        })
        .await;

        assert_eq!(stores.len(), 8);
        let SchemaStatus { found, known } = schema(&database).await;
        assert_eq!(found, known);
        let rows = database
            .query("SELECT count(*) FROM ee_schema_history")
            .await;
        assert_eq!(rows, Some(known.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_told_and_brought_up_to_date_when_asked() {
    let database = PgCluster::shared().database().await;
    let config = PgConfig::new(database.url());

    let before = schema(&database).await;
    assert_eq!(before.found, 0);
    assert!(before.known > 0);
    assert_eq!(database.query(TABLES).await.as_deref(), Some("0"));

    assert_eq!(PgDatabase::migrate(&config).await.unwrap(), before);
    let after = schema(&database).await;
    assert_eq!(after.found, before.known);
    assert_eq!(PgDatabase::migrate(&config).await.unwrap(), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_told_and_refused_by_name() {
    let database = migrated().await;
    let newer = "INSERT INTO ee_schema_history (version, name, applied_on, checksum) \
        VALUES (4711, 'later', '2030-01-01T00:00:00Z', '1')";
    database.query(newer).await;

    assert_eq!(schema(&database).await.found, 4_711);
    let config = PgConfig::new(database.url());
    let refused = [
        PgDatabase::connect(config.clone()).await.map(drop),
        PgDatabase::migrate(&config).await.map(drop),
    ];
    for error in refused {
        let error = error.unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 4_711, .. }));
        let text = error.to_string();
        assert!(text.contains("newer version (schema 4711,"), "{text}");
        assert!(text.contains(database.name()), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_nothing() {
    let database = PgCluster::shared().database().await;
    database
        .query("CREATE TABLE ee_one_time_tokens (id INT)")
        .await;

    let error = PgDatabase::connect(PgConfig::new(database.url())).await;

    assert!(matches!(error, Err(OpenError::Migrate { .. })));
    assert_eq!(database.query(TABLES).await.as_deref(), Some("1"));
    assert_eq!(schema(&database).await.found, 0);
    database.query("DROP TABLE ee_one_time_tokens").await;
    open(&database.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_killed_leaves_nothing() {
    let database = PgCluster::shared().database().await;
    // Whoever else creates this table waits for the end of this.
    let (blocker, connection) = tokio_postgres::connect(&database.url(), NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    blocker
        .batch_execute("BEGIN; CREATE TABLE ee_grants (id INT)")
        .await
        .unwrap();
    let config = PgConfig::new(database.url());
    let migration = tokio::spawn(async move { PgDatabase::migrate(&config).await });

    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name LIKE '%(schema)' \
        AND wait_event_type = 'Lock'";
    let killed = async { while database.query(kill).await.as_deref() != Some("1") {} };
    timeout(Duration::from_secs(10), killed).await.unwrap();

    let error = migration.await.unwrap();
    assert!(matches!(error, Err(OpenError::Migrate { .. })), "{error:?}");
    drop(blocker);
    connection.await.unwrap().unwrap();
    assert_eq!(database.query(TABLES).await.as_deref(), Some("0"));
    open(&database.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_and_write_can_use_a_schema_that_is_up_to_date() {
    let database = migrated().await;
    let user = format!("user_of_{}", database.name());
    let sql = format!(
        "CREATE ROLE {user} LOGIN PASSWORD 'hunter2'; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}"
    );
    database.query(&sql).await;

    let store = open(&database.url_of(&format!("{user}:hunter2"))).await;

    store.database().close().await;
    let sql = format!("DROP OWNED BY {user}; DROP ROLE {user}");
    database.query(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_compare_by_their_bytes() {
    let database = migrated().await;

    let others = "SELECT string_agg(table_name || '.' || column_name, ' ') \
        FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text' \
        AND collation_name IS DISTINCT FROM 'C'";
    assert_eq!(database.query(others).await, None);
    let types = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' \
        AND table_name <> 'ee_schema_history' \
        AND data_type NOT IN ('text', 'bigint', 'bytea', 'tsvector')";
    assert_eq!(database.query(types).await.as_deref(), Some("0"));
}
