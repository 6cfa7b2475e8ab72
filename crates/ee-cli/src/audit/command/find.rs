//! Finds one event.

use anyhow::{Result, bail};
use ee::storage::AuditEntry;
use uuid::Uuid;

use super::keeper::Keeper;
use crate::audit::open;

impl Keeper {
    /// Returns the event with this id, or with this number in the log of this deployment.
    pub(super) async fn find(&self, event: &str) -> Result<AuditEntry> {
        if let Ok(id) = event.parse::<Uuid>() {
            let found = self.logs().find_event(id).await?;
            let Some(entry) = found else {
                bail!(
                    "there is no event `{id}`: it was never written here, or was removed after its time"
                );
            };
            return Ok(entry);
        }
        let Some(after) = event.parse::<u64>().ok().and_then(|seq| seq.checked_sub(1)) else {
            bail!("`{event}` is neither the id of an event nor a number from 1 on");
        };
        let found = self.logs().feed(open::PARTITION, after, 1).await?;
        let seq = after + 1;
        if let Some(entry) = found.into_iter().find(|entry| entry.seq == seq) {
            return Ok(entry);
        }
        let end = self.logs().head(open::PARTITION).await?.size();
        if seq > end {
            bail!("there is no event {seq}: the log ends with {end}");
        }
        bail!(
            "event {seq} is not there any more: it was removed after its time, or `mastra-ee audit verify` says what has happened to it"
        );
    }
}
