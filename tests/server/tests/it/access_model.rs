//! Who may do what, worked out anew for every question from everything that was ever said.

use std::collections::{BTreeMap, BTreeSet};

use ee::{RoleSet, Verdict};
use jiff::Timestamp;

/// A decision without its details.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Decision {
    ById,
    ByGrant,
    ByPermission,
    Denied,
    Missing,
}

impl From<Verdict<'_>> for Decision {
    fn from(verdict: Verdict<'_>) -> Self {
        match verdict {
            Verdict::ByGrant(_) => Self::ByGrant,
            Verdict::ById => Self::ById,
            Verdict::ByPermission => Self::ByPermission,
            Verdict::DeniedByGrant(_) | Verdict::BeyondLimit(_) => Self::Denied,
            Verdict::Missing => Self::Missing,
        }
    }
}

/// A grant but for its end.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct GrantKey {
    pub(crate) subject: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) is_deny: bool,
    pub(crate) action: String,
}

/// Somebody as his provider describes him.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) id: &'static str,
    pub(crate) asserted: &'static [&'static str],
}

/// Patterns and parents of a role.
pub(crate) type RoleText = (Vec<String>, Vec<String>);

/// Everything, as plain texts.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) assigned: BTreeSet<(String, String)>,
    pub(crate) grants: BTreeMap<GrantKey, Option<Timestamp>>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) mapping: BTreeMap<String, Vec<String>>,
    pub(crate) members: BTreeSet<(String, String)>,
    pub(crate) roles: BTreeMap<String, RoleText>,
}

impl Model {
    pub(crate) fn new(base: &RoleSet) -> Self {
        let texts = |role: &ee::Role| {
            let patterns = role.permissions.iter().map(ToString::to_string).collect();
            let parents = role.inherits.iter().map(ToString::to_string).collect();
            (role.id.to_string(), (patterns, parents))
        };
        Self {
            roles: base.iter().map(texts).collect(),
            ..Self::default()
        }
    }

    pub(crate) fn delete_role(&mut self, role: &str) {
        self.roles.remove(role);
        self.assigned.retain(|(_, other)| other != role);
        let subject = format!("role:{role}");
        self.grants.retain(|grant, _| grant.subject != subject);
    }

    pub(crate) fn delete_group(&mut self, group: &str) {
        self.groups.remove(group);
        self.members.retain(|(other, _)| other != group);
        let subject = format!("group:{group}");
        self.grants.retain(|grant, _| grant.subject != subject);
    }

    fn roles_of(&self, who: Person) -> BTreeSet<String> {
        let assigned = self.assigned.iter().filter(|(user, _)| user == who.id);
        let mut roles: BTreeSet<String> = assigned.map(|(_, role)| role.clone()).collect();
        for role in who.asserted {
            if self.roles.contains_key(*role) {
                roles.insert((*role).to_owned());
            }
            roles.extend(self.mapping.get(*role).into_iter().flatten().cloned());
        }
        // Round after round, until no parent is new.
        loop {
            let parents = roles.iter().filter_map(|role| self.roles.get(role));
            let parents: Vec<String> = parents.flat_map(|(_, parents)| parents.clone()).collect();
            let before = roles.len();
            roles.extend(parents);
            if roles.len() == before {
                return roles;
            }
        }
    }

    fn granted(
        &self,
        who: Person,
        kind: &str,
        action: &str,
        id: &str,
        now: Timestamp,
    ) -> [bool; 2] {
        let mut subjects = vec![format!("user:{}", who.id)];
        subjects.extend(self.roles_of(who).iter().map(|role| format!("role:{role}")));
        let groups = self.members.iter().filter(|(_, user)| user == who.id);
        subjects.extend(groups.map(|(group, _)| format!("group:{group}")));
        let counts = |is_deny: bool| {
            self.grants.iter().any(|(grant, end)| {
                grant.is_deny == is_deny
                    && grant.id == id
                    && plain(&grant.kind) == plain(kind)
                    && (grant.action == action || grant.action == "*")
                    && subjects.contains(&grant.subject)
                    && end.is_none_or(|end| now < end)
            })
        };
        [counts(false), counts(true)]
    }

    pub(crate) fn decide(
        &self,
        who: Person,
        (kind, action, id): (&str, &str, Option<&str>),
        now: Timestamp,
    ) -> Decision {
        let [allowed, denied] = match id {
            Some(id) => self.granted(who, kind, action, id, now),
            None => [false, false],
        };
        let roles = self.roles_of(who);
        let patterns = roles.iter().filter_map(|role| self.roles.get(role));
        let patterns: Vec<&String> = patterns.flat_map(|(patterns, _)| patterns).collect();
        let covered = |id| patterns.iter().any(|it| covers(it, kind, action, id));
        if denied {
            Decision::Denied
        } else if covered(None) {
            Decision::ByPermission
        } else if id.is_some() && covered(id) {
            Decision::ById
        } else if allowed {
            Decision::ByGrant
        } else {
            Decision::Missing
        }
    }

    /// Tells whether grants alone let somebody do this.
    pub(crate) fn can_access(
        &self,
        who: Person,
        (kind, action, id): (&str, &str, &str),
        now: Timestamp,
    ) -> bool {
        self.granted(who, kind, action, id, now) == [true, false]
    }

    /// Returns the ids of all things that grants alone let somebody do this with.
    pub(crate) fn accessible(
        &self,
        who: Person,
        (kind, action): (&str, &str),
        now: Timestamp,
    ) -> Vec<String> {
        let ids: BTreeSet<&String> = self.grants.keys().map(|grant| &grant.id).collect();
        let may = |id: &&String| self.can_access(who, (kind, action, id), now);
        ids.into_iter().filter(may).cloned().collect()
    }
}

/// A stored agent is an agent to a grant.
fn plain(kind: &str) -> &str {
    kind.strip_prefix("stored-").unwrap_or(kind)
}

fn covers(pattern: &str, kind: &str, action: &str, id: Option<&str>) -> bool {
    if pattern == "*" {
        return true;
    }
    let parts: Vec<&str> = pattern.splitn(3, ':').collect();
    let [of, may, ..] = parts[..] else {
        return false;
    };
    let is_kind = match of {
        "*" => !matches!(kind, "access" | "audit" | "license"),
        "stored" => kind.starts_with("stored-"),
        other => other == kind,
    };
    let is_id = match parts.get(2) {
        None | Some(&"*") => true,
        Some(only) => id == Some(only),
    };
    is_kind && is_id && (may == "*" || may == action)
}
