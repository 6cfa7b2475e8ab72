use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind, RolesMark, TokenHash, UserId,
    storage::{
        Change, Cursor, EndedSessionStore, Listed, PreviousHash, SessionRecord, SessionRenewal,
        SessionStore, SignInFlow, SignInFlowStore,
    },
};
use jiff::Timestamp;

use crate::{Batch, Database, Json, Row, SqlStore, Statement};

const TAKEN: &str = "such a session exists already";

/// Names what ends all sessions of a user, and what puts one in the place of another: whoever looks for all of them
/// must not miss one that takes the place of one it has seen.
pub(crate) fn all_of(user: &UserId) -> String {
    format!("sessions of {user}")
}

fn insert(record: &SessionRecord) -> Result<Statement, Error> {
    Ok(Statement::new(
        "INSERT INTO ee_sessions (hash, user_id, created_at, last_seen_at, authenticated_at, \
         idle_until, absolute_until, ends_at, credential_version, is_remembered, address, device, \
         metadata, previous_hash, previous_until, roles_mark) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )
    .bind(record.hash)
    .bind(&record.user_id)
    .bind(record.created_at)
    .bind(record.last_seen_at)
    .bind(record.authenticated_at)
    .bind(record.idle_until)
    .bind(record.absolute_until)
    .bind(record.idle_until.min(record.absolute_until))
    .bind(record.credential_version)
    .bind(record.is_remembered)
    .bind(record.address)
    .bind(record.device.as_deref())
    .bind(Json(&record.metadata).value()?)
    .bind(record.previous.map(|it| it.hash))
    .bind(record.previous.map(|it| it.until))
    .bind(record.roles_mark.map(RolesMark::as_u64)))
}

const COLUMNS: &str = "SELECT hash, user_id, created_at, last_seen_at, authenticated_at, idle_until, \
    absolute_until, credential_version, is_remembered, address, device, metadata, \
    previous_hash, previous_until, roles_mark FROM ee_sessions";

fn record(mut row: Row) -> Result<SessionRecord, Error> {
    let (hash, user, created_at) = (row.take()?, row.take()?, row.take()?);
    let (last_seen_at, authenticated_at) = (row.take()?, row.take()?);
    let mut record = SessionRecord::new(hash, user, created_at, row.take()?, row.take()?);
    record.last_seen_at = last_seen_at;
    record.authenticated_at = authenticated_at;
    record.credential_version = row.take()?;
    record.is_remembered = row.take()?;
    record.address = row.take()?;
    record.device = row.take()?;
    record.metadata = row.take::<Json<_>>()?.0;
    let previous: (Option<_>, Option<_>) = (row.take()?, row.take()?);
    record.previous = match previous {
        (Some(hash), Some(until)) => Some(PreviousHash { hash, until }),
        _ => None,
    };
    record.roles_mark = row.take::<Option<u64>>()?.map(RolesMark::from_stored);
    Ok(record)
}

#[async_trait]
impl<D: Database> SessionStore for SqlStore<D> {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        self.insert("create a session", insert(&record)?, TAKEN)
            .await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error> {
        let by = async |column: &str| {
            let query = Statement::new(format!("{COLUMNS} WHERE {column} = ?1")).bind(hash);
            self.find_by("find a session", query, record).await
        };
        // One that gets another hash in between is found by the second question.
        match by("hash").await? {
            None => by("previous_hash").await,
            found => Ok(found),
        }
    }

    async fn touch(
        &self,
        hash: &TokenHash,
        last_seen_at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<bool, Error> {
        let update = Statement::new(
            "UPDATE ee_sessions SET last_seen_at = ?2, idle_until = ?3, \
             ends_at = CASE WHEN absolute_until < ?3 THEN absolute_until ELSE ?3 END \
             WHERE hash = ?1 OR previous_hash = ?1",
        );
        let update = update.bind(hash).bind(last_seen_at).bind(idle_until);
        let changed = self.run("note the use of a session", update).await?;
        Ok(changed > 0)
    }

    async fn renew(&self, old: &TokenHash, renewal: &SessionRenewal) -> Result<bool, Error> {
        let update = Statement::new(
            "UPDATE ee_sessions SET hash = ?2, previous_hash = ?1, previous_until = ?3, \
             roles_mark = ?4 WHERE hash = ?1 AND ends_at > ?5 \
             AND (previous_until IS NULL OR previous_until <= ?5)",
        )
        .bind(old)
        .bind(renewal.hash)
        .bind(renewal.previous_until)
        .bind(renewal.roles_mark.as_u64())
        .bind(renewal.at);
        let batch = Batch::from(update).telling(Change::Session(*old));
        match self.run("renew a session", batch).await {
            Err(err) if err.kind() == ErrorKind::Conflict => {
                Err(Error::new(ErrorKind::Conflict, TAKEN).with_source(err))
            }
            changed => Ok(changed? > 0),
        }
    }

    async fn replace(&self, old: &TokenHash, record: SessionRecord) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_sessions WHERE hash = ?1").bind(old);
        let batch = Batch::from(delete.must_change())
            .then(insert(&record)?)
            .telling(Change::Session(*old))
            .alone(all_of(&record.user_id));
        let done = self.batch("replace a session", batch).await?;
        Ok(done.is_some())
    }

    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<SessionRecord>, Error> {
        let mut query = Statement::new(format!("{COLUMNS} WHERE 1 = 1"));
        if let Some(user) = user {
            query = query.and(" AND user_id = ?", [user]);
        }
        if let Some(after) = &cursor.after {
            let after = TokenHash::from_text(after).ok_or_else(|| {
                Error::invalid_field("after", "is not where a part of this list ended")
            })?;
            query = query.and(" AND hash > ?", [after]);
        }
        let query = query.and(" ORDER BY hash LIMIT ?", [cursor.limit + 1]);
        let rows = self.rows("list sessions", query, record).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| row.hash.to_text()))
    }

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        let delete =
            Statement::new("DELETE FROM ee_sessions WHERE hash = ?1 OR previous_hash = ?1");
        let delete = delete.bind(hash);
        let batch = Batch::from(delete).telling(Change::Session(*hash));
        Ok(self.run("end a session", batch).await? > 0)
    }

    async fn delete_for_user(&self, user: &UserId, keep: Option<&TokenHash>) -> Result<u64, Error> {
        let mut delete = Statement::new("DELETE FROM ee_sessions WHERE user_id = ?1").bind(user);
        if let Some(keep) = keep {
            let others = " AND hash <> ? AND (previous_hash IS NULL OR previous_hash <> ?)";
            delete = delete.and(others, [keep, keep]);
        }
        let batch = Batch::from(delete)
            .telling(Change::User(user.clone()))
            .alone(all_of(user));
        self.run("end the sessions of a user", batch).await
    }

    async fn trim(&self, user: &UserId, most: u32) -> Result<u64, Error> {
        let delete = Statement::new(
            "DELETE FROM ee_sessions WHERE user_id = ?1 AND hash NOT IN (SELECT hash \
             FROM ee_sessions WHERE user_id = ?1 ORDER BY created_at DESC, hash DESC LIMIT ?2)",
        );
        let batch = Batch::from(delete.bind(user).bind(most))
            .telling(Change::User(user.clone()))
            .alone(all_of(user));
        self.run("end the oldest sessions of a user", batch).await
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<u64, Error> {
        let delete = Statement::new("DELETE FROM ee_sessions WHERE ends_at <= ?1").bind(now);
        self.run("purge sessions", delete).await
    }
}

#[async_trait]
impl<D: Database> EndedSessionStore for SqlStore<D> {
    async fn end(&self, hash: &TokenHash, until: Timestamp) -> Result<bool, Error> {
        let insert = Statement::new(
            "INSERT INTO ee_ended_sessions (hash, ends_at) VALUES (?1, ?2) \
             ON CONFLICT (hash) DO NOTHING",
        );
        let later = Statement::new(
            "UPDATE ee_ended_sessions SET ends_at = ?2 WHERE hash = ?1 AND ends_at < ?2",
        );
        let batch = Batch::from(insert.bind(hash).bind(until))
            .then(later.bind(hash).bind(until))
            .telling(Change::Session(*hash));
        let done = self.batch("remember the end of a session", batch).await?;
        let first = done.as_deref().and_then(<[_]>::first);
        Ok(first.is_some_and(|done| done.changed > 0))
    }

    async fn is_ended(&self, hash: &TokenHash) -> Result<bool, Error> {
        let query = Statement::new("SELECT 1 FROM ee_ended_sessions WHERE hash = ?1").bind(hash);
        let found = self.find_by("look for the end of a session", query, |_| Ok(()));
        Ok(found.await?.is_some())
    }

    async fn purge_ended(&self, now: Timestamp) -> Result<u64, Error> {
        let delete = Statement::new("DELETE FROM ee_ended_sessions WHERE ends_at <= ?1").bind(now);
        self.run("purge ended sessions", delete).await
    }
}

#[async_trait]
impl<D: Database> SignInFlowStore for SqlStore<D> {
    async fn create(&self, flow: SignInFlow) -> Result<(), Error> {
        let insert = Statement::new(
            "INSERT INTO ee_sign_in_flows (state_hash, browser_hash, expires_at, nonce, \
             pkce_verifier, redirect_uri, return_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(flow.state_hash)
        .bind(flow.browser_hash)
        .bind(flow.expires_at)
        .bind(flow.nonce)
        .bind(flow.pkce_verifier)
        .bind(flow.redirect_uri)
        .bind(flow.return_to);
        let taken = "such a sign-in is under way already";
        self.insert("begin a sign-in", insert, taken).await
    }

    async fn take(&self, state_hash: &TokenHash) -> Result<Option<SignInFlow>, Error> {
        let delete = Statement::new(
            "DELETE FROM ee_sign_in_flows WHERE state_hash = ?1 RETURNING browser_hash, \
             expires_at, nonce, pkce_verifier, redirect_uri, return_to",
        );
        let batch = Batch::from(delete.bind(state_hash));
        let done = self.batch("end a sign-in", batch).await?;
        let row = done.into_iter().flatten().flat_map(|done| done.rows).next();
        row.map(|row| flow(*state_hash, row)).transpose()
    }

    async fn purge_flows(&self, now: Timestamp) -> Result<u64, Error> {
        let delete = Statement::new("DELETE FROM ee_sign_in_flows WHERE expires_at <= ?1");
        self.run("purge sign-ins", delete.bind(now)).await
    }
}

fn flow(state_hash: TokenHash, mut row: Row) -> Result<SignInFlow, Error> {
    let mut flow = SignInFlow::new(state_hash, row.take()?, row.take()?);
    flow.nonce = row.take()?;
    flow.pkce_verifier = row.take()?;
    flow.redirect_uri = row.take()?;
    flow.return_to = row.take()?;
    Ok(flow)
}
