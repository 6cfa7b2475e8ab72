//! Keeps what proves that nothing was changed.

use async_trait::async_trait;
use ee_core::{
    AuditHash, AuditNode, Error, ErrorKind,
    storage::{AuditProofStore, AuditStoredLink},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{BASE, LAST, seq};
use crate::{Database, Row, SqlStore, Statement, ValueRef};

fn checkpoint(mut row: Row) -> Result<(u64, String), Error> {
    Ok((row.take()?, row.take()?))
}

/// Reads `number, id, leaf, chain`.
fn link(row: &[ValueRef<'_>]) -> Result<AuditStoredLink, Error> {
    let refused = || Error::new(ErrorKind::Internal, "a stored link cannot be read");
    let &[
        ValueRef::Integer(number),
        ValueRef::Blob(id),
        ValueRef::Blob(leaf),
        ValueRef::Blob(chain),
    ] = row
    else {
        return Err(refused());
    };
    Ok(AuditStoredLink {
        seq: seq(number.try_into().map_err(|_| refused())?),
        id: Uuid::from_slice(id).map_err(|_| refused())?,
        leaf: AuditHash::from_slice(leaf).ok_or_else(refused)?,
        chain: AuditHash::from_slice(chain).ok_or_else(refused)?,
    })
}

#[async_trait]
impl<D: Database> AuditProofStore for SqlStore<D> {
    async fn links(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditStoredLink>, Error> {
        let query = format!(
            "SELECT number, id, leaf, chain FROM ee_audit_links \
             WHERE number > {BASE} + ?2 AND number <= {BASE} + 1099511627775 \
             ORDER BY number LIMIT ?3"
        );
        let after = after.min(LAST);
        let query = Statement::new(query)
            .bind(partition)
            .bind(after)
            .bind(limit);
        let database = self.database();
        database.look("read the links of a log", query, link).await
    }

    async fn nodes(
        &self,
        partition: &str,
        level: u8,
        from: u64,
        limit: u32,
    ) -> Result<Vec<AuditNode>, Error> {
        let query = Statement::new(
            "SELECT idx, hash FROM ee_audit_nodes \
             WHERE log = (SELECT log FROM ee_audit_heads WHERE partition = ?1) \
             AND level = ?2 AND idx >= ?3 ORDER BY idx LIMIT ?4",
        );
        let query = query
            .bind(partition)
            .bind(u64::from(level))
            .bind(from)
            .bind(limit);
        let read = |mut row: Row| {
            Ok(AuditNode {
                level,
                index: row.take()?,
                hash: row.take()?,
            })
        };
        self.along("read the nodes of a log", query, read).await
    }

    async fn put_checkpoint(
        &self,
        partition: &str,
        size: u64,
        note: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        // The one that is there under this time stays: nothing of the record is changed.
        let insert = Statement::new(
            "INSERT INTO ee_audit_checkpoints (partition, size, created_at, note) \
             SELECT ?1, ?2, coalesce(max(created_at) + 1, ?3), ?4 FROM ee_audit_checkpoints \
             WHERE partition = ?1 AND size = ?2 AND created_at >= ?3",
        );
        let insert = insert.bind(partition).bind(size).bind(now).bind(note);
        self.run("keep a checkpoint", insert).await.map(drop)
    }

    async fn checkpoints(
        &self,
        partition: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<(u64, String)>, Error> {
        let query = Statement::new(
            "SELECT size, note FROM ee_audit_checkpoints WHERE partition = ?1 AND size >= ?2 \
             ORDER BY size, created_at LIMIT ?3",
        );
        let query = query.bind(partition).bind(from).bind(limit);
        self.along("list checkpoints", query, checkpoint).await
    }

    async fn last_checkpoint(&self, partition: &str) -> Result<Option<(u64, String)>, Error> {
        let query = Statement::new(
            "SELECT size, note FROM ee_audit_checkpoints WHERE partition = ?1 \
             ORDER BY size DESC, created_at DESC LIMIT 1",
        );
        let query = query.bind(partition);
        self.find_by("find the last checkpoint", query, checkpoint)
            .await
    }
}
