//! What a database promises to `ee_sql`.

use std::sync::Arc;

use ee_core::ErrorKind;
use ee_sql::{Batch, Database as _, Done, Statement};
use ee_store_pg::PgStore;
use ee_testkit::{PgTestDatabase, in_parallel};

use crate::scratch::{fresh, open};

async fn with_table() -> (Arc<PgStore>, PgTestDatabase) {
    let (store, database) = fresh().await;
    let create = "CREATE TABLE kept (id TEXT COLLATE \"C\" PRIMARY KEY, value BIGINT NOT NULL)";
    database.query(create).await;
    (store, database)
}

fn insert(id: &str, value: i64) -> Statement {
    Statement::new("INSERT INTO kept (id, value) VALUES (?1, ?2)")
        .bind(id)
        .bind(value)
}

fn add(id: &str, value: i64) -> Statement {
    Statement::new("UPDATE kept SET value = value + ?2 WHERE id = ?1")
        .bind(id)
        .bind(value)
}

async fn execute(store: &PgStore, batch: impl Into<Batch>) -> Option<Vec<Done>> {
    store
        .database()
        .execute("test", batch.into())
        .await
        .unwrap()
}

async fn values(store: &PgStore) -> Vec<(String, i64)> {
    let query = Statement::new("SELECT id, value FROM kept ORDER BY id");
    let answers = store.database().query("test", vec![query]).await.unwrap();
    let rows = answers.into_iter().flatten();
    rows.map(|mut row| (row.take().unwrap(), row.take().unwrap()))
        .collect()
}

fn pair(id: &str, value: i64) -> (String, i64) {
    (id.to_owned(), value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_must_change_something_and_does_not_undoes_the_batch() {
    let (store, _database) = with_table().await;
    execute(&store, insert("a", 1)).await.unwrap();

    let undone = Batch::from(insert("b", 2))
        .then(add("a", 10).must_change())
        .then(add("none", 1).must_change())
        .then(insert("c", 3));
    assert!(execute(&store, undone).await.is_none());
    assert!(
        execute(&store, add("none", 1).must_change())
            .await
            .is_none()
    );
    assert_eq!(values(&store).await, [pair("a", 1)]);

    let done = Batch::from(add("a", 10).must_change()).then(insert("b", 2));
    let done = execute(&store, done.then(add("none", 1))).await.unwrap();
    let changed: Vec<_> = done.iter().map(|done| done.changed).collect();
    assert_eq!(changed, [1, 1, 0]);
    assert_eq!(values(&store).await, [pair("a", 11), pair("b", 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_statement_undoes_the_batch_wherever_it_stands() {
    let (store, _database) = with_table().await;
    execute(&store, insert("a", 1)).await.unwrap();

    for (batch, kind) in [
        (
            Batch::from(insert("b", 2)).then(insert("a", 2)),
            ErrorKind::Conflict,
        ),
        (
            Batch::from(insert("a", 2)).then(insert("b", 2)),
            ErrorKind::Conflict,
        ),
        (
            Batch::from(add("a", 1).must_change()).then(insert("a", 2)),
            ErrorKind::Conflict,
        ),
        (
            Batch::from(insert("b", 2)).then(insert("a", 2).must_change()),
            ErrorKind::Conflict,
        ),
        (
            Batch::from(insert("b", 2)).then(Statement::new("SELECT nonsense")),
            ErrorKind::Internal,
        ),
        // Too few values: it is not even sent, and what stands behind it is not either.
        (
            Batch::from(insert("b", 2))
                .then(Statement::new("DELETE FROM kept WHERE id = ?1"))
                .then(insert("c", 3)),
            ErrorKind::Unavailable,
        ),
    ] {
        let error = store.database().execute("test", batch.clone()).await;
        assert_eq!(error.unwrap_err().kind(), kind, "{batch:?}");
        assert_eq!(values(&store).await, [pair("a", 1)], "{batch:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_returns_rows() {
    let (store, _database) = with_table().await;
    let returning = |statement: Statement| {
        let sql = format!("{} RETURNING id, value", statement.sql);
        statement
            .params
            .into_iter()
            .fold(Statement::new(sql), Statement::bind)
    };

    let batch = Batch::from(returning(insert("a", 1))).then(returning(add("a", 4)));
    let done = execute(&store, batch).await.unwrap();

    let rows: Vec<_> = done
        .into_iter()
        .map(|mut done| {
            let mut row = done.rows.pop().unwrap();
            let (id, value): (String, i64) = (row.take().unwrap(), row.take().unwrap());
            (done.changed, id, value)
        })
        .collect();
    assert_eq!(rows, [(1, "a".into(), 1), (1, "a".into(), 5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_batches_that_run_alone_five_find_room_for_five() {
    let (store, _database) = with_table().await;

    in_parallel(64, |number| {
        let store = Arc::clone(&store);
        async move {
            let insert = Statement::new(
                "INSERT INTO kept (id, value) SELECT ?1, 1 \
                 WHERE (SELECT count(*) FROM kept) < 5",
            );
            let insert = insert.bind(number.to_string()).must_change();
            execute(&store, Batch::from(insert).alone("it's a rule")).await;
        }
    })
    .await;

    assert_eq!(values(&store).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_in_each_others_way_are_tried_again() {
    let (_, database) = with_table().await;
    let url = format!("{}&options=-c%20deadlock_timeout=20ms", database.url());
    let store = open(&url).await;
    execute(&store, Batch::from(insert("a", 0)).then(insert("b", 0))).await;

    for _ in 0..20 {
        in_parallel(2, |number| {
            let store = Arc::clone(&store);
            let (first, second) = if number == 0 { ("a", "b") } else { ("b", "a") };
            async move {
                let batch = Batch::from(add(first, 1).must_change()).then(add(second, 1));
                execute(&store, batch).await.unwrap();
            }
        })
        .await;
    }

    assert_eq!(values(&store).await, [pair("a", 40), pair("b", 40)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_see_one_state() {
    let (store, _database) = with_table().await;
    execute(&store, Batch::from(insert("a", 0)).then(insert("b", 0))).await;
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..300 {
                execute(&store, Batch::from(add("a", 1)).then(add("b", -1))).await;
            }
        })
    };

    while !writer.is_finished() {
        let query = |id: &str| Statement::new("SELECT value FROM kept WHERE id = ?1").bind(id);
        let queries = vec![query("a"), query("b")];
        let answers = store.database().query("test", queries).await.unwrap();
        let sum: i64 = answers
            .into_iter()
            .flatten()
            .map(|mut row| row.take::<i64>().unwrap())
            .sum();
        assert_eq!(sum, 0);
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn there_may_be_more_texts_than_are_kept_prepared() {
    let (store, database) = fresh().await;

    for number in 0..400_i64 {
        let query = Statement::new(format!("SELECT ?1, {number}, ?2"))
            .bind("x")
            .bind(None::<i64>);
        let mut row = store
            .database()
            .find("test", query)
            .await
            .unwrap()
            .remove(0);
        assert_eq!(row.take::<String>().unwrap(), "x");
        assert_eq!(row.take::<i64>().unwrap(), number);
        assert_eq!(row.take::<Option<i64>>().unwrap(), None);
    }

    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_be_long() {
    let (store, _database) = with_table().await;
    let mut batch = Batch::default();
    for number in 0..3_000 {
        batch = batch.then(insert(&format!("{number:05}{}", "x".repeat(500)), number));
    }

    let done = execute(&store, batch).await.unwrap();

    assert_eq!(done.len(), 3_000);
    assert_eq!(values(&store).await.len(), 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_cannot_keep_is_invalid() {
    let (store, _database) = with_table().await;
    // An index holds no text of that length that cannot be made shorter.
    let long: String = (0..9_000_u32)
        .filter_map(|number| char::from_u32(0x4e00 + number.wrapping_mul(7_919) % 20_000))
        .collect();

    for id in ["with a \0", &long] {
        let batch = Batch::from(insert(id, 1));
        let error = store.database().execute("test", batch).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    }
    assert!(values(&store).await.is_empty());
}
