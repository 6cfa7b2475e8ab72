//! A file of an older version is brought up to date with all that is in it.

use ee_core::{
    TokenHash, Visible,
    storage::{
        AgentStore, Cursor, EndedSessionStore as _, SessionRecord, SessionStore, ThreadStore as _,
    },
};
use ee_testkit::{hard_metadata, hard_times};
use jiff::{SignedDuration, Timestamp};
use refinery::Migration;
use rusqlite::{Connection, params};

use crate::scratch::{Scratch, session};

/// The schema before accounts and access.
const BEFORE: [(&str, &str); 4] = [
    (
        "V0001__sessions",
        include_str!("../../migrations/V0001__sessions.sql"),
    ),
    (
        "V0002__agents",
        include_str!("../../migrations/V0002__agents.sql"),
    ),
    (
        "V0003__threads",
        include_str!("../../migrations/V0003__threads.sql"),
    ),
    (
        "V0004__runs",
        include_str!("../../migrations/V0004__runs.sql"),
    ),
];

/// Makes a file as the version before has left it.
fn before(scratch: &Scratch) -> Connection {
    let conn = Connection::open(scratch.path()).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x6d614545; PRAGMA user_version = 4;
         CREATE TABLE ee_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255), \
         applied_on VARCHAR(255), checksum VARCHAR(255));",
    )
    .unwrap();
    for (name, sql) in BEFORE {
        conn.execute_batch(sql).unwrap();
        let migration = Migration::unapplied(name, sql).unwrap();
        conn.execute(
            "INSERT INTO ee_schema_history VALUES (?1, ?2, '2026-01-01T00:00:00Z', ?3)",
            params![
                migration.version(),
                migration.name(),
                migration.checksum().to_string()
            ],
        )
        .unwrap();
    }
    conn
}

fn keep(conn: &Connection, record: &SessionRecord) {
    conn.execute(
        "INSERT INTO ee_sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            record.hash.as_bytes(),
            record.user_id.as_str(),
            record.created_at.as_microsecond(),
            record.last_seen_at.as_microsecond(),
            record.idle_until.as_microsecond(),
            record.absolute_until.as_microsecond(),
            serde_json::to_string(&record.metadata).unwrap(),
        ],
    )
    .unwrap();
}

/// Sessions as the version before knows them.
fn sessions() -> Vec<SessionRecord> {
    let records = hard_times().into_iter().enumerate().map(|(number, time)| {
        let mut record = session(&number.to_string());
        record.created_at = time;
        record.authenticated_at = time;
        record.last_seen_at = time + SignedDuration::from_mins(3);
        // The earlier end of the two is the one or the other.
        let ends = [
            SignedDuration::from_mins(20),
            SignedDuration::from_hours(12),
        ];
        let [idle, absolute] = if number % 2 == 0 {
            ends
        } else {
            [ends[1], ends[0]]
        };
        record.idle_until = time + idle;
        record.absolute_until = time + absolute;
        record.metadata = hard_metadata();
        record
    });
    records.collect()
}

#[tokio::test]
async fn sessions_outlive_the_upgrade() {
    let scratch = Scratch::new();
    let conn = before(&scratch);
    let sessions = sessions();
    for record in &sessions {
        keep(&conn, record);
    }
    conn.close().unwrap();

    let store = scratch.open();

    for record in &sessions {
        let found = SessionStore::find(&*store, &record.hash).await.unwrap();
        assert_eq!(found.as_ref(), Some(record));
    }
    let user = sessions[0].user_id.clone();
    let listed = SessionStore::list(&*store, Some(&user), &Cursor::first(200)).await;
    assert_eq!(listed.unwrap().rows.len(), sessions.len());
    let tick = SignedDuration::from_micros(1);
    let mut by_end = sessions;
    by_end.sort_by_key(ends_at);
    for record in by_end {
        let end = ends_at(&record);
        assert_eq!(store.purge_expired(end - tick).await.unwrap(), 0);
        assert_eq!(store.purge_expired(end).await.unwrap(), 1);
    }
}

fn ends_at(record: &SessionRecord) -> Timestamp {
    record.idle_until.min(record.absolute_until)
}

#[tokio::test]
async fn sessions_of_before_are_used_and_ended_like_new_ones() {
    let scratch = Scratch::new();
    let conn = before(&scratch);
    for secret in ["a", "b", "c"] {
        keep(&conn, &session(secret));
    }
    drop(conn);
    let store = scratch.open();
    let (hash, now) = (TokenHash::of("a"), session("a").created_at);
    let later = now + SignedDuration::from_mins(20);

    assert!(store.touch(&hash, now, later).await.unwrap());
    let new = session("new");
    assert!(
        store
            .replace(&TokenHash::of("b"), new.clone())
            .await
            .unwrap()
    );
    assert!(
        SessionStore::delete(&*store, &TokenHash::of("c"))
            .await
            .unwrap()
    );

    let mut touched = session("a");
    touched.idle_until = later;
    let found = SessionStore::find(&*store, &hash).await.unwrap();
    assert_eq!(found, Some(touched));
    let found = SessionStore::find(&*store, &new.hash).await.unwrap();
    assert_eq!(found, Some(new.clone()));
    let ended = store.delete_for_user(&new.user_id, None).await.unwrap();
    assert_eq!(ended, 2);
}

#[tokio::test]
async fn everything_else_outlives_the_upgrade() {
    let scratch = Scratch::new();
    let conn = before(&scratch);
    conn.execute_batch(
        "INSERT INTO ee_agents VALUES ('writer', 'Writer', NULL, 'Write.', 'echo/dev', 'anna', 1, 2);
         INSERT INTO ee_threads VALUES ('t', 'anna', 'r', 'writer', NULL, '{}', 1, 2);
         INSERT INTO ee_messages VALUES (1, 't', 'm', 'user', 'Hello', 3);",
    )
    .unwrap();
    conn.execute(
        "INSERT INTO ee_ended_sessions VALUES (?1, 9)",
        [TokenHash::of("ended").as_bytes()],
    )
    .unwrap();
    drop(conn);

    let store = scratch.open();

    let agents = AgentStore::list(&*store, &Visible::EVERYTHING)
        .await
        .unwrap();
    assert_eq!(agents.len(), 1);
    let said = store.last_messages(&"t".parse().unwrap(), 9).await.unwrap();
    assert_eq!(said.len(), 1);
    assert!(store.is_ended(&TokenHash::of("ended")).await.unwrap());
}

#[test]
fn an_upgraded_file_has_the_schema_of_a_new_one() {
    let schema = |scratch: &Scratch| -> Vec<(String, Option<String>)> {
        drop(scratch.open());
        let conn = Connection::open(scratch.path()).unwrap();
        let mut query = conn
            .prepare(
                "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '%history%' ORDER BY name",
            )
            .unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    };
    let (old, new) = (Scratch::new(), Scratch::new());
    drop(before(&old));

    assert_eq!(schema(&old), schema(&new));
}
