//! Removes what its time, or the law, lets go.

use async_trait::async_trait;
use ee_core::{
    AuditEvent, Error,
    storage::{AuditHold, AuditRecord, AuditRetention},
};
use uuid::Uuid;

use super::{
    indexing,
    logs::among,
    tallies::Tallies,
    words::{self, Indexed},
};
use crate::{Batch, Database, Dialect, Done, Row, SqlStore, Statement};

/// Most events of one transaction: nobody who adds events waits long.
const TOGETHER: usize = 256;

/// Lets a transaction change the record: a row that nobody outside of it sees.
fn begin() -> Statement {
    Statement::new("INSERT INTO ee_revisions (name, value) VALUES ('audit retention', 0)")
}

fn end() -> Statement {
    Statement::new("DELETE FROM ee_revisions WHERE name = 'audit retention'")
}

/// An event that is going to change.
struct Affected {
    canonical: String,
    event: Option<AuditEvent>,
    id: Uuid,
    is_indexed: bool,
    number: u64,
    was_personal: bool,
}

fn affected(mut row: Row) -> Result<Affected, Error> {
    let (number, id) = (row.take()?, row.take()?);
    let (canonical, personal): (String, Option<String>) = (row.take()?, row.take()?);
    let was_personal = personal.is_some();
    // What cannot be read was never in an index.
    let record = AuditRecord::restore(canonical.clone(), personal).ok();
    Ok(Affected {
        canonical,
        event: record.map(|record| record.event),
        id,
        is_indexed: row.take()?,
        number,
        was_personal,
    })
}

/// Selects events by their ids.
fn select(ids: &[Uuid]) -> Statement {
    let query = Statement::new(
        "SELECT b.number, b.id, b.canonical, b.personal, coalesce(b.number <= i.number, FALSE) \
         FROM ee_audit_links AS l JOIN ee_audit_bodies AS b ON b.number = l.number AND b.id = l.id \
         LEFT JOIN ee_audit_indexed AS i ON i.log = (l.number >> 40) WHERE l.id IN ",
    );
    among(query, ids)
}

/// Names one event in both of its tables.
fn of(sql: &'static str, affected: &Affected) -> Statement {
    Statement::new(sql).bind(affected.number).bind(affected.id)
}

/// Removes events.
fn pruned(affected: Vec<Affected>, dialect: Dialect) -> Batch {
    let mut batch = Batch::default();
    let mut tallies = Tallies::default();
    for affected in affected {
        if let (Some(event), true) = (&affected.event, affected.is_indexed) {
            tallies.add(event, -1);
            batch = batch.then(words::remove(dialect, affected.number, &event.words()));
        }
        let events = "DELETE FROM ee_audit_events WHERE number = ?1 AND id = ?2";
        let bodies = "DELETE FROM ee_audit_bodies WHERE number = ?1 AND id = ?2";
        batch = batch
            .then(of(events, &affected))
            .then(of(bodies, &affected));
    }
    batch.statements.extend(tallies.statements());
    batch
}

/// Removes what tells of persons.
fn erased(affected: Vec<Affected>, dialect: Dialect) -> Batch {
    let mut batch = Batch::default();
    let mut words = Indexed::new(dialect);
    for affected in affected.into_iter().filter(|it| it.was_personal) {
        let events = "UPDATE ee_audit_events SET email = NULL, ip = NULL, address = NULL \
            WHERE number = ?1 AND id = ?2";
        let bodies = "UPDATE ee_audit_bodies SET personal = NULL WHERE number = ?1 AND id = ?2";
        batch = batch
            .then(of(events, &affected))
            .then(of(bodies, &affected));
        let Some(event) = affected.event.filter(|_| affected.is_indexed) else {
            continue;
        };
        batch = batch.then(words::remove(dialect, affected.number, &event.words()));
        if let Ok(left) = AuditRecord::restore(affected.canonical, None) {
            words.add(affected.number, &left.event.words());
        }
    }
    let (statement, rows) = words.finish();
    batch.statements.extend(statement);
    batch.insert(rows)
}

const HOLD: &str = "id, filter, reason, owner, created_at";

fn hold(mut row: Row) -> Result<AuditHold, Error> {
    Ok(AuditHold {
        id: row.take()?,
        filter: row.take()?,
        reason: row.take()?,
        owner: row.take()?,
        created_at: row.take()?,
    })
}

impl<D: Database> SqlStore<D> {
    /// Changes so many events in one transaction, and returns how many are changed.
    async fn retain(
        &self,
        operation: &'static str,
        select: Statement,
        is_affected: fn(&Affected) -> bool,
        change: fn(Vec<Affected>, Dialect) -> Batch,
    ) -> Result<u64, Error> {
        let dialect = self.database().dialect();
        // Whatever is derived from the events stays as it is meanwhile.
        let first = vec![indexing::hold(), begin(), select];
        let (tell, told) = std::sync::mpsc::channel();
        let then = move |answers: Vec<Vec<Row>>| {
            let rows = answers.into_iter().skip(2).flatten();
            let mut found = rows.map(affected).collect::<Result<Vec<_>, _>>()?;
            found.retain(is_affected);
            let _ = tell.send(found.len() as u64);
            Ok(change(found, dialect).then(end()))
        };
        let exchange = self.database().exchange(operation, first, Box::new(then));
        exchange.await?;
        Ok(told.try_recv().unwrap_or_default())
    }
}

#[async_trait]
impl<D: Database> AuditRetention for SqlStore<D> {
    async fn prune(&self, partition: &str, ids: &[Uuid]) -> Result<u64, Error> {
        let of_log = " AND (l.number >> 40) = (SELECT log FROM ee_audit_heads WHERE partition = ?)";
        let mut count = 0;
        for ids in ids.chunks(TOGETHER) {
            let select = select(ids).and(of_log, [partition]);
            count += self
                .retain("prune the record", select, |_| true, pruned)
                .await?;
        }
        Ok(count)
    }

    async fn erase(&self, ids: &[Uuid]) -> Result<u64, Error> {
        let mut count = 0;
        for ids in ids.chunks(TOGETHER) {
            let select = select(ids);
            count += self
                .retain(
                    "erase what tells of persons",
                    select,
                    |it| it.was_personal,
                    erased,
                )
                .await?;
        }
        Ok(count)
    }

    async fn put_hold(&self, hold: AuditHold) -> Result<(), Error> {
        let sql = format!("INSERT INTO ee_audit_holds ({HOLD}) VALUES (?1, ?2, ?3, ?4, ?5)");
        let insert = Statement::new(sql)
            .bind(hold.id)
            .bind(hold.filter)
            .bind(hold.reason)
            .bind(hold.owner)
            .bind(hold.created_at);
        let taken = "a hold with this id exists already";
        self.insert("begin a hold", insert, taken).await
    }

    async fn release_hold(&self, id: &str) -> Result<Option<AuditHold>, Error> {
        let sql = format!("DELETE FROM ee_audit_holds WHERE id = ?1 RETURNING {HOLD}");
        let delete = Batch::from(Statement::new(sql).bind(id));
        let done = self.batch("end a hold", delete).await?;
        let done: Option<Done> = done.and_then(|mut done| done.pop());
        let row = done.and_then(|mut done| done.rows.pop());
        row.map(hold).transpose()
    }

    async fn holds(&self) -> Result<Vec<AuditHold>, Error> {
        let query = format!("SELECT {HOLD} FROM ee_audit_holds ORDER BY created_at, id");
        self.rows("list holds", Statement::new(query), hold).await
    }
}
