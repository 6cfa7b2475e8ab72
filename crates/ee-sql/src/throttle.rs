use std::time::Duration;

use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind,
    storage::{Attempts, ThrottleStore},
};
use jiff::Timestamp;

use crate::{Batch, Database, Row, SqlStore, Statement};

fn attempts(mut row: Row) -> Result<Attempts, Error> {
    let mut attempts = Attempts::first(row.take()?);
    attempts.window_from = row.take()?;
    attempts.in_window = row.take()?;
    attempts.in_row = row.take()?;
    Ok(attempts)
}

#[async_trait]
impl<D: Database> ThrottleStore for SqlStore<D> {
    async fn count(&self, key: &str, now: Timestamp, window: Duration) -> Result<Attempts, Error> {
        let count = Statement::new(
            "INSERT INTO ee_throttle (name, last_at, window_from, in_window, in_row) \
             VALUES (?1, ?2, ?2, 1, 1) ON CONFLICT (name) DO UPDATE SET \
             in_window = CASE WHEN excluded.last_at - ee_throttle.window_from >= ?3 THEN 1 \
             ELSE ee_throttle.in_window + 1 END, \
             window_from = CASE WHEN excluded.last_at - ee_throttle.window_from >= ?3 \
             THEN excluded.last_at ELSE ee_throttle.window_from END, \
             in_row = ee_throttle.in_row + 1, last_at = excluded.last_at \
             RETURNING last_at, window_from, in_window, in_row",
        );
        // Moments are whole microseconds: whatever is between two is reached with the later one.
        let micros = u64::try_from(window.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
        let batch = Batch::from(count.bind(key).bind(now).bind(micros));
        let done = self.batch("count an attempt", batch).await?;
        let row = done.into_iter().flatten().flat_map(|done| done.rows).next();
        row.map_or_else(
            || {
                Err(Error::new(
                    ErrorKind::Internal,
                    "an attempt was counted and not told",
                ))
            },
            attempts,
        )
    }

    async fn peek(&self, key: &str) -> Result<Option<Attempts>, Error> {
        let query = Statement::new(
            "SELECT last_at, window_from, in_window, in_row FROM ee_throttle WHERE name = ?1",
        );
        self.find_by("look at attempts", query.bind(key), attempts)
            .await
    }

    async fn clear(&self, key: &str) -> Result<(), Error> {
        let delete = Statement::new("DELETE FROM ee_throttle WHERE name = ?1").bind(key);
        self.run("forget attempts", delete).await.map(drop)
    }

    async fn purge_idle(&self, before: Timestamp) -> Result<u64, Error> {
        let delete = Statement::new("DELETE FROM ee_throttle WHERE last_at < ?1").bind(before);
        self.run("purge attempts", delete).await
    }
}
