//! Adds events to logs.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;
use ee_core::{
    AuditHead, Error, ErrorKind,
    storage::{AuditEntry, AuditKept, AuditRecord, AuditStore},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    BASE, LAST, base, filed,
    logs::{among, entry, head, hold},
    rows::{BODY, EVENT, LINK, NODE, NewEvent},
    texts::list,
};
use crate::{Batch, Database, Done, Row, Rows, SqlStore, Statement, store::column};

/// Most ids of one question.
const TOGETHER: usize = 512;

/// Returns what leaves an event in the transaction of a change: it is moved into a log from there. The same event is left
/// once, however many changes it describes.
pub fn leave(record: &AuditRecord) -> Statement {
    let sql = "INSERT INTO ee_audit_left (id, canonical, personal) VALUES (?1, ?2, ?3) \
        ON CONFLICT (id) DO NOTHING";
    Statement::new(sql)
        .bind(record.event.id)
        .bind(&record.canonical)
        .bind(record.personal.as_ref())
}

impl<D: Database> SqlStore<D> {
    /// Leaves events as a change of the store does, in a transaction of their own: [`AuditStore::append_left`] moves them
    /// into a log.
    pub async fn leave_events(&self, records: &[AuditRecord]) -> Result<(), Error> {
        let statements = records.iter().map(leave);
        let batch = statements.fold(Batch::default(), Batch::then);
        self.batch("leave events", batch).await.map(drop)
    }
}

/// Returns what adds events to a log that ends there, and returns where it ends then.
fn add(mut head: AuditHead, log: u64, events: Vec<NewEvent>) -> Batch {
    let before = head.size();
    let mut bodies = Rows::of("ee_audit_bodies", BODY);
    let mut searched = Rows::of("ee_audit_events", EVENT);
    let mut links = Rows::of("ee_audit_links", LINK);
    let mut nodes = Rows::of("ee_audit_nodes", NODE);
    bodies.values.reserve(events.len() * BODY.len());
    searched.values.reserve(events.len() * EVENT.len());
    links.values.reserve(events.len() * LINK.len());
    let mut actions = BTreeSet::new();
    for mut event in events {
        let link = head.push(event.leaf);
        let number = base(log) + link.seq;
        let of_link = [
            number.into(),
            event.id.into(),
            link.leaf.into(),
            link.chain.into(),
        ];
        links.values.extend(of_link);
        for node in link.nodes {
            let of_node = [
                log.into(),
                u64::from(node.level).into(),
                node.index.into(),
                node.hash.into(),
            ];
            nodes.values.extend(of_node);
        }
        actions.insert(std::mem::take(&mut event.action));
        event.add_to(number, &mut bodies.values, &mut searched.values);
    }
    let known = Statement::new(
        "INSERT INTO ee_audit_actions (name) SELECT value FROM json_each(?1) \
         WHERE value NOT IN (SELECT name FROM ee_audit_actions) ON CONFLICT (name) DO NOTHING",
    );
    // Whatever held the log, it must not have been added to.
    let moved = Statement::new(
        "UPDATE ee_audit_heads SET size = ?3, chain = ?4, frontier = ?5 \
         WHERE partition = ?1 AND size = ?2 RETURNING size, chain, frontier",
    );
    let moved = moved
        .bind(head.partition())
        .bind(before)
        .bind(head.size())
        .bind(head.chain())
        .bind(head.frontier());
    Batch::from(known.bind(list(actions)))
        .then(moved.must_change())
        // In one order everywhere: nobody waits in a circle.
        .insert(searched)
        .insert(bodies)
        .insert(links)
        .insert(nodes)
}

/// Returns the one row of an answer.
fn only(rows: Option<Vec<Row>>) -> Result<Row, Error> {
    rows.and_then(|mut rows| rows.pop())
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a log is gone"))
}

/// Returns what a batch did that cannot be undone by what it finds, unless somebody has changed the log by hand.
fn done(done: Option<Vec<Done>>) -> Result<Vec<Done>, Error> {
    done.ok_or_else(|| Error::new(ErrorKind::Internal, "a log was added to behind our back"))
}

#[async_trait]
impl<D: Database> AuditStore for SqlStore<D> {
    async fn append(
        &self,
        partition: &str,
        records: Vec<AuditRecord>,
        now: Timestamp,
    ) -> Result<AuditHead, Error> {
        if records.is_empty() {
            return self.head(partition).await;
        }
        let log = self.log(partition).await?;
        self.database().make_room(now).await;
        let events = records.into_iter().map(|record| NewEvent::new(record, now));
        let events: Vec<NewEvent> = events.collect();
        let mut first = vec![hold(partition)];
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        first.extend(ids.chunks(TOGETHER).map(|ids| {
            let query = "SELECT id FROM ee_audit_links WHERE id IN ";
            among(Statement::new(query), ids)
        }));
        let name = partition.to_owned();
        let then = move |answers: Vec<Vec<Row>>| {
            let mut answers = answers.into_iter();
            let head = head(&name, only(answers.next())?)?;
            let known = answers.flatten().map(column);
            let mut known: HashSet<Uuid> = known.collect::<Result<_, _>>()?;
            let mut events = events;
            events.retain(|event| known.insert(event.id));
            Ok(add(head, log, events))
        };
        let exchange = self
            .database()
            .exchange("add events to the record", first, Box::new(then));
        let last = done(exchange.await?)?.pop();
        head(partition, only(last.map(|done| done.rows))?)
    }

    async fn append_left(&self, partition: &str, most: u32, now: Timestamp) -> Result<u32, Error> {
        // Hardly ever is something left, and then nobody holds the log.
        let query = Statement::new("SELECT id FROM ee_audit_left LIMIT 1");
        let operation = "add events that were left to the record";
        if most == 0 || self.few(operation, query, column::<Uuid>).await?.is_empty() {
            return Ok(0);
        }
        let log = self.log(partition).await?;
        self.database().make_room(now).await;
        let left = Statement::new(
            "SELECT l.id, l.canonical, l.personal, k.number IS NOT NULL FROM ee_audit_left AS l \
             LEFT JOIN ee_audit_links AS k ON k.id = l.id ORDER BY l.id LIMIT ?1",
        );
        let first = vec![hold(partition), left.bind(most)];
        let name = partition.to_owned();
        let then = move |answers: Vec<Vec<Row>>| {
            let mut answers = answers.into_iter();
            let head = head(&name, only(answers.next())?)?;
            let (mut events, mut ids) = (Vec::new(), Vec::new());
            for mut row in answers.flatten() {
                let (id, canonical, personal) = (row.take()?, row.take()?, row.take()?);
                ids.push(id);
                if !row.take::<bool>()? {
                    let record = AuditRecord::restore(canonical, personal)?;
                    events.push(NewEvent::new(record, now));
                }
            }
            let mut batch = add(head, log, events);
            // Those that were read and no others: more may have been left meanwhile.
            for ids in ids.chunks(TOGETHER) {
                let delete = "DELETE FROM ee_audit_left WHERE id IN ";
                batch = batch.then(among(Statement::new(delete), ids));
            }
            Ok(batch)
        };
        let exchange = self.database().exchange(operation, first, Box::new(then));
        // The first two are of the log.
        let deleted = done(exchange.await?)?.into_iter().skip(2);
        let deleted = deleted.map(|done| done.changed).sum::<u64>();
        Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
    }

    async fn head(&self, partition: &str) -> Result<AuditHead, Error> {
        let query = "SELECT size, chain, frontier FROM ee_audit_heads WHERE partition = ?1";
        let query = Statement::new(query).bind(partition);
        let read = |row| head(partition, row);
        let found = self.find_by("look where a log ends", query, read).await?;
        Ok(found.unwrap_or_else(|| AuditHead::genesis(partition)))
    }

    async fn partitions(&self) -> Result<Vec<String>, Error> {
        let query = "SELECT partition FROM ee_audit_heads WHERE size > 0 ORDER BY partition";
        self.rows("list logs", Statement::new(query), column).await
    }

    async fn find_event(&self, id: Uuid) -> Result<Option<AuditEntry>, Error> {
        let query = Statement::new(
            "SELECT h.partition, b.number, b.received_at, b.canonical, b.personal \
             FROM ee_audit_links AS l \
             JOIN ee_audit_bodies AS b ON b.number = l.number AND b.id = l.id \
             JOIN ee_audit_heads AS h ON h.log = (l.number >> 40) WHERE l.id = ?1",
        );
        let read = |mut row: Row| entry(row.take()?, row);
        self.find_by("find an event", query.bind(id), read).await
    }

    async fn feed(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let query = format!(
            "SELECT number, received_at, canonical, personal FROM ee_audit_bodies \
             WHERE number > {BASE} + ?2 AND number <= {BASE} + 1099511627775 \
             ORDER BY number LIMIT ?3"
        );
        let after = after.min(LAST);
        let query = Statement::new(query)
            .bind(partition)
            .bind(after)
            .bind(limit);
        let read = |row| entry(partition.to_owned(), row);
        self.along("read a log", query, read).await
    }

    async fn feed_kept(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditKept>, Error> {
        let query = filed::query(partition, after, limit);
        let database = self.database();
        database.look("read a log", query, filed::read).await
    }
}
