use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use async_trait::async_trait;
use ee_core::{
    AuditEvent, AuditField, AuditFilter, AuditQuery, Error,
    storage::{AuditBucket, AuditCount, AuditEntry, AuditSearch, AuditSpans},
};
use jiff::Timestamp;

use super::{super::MemoryStore, Record, read};

/// Most parts of one histogram.
const MOST_PARTS: usize = 10_000;

/// Characters of a value that are counted.
const CHARACTERS: usize = 200;

impl Record {
    fn fitting<'a>(&'a self, filter: &'a AuditFilter) -> impl Iterator<Item = &'a AuditEvent> {
        let events = self.events.values().map(|entry| &entry.record.event);
        events.filter(|event| filter.matches(event))
    }
}

/// Returns what is counted of an event.
fn counted(field: AuditField, event: &AuditEvent) -> impl Iterator<Item = String> {
    let cut = move |value: Cow<'_, str>| match field {
        AuditField::Email => value.to_lowercase().chars().take(CHARACTERS).collect(),
        _ => value.chars().take(CHARACTERS).collect(),
    };
    let values: Vec<String> = field.values(event).into_iter().map(cut).collect();
    values.into_iter()
}

#[async_trait]
impl AuditSearch for MemoryStore {
    async fn search(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, Error> {
        let record = read(&self.record);
        let beyond = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        let fits = |entry: &&AuditEntry| query.filter.matches(&entry.record.event);
        let limit = query.limit.min(AuditQuery::MAX_LIMIT) as usize;
        Ok(if query.is_ascending {
            let events = record.events.range((beyond, Bound::Unbounded));
            let events = events.map(|(_, entry)| entry).filter(fits);
            events.take(limit).cloned().collect()
        } else {
            let events = record.events.range((Bound::Unbounded, beyond)).rev();
            let events = events.map(|(_, entry)| entry).filter(fits);
            events.take(limit).cloned().collect()
        })
    }

    async fn count(&self, filter: &AuditFilter, most: u64) -> Result<AuditCount, Error> {
        let record = read(&self.record);
        let limit = usize::try_from(most.saturating_add(1)).unwrap_or(usize::MAX);
        let counted = record.fitting(filter).take(limit).count() as u64;
        Ok(AuditCount {
            counted: counted.min(most),
            is_capped: counted > most,
        })
    }

    async fn histogram(
        &self,
        filter: &AuditFilter,
        by: AuditField,
        spans: AuditSpans,
    ) -> Result<Vec<AuditBucket>, Error> {
        if spans.seconds == 0 {
            let message = "must be one second or more";
            return Err(Error::invalid_field("interval", message));
        }
        let width = i64::from(spans.seconds) * 1_000_000;
        let ahead = i64::from(spans.offset) * 1_000_000;
        let mut parts: BTreeMap<(i64, String), u64> = BTreeMap::new();
        for event in read(&self.record).fitting(filter) {
            let micros = event.timestamp.as_microsecond();
            let start = micros - (micros + ahead).rem_euclid(width);
            for value in counted(by, event) {
                *parts.entry((start, value)).or_default() += 1;
            }
        }
        if parts.len() > MOST_PARTS {
            let message = "makes too many parts of this time";
            return Err(Error::invalid_field("interval", message));
        }
        let part = |((start, value), count)| AuditBucket {
            start: Timestamp::from_microsecond(start).unwrap_or(Timestamp::MIN),
            count,
            value,
        };
        Ok(parts.into_iter().map(part).collect())
    }

    async fn facet(
        &self,
        filter: &AuditFilter,
        field: AuditField,
        most: u32,
    ) -> Result<Vec<(String, u64)>, Error> {
        let mut values: HashMap<String, u64> = HashMap::new();
        for event in read(&self.record).fitting(filter) {
            for value in counted(field, event) {
                *values.entry(value).or_default() += 1;
            }
        }
        let mut values: Vec<(String, u64)> = values.into_iter().collect();
        values.sort_unstable_by(|(a, many), (b, more)| (Reverse(many), a).cmp(&(Reverse(more), b)));
        values.truncate(most as usize);
        Ok(values)
    }
}
