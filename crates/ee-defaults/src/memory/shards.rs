use std::{
    collections::{HashMap, hash_map::Entry},
    sync::RwLock,
};

use ee_core::TokenHash;
use foldhash::fast::RandomState;

use super::{read, write};

/// A power of two, so that a mask finds the shard.
const SHARDS: usize = 16;

type Map<V> = HashMap<TokenHash, V, RandomState>;

/// A map by the hash of a secret, in parts that are locked on their own, so that requests of
/// different sessions seldom meet.
pub(super) struct Shards<V>([RwLock<Map<V>>; SHARDS]);

impl<V> Default for Shards<V> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| RwLock::default()))
    }
}

impl<V> Shards<V> {
    /// Keeps the value unless there is one; tells whether it did.
    pub(super) fn insert_new(&self, key: TokenHash, value: V) -> bool {
        match write(self.shard(&key)).entry(key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(value);
                true
            }
        }
    }

    /// Keeps the value, or what `merge` makes of the one that is there.
    pub(super) fn upsert(&self, key: TokenHash, value: V, merge: impl FnOnce(&mut V, V)) -> bool {
        match write(self.shard(&key)).entry(key) {
            Entry::Occupied(mut entry) => {
                merge(entry.get_mut(), value);
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(value);
                true
            }
        }
    }

    pub(super) fn contains(&self, key: &TokenHash) -> bool {
        read(self.shard(key)).contains_key(key)
    }

    pub(super) fn find(&self, key: &TokenHash) -> Option<V>
    where
        V: Clone,
    {
        read(self.shard(key)).get(key).cloned()
    }

    /// Changes the value; false when there is none.
    pub(super) fn change(&self, key: &TokenHash, change: impl FnOnce(&mut V)) -> bool {
        write(self.shard(key)).get_mut(key).map(change).is_some()
    }

    pub(super) fn remove(&self, key: &TokenHash) -> Option<V> {
        write(self.shard(key)).remove(key)
    }

    /// Copies what `wanted` says, in no order.
    pub(super) fn filter(&self, wanted: impl Fn(&V) -> bool) -> Vec<V>
    where
        V: Clone,
    {
        let mut found = Vec::new();
        for shard in &self.0 {
            found.extend(read(shard).values().filter(|value| wanted(value)).cloned());
        }
        found
    }

    /// Removes what `over` says, shard by shard, and returns it in no order.
    pub(super) fn extract(&self, over: impl Fn(&V) -> bool) -> Vec<V> {
        let mut removed = Vec::new();
        for shard in &self.0 {
            let mut map = write(shard);
            let values = map.extract_if(|_, value| over(value));
            removed.extend(values.map(|(_, value)| value));
        }
        removed
    }

    /// The map spreads by the first bytes of the hash, so the shard is chosen by the last.
    #[expect(
        clippy::indexing_slicing,
        reason = "the mask keeps the index below the number of shards"
    )]
    fn shard(&self, key: &TokenHash) -> &RwLock<Map<V>> {
        let [.., last] = *key.as_bytes();
        &self.0[usize::from(last) & (SHARDS - 1)]
    }
}
