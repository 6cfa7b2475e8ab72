//! What happens in a random history, to stores and to the model of them.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use ee::{
    AclManager as _, AclProvider as _, Authority, Clock as _, Error, GroupId, NewGrant, Permission,
    RbacManager as _, RbacProvider as _, ResourceRef, Role, RoleId, User,
    access::{AccessStores, StoreAccess},
    storage::{AssignmentStore, ChangeHub, Effect, GrantStore, GroupRecord, GroupStore, RoleStore},
};
use ee_testkit::TestClock;
use jiff::{SignedDuration, Timestamp};
use server_tests::{Dice, roles};

use crate::access_model::{Decision, GrantKey, Model, Person};

pub(crate) const PEOPLE: [Person; 4] = [
    Person {
        id: "ada",
        asserted: &[],
    },
    Person {
        id: "bob",
        asserted: &["viewer", "org:admin"],
    },
    Person {
        id: "auth0|x:y",
        asserted: &["r1", "org:user", "unknown"],
    },
    Person {
        id: "eve",
        asserted: &["org:admin", "owner "],
    },
];
const ROLES: [&str; 5] = ["r1", "r2", "r3", "member", "viewer"];
const EXTERNAL: [&str; 2] = ["org:admin", "org:user"];
const GROUPS: [&str; 3] = ["g1", "g2", "g3"];
pub(crate) const KINDS: [&str; 5] = ["agents", "stored-agents", "workflows", "audit", "tickets"];
const GRANTED_KINDS: [&str; 4] = ["agents", "stored-agents", "workflows", "tickets"];
pub(crate) const ACTIONS: [&str; 4] = ["read", "write", "delete", "close"];
pub(crate) const IDS: [&str; 4] = ["1", "2", "a:b", "*x"];
const PATTERNS: [&str; 18] = [
    "*",
    "*:*",
    "*:read",
    "*:close",
    "agents:*",
    "agents:read",
    "agents:read:1",
    "agents:*:a:b",
    "stored:write",
    "stored-agents:delete:2",
    "workflows:read:*",
    "audit:read",
    "tickets:close",
    "tickets:*:1",
    "tickets:*:2",
    "workflows:*:1",
    "agents:*:2",
    "stored:*:a:b",
];
const SUBJECTS: [&str; 9] = [
    "user:ada",
    "user:bob",
    "user:auth0|x:y",
    "role:r1",
    "role:r2",
    "role:member",
    "role:viewer",
    "group:g1",
    "group:g2",
];

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Assign(&'static str, &'static str),
    DeleteGroup(&'static str),
    DeleteRole(&'static str),
    Grant(GrantKey, Option<Timestamp>),
    Join(&'static str, &'static str),
    Leave(&'static str, &'static str),
    Map(BTreeMap<&'static str, Vec<&'static str>>),
    PutRole(&'static str, Vec<&'static str>, Vec<&'static str>),
    Revoke(GrantKey, bool),
    Unassign(&'static str, &'static str),
    Wait(SignedDuration),
}

pub(crate) fn step(dice: &mut Dice, now: Timestamp) -> Step {
    let user = dice.pick(&PEOPLE).id;
    let grant = |dice: &mut Dice| GrantKey {
        subject: dice.pick(&SUBJECTS).to_owned(),
        kind: dice.pick(&GRANTED_KINDS).to_owned(),
        id: dice.pick(&IDS).to_owned(),
        is_deny: dice.roll(3) == 0,
        action: dice.pick(&["read", "write", "close", "*"]).to_owned(),
    };
    match dice.roll(20) {
        0..=2 => Step::Assign(user, dice.pick(&ROLES)),
        3 => Step::Unassign(user, dice.pick(&ROLES)),
        4 | 5 => {
            let (patterns, parents) = (dice.some(&PATTERNS, 3), dice.some(&ROLES, 2));
            Step::PutRole(dice.pick(&ROLES[..3]), patterns, parents)
        }
        6 => Step::DeleteRole(dice.pick(&ROLES[..3])),
        7 => {
            let entry = |external| (external, dice.some(&ROLES, 2));
            Step::Map(EXTERNAL.into_iter().map(entry).collect())
        }
        8 | 9 => Step::Join(dice.pick(&GROUPS), user),
        10 => Step::Leave(dice.pick(&GROUPS), user),
        11 if dice.roll(2) == 0 => Step::DeleteGroup(dice.pick(&GROUPS)),
        11 => Step::Wait(SignedDuration::from_secs(
            i64::try_from(dice.roll(40)).unwrap(),
        )),
        12..=16 => {
            let seconds = i64::try_from(dice.roll(60)).unwrap() + 1;
            let end = now + SignedDuration::from_secs(seconds);
            let grant = grant(dice);
            Step::Grant(grant, (dice.roll(3) == 0).then_some(end))
        }
        _ => Step::Revoke(grant(dice), dice.roll(3) == 0),
    }
}

/// One store with what is remembered of it.
pub(crate) struct World {
    pub(crate) access: StoreAccess,
    groups: Arc<dyn GroupStore>,
    pub(crate) now: TestClock,
}

impl World {
    pub(crate) fn new<S>(store: Arc<S>, hub: &ChangeHub, clock: &TestClock) -> Self
    where
        S: AssignmentStore + GrantStore + GroupStore + RoleStore,
    {
        let kept = AccessStores {
            assignments: Arc::clone(&store) as _,
            grants: Arc::clone(&store) as _,
            groups: Arc::clone(&store) as _,
            roles: Arc::clone(&store) as _,
        };
        let epochs = StoreAccess::epochs_of(hub);
        Self {
            access: StoreAccess::new(roles(), kept, Arc::new(clock.clone()), epochs),
            groups: store,
            now: clock.clone(),
        }
    }

    /// Takes a step and tells how it ended.
    pub(crate) async fn take(&self, step: &Step) -> String {
        let access = &self.access;
        let revision = access.stored_revision().await;
        match step {
            Step::Assign(user, role) => {
                let (user, role) = (user.parse().unwrap(), role.parse().unwrap());
                told(access.assign(&user, &role, None).await)
            }
            Step::Unassign(user, role) => {
                let (user, role) = (user.parse().unwrap(), role.parse().unwrap());
                told(access.unassign(&user, &role).await)
            }
            Step::PutRole(role, patterns, parents) => {
                let patterns = patterns.iter().map(|text| text.parse().unwrap());
                let parents = parents.iter().map(|text| text.parse().unwrap());
                let role = Role::new(role.parse().unwrap(), *role, patterns).inherits(parents);
                told(access.put(role, revision, None).await)
            }
            Step::DeleteRole(role) => told(access.delete(&role.parse().unwrap(), revision).await),
            Step::Map(mapping) => {
                let roles =
                    |texts: &Vec<&str>| texts.iter().map(|it| it.parse().unwrap()).collect();
                let entries = mapping.iter();
                let entries = entries.map(|(at, texts)| (at.parse().unwrap(), roles(texts)));
                let mapping: BTreeMap<RoleId, Vec<RoleId>> = entries.collect();
                told(access.set_mapping(mapping, revision).await)
            }
            Step::Join(group, user) => {
                let id: GroupId = group.parse().unwrap();
                let record = GroupRecord::new(id.clone(), id.to_string(), self.now.now());
                // It is there already most of the time.
                drop(self.groups.create(record).await);
                told(self.groups.add_member(&id, &user.parse().unwrap()).await)
            }
            Step::Leave(group, user) => {
                let (group, user) = (group.parse().unwrap(), user.parse().unwrap());
                told(self.groups.remove_member(&group, &user).await)
            }
            Step::DeleteGroup(group) => told(self.groups.delete(&group.parse().unwrap()).await),
            Step::Grant(grant, expires_at) => {
                let subject = grant.subject.parse().unwrap();
                let mut new = NewGrant::new(subject, thing(grant), [grant.action.clone()]);
                new.effect = effect(grant);
                new.expires_at = *expires_at;
                told(access.grant(new).await.map(drop))
            }
            Step::Revoke(grant, is_all) => {
                let subject = grant.subject.parse().unwrap();
                let named = [grant.action.clone()];
                let actions = if *is_all { &[][..] } else { &named };
                told(
                    access
                        .revoke(&subject, &thing(grant), effect(grant), actions)
                        .await,
                )
            }
            Step::Wait(_) => String::new(),
        }
    }

    pub(crate) async fn decide(&self, user: &User, wanted: (&str, &str, Option<&str>)) -> Decision {
        let (kind, action, id) = wanted;
        let permission: Permission = format!("{kind}:{action}").parse().unwrap();
        let set = self.access.permissions(user).await.unwrap();
        let grants = self.access.grants(user).await.unwrap().unwrap();
        let authority = Authority::set(set).with_grants(grants);
        authority.decide(&permission, id, self.now.now()).into()
    }
}

/// The revision, which only the book tells.
trait Revision {
    async fn stored_revision(&self) -> u64;
}

impl Revision for StoreAccess {
    async fn stored_revision(&self) -> u64 {
        ee::RbacManager::book(self).await.unwrap().revision
    }
}

fn told<T: Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(err) => format!("failed: {}", err.kind().code()),
    }
}

fn thing(grant: &GrantKey) -> ResourceRef {
    ResourceRef {
        kind: grant.kind.clone(),
        id: grant.id.clone(),
    }
}

const fn effect(grant: &GrantKey) -> Effect {
    if grant.is_deny {
        Effect::Deny
    } else {
        Effect::Allow
    }
}

/// Grants are kept under the plain name of the kind.
fn kept(grant: &GrantKey) -> GrantKey {
    let kind = grant.kind.trim_start_matches("stored-").to_owned();
    GrantKey {
        kind,
        ..grant.clone()
    }
}

impl Model {
    /// Takes a step that a store has taken.
    pub(crate) fn follow(&mut self, step: &Step) {
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        match step {
            Step::Assign(user, role) => drop(self.assigned.insert(pair(user, role))),
            Step::Unassign(user, role) => drop(self.assigned.remove(&pair(user, role))),
            Step::PutRole(role, patterns, parents) => {
                let texts = (owned(patterns), owned(parents));
                self.roles.insert((*role).to_owned(), texts);
            }
            Step::DeleteRole(role) => self.delete_role(role),
            Step::Map(mapping) => {
                let entries = mapping.iter();
                self.mapping = entries
                    .map(|(at, roles)| ((*at).to_owned(), owned(roles)))
                    .collect();
            }
            Step::Join(group, user) => {
                self.groups.insert((*group).to_owned());
                self.members.insert(pair(group, user));
            }
            Step::Leave(group, user) => drop(self.members.remove(&pair(group, user))),
            Step::DeleteGroup(group) => self.delete_group(group),
            Step::Grant(grant, end) => drop(self.grants.insert(kept(grant), *end)),
            Step::Revoke(grant, is_all) => {
                let grant = kept(grant);
                let same = |other: &GrantKey| {
                    let action = if *is_all {
                        &other.action
                    } else {
                        &grant.action
                    };
                    *other
                        == GrantKey {
                            action: action.clone(),
                            ..grant.clone()
                        }
                };
                self.grants.retain(|other, _| !same(other));
            }
            Step::Wait(_) => {}
        }
    }
}
