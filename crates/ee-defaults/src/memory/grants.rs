mod index;

use std::{
    collections::{BTreeSet, HashSet},
    ops::Bound,
};

use async_trait::async_trait;
use ee_core::{
    AclSubject, Error, Resource, ResourceRef, UserId,
    storage::{Change, Cursor, Effect, GrantRecord, GrantStore, Listed},
};
use jiff::Timestamp;

use super::{MemoryStore, bad_cursor, columns, one_more, place, read, write};

use self::index::{Place, record};

pub(super) use self::index::Grants;

const fn name(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

fn effect(text: &str) -> Result<Effect, Error> {
    let effects = [Effect::Allow, Effect::Deny];
    let effect = effects.into_iter().find(|effect| name(*effect) == text);
    effect.ok_or_else(bad_cursor)
}

/// What is done to grants while things are made and deleted. Whoever calls it holds the lock of the things, so nobody
/// sees a thing without its grants.
impl MemoryStore {
    /// Gives a new thing its owner.
    pub(super) fn own(&self, grant: Option<GrantRecord>) {
        if let Some(grant) = grant {
            write(&self.directory).grants.put(grant);
        }
    }

    /// Takes back what is permitted with a deleted thing, and tells whether that was something.
    pub(super) fn disown(&self, kind: Resource, id: &str) -> bool {
        let resource = ResourceRef {
            kind: kind.to_string(),
            id: id.to_owned(),
        };
        let grants = &mut write(&self.directory).grants;
        grants.remove_resource(&resource, |effect| effect == Effect::Allow) > 0
    }

    /// Tells that somebody owns something new.
    pub(super) fn tell_owner(&self, owner: Option<&UserId>) {
        if let Some(owner) = owner {
            let subject = AclSubject::User(owner.clone());
            self.hub.tell(&Change::Grants(subject));
        }
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn put(&self, grants: Vec<GrantRecord>) -> Result<(), Error> {
        let mut subjects = HashSet::new();
        {
            let mut directory = write(&self.directory);
            for grant in grants {
                subjects.insert(grant.subject.clone());
                directory.grants.put(grant);
            }
        }
        if !subjects.is_empty() {
            self.carry(None);
        }
        for subject in subjects {
            self.hub.tell(&Change::Grants(subject));
        }
        Ok(())
    }

    async fn remove(
        &self,
        subject: &AclSubject,
        resource: &ResourceRef,
        effect: Effect,
        actions: &[String],
    ) -> Result<u64, Error> {
        let removed = {
            let grants = &mut write(&self.directory).grants;
            let places = grants.on(subject, resource).map(|(place, _)| place);
            let places = places.filter(|place| {
                place.effect == effect && (actions.is_empty() || actions.contains(&place.action))
            });
            let places = places.cloned().collect();
            grants.remove(subject, places)
        };
        if removed > 0 {
            self.carry(None);
        }
        self.hub.tell(&Change::Grants(subject.clone()));
        Ok(removed)
    }

    async fn remove_resource(&self, resource: &ResourceRef) -> Result<u64, Error> {
        let grants = &mut write(&self.directory).grants;
        let removed = grants.remove_resource(resource, |_| true);
        // Whose they were is not told one by one.
        self.hub.tell(&Change::Everything);
        Ok(removed)
    }

    async fn matching(
        &self,
        subjects: &[AclSubject],
        resource: &ResourceRef,
    ) -> Result<Vec<GrantRecord>, Error> {
        let directory = read(&self.directory);
        let subjects: HashSet<_> = subjects.iter().collect();
        let found = subjects.into_iter().flat_map(|subject| {
            let grants = directory.grants.on(subject, resource);
            grants.map(|(place, terms)| record(subject, place, terms))
        });
        Ok(found.collect())
    }

    async fn on_resource(
        &self,
        resource: &ResourceRef,
        cursor: &Cursor,
    ) -> Result<Listed<GrantRecord>, Error> {
        let after = columns::<3>(cursor)?;
        let directory = read(&self.directory);
        let rows = directory
            .grants
            .subjects(resource)
            .flat_map(|(text, subject)| {
                let grants = directory.grants.on(subject, resource);
                grants.map(move |(place, terms)| (text, subject, place, terms))
            })
            .filter(|(text, _, place, _)| {
                let here = [text.as_str(), name(place.effect), &place.action];
                after
                    .as_ref()
                    .is_none_or(|after| here > after.each_ref().map(String::as_str))
            })
            .take(one_more(cursor))
            .map(|(_, subject, place, terms)| record(subject, place, terms));
        Ok(Listed::cut(rows.collect(), cursor.limit, |row| {
            place(&[&row.subject.to_string(), name(row.effect), &row.action])
        }))
    }

    async fn of_subject(
        &self,
        subject: &AclSubject,
        cursor: &Cursor,
    ) -> Result<Listed<GrantRecord>, Error> {
        let from = match columns::<4>(cursor)? {
            Some([kind, id, effect_, action]) => Bound::Excluded(Place {
                kind,
                id,
                effect: effect(&effect_)?,
                action,
            }),
            None => Bound::Unbounded,
        };
        let directory = read(&self.directory);
        let grants = directory.grants.of(subject).into_iter();
        let rows = grants
            .flat_map(|grants| grants.range((from.clone(), Bound::Unbounded)))
            .take(one_more(cursor))
            .map(|(place, terms)| record(subject, place, terms));
        Ok(Listed::cut(rows.collect(), cursor.limit, |row| {
            let ResourceRef { kind, id } = &row.resource;
            place(&[kind, id, name(row.effect), &row.action])
        }))
    }

    async fn all_of_subject(
        &self,
        subject: &AclSubject,
        most: u32,
    ) -> Result<Option<Vec<GrantRecord>>, Error> {
        let directory = read(&self.directory);
        let Some(grants) = directory.grants.of(subject) else {
            return Ok(Some(Vec::new()));
        };
        if grants.len() > most as usize {
            return Ok(None);
        }
        let rows = grants.iter();
        Ok(Some(
            rows.map(|(place, terms)| record(subject, place, terms))
                .collect(),
        ))
    }

    async fn accessible(
        &self,
        subjects: &[AclSubject],
        kind: &str,
        action: &str,
        now: Timestamp,
        cursor: &Cursor,
    ) -> Result<Listed<String>, Error> {
        // What follows an id is that id and the smallest character.
        let after = cursor.after.as_deref();
        let first = Place::first(kind, after.map_or_else(String::new, |id| format!("{id}\0")));
        let directory = read(&self.directory);
        let grants = &directory.grants;
        let mut ids = BTreeSet::new();
        for of_subject in subjects.iter().filter_map(|it| grants.of(it)) {
            let mut allowed: Vec<&str> = of_subject
                .range(first.clone()..)
                .take_while(|(place, _)| place.kind == kind)
                .filter(|(place, terms)| {
                    place.effect == Effect::Allow && place.covers(action) && terms.is_live(now)
                })
                .map(|(place, _)| &*place.id)
                .filter(|id| !grants.is_denied(subjects, kind, id, action, now))
                // An id stands there twice at most: once with the action and once with all.
                .take(one_more(cursor).saturating_mul(2))
                .collect();
            allowed.dedup();
            ids.extend(allowed);
        }
        let rows = ids.into_iter().take(one_more(cursor)).map(str::to_owned);
        Ok(Listed::cut(rows.collect(), cursor.limit, String::clone))
    }

    async fn purge_grants(&self, now: Timestamp) -> Result<u64, Error> {
        Ok(write(&self.directory).grants.purge(now))
    }
}
