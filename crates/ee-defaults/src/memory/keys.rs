use std::collections::{BTreeMap, btree_map::Entry};

use async_trait::async_trait;
use ee_core::{
    Error, KeyId, UserId,
    storage::{ApiKeyRecord, ApiKeyStore, Change, Changed, Cursor, Listed},
};
use jiff::Timestamp;

use super::{MemoryStore, after, one_more, read, taken, thing, write};

#[derive(Default)]
pub(super) struct Keys(BTreeMap<KeyId, ApiKeyRecord>);

impl Keys {
    pub(super) fn remove_user(&mut self, user: &UserId) {
        self.0.retain(|_, key| key.user_id != *user);
    }
}

#[async_trait]
impl ApiKeyStore for MemoryStore {
    async fn create(&self, key: ApiKeyRecord) -> Result<(), Error> {
        let id = key.id.clone();
        let made = thing("key", id.as_str(), &key.name);
        match write(&self.directory).keys.0.entry(id.clone()) {
            Entry::Occupied(_) => return Err(taken("a key with this id exists already")),
            Entry::Vacant(entry) => drop(entry.insert(key)),
        }
        self.carry(Some(&made));
        self.hub.tell(&Change::Key(id));
        Ok(())
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKeyRecord>, Error> {
        Ok(read(&self.directory).keys.0.get(id).cloned())
    }

    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<ApiKeyRecord>, Error> {
        let directory = read(&self.directory);
        let keys = &directory.keys.0;
        let rows = keys
            .range::<str, _>(after(cursor))
            .map(|(_, key)| key)
            .filter(|key| user.is_none_or(|user| key.user_id == *user))
            .take(one_more(cursor));
        let rows = rows.cloned().collect();
        Ok(Listed::cut(rows, cursor.limit, |row| row.id.to_string()))
    }

    async fn update(&self, mut key: ApiKeyRecord) -> Result<Changed, Error> {
        let change = Change::Key(key.id.clone());
        {
            let mut directory = write(&self.directory);
            let Some(kept) = directory.keys.0.get_mut(&key.id) else {
                return Ok(Changed::Gone);
            };
            if kept.version != key.version {
                return Ok(Changed::Stale);
            }
            key.created_at = kept.created_at;
            key.created_by = kept.created_by.take();
            key.last_used_at = kept.last_used_at;
            key.user_id = kept.user_id.clone();
            key.version += 1;
            *kept = key;
        }
        self.carry(None);
        self.hub.tell(&change);
        Ok(Changed::Done)
    }

    async fn delete(&self, id: &KeyId) -> Result<bool, Error> {
        let found = write(&self.directory).keys.0.remove(id).is_some();
        if found {
            self.carry(None);
        }
        self.hub.tell(&Change::Key(id.clone()));
        Ok(found)
    }

    async fn note_use(&self, id: &KeyId, at: Timestamp) -> Result<bool, Error> {
        let mut directory = write(&self.directory);
        let key = directory.keys.0.get_mut(id);
        Ok(key.map(|key| key.last_used_at = Some(at)).is_some())
    }
}
