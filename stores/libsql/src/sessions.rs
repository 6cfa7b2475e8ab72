use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, UserId,
    storage::{EndedSessionStore, SessionRecord, SessionStore},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    SqliteStore,
    columns::{Hash, Id, Json, Time},
    store::count,
};

const CREATE: &str = "INSERT INTO ee_sessions \
    (hash, user_id, created_at, last_seen_at, idle_until, absolute_until, metadata) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

fn create(conn: &Connection, record: SessionRecord) -> rusqlite::Result<()> {
    conn.prepare_cached(CREATE)?.execute(params![
        Hash(record.hash),
        record.user_id.as_str(),
        Time(record.created_at),
        Time(record.last_seen_at),
        Time(record.idle_until),
        Time(record.absolute_until),
        Json(record.metadata),
    ])?;
    Ok(())
}

const FIND: &str = "SELECT user_id, created_at, last_seen_at, idle_until, absolute_until, metadata \
    FROM ee_sessions WHERE hash = ?1";

fn find(conn: &Connection, hash: TokenHash) -> rusqlite::Result<Option<SessionRecord>> {
    conn.prepare_cached(FIND)?
        .query_row([Hash(hash)], |row| record(hash, row))
        .optional()
}

fn record(hash: TokenHash, row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let time = |index| row.get(index).map(|Time(time)| time);
    let Id(user_id) = row.get(0)?;
    let mut record = SessionRecord::new(hash, user_id, time(1)?, time(3)?, time(4)?);
    record.last_seen_at = time(2)?;
    record.metadata = row.get::<_, Json<_>>(5)?.0;
    Ok(record)
}

const TOUCH: &str = "UPDATE ee_sessions SET last_seen_at = ?2, idle_until = ?3 WHERE hash = ?1";
const DELETE: &str = "DELETE FROM ee_sessions WHERE hash = ?1";
const DELETE_FOR_USER: &str = "DELETE FROM ee_sessions WHERE user_id = ?1";
/// The expression is the one that is indexed.
const PURGE: &str = "DELETE FROM ee_sessions WHERE min(idle_until, absolute_until) <= ?1";

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        self.write("create a session", |conn| create(conn, record))
            .await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error> {
        let hash = *hash;
        self.read_point("find a session", move |conn| find(conn, hash))
            .await
    }

    async fn touch(
        &self,
        hash: &TokenHash,
        last_seen_at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<bool, Error> {
        let given = (Hash(*hash), Time(last_seen_at), Time(idle_until));
        self.write("note the use of a session", |conn| {
            conn.prepare_cached(TOUCH)?.execute(given)
        })
        .await
        .map(|rows| rows > 0)
    }

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        let hash = Hash(*hash);
        self.write("end a session", |conn| {
            conn.prepare_cached(DELETE)?.execute([hash])
        })
        .await
        .map(|rows| rows > 0)
    }

    async fn delete_for_user(&self, user: &UserId) -> Result<u64, Error> {
        let user = user.clone();
        self.write("end the sessions of a user", move |conn| {
            conn.prepare_cached(DELETE_FOR_USER)?
                .execute([user.as_str()])
        })
        .await
        .map(count)
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<u64, Error> {
        self.write("purge sessions", move |conn| {
            conn.prepare_cached(PURGE)?.execute([Time(now)])
        })
        .await
        .map(count)
    }
}

const END: &str =
    "INSERT INTO ee_ended_sessions (hash, ends_at) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING";
const END_LATER: &str = "UPDATE ee_ended_sessions SET ends_at = max(ends_at, ?2) WHERE hash = ?1";
const IS_ENDED: &str = "SELECT 1 FROM ee_ended_sessions WHERE hash = ?1";
const PURGE_ENDED: &str = "DELETE FROM ee_ended_sessions WHERE ends_at <= ?1";

#[async_trait]
impl EndedSessionStore for SqliteStore {
    async fn end(&self, hash: &TokenHash, until: Timestamp) -> Result<bool, Error> {
        let hash = *hash;
        self.write("remember the end of a session", move |conn| {
            let is_first = conn
                .prepare_cached(END)?
                .execute((Hash(hash), Time(until)))?
                == 1;
            if !is_first {
                conn.prepare_cached(END_LATER)?
                    .execute((Hash(hash), Time(until)))?;
            }
            Ok(is_first)
        })
        .await
    }

    async fn is_ended(&self, hash: &TokenHash) -> Result<bool, Error> {
        let hash = *hash;
        self.read_point("look for the end of a session", move |conn| {
            conn.prepare_cached(IS_ENDED)?.exists([Hash(hash)])
        })
        .await
    }

    async fn purge_ended(&self, now: Timestamp) -> Result<u64, Error> {
        self.write("purge ended sessions", move |conn| {
            conn.prepare_cached(PURGE_ENDED)?.execute([Time(now)])
        })
        .await
        .map(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::plan;

    #[test]
    fn every_statement_uses_an_index() {
        for (sql, index) in [
            (FIND, "PRIMARY KEY (hash=?)"),
            (TOUCH, "PRIMARY KEY (hash=?)"),
            (DELETE, "PRIMARY KEY (hash=?)"),
            (DELETE_FOR_USER, "ee_sessions_by_user (user_id=?)"),
            (PURGE, "ee_sessions_by_end (<expr><?)"),
            (IS_ENDED, "PRIMARY KEY (hash=?)"),
            (PURGE_ENDED, "ee_ended_sessions_by_end (ends_at<?)"),
        ] {
            let plan = plan(sql);
            assert!(plan.contains(index), "{sql}: {plan}");
            assert!(!plan.contains("SCAN"), "{sql}: {plan}");
        }
    }
}
