//! What a caller may do: roles, grants on single things and limits, put together for one request.

mod visible;

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    AclSubject, GrantSet, Permission, PermissionPattern, PermissionSet, acl::Question,
    permission::distinct, storage::Effect,
};

pub use visible::Visible;

/// What narrows a caller down: the scopes of a key, whoever acts for him, a role that he previews.
#[derive(Debug)]
pub struct Limit {
    /// Nothing beyond this is allowed.
    pub authority: Authority,
    /// What it is, for an explanation, such as `key k-1`.
    pub name: String,
}

impl Limit {
    /// Narrows down to what somebody else may do.
    pub const fn new(name: String, authority: Authority) -> Self {
        Self { authority, name }
    }

    /// Narrows down to these permissions.
    pub fn to_set(name: String, set: PermissionSet) -> Self {
        Self::new(name, Authority::set(Arc::new(set)))
    }
}

/// What a caller may do. The one place that decides it.
///
/// The order is fixed: a limit forbids, a grant on the thing forbids, a permission for the whole resource
/// permits, one for the thing permits, a grant on the thing permits; else nothing does.
#[derive(Clone, Debug)]
pub struct Authority {
    grants: Arc<[Arc<GrantSet>]>,
    held: Held,
    limits: Vec<Arc<Limit>>,
}

#[derive(Clone, Debug)]
enum Held {
    Everything,
    Nothing,
    Set(Arc<PermissionSet>),
}

/// What was decided, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Verdict<'a> {
    /// No: this limit does not reach so far.
    BeyondLimit(&'a str),
    /// Yes: a grant on the thing permits it to this subject.
    ByGrant(&'a AclSubject),
    /// Yes: a permission for the thing.
    ById,
    /// Yes: a permission for the whole resource, or there are no roles at all.
    ByPermission,
    /// No: a grant on the thing forbids it to this subject.
    DeniedByGrant(&'a AclSubject),
    /// No: nothing permits it.
    Missing,
}

impl Verdict<'_> {
    /// Tells whether it is a yes.
    #[inline]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::ByGrant(_) | Self::ById | Self::ByPermission)
    }
}

impl Authority {
    /// May do everything: there are no roles, or no authentication at all.
    pub fn everything() -> Self {
        Self::of(Held::Everything)
    }

    /// May do nothing: nobody is signed in, or nobody has asked.
    pub fn nothing() -> Self {
        Self::of(Held::Nothing)
    }

    /// May do what the roles say.
    pub fn set(set: Arc<PermissionSet>) -> Self {
        Self::of(Held::Set(set))
    }

    fn of(held: Held) -> Self {
        Self {
            grants: Arc::default(),
            held,
            limits: Vec::new(),
        }
    }

    /// Adds the grants on single things.
    #[must_use]
    pub fn with_grants(mut self, grants: Arc<[Arc<GrantSet>]>) -> Self {
        self.grants = grants;
        self
    }

    /// Narrows it down.
    #[must_use]
    pub fn within(mut self, limit: Arc<Limit>) -> Self {
        self.limits.push(limit);
        self
    }

    /// Decides about a permission: for the thing with this id, else the one that the permission names, else for the
    /// whole resource.
    pub fn decide(&self, permission: &Permission, id: Option<&str>, now: Timestamp) -> Verdict<'_> {
        let id = id.or_else(|| permission.id());
        for limit in &self.limits {
            if !limit.authority.decide(permission, id, now).is_allowed() {
                return Verdict::BeyondLimit(&limit.name);
            }
        }
        let granted = match id {
            Some(id) if !self.grants.is_empty() => self.granted(permission, id, now),
            _ => None,
        };
        if let Some((Effect::Deny, subject)) = granted {
            return Verdict::DeniedByGrant(subject);
        }
        match &self.held {
            Held::Everything => return Verdict::ByPermission,
            Held::Set(set) if set.allows_whole(permission) => return Verdict::ByPermission,
            Held::Set(set) if covers(set, permission, id) => return Verdict::ById,
            Held::Nothing | Held::Set(_) => {}
        }
        granted.map_or(Verdict::Missing, |(_, subject)| Verdict::ByGrant(subject))
    }

    /// Tells whether it is allowed for the whole resource, or for the thing that the permission names.
    #[inline]
    pub fn allows(&self, permission: &Permission, now: Timestamp) -> bool {
        self.decide(permission, None, now).is_allowed()
    }

    /// Tells whether it is allowed for one thing.
    #[inline]
    pub fn allows_on(&self, permission: &Permission, id: &str, now: Timestamp) -> bool {
        self.decide(permission, Some(id), now).is_allowed()
    }

    /// Tells whether it may be allowed for at least one thing: then there is a list to ask for.
    pub fn allows_some(&self, permission: &Permission) -> bool {
        let within = |limit: &Arc<Limit>| limit.authority.allows_some(permission);
        let held = match &self.held {
            Held::Everything => true,
            Held::Nothing => false,
            Held::Set(set) => set.allows_some(permission),
        };
        self.limits.iter().all(within) && (held || self.grants_some(permission))
    }

    /// Returns what remains of these permissions within the authority. Grants on single things do not count here.
    pub(crate) fn narrow(&self, patterns: Vec<PermissionPattern>) -> Vec<PermissionPattern> {
        let within = match &self.held {
            Held::Everything => patterns,
            Held::Nothing => Vec::new(),
            Held::Set(set) => distinct(patterns.into_iter().flat_map(|it| set.meet(it))),
        };
        let limits = self.limits.iter();
        limits.fold(within, |patterns, limit| limit.authority.narrow(patterns))
    }

    /// Tells whether the caller holds `*` or `*:*` and nothing limits him.
    pub fn has_full_wildcard(&self) -> bool {
        self.limits.is_empty()
            && match &self.held {
                Held::Everything => true,
                Held::Nothing => false,
                Held::Set(set) => set.has_full_wildcard(),
            }
    }

    /// Tells whether the caller could hand this on: his roles and every limit include it. Grants on single things do not
    /// count here.
    pub fn includes(&self, pattern: &PermissionPattern) -> bool {
        let held = match &self.held {
            Held::Everything => true,
            Held::Nothing => false,
            Held::Set(set) => set.includes(pattern),
        };
        held && self
            .limits
            .iter()
            .all(|limit| limit.authority.includes(pattern))
    }

    /// Returns the permission that covers a requirement, for an explanation.
    pub fn matching(&self, permission: &Permission) -> Option<&PermissionPattern> {
        match &self.held {
            Held::Set(set) => set.matching(permission),
            Held::Everything | Held::Nothing => None,
        }
    }

    fn granted(
        &self,
        permission: &Permission,
        id: &str,
        now: Timestamp,
    ) -> Option<(Effect, &AclSubject)> {
        let question = Question::of(permission)?;
        let mut allowed = None;
        for set in &*self.grants {
            match set.decides(&question, id, now) {
                Some(Effect::Deny) => return Some((Effect::Deny, set.subject())),
                Some(Effect::Allow) => {
                    allowed.get_or_insert((Effect::Allow, set.subject()));
                }
                None => {}
            }
        }
        allowed
    }

    fn grants_some(&self, permission: &Permission) -> bool {
        Question::of(permission)
            .is_some_and(|question| self.grants.iter().any(|set| set.reaches(&question)))
    }
}

fn covers(set: &PermissionSet, permission: &Permission, id: Option<&str>) -> bool {
    match id {
        Some(id) => set.allows_on(permission, id),
        None => set.allows(permission),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ResourceRef, storage::GrantRecord};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn set(patterns: &[&str]) -> PermissionSet {
        PermissionSet::compile(patterns.iter().map(|text| text.parse().unwrap()))
    }

    fn grant(subject: &str, kind: &str, id: &str, action: &str, effect: Effect) -> GrantRecord {
        let resource = ResourceRef {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        let subject = subject.parse().unwrap();
        let mut grant = GrantRecord::new(subject, resource, action.to_owned(), NOW);
        grant.effect = effect;
        grant
    }

    fn authority(patterns: &[&str], grants: &[GrantRecord]) -> Authority {
        let subjects = ["user:ada", "role:editor", "group:ops"];
        let sets = subjects.map(|subject| {
            let subject = subject.parse().unwrap();
            Arc::new(GrantSet::compile(subject, grants.iter().cloned()))
        });
        Authority::set(Arc::new(set(patterns))).with_grants(sets.into())
    }

    fn verdict(authority: &Authority, permission: &str) -> String {
        let permission: Permission = permission.parse().unwrap();
        let verdict = authority.decide(&permission, None, NOW);
        format!("{verdict:?}").split('(').next().unwrap().to_owned()
    }

    #[test]
    fn the_order_is_fixed() {
        let authority = authority(
            &["tools:read", "agents:read:a1", "agents:read:a2"],
            &[
                grant("user:ada", "agents", "a1", "read", Effect::Deny),
                grant("role:editor", "agents", "a2", "read", Effect::Allow),
                grant("group:ops", "agents", "a3", "*", Effect::Allow),
                grant("role:editor", "agents", "a4", "*", Effect::Allow),
                grant("group:ops", "agents", "a4", "read", Effect::Deny),
                grant("user:somebody", "agents", "a5", "*", Effect::Allow),
            ],
        );

        for (permission, expected) in [
            ("tools:read", "ByPermission"),
            ("tools:read:t1", "ByPermission"),
            ("agents:read:a1", "DeniedByGrant"),
            ("agents:read:a2", "ById"),
            ("agents:read:a3", "ByGrant"),
            ("agents:write:a3", "ByGrant"),
            ("stored-agents:delete:a3", "ByGrant"),
            ("agents:read:a4", "DeniedByGrant"),
            ("agents:write:a4", "ByGrant"),
            ("agents:read:a5", "Missing"),
            ("agents:read", "Missing"),
            ("workflows:read:a3", "Missing"),
        ] {
            assert_eq!(verdict(&authority, permission), expected, "{permission}");
        }
    }

    #[test]
    fn a_grant_ends_when_it_says() {
        let end = Timestamp::from_second(10).unwrap();
        let mut allow = grant("user:ada", "agents", "a1", "read", Effect::Allow);
        allow.expires_at = Some(end);
        let mut deny = grant("user:ada", "agents", "a2", "read", Effect::Deny);
        deny.expires_at = Some(end);
        let authority = authority(&["agents:read:a2"], &[allow, deny]);
        let read: Permission = "agents:read".parse().unwrap();

        assert!(authority.allows_on(&read, "a1", NOW) && !authority.allows_on(&read, "a1", end));
        assert!(!authority.allows_on(&read, "a2", NOW) && authority.allows_on(&read, "a2", end));
    }

    #[test]
    fn actions_of_other_programs_are_granted_by_name() {
        let authority = authority(
            &[],
            &[grant("user:ada", "tickets", "t1", "close", Effect::Allow)],
        );

        assert_eq!(verdict(&authority, "tickets:close:t1"), "ByGrant");
        assert_eq!(verdict(&authority, "tickets:open:t1"), "Missing");
        assert!(authority.allows_some(&"tickets:close".parse().unwrap()));
    }

    #[test]
    fn a_limit_only_ever_narrows() {
        let grants = [grant("user:ada", "agents", "a1", "*", Effect::Allow)];
        let limit = Limit::to_set("key k-1".to_owned(), set(&["agents:read", "tools:*"]));
        let limit = Arc::new(limit);
        let owner = authority(&["*:read"], &grants).within(Arc::clone(&limit));

        assert_eq!(verdict(&owner, "agents:read:a1"), "ByPermission");
        assert_eq!(verdict(&owner, "agents:write:a1"), "BeyondLimit");
        assert_eq!(verdict(&owner, "tools:write"), "Missing");
        assert_eq!(verdict(&owner, "workflows:read"), "BeyondLimit");
        assert!(!owner.allows_some(&"workflows:read".parse().unwrap()));
        let everything = Authority::everything().within(limit);
        assert!(!everything.has_full_wildcard());
        assert_eq!(verdict(&everything, "audit:read"), "BeyondLimit");
    }

    #[test]
    fn whoever_acts_for_somebody_may_do_what_both_may() {
        let ada = authority(
            &["agents:*", "tools:read"],
            &[grant("user:ada", "agents", "a1", "*", Effect::Deny)],
        );
        let robot = authority(
            &["agents:read", "workflows:read", "tools:*"],
            &[
                grant("role:editor", "agents", "a2", "*", Effect::Deny),
                grant("group:ops", "agents", "a3", "write", Effect::Allow),
            ],
        );
        let both = ada.within(Arc::new(Limit::new("robot".to_owned(), robot)));

        for (permission, expected) in [
            ("agents:read", "ByPermission"),
            ("agents:read:a1", "DeniedByGrant"),
            ("agents:read:a2", "BeyondLimit"),
            ("agents:write:a3", "ByPermission"),
            ("agents:write:a4", "BeyondLimit"),
            ("workflows:read", "Missing"),
            ("tools:write", "Missing"),
        ] {
            assert_eq!(verdict(&both, permission), expected, "{permission}");
        }
        assert!(!both.has_full_wildcard());
        let nothing = Limit::new("nobody".to_owned(), Authority::nothing());
        let none = Authority::everything().within(Arc::new(nothing));
        assert_eq!(verdict(&none, "agents:read"), "BeyondLimit");
    }

    #[test]
    fn a_list_is_worth_asking_for_when_something_may_be_in_it() {
        let authority = authority(
            &[],
            &[
                grant("user:ada", "agents", "a1", "write", Effect::Allow),
                grant("user:ada", "workflows", "w1", "read", Effect::Deny),
            ],
        );

        for (permission, expected) in [
            ("agents:write", true),
            ("stored-agents:write", true),
            ("agents:read", false),
            ("workflows:read", false),
        ] {
            let permission: Permission = permission.parse().unwrap();
            assert_eq!(authority.allows_some(&permission), expected, "{permission}");
        }
        assert!(!Authority::nothing().allows(&"agents:read".parse().unwrap(), NOW));
    }
}
