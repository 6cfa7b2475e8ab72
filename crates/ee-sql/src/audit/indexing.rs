//! Brings what is derived from events up to date, behind the logs.

use async_trait::async_trait;
use ee_core::{
    AuditEvent, Error,
    storage::{AuditIndex, AuditRecord},
};

use super::{base, tallies::Tallies, words::Indexed};
use crate::{Batch, Database, Row, SqlStore, Statement, store::column};

/// Holds what is derived from events until the transaction ends: one at a time brings it up to date.
pub(super) fn hold() -> Statement {
    let sql = "INSERT INTO ee_revisions (name, value) VALUES ('audit index', 0) \
        ON CONFLICT (name) DO UPDATE SET value = ee_revisions.value + 1";
    Statement::new(sql)
}

/// An event of a log, unless it cannot be read.
struct Found {
    event: Option<AuditEvent>,
    number: u64,
}

fn found(mut row: Row) -> Result<Found, Error> {
    let number = row.take()?;
    // What cannot be read is in no index. It is for the verification to tell.
    let record = AuditRecord::restore(row.take()?, row.take()?).ok();
    Ok(Found {
        event: record.map(|record| record.event),
        number,
    })
}

#[async_trait]
impl<D: Database> AuditIndex for SqlStore<D> {
    async fn index_events(&self, most: u32) -> Result<u32, Error> {
        let operation = "make events searchable";
        let behind = Statement::new(
            "SELECT h.log FROM ee_audit_heads AS h LEFT JOIN ee_audit_indexed AS i ON i.log = h.log \
             WHERE h.size > coalesce(i.number - h.log * 1099511627776, 0) ORDER BY h.log LIMIT 1",
        );
        if most == 0 {
            return Ok(0);
        }
        let Some(log) = self.few(operation, behind, column::<u64>).await?.pop() else {
            return Ok(0);
        };
        let size = Statement::new("SELECT size FROM ee_audit_heads WHERE log = ?1").bind(log);
        let bodies = Statement::new(
            "SELECT number, canonical, personal FROM ee_audit_bodies \
             WHERE number > coalesce((SELECT number FROM ee_audit_indexed WHERE log = ?1), \
             ?1 * 1099511627776) AND number <= ?1 * 1099511627776 \
             + (SELECT size FROM ee_audit_heads WHERE log = ?1) ORDER BY number LIMIT ?2",
        );
        let first = vec![hold(), size, bodies.bind(log).bind(most)];
        let dialect = self.database().dialect();
        let (tell, told) = std::sync::mpsc::channel();
        let then = move |answers: Vec<Vec<Row>>| {
            let mut answers = answers.into_iter().skip(1);
            let size = answers.next().and_then(|mut rows| rows.pop());
            let size = size.map_or(Ok(0), column::<u64>)?;
            let rows = answers.flatten().map(found);
            let rows: Vec<Found> = rows.collect::<Result<_, _>>()?;
            let last = rows.last().map_or(0, |found| found.number);
            let are_all = rows.len() < most as usize;
            let mark = if are_all {
                last.max(base(log) + size)
            } else {
                last
            };
            let (mut words, mut tallies) = (Indexed::new(dialect), Tallies::default());
            let _ = tell.send(rows.len());
            for found in rows {
                if let Some(event) = found.event {
                    words.add(found.number, &event.words());
                    tallies.add(&event, 1);
                }
            }
            let moved = Statement::new(
                "INSERT INTO ee_audit_indexed (log, number) VALUES (?1, ?2) \
                 ON CONFLICT (log) DO UPDATE SET number = excluded.number",
            );
            let (statement, rows) = words.finish();
            let mut batch = Batch::from(moved.bind(log).bind(mark)).insert(rows);
            batch.statements.extend(statement);
            batch.statements.extend(tallies.statements());
            Ok(batch)
        };
        let exchange = self.database().exchange(operation, first, Box::new(then));
        exchange.await?;
        let count = told.try_recv().unwrap_or_default();
        // A log whose events are gone was brought up to date as well.
        Ok(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
    }
}
