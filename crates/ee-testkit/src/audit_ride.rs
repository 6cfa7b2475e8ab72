//! Cases for events that ride along with the change that they describe.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ee_core::{
    AclSubject, AuditAction, AuditResource, AuditRide, Error, ErrorKind, ResourceRef, Role,
    TokenHash,
    storage::{
        AccountKind, AccountRecord, AccountStore, AgentRecord, AgentStore, ApiKeyRecord,
        ApiKeyStore, AssignmentRecord, AuditStore, Changed, Effect, GrantRecord, GrantStore,
        GroupRecord, GroupStore, OWNER_ROLE, RoleRecord, RoleStore, SessionRecord, SessionStore,
    },
};

use crate::{
    audit_samples::{LOG, event, feed, record},
    deletions::DirectoryStore,
    samples::{at, id},
};

/// Makes the tests of stores that keep changes and their events in one transaction. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! audit_ride_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(audit_ride, $setup =>
            every_change_takes_its_event_along_once,
            what_changes_nothing_leaves_no_event,
            sessions_and_what_nobody_describes_take_nothing_along,
        );
    };
}

/// A store that keeps who may do what, and the record.
pub trait RecordedStore: AgentStore + AuditStore + DirectoryStore {}

impl<S> RecordedStore for S where S: AgentStore + AuditStore + DirectoryStore {}

/// A ride with what the store said it is about.
struct Passenger {
    about: Arc<Mutex<Option<AuditResource>>>,
    ride: AuditRide,
}

fn passenger() -> Passenger {
    let about = Arc::new(Mutex::new(None));
    let told = Arc::clone(&about);
    let ride = AuditRide::new(move |thing| {
        *told.lock().unwrap() = thing.cloned();
        let mut described = event(0);
        described.action = AuditAction::ROLE_ASSIGN;
        described.resource = thing.cloned();
        Ok(record(described))
    });
    Passenger { about, ride }
}

/// Makes a change, and asserts that its event is there if and only if the change was made, and once.
async fn change<T>(
    store: &impl RecordedStore,
    is_made: bool,
    act: impl Future<Output = Result<T, Error>>,
) -> (Result<T, Error>, Option<AuditResource>) {
    let before = store.head(LOG).await.unwrap().size();
    let Passenger { about, ride } = passenger();

    let done = ride.clone().scope(act).await;

    let carried = ride.take_carried();
    assert_eq!(carried.is_some(), is_made);
    let moved = store.append_left(LOG, 10, at(0)).await.unwrap();
    assert_eq!(moved, u32::from(is_made));
    let kept = feed(store, LOG).await;
    assert_eq!(kept.len() as u64, before + u64::from(moved));
    if let Some(record) = carried {
        assert_eq!(kept.last().map(|entry| &entry.record), Some(&record));
    }
    let about = about.lock().unwrap().take();
    (done, about)
}

async fn made<T>(store: &impl RecordedStore, act: impl Future<Output = Result<T, Error>>) -> T {
    change(store, true, act).await.0.unwrap()
}

async fn not_made<T>(store: &impl RecordedStore, act: impl Future<Output = Result<T, Error>>) -> T {
    change(store, false, act).await.0.unwrap()
}

fn account(name: &str) -> AccountRecord {
    AccountRecord::new(id(name), AccountKind::Person, at(0))
}

fn agent(name: &str) -> AgentRecord {
    AgentRecord::new(
        id(name),
        name.to_owned(),
        "help".to_owned(),
        "m".to_owned(),
        at(0),
    )
}

fn grant() -> GrantRecord {
    let subject = AclSubject::User(id("ada"));
    GrantRecord::new(subject, writer(), "read".to_owned(), at(0))
}

fn writer() -> ResourceRef {
    ResourceRef {
        kind: "agents".to_owned(),
        id: "writer".to_owned(),
    }
}

fn key(name: &str) -> ApiKeyRecord {
    let hash = TokenHash::of(name);
    ApiKeyRecord::new(
        id(name),
        id("ada"),
        name.to_owned(),
        hash,
        Vec::new(),
        at(0),
    )
}

fn role(name: &str) -> RoleRecord {
    RoleRecord::new(Role::new(id(name), name, []), at(0))
}

async fn revision(store: &impl RoleStore) -> u64 {
    store.book().await.unwrap().revision
}

/// Accounts, roles, grants, groups, keys and agents, from their beginning to their end.
///
/// Phase 5: `LibSQL` and `PostgreSQL` storage adapters are available.
pub async fn every_change_takes_its_event_along_once(store: Arc<impl RecordedStore>) {
    let store = &*store;
    let (ada, ops) = (id("ada"), id("ops"));
    made(store, AccountStore::create(store, account("ada"))).await;
    assert_eq!(
        made(store, AccountStore::update(store, account("ada"))).await,
        Changed::Done
    );
    let now = revision(store).await;
    assert_eq!(
        made(store, RoleStore::put(store, role("editor"), now)).await,
        Changed::Done
    );
    let now = revision(store).await;
    assert_eq!(
        made(store, store.set_mapping(BTreeMap::new(), now)).await,
        Changed::Done
    );
    let assignment = AssignmentRecord::new(id("ada"), id("editor"), at(0));
    assert!(made(store, store.assign(assignment)).await);
    assert_eq!(
        made(store, store.unassign(&ada, &id("editor"))).await,
        Changed::Done
    );
    made(store, GrantStore::put(store, vec![grant()])).await;
    let subject = AclSubject::User(id("ada"));
    let thing = writer();
    let remove = store.remove(&subject, &thing, Effect::Allow, &[]);
    assert_eq!(made(store, remove).await, 1);

    let group = GroupRecord::new(id("ops"), "Ops".to_owned(), at(0));
    let (done, about) = change(store, true, GroupStore::create(store, group.clone())).await;
    done.unwrap();
    assert_eq!(about.map(|it| it.id).as_deref(), Some("ops"));
    assert_eq!(
        made(store, GroupStore::update(store, group)).await,
        Changed::Done
    );
    assert!(made(store, store.add_member(&ops, &ada)).await);
    assert!(made(store, store.remove_member(&ops, &ada)).await);
    assert!(made(store, GroupStore::delete(store, &ops)).await);

    let (done, about) = change(store, true, ApiKeyStore::create(store, key("ci"))).await;
    done.unwrap();
    assert_eq!(about.map(|it| it.id).as_deref(), Some("ci"));
    assert_eq!(
        made(store, ApiKeyStore::update(store, key("ci"))).await,
        Changed::Done
    );
    assert!(made(store, ApiKeyStore::delete(store, &id("ci"))).await);

    let owner = Some(&ada);
    let (done, about) = change(
        store,
        true,
        AgentStore::create(store, agent("writer"), owner),
    )
    .await;
    done.unwrap();
    assert_eq!(about.map(|it| it.id).as_deref(), Some("writer"));
    assert!(made(store, AgentStore::update(store, agent("writer"))).await);
    assert!(made(store, AgentStore::delete(store, &id("writer"))).await);

    let now = revision(store).await;
    assert_eq!(
        made(store, RoleStore::delete(store, &id("editor"), now)).await,
        Changed::Done
    );
    assert_eq!(
        made(store, AccountStore::delete(store, &ada)).await,
        Changed::Done
    );
}

/// What is taken, gone, stale or forbidden is no change.
pub async fn what_changes_nothing_leaves_no_event(store: Arc<impl RecordedStore>) {
    let store = &*store;
    let ada = id("ada");
    AccountStore::create(store, account("ada")).await.unwrap();
    let owner = AssignmentRecord::new(id("ada"), id(OWNER_ROLE), at(0));
    store.assign(owner.clone()).await.unwrap();
    AgentStore::create(store, agent("writer"), None)
        .await
        .unwrap();
    ApiKeyStore::create(store, key("ci")).await.unwrap();

    let taken = change(store, false, AccountStore::create(store, account("ada")))
        .await
        .0;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
    let taken = change(
        store,
        false,
        AgentStore::create(store, agent("writer"), None),
    )
    .await
    .0;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
    let taken = change(store, false, ApiKeyStore::create(store, key("ci")))
        .await
        .0;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);

    let mut stale = account("ada");
    stale.version = 7;
    assert_eq!(
        not_made(store, AccountStore::update(store, stale)).await,
        Changed::Stale
    );
    let now = revision(store).await;
    let put = RoleStore::put(store, role("editor"), now + 1);
    assert_eq!(not_made(store, put).await, Changed::Stale);
    let mut stale = key("ci");
    stale.version = 7;
    assert_eq!(
        not_made(store, ApiKeyStore::update(store, stale)).await,
        Changed::Stale
    );

    assert_eq!(
        not_made(store, AccountStore::delete(store, &ada)).await,
        Changed::LastOwner
    );
    assert!(!not_made(store, store.assign(owner)).await);
    assert_eq!(
        not_made(store, store.unassign(&ada, &id("editor"))).await,
        Changed::Gone
    );
    let subject = AclSubject::User(id("ada"));
    let thing = writer();
    let remove = store.remove(&subject, &thing, Effect::Allow, &[]);
    assert_eq!(not_made(store, remove).await, 0);
    assert!(!not_made(store, GroupStore::delete(store, &id("ops"))).await);
    assert!(!not_made(store, store.remove_member(&id("ops"), &ada)).await);
    assert!(!not_made(store, ApiKeyStore::delete(store, &id("other"))).await);
    assert!(!not_made(store, AgentStore::update(store, agent("other"))).await);
    assert!(!not_made(store, AgentStore::delete(store, &id("other"))).await);
}

/// A session that begins or ends while something is changed is not the change.
pub async fn sessions_and_what_nobody_describes_take_nothing_along(store: Arc<impl RecordedStore>) {
    let store = &*store;
    let hash = TokenHash::of("a");
    let session = SessionRecord::new(hash, id("ada"), at(0), at(60), at(600));
    not_made(store, SessionStore::create(store, session)).await;
    assert!(not_made(store, SessionStore::delete(store, &hash)).await);
    AccountStore::create(store, account("ada")).await.unwrap();
    assert_eq!(store.append_left(LOG, 10, at(0)).await.unwrap(), 0);
}
