//! Cases for what a store tells of its changes.

mod listeners;

use std::{collections::BTreeMap, sync::Arc};

use ee_core::{
    AclSubject, ResourceRef, Role, RolesMark, TokenHash, UserId,
    storage::{
        AccountKind, AccountRecord, AccountStatus, AccountStore, AgentRecord, AgentStore,
        ApiKeyRecord, ApiKeyStore, AssignmentRecord, AssignmentStore, Change, ChangeHub, Changed,
        Effect, EndedSessionStore, GrantRecord, GrantStore, GroupRecord, GroupStore, RoleRecord,
        RoleStore, SessionRecord, SessionRenewal, SessionStore, ThreadRecord, ThreadStore,
        WorkflowRecord, WorkflowStore,
    },
};

use self::listeners::{Ear, Eye};
use crate::{
    deletions::DirectoryStore,
    samples::{at, id},
};

/// Makes the tests of what a store tells. The setup is a future of a [`Fixture`](crate::Fixture);
/// the second argument is how one comes from `&store` to its [`ChangeHub`], such as
/// `|store| store.hub()`.
///
/// A store may tell more, and [`Change::Everything`] for whatever has changed.
#[macro_export]
macro_rules! changes_conformance {
    ($setup:expr, $hub:expr) => {
        $crate::changes_conformance!(@ $setup, $hub =>
            the_end_of_a_session_is_told,
            the_end_of_all_sessions_of_a_user_is_told,
            the_end_of_a_stateless_session_is_told,
            a_change_of_an_account_is_told,
            what_goes_with_an_account_is_told,
            a_change_of_assignments_is_told,
            a_change_of_roles_is_told,
            what_goes_with_a_role_is_told,
            a_change_of_members_is_told,
            what_goes_with_a_group_is_told,
            a_change_of_grants_is_told_for_each_subject,
            a_change_of_a_key_is_told,
            a_change_of_agents_is_told,
            what_is_granted_with_a_thing_and_taken_back_is_told,
            every_listener_is_told,
            who_looks_when_he_is_told_sees_the_change,
        );
    };
    (@ $setup:expr, $hub:expr => $($case:ident),+ $(,)?) => {
        mod changes {
            #[allow(unused_imports, reason = "the setup may name everything by its path")]
            use super::*;

            $(
                #[test]
                fn $case() {
                    $crate::run($setup, |store| $crate::changes::$case(store, $hub));
                }
            )+
        }
    };
}

fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

fn session(secret: &str, user: &str) -> SessionRecord {
    SessionRecord::new(hash(secret), id(user), at(0), at(60), at(600))
}

fn account(name: &str) -> AccountRecord {
    AccountRecord::new(id(name), AccountKind::Person, at(0))
}

fn assignment(user: &str, role: &str) -> AssignmentRecord {
    AssignmentRecord::new(id(user), id(role), at(0))
}

fn role(name: &str) -> RoleRecord {
    RoleRecord::new(Role::new(id(name), name, []), at(0))
}

fn grant(subject: &str, thing: &str) -> GrantRecord {
    let action = "read".to_owned();
    GrantRecord::new(subject.parse().unwrap(), resource(thing), action, at(0))
}

fn resource(id: &str) -> ResourceRef {
    let (kind, id) = ("agents".to_owned(), id.to_owned());
    ResourceRef { kind, id }
}

fn key(name: &str, user: &str) -> ApiKeyRecord {
    let (name_, hash) = (name.to_owned(), hash(name));
    ApiKeyRecord::new(id(name), id(user), name_, hash, Vec::new(), at(0))
}

fn user(name: &str) -> Change {
    Change::User(id(name))
}

fn grants(subject: &str) -> Change {
    Change::Grants(subject.parse().unwrap())
}

/// One that is deleted, one that another takes the place of, and one that gets another id.
pub async fn the_end_of_a_session_is_told<S: SessionStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));
    for secret in ["a", "b"] {
        store.create(session(secret, "anna")).await.unwrap();
    }
    ear.take();

    assert!(store.delete(&hash("a")).await.unwrap());
    ear.heard([Change::Session(hash("a"))]);

    let new = session("c", "anna");
    assert!(store.replace(&hash("b"), new).await.unwrap());
    ear.heard([Change::Session(hash("b"))]);

    let renewal = SessionRenewal {
        at: at(1),
        hash: hash("d"),
        previous_until: at(31),
        roles_mark: RolesMark::of(&[]),
    };
    assert!(store.renew(&hash("c"), &renewal).await.unwrap());
    ear.heard([Change::Session(hash("c"))]);
}

/// All of them, all but one, and the oldest.
pub async fn the_end_of_all_sessions_of_a_user_is_told<S: SessionStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));
    for secret in ["a", "b", "c"] {
        store.create(session(secret, "anna")).await.unwrap();
    }
    ear.take();

    assert_eq!(store.trim(&id("anna"), 2).await.unwrap(), 1);
    ear.heard([user("anna")]);
    let keep = store
        .list(None, &ee_core::storage::Cursor::first(1))
        .await
        .unwrap();
    let keep = keep.rows.first().unwrap().hash;
    let ended = store
        .delete_for_user(&id("anna"), Some(&keep))
        .await
        .unwrap();
    assert_eq!(ended, 1);
    ear.heard([user("anna")]);
    assert_eq!(store.delete_for_user(&id("anna"), None).await.unwrap(), 1);
    ear.heard([user("anna")]);
}

/// It may be remembered as well as another one.
pub async fn the_end_of_a_stateless_session_is_told<S: EndedSessionStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));

    assert!(store.end(&hash("a"), at(600)).await.unwrap());

    ear.heard([Change::Session(hash("a"))]);
}

/// A new one may have an id that was remembered as nobody's.
pub async fn a_change_of_an_account_is_told<S: AccountStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));

    store.create(account("anna")).await.unwrap();
    ear.heard([user("anna")]);

    let mut off = account("anna");
    off.status = AccountStatus::Disabled;
    assert_eq!(store.update(off).await.unwrap(), Changed::Done);
    ear.heard([user("anna")]);

    assert_eq!(store.delete(&id("anna")).await.unwrap(), Changed::Done);
    ear.heard([user("anna")]);
}

/// Its keys, its grants and its sessions.
pub async fn what_goes_with_an_account_is_told<S: DirectoryStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    AccountStore::create(&*store, account("anna"))
        .await
        .unwrap();
    ApiKeyStore::create(&*store, key("key", "anna"))
        .await
        .unwrap();
    SessionStore::create(&*store, session("a", "anna"))
        .await
        .unwrap();
    let grant = grant("user:anna", "writer");
    GrantStore::put(&*store, vec![grant]).await.unwrap();
    let ear = Ear::at(hub(&store));

    let deleted = AccountStore::delete(&*store, &id("anna")).await.unwrap();

    assert_eq!(deleted, Changed::Done);
    ear.heard([user("anna"), Change::Key(id("key")), grants("user:anna")]);
}

/// A role that is given, and one that is taken.
pub async fn a_change_of_assignments_is_told<S: AssignmentStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));

    for role in ["editor", "owner"] {
        assert!(store.assign(assignment("anna", role)).await.unwrap());
        ear.heard([user("anna")]);
    }
    assert!(store.assign(assignment("ben", "owner")).await.unwrap());
    ear.take();
    for role in ["editor", "owner"] {
        let taken = store.unassign(&id("anna"), &id(role)).await.unwrap();
        assert_eq!(taken, Changed::Done);
        ear.heard([user("anna")]);
    }
}

/// A new one, a changed one, a deleted one, and the mapping.
pub async fn a_change_of_roles_is_told<S: RoleStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));

    for revision in 0..2 {
        let done = store.put(role("editor"), revision).await.unwrap();
        assert_eq!(done, Changed::Done);
        ear.heard([Change::Roles]);
    }
    let mapping = BTreeMap::from([(id("org:admin"), vec![id("editor")])]);
    let done = store.set_mapping(mapping, 2).await.unwrap();
    assert_eq!(done, Changed::Done);
    ear.heard([Change::Roles]);
    let done = store.delete(&id("editor"), 3).await.unwrap();
    assert_eq!(done, Changed::Done);
    ear.heard([Change::Roles]);
}

/// Who had it, and what was granted to it.
pub async fn what_goes_with_a_role_is_told<S: DirectoryStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let done = RoleStore::put(&*store, role("editor"), 0).await.unwrap();
    assert_eq!(done, Changed::Done);
    for name in ["anna", "ben"] {
        store.assign(assignment(name, "editor")).await.unwrap();
    }
    let grant = grant("role:editor", "writer");
    GrantStore::put(&*store, vec![grant]).await.unwrap();
    let ear = Ear::at(hub(&store));

    let done = RoleStore::delete(&*store, &id("editor"), 1).await.unwrap();

    assert_eq!(done, Changed::Done);
    let roles = [Change::Roles, grants("role:editor")];
    ear.heard(roles.into_iter().chain([user("anna"), user("ben")]));
}

/// Who comes and who goes.
pub async fn a_change_of_members_is_told<S: GroupStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let group = GroupRecord::new(id("ops"), String::new(), at(0));
    store.create(group).await.unwrap();
    let ear = Ear::at(hub(&store));

    assert!(store.add_member(&id("ops"), &id("anna")).await.unwrap());
    ear.heard([user("anna")]);
    assert!(store.remove_member(&id("ops"), &id("anna")).await.unwrap());
    ear.heard([user("anna")]);
}

/// Who was in it, and what was granted to it.
pub async fn what_goes_with_a_group_is_told<S: DirectoryStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let group = GroupRecord::new(id("ops"), String::new(), at(0));
    GroupStore::create(&*store, group).await.unwrap();
    for name in ["anna", "ben"] {
        store.add_member(&id("ops"), &id(name)).await.unwrap();
    }
    let grant = grant("group:ops", "writer");
    GrantStore::put(&*store, vec![grant]).await.unwrap();
    let ear = Ear::at(hub(&store));

    assert!(GroupStore::delete(&*store, &id("ops")).await.unwrap());

    ear.heard([user("anna"), user("ben"), grants("group:ops")]);
}

/// However many subjects the grants have that are written or taken back together.
pub async fn a_change_of_grants_is_told_for_each_subject<S: GrantStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));
    let subjects = ["user:anna", "group:ops", "user:anna", "role:editor"];
    let all = subjects.map(|subject| grant(subject, "writer"));

    store.put(all.to_vec()).await.unwrap();
    ear.heard(subjects.map(grants));

    let anna: AclSubject = "user:anna".parse().unwrap();
    let writer = resource("writer");
    let removed = store
        .remove(&anna, &writer, Effect::Allow, &[])
        .await
        .unwrap();
    assert_eq!(removed, 1);
    ear.heard([grants("user:anna")]);

    assert_eq!(store.remove_resource(&writer).await.unwrap(), 2);
    ear.heard(["group:ops", "role:editor"].map(grants));
}

/// A new one may have an id that was remembered as nobody's.
pub async fn a_change_of_a_key_is_told<S: ApiKeyStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));
    let told = || ear.heard([Change::Key(id("key"))]);

    store.create(key("key", "anna")).await.unwrap();
    told();
    let changed = store.update(key("key", "anna")).await.unwrap();
    assert_eq!(changed, Changed::Done);
    told();
    assert!(store.delete(&id("key")).await.unwrap());
    told();
}

/// A new one, a changed one, a deleted one.
pub async fn a_change_of_agents_is_told<S: AgentStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let ear = Ear::at(hub(&store));
    let agent = || {
        let text = String::new;
        AgentRecord::new(id("writer"), text(), text(), text(), at(0))
    };

    store.create(agent(), None).await.unwrap();
    ear.heard([Change::Agents]);
    assert!(store.update(agent()).await.unwrap());
    ear.heard([Change::Agents]);
    assert!(store.delete(&id("writer")).await.unwrap());
    ear.heard([Change::Agents]);
}

/// To whoever owns a new thing, and to all who had a grant on one that is deleted.
pub async fn what_is_granted_with_a_thing_and_taken_back_is_told<S>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) where
    S: AgentStore + GrantStore + ThreadStore + WorkflowStore,
{
    let (ear, anna) = (Ear::at(hub(&store)), id::<UserId>("anna"));
    let text = String::new;
    let agent = AgentRecord::new(id("thing"), text(), text(), text(), at(0));
    let workflow = WorkflowRecord::new(id("thing"), text(), Vec::new(), at(0));
    let thread = ThreadRecord::new(id("thing"), anna.clone(), text(), at(0));
    let mut shared = grant("user:berta", "thing");
    "memory".clone_into(&mut shared.resource.kind);

    AgentStore::create(&*store, agent, Some(&anna))
        .await
        .unwrap();
    ear.heard([grants("user:anna")]);
    assert!(AgentStore::delete(&*store, &id("thing")).await.unwrap());
    ear.heard([grants("user:anna")]);

    WorkflowStore::create(&*store, workflow, Some(&anna))
        .await
        .unwrap();
    ear.heard([grants("user:anna")]);
    assert!(WorkflowStore::delete(&*store, &id("thing")).await.unwrap());
    ear.heard([grants("user:anna")]);

    ThreadStore::create(&*store, thread).await.unwrap();
    GrantStore::put(&*store, vec![shared]).await.unwrap();
    ear.heard([grants("user:berta")]);
    assert!(ThreadStore::delete(&*store, &id("thing")).await.unwrap());
    ear.heard([grants("user:berta")]);
}

/// Also one who came later.
pub async fn every_listener_is_told<S: AccountStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    let first = Ear::at(hub(&store));
    store.create(account("anna")).await.unwrap();
    let second = Ear::at(hub(&store));

    store.create(account("ben")).await.unwrap();

    first.heard([user("anna"), user("ben")]);
    second.heard([user("ben")]);
}

/// Who forgets what he remembers and looks again does not find what was before.
pub async fn who_looks_when_he_is_told_sees_the_change<S: AccountStore>(
    store: Arc<S>,
    hub: impl Fn(&S) -> &ChangeHub,
) {
    store.create(account("anna")).await.unwrap();
    let eye = Eye::at(hub(&store), &store, id("anna"));

    for version in 1..50 {
        let mut changed = account("anna");
        changed.version = version;
        assert_eq!(store.update(changed).await.unwrap(), Changed::Done);

        let seen = eye.take().await;
        assert!(!seen.is_empty(), "nothing was told");
        let is_there = |seen: Option<AccountRecord>| seen.is_some_and(|it| it.version > version);
        assert!(
            seen.into_iter().all(is_there),
            "what was told was not there yet"
        );
    }
}
