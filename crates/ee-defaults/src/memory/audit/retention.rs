use async_trait::async_trait;
use ee_core::{
    Error,
    storage::{AuditHold, AuditRecord, AuditRetention},
};
use uuid::Uuid;

use super::{
    super::{MemoryStore, taken},
    read, write,
};

#[async_trait]
impl AuditRetention for MemoryStore {
    async fn prune(&self, partition: &str, ids: &[Uuid]) -> Result<u64, Error> {
        let mut record = write(&self.record);
        let record = &mut *record;
        let Some(log) = record.logs.get_mut(partition) else {
            return Ok(0);
        };
        let mut count = 0;
        for id in ids {
            let Some((of, seq)) = record.ids.get(id) else {
                continue;
            };
            if of == partition
                && let Some(place) = log.places.remove(seq)
            {
                record.events.remove(&place);
                count += 1;
            }
        }
        Ok(count)
    }

    async fn erase(&self, ids: &[Uuid]) -> Result<u64, Error> {
        let mut record = write(&self.record);
        let mut count = 0;
        for id in ids {
            let place = record.place(*id);
            let entry = place.and_then(|place| record.events.get_mut(&place));
            if let Some(entry) = entry
                && entry.record.personal.take().is_some()
            {
                let canonical = entry.record.canonical.clone();
                entry.record = AuditRecord::restore(canonical, None)?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn put_hold(&self, hold: AuditHold) -> Result<(), Error> {
        let mut record = write(&self.record);
        if record.holds.iter().any(|other| other.id == hold.id) {
            return Err(taken("a hold with this id exists already"));
        }
        record.holds.push(hold);
        Ok(())
    }

    async fn release_hold(&self, id: &str) -> Result<Option<AuditHold>, Error> {
        let mut record = write(&self.record);
        let at = record.holds.iter().position(|hold| hold.id == id);
        Ok(at.map(|at| record.holds.remove(at)))
    }

    async fn holds(&self) -> Result<Vec<AuditHold>, Error> {
        let mut holds = read(&self.record).holds.clone();
        holds.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(holds)
    }
}
