//! Where logs are and where they end.

use ee_core::{
    AuditHash, AuditHead, Error, ErrorKind,
    storage::{AuditEntry, AuditRecord},
};

use super::seq;
use crate::{Database, Row, SqlStore, Statement, Value, store::column};

/// How often a new log is begun while others begin logs too.
const TRIES: u32 = 8;

/// Reads where a log ends: `size, chain, frontier`.
pub(super) fn head(partition: &str, mut row: Row) -> Result<AuditHead, Error> {
    let (size, chain): (u64, AuditHash) = (row.take()?, row.take()?);
    let frontier: Vec<u8> = row.take()?;
    AuditHead::resume(partition, size, chain, &frontier)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "where a log ends cannot be read"))
}

/// Holds a log until the transaction ends, and returns where it ends.
pub(super) fn hold(partition: &str) -> Statement {
    let sql = "UPDATE ee_audit_heads SET size = size WHERE partition = ?1 \
        RETURNING size, chain, frontier";
    Statement::new(sql).bind(partition)
}

/// Reads `number, received_at, canonical, personal`.
pub(super) fn entry(partition: String, mut row: Row) -> Result<AuditEntry, Error> {
    let (number, received_at) = (row.take::<u64>()?, row.take()?);
    let seq = seq(number);
    let record = AuditRecord::restore(row.take()?, row.take()?);
    let record = record.map_err(|err| {
        let message = format!("event {seq} of the log `{partition}` cannot be read");
        Error::new(err.kind(), message).with_source(err)
    })?;
    Ok(AuditEntry {
        partition,
        received_at,
        record,
        seq,
    })
}

/// Adds the ids that are looked for. Lists have few lengths, so that a statement has few texts.
pub(super) fn among(query: Statement, ids: &[uuid::Uuid]) -> Statement {
    let length = ids.len().next_power_of_two().max(1);
    let last = ids.last().copied().unwrap_or_default();
    let rest = std::iter::repeat_n(last, length - ids.len());
    query.list(ids.iter().copied().chain(rest))
}

impl<D: Database> SqlStore<D> {
    /// Returns the number of a log, which is begun if there is none.
    pub(super) async fn log(&self, partition: &str) -> Result<u64, Error> {
        const FIND: &str = "SELECT log FROM ee_audit_heads WHERE partition = ?1";
        // It takes the number behind the last; somebody else may take it at the same time.
        const BEGIN: &str = "INSERT INTO ee_audit_heads (partition, log, size, chain, frontier) \
            SELECT ?1, coalesce(max(log), 0) + 1, 0, ?2, ?3 FROM ee_audit_heads WHERE 1 = 1 \
            ON CONFLICT (partition) DO NOTHING";
        let operation = "look for a log";
        let chain = AuditHead::genesis(partition).chain();
        let mut tries = 1;
        loop {
            let found = Statement::new(FIND).bind(partition);
            if let Some(log) = self.find_by(operation, found, column).await? {
                return Ok(log);
            }
            let begin = Statement::new(BEGIN).bind(partition).bind(chain);
            match self
                .run("begin a log", begin.bind(Value::Blob(Vec::new())))
                .await
            {
                Err(err) if err.kind() != ErrorKind::Conflict || tries == TRIES => return Err(err),
                _ => tries += 1,
            }
        }
    }
}
