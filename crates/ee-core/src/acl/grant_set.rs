//! The grants of one subject, compiled.

mod accessible;
mod things;

use std::collections::HashMap;

use foldhash::fast::RandomState;
use jiff::Timestamp;

use self::things::{Thing, Things};
use crate::{
    AclSubject, Action, Permission,
    storage::{Effect, GrantRecord},
};

/// What one subject may, and may not, do with single things.
///
/// A check looks one thing up, however many there are. A grant on `agents` counts for `stored-agents` as well: they
/// are the same things.
#[derive(Debug)]
pub struct GrantSet {
    has_denials: bool,
    kinds: Vec<(Box<str>, Kind)>,
    subject: AclSubject,
}

#[derive(Debug, Default)]
struct Kind {
    /// Actions that something permits, also for a while only.
    reach: Actions,
    /// Whether something permits an action of another program.
    reaches_unknown: bool,
    /// Grants of things that are no bits there.
    rest: HashMap<Box<str>, Vec<Line>, RandomState>,
    things: Things,
}

/// A grant that ends, or one of an action of another program.
#[derive(Debug)]
struct Line {
    action: Box<str>,
    effect: Effect,
    expires_at: Option<Timestamp>,
}

/// Known actions, one bit each, and one bit for every action.
#[derive(Clone, Copy, Debug, Default)]
struct Actions(u16);

const _: () = assert!(Action::ALL.len() < u16::BITS as usize);

impl Actions {
    const EVERY: Self = Self(1 << 15);

    const fn of(action: Action) -> Self {
        Self(1 << action as u16)
    }

    /// Reads the text of a grant; `None` for an action of another program.
    fn parse(text: &str) -> Option<Self> {
        if text == GrantRecord::EVERY_ACTION {
            return Some(Self::EVERY);
        }
        Action::find(text).map(Self::of)
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn covers(self, wanted: Option<Action>) -> bool {
        let wanted = wanted.map_or(0, |action| Self::of(action).0);
        self.0 & (wanted | Self::EVERY.0) != 0
    }
}

impl Kind {
    fn decide(
        &self,
        (id, thing): (&str, &Thing),
        question: &Question<'_>,
        now: Timestamp,
    ) -> Option<Effect> {
        if thing.deny.covers(question.action) {
            return Some(Effect::Deny);
        }
        let allow = thing.allow.covers(question.action).then_some(Effect::Allow);
        if self.rest.is_empty() {
            return allow;
        }
        let rest = self.rest.get(id).into_iter().flatten().filter(|line| {
            (*line.action == *GrantRecord::EVERY_ACTION || *line.action == *question.action_text)
                && line.expires_at.is_none_or(|end| now < end)
        });
        // `Deny` is the greater of the two.
        rest.map(|line| line.effect).chain(allow).max()
    }
}

/// What is asked of one thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    action: Option<Action>,
    action_text: &'a str,
    kind: &'a str,
}

impl<'a> Question<'a> {
    /// `None` for a requirement that names no action.
    pub(crate) fn of(permission: &'a Permission) -> Option<Self> {
        // The same without reading the text.
        if let Some((resource, action)) = permission.known_pair() {
            return Some(Self {
                action: Some(action),
                action_text: action.as_str(),
                kind: GrantSet::kind_of(resource.as_str()),
            });
        }
        Some(Self::new(permission.resource(), permission.action()?))
    }

    fn new(resource: &'a str, action: &'a str) -> Self {
        Self {
            action: Action::find(action),
            action_text: action,
            kind: GrantSet::kind_of(resource),
        }
    }
}

impl GrantSet {
    /// Compiles the grants of a subject; those of others are left out.
    pub fn compile(subject: AclSubject, grants: impl IntoIterator<Item = GrantRecord>) -> Self {
        let mut set = Self {
            has_denials: false,
            kinds: Vec::new(),
            subject,
        };
        for grant in grants {
            if grant.subject == set.subject {
                set.add(grant);
            }
        }
        for (_, kind) in &mut set.kinds {
            kind.things.shrink_to_fit();
        }
        set
    }

    /// Returns whose grants these are.
    pub const fn subject(&self) -> &AclSubject {
        &self.subject
    }

    /// Counts the things.
    pub fn len(&self) -> usize {
        self.kinds.iter().map(|(_, kind)| kind.things.len()).sum()
    }

    /// Tells whether there is no grant at all.
    pub const fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Tells whether something is forbidden, perhaps not any more.
    pub const fn has_denials(&self) -> bool {
        self.has_denials
    }

    /// Returns the kind of thing that grants name for a resource of permissions.
    pub fn kind_of(resource: &str) -> &str {
        resource.strip_prefix("stored-").unwrap_or(resource)
    }

    fn add(&mut self, grant: GrantRecord) {
        self.has_denials |= grant.effect == Effect::Deny;
        let name = Self::kind_of(&grant.resource.kind);
        let found = self.kinds.iter().position(|(kind, _)| **kind == *name);
        let at = found.unwrap_or_else(|| {
            self.kinds.push((name.into(), Kind::default()));
            self.kinds.len() - 1
        });
        let Some((_, kind)) = self.kinds.get_mut(at) else {
            return;
        };
        let actions = Actions::parse(&grant.action);
        if grant.effect == Effect::Allow {
            match actions {
                Some(actions) => kind.reach.add(actions),
                None => kind.reaches_unknown = true,
            }
        }
        let thing = kind.things.entry(&grant.resource.id);
        match (actions, grant.expires_at) {
            (Some(actions), None) => match grant.effect {
                Effect::Allow => thing.allow.add(actions),
                Effect::Deny => thing.deny.add(actions),
            },
            (_, expires_at) => {
                let rest = kind.rest.entry(grant.resource.id.into()).or_default();
                rest.push(Line {
                    action: grant.action.into(),
                    effect: grant.effect,
                    expires_at,
                });
            }
        }
    }

    fn kind(&self, name: &str) -> Option<&Kind> {
        let found = self.kinds.iter().find(|(kind, _)| **kind == *name);
        found.map(|(_, kind)| kind)
    }

    /// Tells which way the grants on a thing decide at `now`; what forbids wins.
    pub(crate) fn decides(
        &self,
        question: &Question<'_>,
        id: &str,
        now: Timestamp,
    ) -> Option<Effect> {
        let kind = self.kind(question.kind)?;
        kind.decide((id, kind.things.get(id)?), question, now)
    }

    /// Returns the ids of the things about which the grants decide in this way at `now`, in no order.
    pub(crate) fn decided(
        &self,
        question: &Question<'_>,
        effect: Effect,
        now: Timestamp,
    ) -> impl Iterator<Item = &str> {
        let things = self.kind(question.kind).into_iter().flat_map(move |kind| {
            let things = kind.things.iter();
            things.map(move |thing| (thing.0, kind.decide(thing, question, now)))
        });
        things.filter_map(move |(id, decided)| (decided == Some(effect)).then_some(id))
    }

    /// Counts the things of the kind that is asked about.
    pub(crate) fn named(&self, question: &Question<'_>) -> usize {
        self.kind(question.kind).map_or(0, |kind| kind.things.len())
    }

    /// Tells whether something is permitted for at least one thing, perhaps not any more.
    pub(crate) fn reaches(&self, question: &Question<'_>) -> bool {
        self.kind(question.kind).is_some_and(|kind| {
            kind.reach.covers(question.action) || question.action.is_none() && kind.reaches_unknown
        })
    }
}
