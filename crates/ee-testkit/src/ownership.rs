//! Cases for whose a thing is, in a store that keeps things and grants together.

use std::sync::Arc;

use ee_core::{
    AclSubject, ErrorKind, Resource, ResourceRef, UserId,
    storage::{
        AgentRecord, AgentStore, Cursor, Effect, GrantRecord, GrantStore, MessageRecord,
        MessageRole, ThreadRecord, ThreadStore, WorkflowRecord, WorkflowStore,
    },
};

use crate::{
    in_parallel,
    samples::{assert_kind, at, id},
};

/// Makes the tests of [`OwnershipStore`]s. The setup is a future of a [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! ownership_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(ownership, $setup =>
            what_is_made_belongs_to_its_owner_at_once,
            what_is_made_without_an_owner_belongs_to_nobody,
            nobody_owns_what_he_did_not_get,
            of_64_who_make_one_thing_one_owns_it,
            what_was_forbidden_before_stays_forbidden,
            what_is_deleted_takes_along_what_is_permitted_with_it,
            what_is_deleted_leaves_what_is_forbidden_with_it,
            what_is_not_there_to_be_deleted_keeps_its_grants,
            a_thing_with_the_id_of_a_deleted_one_is_nobody_elses,
        );
    };
}

/// A store that keeps things and the grants on them.
pub trait OwnershipStore: AgentStore + GrantStore + ThreadStore + WorkflowStore {}

impl<S: AgentStore + GrantStore + ThreadStore + WorkflowStore> OwnershipStore for S {}

/// Things that are made with an owner.
const OWNED: [Resource; 2] = [Resource::Agents, Resource::Workflows];

/// Things that grants go with.
const GRANTED: [Resource; 3] = [Resource::Agents, Resource::Memory, Resource::Workflows];

/// The same for each kind of thing.
trait Things: OwnershipStore {
    async fn make(
        &self,
        kind: Resource,
        name: &str,
        owner: Option<&UserId>,
    ) -> Result<(), ee_core::Error> {
        let text = || name.to_owned();
        match kind {
            Resource::Agents => {
                let agent = AgentRecord::new(id(name), text(), text(), text(), at(7));
                AgentStore::create(self, agent, owner).await
            }
            Resource::Workflows => {
                let workflow = WorkflowRecord::new(id(name), text(), Vec::new(), at(7));
                WorkflowStore::create(self, workflow, owner).await
            }
            _ => {
                let thread = ThreadRecord::new(id(name), id("anna"), text(), at(7));
                ThreadStore::create(self, thread).await
            }
        }
    }

    async fn unmake(&self, kind: Resource, name: &str) -> bool {
        let done = match kind {
            Resource::Agents => AgentStore::delete(self, &id(name)).await,
            Resource::Workflows => WorkflowStore::delete(self, &id(name)).await,
            _ => ThreadStore::delete(self, &id(name)).await,
        };
        done.unwrap()
    }

    async fn grants_on(&self, kind: Resource, name: &str) -> Vec<GrantRecord> {
        let (thing, first) = (thing(kind, name), Cursor::first(200));
        self.on_resource(&thing, &first).await.unwrap().rows
    }
}

impl<S: OwnershipStore> Things for S {}

fn thing(kind: Resource, name: &str) -> ResourceRef {
    ResourceRef {
        kind: kind.to_string(),
        id: name.to_owned(),
    }
}

fn grant(subject: &str, kind: Resource, name: &str, effect: Effect) -> GrantRecord {
    let subject: AclSubject = subject.parse().unwrap();
    let mut grant = GrantRecord::new(subject, thing(kind, name), "read".to_owned(), at(1));
    grant.effect = effect;
    grant
}

fn owned(kind: Resource, name: &str, owner: &str) -> GrantRecord {
    GrantRecord::of_owner(&id(owner), kind, name, at(7))
}

/// Agents and workflows of one id are two things.
pub async fn what_is_made_belongs_to_its_owner_at_once(store: Arc<impl OwnershipStore>) {
    for (kind, owner) in OWNED.into_iter().zip(["anna", "berta"]) {
        store.make(kind, "a:b", Some(&id(owner))).await.unwrap();
    }

    for (kind, owner) in OWNED.into_iter().zip(["anna", "berta"]) {
        let grants = store.grants_on(kind, "a:b").await;
        assert_eq!(grants, [owned(kind, "a:b", owner)]);
    }
}

/// And nothing is granted to anybody.
pub async fn what_is_made_without_an_owner_belongs_to_nobody(store: Arc<impl OwnershipStore>) {
    for kind in GRANTED {
        store.make(kind, "a", None).await.unwrap();
        assert_eq!(store.grants_on(kind, "a").await, []);
    }
}

/// Whoever wants an id that is taken gets nothing of what is there.
pub async fn nobody_owns_what_he_did_not_get(store: Arc<impl OwnershipStore>) {
    for kind in OWNED {
        store.make(kind, "a", Some(&id("anna"))).await.unwrap();
        store.make(kind, "b", None).await.unwrap();

        for name in ["a", "b"] {
            let second = store.make(kind, name, Some(&id("berta"))).await;
            assert_kind(second, ErrorKind::Conflict);
        }

        assert_eq!(store.grants_on(kind, "a").await, [owned(kind, "a", "anna")]);
        assert_eq!(store.grants_on(kind, "b").await, []);
    }
}

/// The one who made it.
pub async fn of_64_who_make_one_thing_one_owns_it(store: Arc<impl OwnershipStore + 'static>) {
    for kind in OWNED {
        let won = in_parallel(64, |number| {
            let store = Arc::clone(&store);
            let owner = format!("user-{number}");
            async move {
                let made = store.make(kind, "a", Some(&id(&*owner))).await;
                made.map(|()| owner)
            }
        })
        .await;

        let winners = won.iter().flatten().map(|owner| owned(kind, "a", owner));
        let winners: Vec<_> = winners.collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(store.grants_on(kind, "a").await, winners);
    }
}

/// Whoever makes a thing does not free himself of what forbids it to him.
pub async fn what_was_forbidden_before_stays_forbidden(store: Arc<impl OwnershipStore>) {
    for kind in OWNED {
        let denied = grant("user:anna", kind, "a", Effect::Deny);
        let mut every = denied.clone();
        GrantRecord::EVERY_ACTION.clone_into(&mut every.action);
        let before = vec![every.clone(), denied.clone()];
        GrantStore::put(&*store, before).await.unwrap();

        store.make(kind, "a", Some(&id("anna"))).await.unwrap();

        let grants = store.grants_on(kind, "a").await;
        assert_eq!(grants, [owned(kind, "a", "anna"), every, denied]);
    }
}

/// To whomever; grants on other things stay.
pub async fn what_is_deleted_takes_along_what_is_permitted_with_it(
    store: Arc<impl OwnershipStore>,
) {
    let subjects = ["group:ops", "role:editor", "user:berta"];
    for kind in GRANTED {
        for name in ["a", "aa"] {
            store.make(kind, name, Some(&id("anna"))).await.unwrap();
        }
        for name in ["a", "aa", "A"] {
            let grants = subjects.map(|subject| grant(subject, kind, name, Effect::Allow));
            GrantStore::put(&*store, grants.into()).await.unwrap();
        }
    }

    for kind in GRANTED {
        let before = store.grants_on(kind, "aa").await;
        assert!(store.unmake(kind, "a").await);

        assert_eq!(store.grants_on(kind, "a").await, [], "{kind}");
        assert_eq!(store.grants_on(kind, "aa").await, before, "{kind}");
        assert_eq!(store.grants_on(kind, "A").await.len(), 3, "{kind}");
        for other in GRANTED {
            let is_there = kind < other;
            assert_eq!(!store.grants_on(other, "a").await.is_empty(), is_there);
        }
    }
}

/// Whoever may delete a thing and make it anew does not free himself.
pub async fn what_is_deleted_leaves_what_is_forbidden_with_it(store: Arc<impl OwnershipStore>) {
    for kind in GRANTED {
        let allowed = grant("user:anna", kind, "a", Effect::Allow);
        let denied = grant("user:anna", kind, "a", Effect::Deny);
        store.make(kind, "a", Some(&id("anna"))).await.unwrap();
        let both = vec![allowed, denied.clone()];
        GrantStore::put(&*store, both).await.unwrap();

        assert!(store.unmake(kind, "a").await);

        assert_eq!(store.grants_on(kind, "a").await, [denied], "{kind}");
    }
}

/// Somebody who may delete cannot take back what forbids something that is still to come.
pub async fn what_is_not_there_to_be_deleted_keeps_its_grants(store: Arc<impl OwnershipStore>) {
    for kind in GRANTED {
        let denied = grant("user:anna", kind, "a", Effect::Deny);
        GrantStore::put(&*store, vec![denied.clone()])
            .await
            .unwrap();

        assert!(!store.unmake(kind, "a").await);

        assert_eq!(store.grants_on(kind, "a").await, [denied]);
    }
}

/// Neither the old owner's nor of those with whom he had shared it.
pub async fn a_thing_with_the_id_of_a_deleted_one_is_nobody_elses(store: Arc<impl OwnershipStore>) {
    for kind in GRANTED {
        store.make(kind, "a", Some(&id("anna"))).await.unwrap();
        let shared = grant("group:ops", kind, "a", Effect::Allow);
        GrantStore::put(&*store, vec![shared]).await.unwrap();
        assert!(store.unmake(kind, "a").await);

        store.make(kind, "a", Some(&id("berta"))).await.unwrap();

        let is_owned = OWNED.contains(&kind);
        let expected = is_owned.then(|| owned(kind, "a", "berta"));
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(store.grants_on(kind, "a").await, expected);
        let subject = AclSubject::User(id("anna"));
        let left = store.all_of_subject(&subject, 10).await.unwrap().unwrap();
        assert_eq!(left, []);
    }
    let said = MessageRecord::new(id("m"), MessageRole::User, "still works".into(), at(9));
    store.append(&id("a"), vec![said]).await.unwrap();
}
