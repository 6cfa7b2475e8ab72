//! Neither passwords nor values are told by accident.

use ee_core::{
    UserId,
    storage::{AccountKind, AccountRecord, AccountStore},
};
use ee_sql::{Batch, Database as _, Statement};
use ee_store_pg::{PgConfig, PgDatabase};
use jiff::Timestamp;

use crate::scratch::{chain, fresh, migrated, open};

#[tokio::test(flavor = "multi_thread")]
async fn no_error_of_opening_tells_the_password() {
    let database = migrated().await;
    let user = format!("user_of_{}", database.name());
    let sql = format!("CREATE ROLE {user} LOGIN PASSWORD 'other'");
    database.query(&sql).await;

    for url in [
        database.url_of(&format!("{user}:hunter2")),
        "postgresql://anna:hunter2@127.0.0.1:1/ee".into(),
        "postgresql://anna:hunter2@no-such-host.invalid/ee".into(),
        "postgresql://anna:hunter2@%2Fnowhere/ee".into(),
        "postgresql://anna:hunter2@127.0.0.1:1/ee?sslmode=verify-full&sslrootcert=/nowhere".into(),
        "postgresql://anna:hunter2@127.0.0.1:hunter2/ee".into(),
    ] {
        let config = PgConfig::new(url);
        assert!(!format!("{config:?}").contains("hunter2"));

        let error = PgDatabase::connect(config.clone()).await.unwrap_err();
        let text = chain(&error);
        assert!(!text.contains("hunter2"), "{text}");
        let error = PgDatabase::schema(&config).await.unwrap_err();
        assert!(!chain(&error).contains("hunter2"));
    }
    database.query(&format!("DROP ROLE {user}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_store_does_not_show_its_password() {
    let database = migrated().await;
    let url = database.url_of("postgres:hunter2");
    let store = open(&url).await;

    let text = format!("{store:?}");

    assert!(text.contains(database.name()), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_of_a_statement_tells_a_value() {
    let (store, _database) = fresh().await;
    let account = |id: &str| {
        let id = UserId::new(id).unwrap();
        let mut account = AccountRecord::new(id, AccountKind::Person, Timestamp::UNIX_EPOCH);
        account.email = Some("hunter2@example.com".into());
        account
    };
    AccountStore::create(&*store, account("one")).await.unwrap();

    let taken = AccountStore::create(&*store, account("two")).await;
    let text = chain(&taken.unwrap_err());
    assert!(!text.contains("hunter2"), "{text}");

    for sql in [
        "INSERT INTO ee_revisions (name, value) VALUES (?1, NULL)",
        "SELECT 1 FROM ee_revisions WHERE value = CAST(?1 AS BIGINT)",
        "INSERT INTO ee_messages (thread_id, id, role, text, created_at) VALUES (?1, '', '', '', 0)",
        "SELECT CAST(CAST(?1 AS TEXT) AS BIGINT)",
        "SELECT nonsense, ?1",
    ] {
        let batch = Batch::from(Statement::new(sql).bind("hunter2"));
        let error = store.database().execute("test", batch).await.unwrap_err();
        let text = chain(&error);
        assert!(!text.contains("hunter2"), "{text}");
    }
}
