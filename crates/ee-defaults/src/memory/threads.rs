use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind, Resource, ThreadId,
    storage::{Change, MessageRecord, Page, Paged, ThreadFilter, ThreadRecord, ThreadStore},
};

use super::{MemoryStore, page_of, read, taken, write};

pub(super) type Threads = HashMap<ThreadId, Conversation>;

pub(super) struct Conversation {
    messages: Vec<MessageRecord>,
    record: ThreadRecord,
}

#[async_trait]
impl ThreadStore for MemoryStore {
    async fn create(&self, thread: ThreadRecord) -> Result<(), Error> {
        match write(&self.threads).entry(thread.id.clone()) {
            Entry::Occupied(_) => Err(taken("a conversation with this id exists already")),
            Entry::Vacant(entry) => {
                entry.insert(Conversation {
                    messages: Vec::new(),
                    record: thread,
                });
                Ok(())
            }
        }
    }

    async fn find(&self, id: &ThreadId) -> Result<Option<ThreadRecord>, Error> {
        let threads = read(&self.threads);
        Ok(threads.get(id).map(|kept| kept.record.clone()))
    }

    async fn list(&self, filter: &ThreadFilter, page: Page) -> Result<Paged<ThreadRecord>, Error> {
        let threads = read(&self.threads);
        let mut rows: Vec<_> = threads
            .values()
            .map(|kept| &kept.record)
            .filter(|record| fits(record, filter))
            .collect();
        rows.sort_unstable_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
        Ok(page_of(&rows, page))
    }

    async fn update(&self, thread: ThreadRecord) -> Result<bool, Error> {
        let mut threads = write(&self.threads);
        let Some(Conversation { record, .. }) = threads.get_mut(&thread.id) else {
            return Ok(false);
        };
        record.agent_id = thread.agent_id;
        record.metadata = thread.metadata;
        record.title = thread.title;
        record.updated_at = thread.updated_at;
        Ok(true)
    }

    async fn delete(&self, id: &ThreadId) -> Result<bool, Error> {
        let (found, had_grants) = {
            let mut threads = write(&self.threads);
            let found = threads.remove(id).is_some();
            let had_grants = found && self.disown(Resource::Memory, id.as_str());
            (found, had_grants)
        };
        // Conversations come and go all the time, and hardly any has a grant.
        if had_grants {
            self.hub.tell(&Change::Everything);
        }
        Ok(found)
    }

    async fn append(&self, id: &ThreadId, messages: Vec<MessageRecord>) -> Result<(), Error> {
        let mut threads = write(&self.threads);
        let Some(kept) = threads.get_mut(id) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                "there is no such conversation",
            ));
        };
        if let Some(last) = messages.last() {
            kept.record.updated_at = last.created_at;
        }
        kept.messages.extend(messages);
        Ok(())
    }

    async fn messages(&self, id: &ThreadId, page: Page) -> Result<Paged<MessageRecord>, Error> {
        let threads = read(&self.threads);
        let messages = threads.get(id).map_or_else(Vec::new, Conversation::refs);
        Ok(page_of(&messages, page))
    }

    async fn last_messages(&self, id: &ThreadId, limit: u32) -> Result<Vec<MessageRecord>, Error> {
        let threads = read(&self.threads);
        let messages = threads.get(id).map_or_else(Vec::new, Conversation::refs);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let older = messages.len().saturating_sub(limit);
        Ok(messages.into_iter().skip(older).cloned().collect())
    }
}

impl Conversation {
    fn refs(&self) -> Vec<&MessageRecord> {
        self.messages.iter().collect()
    }
}

fn fits(record: &ThreadRecord, filter: &ThreadFilter) -> bool {
    let ThreadFilter {
        agent_id,
        owner,
        resource_id,
        visible,
        ..
    } = filter;
    record.owner == *owner
        && visible.contains(record.id.as_str())
        && (agent_id.is_none() || record.agent_id == *agent_id)
        && resource_id
            .as_ref()
            .is_none_or(|label| record.resource_id == *label)
}
