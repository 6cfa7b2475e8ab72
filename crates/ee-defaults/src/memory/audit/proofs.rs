use async_trait::async_trait;
use ee_core::{
    AuditNode, Error,
    storage::{AuditProofStore, AuditStoredLink},
};
use jiff::Timestamp;

use super::{super::MemoryStore, read, write};

#[async_trait]
impl AuditProofStore for MemoryStore {
    async fn links(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditStoredLink>, Error> {
        let record = read(&self.record);
        let links = record.logs.get(partition).map(|log| &log.links);
        let behind = usize::try_from(after).unwrap_or(usize::MAX);
        let links = links.into_iter().flatten().skip(behind);
        Ok(links.take(limit as usize).cloned().collect())
    }

    async fn nodes(
        &self,
        partition: &str,
        level: u8,
        from: u64,
        limit: u32,
    ) -> Result<Vec<AuditNode>, Error> {
        let record = read(&self.record);
        let nodes = record.logs.get(partition).map(|log| &log.nodes);
        let is_wanted = |node: &&AuditNode| node.level == level && node.index >= from;
        let nodes = nodes.into_iter().flatten().filter(is_wanted);
        Ok(nodes.take(limit as usize).copied().collect())
    }

    async fn put_checkpoint(
        &self,
        partition: &str,
        size: u64,
        note: &str,
        _now: Timestamp,
    ) -> Result<(), Error> {
        let mut record = write(&self.record);
        let kept = record.checkpoints.entry(partition.to_owned()).or_default();
        let at = kept.partition_point(|(other, _)| *other <= size);
        kept.insert(at, (size, note.to_owned()));
        Ok(())
    }

    async fn checkpoints(
        &self,
        partition: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<(u64, String)>, Error> {
        let record = read(&self.record);
        let kept = record.checkpoints.get(partition).into_iter().flatten();
        let kept = kept.filter(|(size, _)| *size >= from);
        Ok(kept.take(limit as usize).cloned().collect())
    }

    async fn last_checkpoint(&self, partition: &str) -> Result<Option<(u64, String)>, Error> {
        let record = read(&self.record);
        let kept = record.checkpoints.get(partition);
        Ok(kept.and_then(|kept| kept.last()).cloned())
    }
}
