//! The newest events: those whose words are in no index yet.

use ee_core::{AuditFilter, Error, ErrorKind, storage::AuditRecord};

use crate::{Database, Row, SqlStore, Statement, store::column};

/// Most events that are looked through without an index.
const MOST: u64 = 10_000;

/// Events with their numbers and words.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<(u64, Vec<String>)>);

impl Tail {
    /// Returns those that have all of the words, or those that do not.
    pub(super) fn numbers(&self, words: &[String], are_there: bool) -> Vec<String> {
        let fits = |has: &[String]| {
            let is_there = |word: &String| has.iter().any(|it| it.starts_with(&**word));
            words.iter().all(is_there)
        };
        let found = self.0.iter().filter(|(_, has)| fits(has) == are_there);
        found.map(|(number, _)| number.to_string()).collect()
    }
}

/// Tells whether a filter looks for words.
pub(super) fn asks_for_words(filter: &AuditFilter) -> bool {
    match filter {
        AuditFilter::All(filters) | AuditFilter::Any(filters) => filters.iter().any(asks_for_words),
        AuditFilter::Not(not) => asks_for_words(not),
        AuditFilter::Words(_) => true,
        _ => false,
    }
}

/// Counts what is behind the index of its log.
const COUNT: &str = "SELECT CAST(coalesce(sum(h.size - coalesce(i.number - h.log * 1099511627776, 0)), 0) \
    AS BIGINT) FROM ee_audit_heads AS h LEFT JOIN ee_audit_indexed AS i ON i.log = h.log";

const BEHIND: &str = "SELECT b.number, b.canonical, b.personal FROM ee_audit_heads AS h \
    LEFT JOIN ee_audit_indexed AS i ON i.log = h.log \
    JOIN ee_audit_bodies AS b ON b.number > coalesce(i.number, h.log * 1099511627776) \
    AND b.number <= h.log * 1099511627776 + h.size";

impl<D: Database> SqlStore<D> {
    /// Reads the events that a search for words has to look through. Fails with [`ErrorKind::Unavailable`] when they
    /// are too many: whatever makes the index does not keep up.
    pub(super) async fn tail(&self, filter: &AuditFilter) -> Result<Tail, Error> {
        if !asks_for_words(filter) {
            return Ok(Tail::default());
        }
        let operation = "look through new events";
        let count = self
            .few(operation, Statement::new(COUNT), column::<u64>)
            .await?;
        let count = count.first().copied().unwrap_or_default();
        if count == 0 {
            return Ok(Tail::default());
        }
        if count > MOST {
            let message = "the words of new events are not searchable yet";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let read = |mut row: Row| {
            let number = row.take()?;
            // What cannot be read has no words. It is for the verification to tell.
            let record = AuditRecord::restore(row.take()?, row.take()?).ok();
            let words = record.map(|record| record.event.words());
            Ok((number, words.unwrap_or_default()))
        };
        let tail = self.along(operation, Statement::new(BEHIND), read).await?;
        Ok(Tail(tail))
    }
}
