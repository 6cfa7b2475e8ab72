use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use ee_core::{
    AclSubject, ResourceRef, UserId,
    storage::{Effect, GrantRecord},
};
use jiff::Timestamp;

use crate::memory::count;

/// Grants by subject, and who has one on a thing.
#[derive(Default)]
pub(in crate::memory) struct Grants {
    by_subject: HashMap<AclSubject, BTreeMap<Place, Terms>>,
    /// By the text of the subject.
    subjects: HashMap<ResourceRef, BTreeMap<String, AclSubject>>,
}

/// Which of the grants of a subject, in the order in which they are listed.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place {
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) effect: Effect,
    pub(super) action: String,
}

/// The rest of a grant.
pub(super) struct Terms {
    expires_at: Option<Timestamp>,
    granted_at: Timestamp,
    granted_by: Option<UserId>,
}

impl Place {
    /// Stands before all grants on a thing.
    pub(super) fn first(kind: &str, id: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.into(),
            effect: Effect::Allow,
            action: String::new(),
        }
    }

    pub(super) fn covers(&self, action: &str) -> bool {
        self.action == GrantRecord::EVERY_ACTION || self.action == action
    }
}

impl Terms {
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl Grants {
    pub(in crate::memory) fn remove_subject(&mut self, subject: &AclSubject) {
        let places = self.by_subject.remove(subject).unwrap_or_default();
        let things: BTreeSet<_> = places.into_keys().map(|it| (it.kind, it.id)).collect();
        for (kind, id) in things {
            self.leave(ResourceRef { kind, id }, subject);
        }
    }

    pub(super) fn put(&mut self, grant: GrantRecord) {
        let subjects = self.subjects.entry(grant.resource.clone()).or_default();
        subjects.insert(grant.subject.to_string(), grant.subject.clone());
        let place = Place {
            kind: grant.resource.kind,
            id: grant.resource.id,
            effect: grant.effect,
            action: grant.action,
        };
        let terms = Terms {
            expires_at: grant.expires_at,
            granted_at: grant.granted_at,
            granted_by: grant.granted_by,
        };
        let grants = self.by_subject.entry(grant.subject).or_default();
        grants.insert(place, terms);
    }

    /// Removes grants of a subject that are there, and returns how many there were.
    pub(super) fn remove(&mut self, subject: &AclSubject, places: Vec<Place>) -> u64 {
        let removed = count(places.len());
        for place in places {
            let Entry::Occupied(mut grants) = self.by_subject.entry(subject.clone()) else {
                break;
            };
            grants.get_mut().remove(&place);
            if grants.get().is_empty() {
                grants.remove();
            }
            let resource = ResourceRef {
                kind: place.kind,
                id: place.id,
            };
            if self.on(subject, &resource).next().is_none() {
                self.leave(resource, subject);
            }
        }
        removed
    }

    /// Removes the grants on a thing that decide so, and returns how many there were.
    pub(super) fn remove_resource(
        &mut self,
        resource: &ResourceRef,
        decides: impl Fn(Effect) -> bool,
    ) -> u64 {
        let subjects = self.subjects(resource).map(|(_, subject)| subject.clone());
        let subjects: Vec<_> = subjects.collect();
        let removed = subjects.into_iter().map(|subject| {
            let places = self.on(&subject, resource).map(|(place, _)| place);
            let places = places.filter(|place| decides(place.effect)).cloned();
            let places = places.collect();
            self.remove(&subject, places)
        });
        removed.sum()
    }

    /// Removes the grants that are over, and returns how many there were.
    pub(super) fn purge(&mut self, now: Timestamp) -> u64 {
        let over = self.by_subject.iter().map(|(subject, grants)| {
            let over = grants.iter().filter(|(_, terms)| !terms.is_live(now));
            let places: Vec<_> = over.map(|(place, _)| place.clone()).collect();
            (subject.clone(), places)
        });
        let over: Vec<_> = over.collect();
        let removed = over
            .into_iter()
            .map(|(who, places)| self.remove(&who, places));
        removed.sum()
    }

    /// Returns all grants of a subject, in the order of a list.
    pub(super) fn of(&self, subject: &AclSubject) -> Option<&BTreeMap<Place, Terms>> {
        self.by_subject.get(subject)
    }

    /// Returns who has a grant on a thing, by text.
    pub(super) fn subjects(
        &self,
        resource: &ResourceRef,
    ) -> impl Iterator<Item = (&String, &AclSubject)> {
        self.subjects.get(resource).into_iter().flatten()
    }

    /// Returns the grants of a subject on a thing, by effect and action.
    pub(super) fn on<'a>(
        &'a self,
        subject: &AclSubject,
        resource: &'a ResourceRef,
    ) -> impl Iterator<Item = (&'a Place, &'a Terms)> + use<'a> {
        let first = Place::first(&resource.kind, &*resource.id);
        let grants = self.by_subject.get(subject).into_iter();
        grants
            .flat_map(move |grants| grants.range(first.clone()..))
            .take_while(|(place, _)| place.kind == resource.kind && place.id == resource.id)
    }

    /// Tells whether one of the subjects is forbidden to do this with the thing.
    pub(super) fn is_denied(
        &self,
        subjects: &[AclSubject],
        kind: &str,
        id: &str,
        action: &str,
        now: Timestamp,
    ) -> bool {
        let places = [action, GrantRecord::EVERY_ACTION].map(|action| Place {
            effect: Effect::Deny,
            action: action.to_owned(),
            ..Place::first(kind, id)
        });
        let grants = subjects.iter().filter_map(|it| self.by_subject.get(it));
        grants
            .flat_map(|grants| places.iter().filter_map(|place| grants.get(place)))
            .any(|terms| terms.is_live(now))
    }

    /// Notes that a subject has no grant on a thing any more.
    fn leave(&mut self, resource: ResourceRef, subject: &AclSubject) {
        if let Entry::Occupied(mut subjects) = self.subjects.entry(resource) {
            subjects.get_mut().remove(&subject.to_string());
            if subjects.get().is_empty() {
                subjects.remove();
            }
        }
    }
}

/// Puts a grant together again.
pub(super) fn record(subject: &AclSubject, place: &Place, terms: &Terms) -> GrantRecord {
    let resource = ResourceRef {
        kind: place.kind.clone(),
        id: place.id.clone(),
    };
    let action = place.action.clone();
    let mut grant = GrantRecord::new(subject.clone(), resource, action, terms.granted_at);
    grant.effect = place.effect;
    grant.expires_at = terms.expires_at;
    grant.granted_by.clone_from(&terms.granted_by);
    grant
}
