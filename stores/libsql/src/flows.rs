use async_trait::async_trait;
use ee_core::{
    Error, TokenHash,
    storage::{SignInFlow, SignInFlowStore},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    SqliteStore,
    columns::{Hash, Time},
    store::count,
};

const CREATE: &str = "INSERT INTO ee_sign_in_flows \
    (state_hash, browser_hash, expires_at, nonce, pkce_verifier, redirect_uri, return_to) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

fn create(conn: &Connection, flow: &SignInFlow) -> rusqlite::Result<()> {
    conn.prepare_cached(CREATE)?.execute(params![
        Hash(flow.state_hash),
        Hash(flow.browser_hash),
        Time(flow.expires_at),
        flow.nonce,
        flow.pkce_verifier,
        flow.redirect_uri,
        flow.return_to,
    ])?;
    Ok(())
}

/// Finding and deleting is one statement, and one thread runs it: nobody comes between.
const TAKE: &str = "DELETE FROM ee_sign_in_flows WHERE state_hash = ?1 \
    RETURNING browser_hash, expires_at, nonce, pkce_verifier, redirect_uri, return_to";

fn take(conn: &Connection, state_hash: TokenHash) -> rusqlite::Result<Option<SignInFlow>> {
    conn.prepare_cached(TAKE)?
        .query_row([Hash(state_hash)], |row| record(state_hash, row))
        .optional()
}

fn record(state_hash: TokenHash, row: &Row<'_>) -> rusqlite::Result<SignInFlow> {
    let (Hash(browser_hash), Time(expires_at)) = (row.get(0)?, row.get(1)?);
    let mut flow = SignInFlow::new(state_hash, browser_hash, expires_at);
    flow.nonce = row.get(2)?;
    flow.pkce_verifier = row.get(3)?;
    flow.redirect_uri = row.get(4)?;
    flow.return_to = row.get(5)?;
    Ok(flow)
}

const PURGE: &str = "DELETE FROM ee_sign_in_flows WHERE expires_at <= ?1";

#[async_trait]
impl SignInFlowStore for SqliteStore {
    async fn create(&self, flow: SignInFlow) -> Result<(), Error> {
        self.write("keep a sign-in flow", move |conn| create(conn, &flow))
            .await
    }

    async fn take(&self, state_hash: &TokenHash) -> Result<Option<SignInFlow>, Error> {
        let state_hash = *state_hash;
        self.write("take a sign-in flow", move |conn| take(conn, state_hash))
            .await
    }

    async fn purge_flows(&self, now: Timestamp) -> Result<u64, Error> {
        self.write("purge sign-in flows", move |conn| {
            conn.prepare_cached(PURGE)?.execute([Time(now)])
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
        assert!(plan(TAKE).contains("PRIMARY KEY (state_hash=?)"));
        assert!(plan(PURGE).contains("ee_sign_in_flows_by_end (expires_at<?)"));
    }
}
