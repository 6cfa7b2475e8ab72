//! Cases for the rule that somebody is always an owner, in a store that keeps accounts and assignments together.

use std::sync::Arc;

use ee_core::{
    ErrorKind, UserId,
    storage::{
        AccountKind, AccountRecord, AccountStatus, AccountStore, AssignmentFilter,
        AssignmentRecord, AssignmentStore, Changed, OWNER_ROLE,
    },
};

use crate::{
    in_parallel,
    listing::in_parts,
    samples::{assert_kind, at, id},
};

/// Makes the tests of a store that is an [`AccountStore`] and an [`AssignmentStore`]. The setup is
/// a future of a [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! last_owner_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(last_owner, $setup =>
            the_last_owner_stays_whatever_is_tried,
            the_last_owner_can_be_changed_otherwise,
            one_of_two_owners_may_go,
            an_owner_whose_account_is_disabled_does_not_count,
            an_owner_without_an_account_counts,
            an_account_that_is_disabled_does_not_befall_the_last_owner,
            of_two_owners_that_go_at_once_one_stays,
            of_two_owners_under_64_parallel_attempts_one_stays,
            of_64_owners_that_go_at_once_one_stays,
        );
    };
}

/// How an owner ceases to be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Delete,
    Disable,
    Unassign,
}

const WAYS: [Way; 3] = [Way::Delete, Way::Disable, Way::Unassign];

async fn go(store: &(impl AccountStore + AssignmentStore), name: &str, way: Way) -> Changed {
    match way {
        Way::Delete => store.delete(&id(name)).await.unwrap(),
        Way::Disable => {
            let mut account = person(name);
            account.status = AccountStatus::Disabled;
            store.update(account).await.unwrap()
        }
        Way::Unassign => store.unassign(&id(name), &id(OWNER_ROLE)).await.unwrap(),
    }
}

fn person(name: &str) -> AccountRecord {
    AccountRecord::new(id(name), AccountKind::Person, at(0))
}

async fn assign(store: &impl AssignmentStore, name: &str, role: &str) {
    let assignment = AssignmentRecord::new(id(name), id(role), at(0));
    assert!(store.assign(assignment).await.unwrap());
}

async fn create_owner(store: &(impl AccountStore + AssignmentStore), name: &str) {
    store.create(person(name)).await.unwrap();
    assign(store, name, OWNER_ROLE).await;
}

/// Returns the owners whose account is not disabled.
async fn owners(store: &(impl AccountStore + AssignmentStore)) -> Vec<UserId> {
    let mut filter = AssignmentFilter::default();
    filter.role = Some(id(OWNER_ROLE));
    let list = async |cursor: &_| AssignmentStore::list(store, &filter, cursor).await;
    let mut owners = Vec::new();
    for AssignmentRecord { user_id, .. } in in_parts(200, list).await {
        let account = store.find(&user_id).await.unwrap();
        if account.is_none_or(|account| account.status == AccountStatus::Active) {
            owners.push(user_id);
        }
    }
    owners
}

/// Neither deleting nor disabling nor taking the role is done, and nothing of it is left behind.
pub async fn the_last_owner_stays_whatever_is_tried(
    store: Arc<impl AccountStore + AssignmentStore>,
) {
    create_owner(&*store, "anna").await;
    assign(&*store, "anna", "editor").await;
    store.create(person("ben")).await.unwrap();
    assign(&*store, "ben", "editor").await;

    for way in WAYS {
        let changed = go(&*store, "anna", way).await;
        assert_eq!(changed, Changed::LastOwner, "{way:?}");
    }

    assert_eq!(store.find(&id("anna")).await.unwrap(), Some(person("anna")));
    let roles = store.roles_of(&id("anna")).await.unwrap();
    assert_eq!(roles, ["editor", OWNER_ROLE].map(id));
    assert_eq!(go(&*store, "ben", Way::Unassign).await, Changed::Gone);
    assert_eq!(go(&*store, "ben", Way::Disable).await, Changed::Done);
    assert_eq!(go(&*store, "ben", Way::Delete).await, Changed::Done);
    let stale = store.update(AccountRecord::new(id("anna"), AccountKind::Person, at(1)));
    assert_eq!(stale.await.unwrap(), Changed::Done);
    assert_eq!(go(&*store, "anna", Way::Disable).await, Changed::Stale);
}

/// The rule is about the role alone.
pub async fn the_last_owner_can_be_changed_otherwise(
    store: Arc<impl AccountStore + AssignmentStore>,
) {
    create_owner(&*store, "anna").await;
    assign(&*store, "anna", "editor").await;
    let mut renamed = person("anna");
    renamed.name = Some("Anna".to_owned());

    assert_eq!(store.update(renamed).await.unwrap(), Changed::Done);
    let taken = store.unassign(&id("anna"), &id("editor")).await.unwrap();
    assert_eq!(taken, Changed::Done);
    assert_eq!(owners(&*store).await, [id("anna")]);
}

/// By each way, but not the other one after him.
pub async fn one_of_two_owners_may_go(store: Arc<impl AccountStore + AssignmentStore>) {
    create_owner(&*store, "stays").await;
    for (number, way) in WAYS.into_iter().enumerate() {
        let name = number.to_string();
        create_owner(&*store, &name).await;

        assert_eq!(go(&*store, &name, way).await, Changed::Done, "{way:?}");

        for way in WAYS {
            let changed = go(&*store, "stays", way).await;
            assert_eq!(changed, Changed::LastOwner, "{way:?}");
        }
    }
}

/// Who cannot sign in owns nothing; he may go, or come back.
pub async fn an_owner_whose_account_is_disabled_does_not_count(
    store: Arc<impl AccountStore + AssignmentStore>,
) {
    for name in ["anna", "off", "gone"] {
        create_owner(&*store, name).await;
    }
    for name in ["off", "gone"] {
        assert_eq!(go(&*store, name, Way::Disable).await, Changed::Done);
    }

    assert_eq!(go(&*store, "anna", Way::Unassign).await, Changed::LastOwner);
    assert_eq!(go(&*store, "anna", Way::Delete).await, Changed::LastOwner);
    assert_eq!(go(&*store, "gone", Way::Delete).await, Changed::Done);

    let mut still = store.find(&id("off")).await.unwrap().unwrap();
    still.name = Some("Still off".to_owned());
    assert_eq!(store.update(still).await.unwrap(), Changed::Done);
    let mut back = store.find(&id("off")).await.unwrap().unwrap();
    back.status = AccountStatus::Active;
    assert_eq!(store.update(back).await.unwrap(), Changed::Done);
    assert_eq!(go(&*store, "anna", Way::Unassign).await, Changed::Done);
    assert_eq!(owners(&*store).await, [id("off")]);
}

/// Providers know people who have no account here.
pub async fn an_owner_without_an_account_counts(store: Arc<impl AccountStore + AssignmentStore>) {
    create_owner(&*store, "anna").await;
    assign(&*store, "auth0|ben", OWNER_ROLE).await;

    assert_eq!(go(&*store, "auth0|ben", Way::Delete).await, Changed::Gone);
    assert_eq!(go(&*store, "anna", Way::Delete).await, Changed::Done);

    let changed = go(&*store, "auth0|ben", Way::Unassign).await;
    assert_eq!(changed, Changed::LastOwner);
    assert_eq!(owners(&*store).await, [id("auth0|ben")]);
}

/// A new account for the last owner cannot shut him out.
pub async fn an_account_that_is_disabled_does_not_befall_the_last_owner(
    store: Arc<impl AccountStore + AssignmentStore>,
) {
    assign(&*store, "ben", OWNER_ROLE).await;
    let mut off = person("ben");
    off.status = AccountStatus::Disabled;

    assert_kind(store.create(off.clone()).await, ErrorKind::Conflict);
    assert_eq!(store.find(&id("ben")).await.unwrap(), None);

    create_owner(&*store, "anna").await;
    store.create(off).await.unwrap();
    assert_eq!(owners(&*store).await, [id("anna")]);
}

/// Two owners who go at the same moment, each in his way: one does, the other stays.
pub async fn of_two_owners_that_go_at_once_one_stays(
    store: Arc<impl AccountStore + AssignmentStore>,
) {
    create_owner(&*store, "before").await;
    let mut last = "before".to_owned();
    for round in 0..8 {
        for ways in WAYS.into_iter().flat_map(|one| WAYS.map(|two| [one, two])) {
            let names = [0, 1].map(|number| format!("{round}-{ways:?}-{number}"));
            for name in &names {
                create_owner(&*store, name).await;
            }
            assert_eq!(go(&*store, &last, Way::Delete).await, Changed::Done);

            let changed = in_parallel(2, |number| {
                let (store, ways, names) = (Arc::clone(&store), ways, names.clone());
                async move {
                    let mut plans = names.iter().zip(ways);
                    let (name, way) = plans.nth(number).unwrap();
                    go(&*store, name, way).await
                }
            })
            .await;

            assert!(changed.contains(&Changed::Done), "{ways:?}: {changed:?}");
            assert!(
                changed.contains(&Changed::LastOwner),
                "{ways:?}: {changed:?}"
            );
            let left = owners(&*store).await;
            assert_eq!(left.len(), 1, "{ways:?}: {left:?}");
            last = left.first().unwrap().to_string();
        }
    }
}

/// However many try however often, on both owners and in every way.
pub async fn of_two_owners_under_64_parallel_attempts_one_stays(
    store: Arc<impl AccountStore + AssignmentStore>,
) {
    create_owner(&*store, "before").await;
    let mut last = "before".to_owned();
    for round in 0..200 {
        for number in 0..2 {
            create_owner(&*store, &format!("{round}-{number}")).await;
        }
        assert_eq!(go(&*store, &last, Way::Delete).await, Changed::Done);

        let changed = in_parallel(64, |number| {
            let store = Arc::clone(&store);
            async move {
                let way = WAYS.into_iter().cycle().nth(number / 2).unwrap();
                go(&*store, &format!("{round}-{}", number % 2), way).await
            }
        })
        .await;

        let left = owners(&*store).await;
        assert_eq!(left.len(), 1, "round {round}: {left:?}");
        assert!(changed.contains(&Changed::LastOwner), "round {round}");
        last = left.first().unwrap().to_string();
    }
}

/// All but one may go.
pub async fn of_64_owners_that_go_at_once_one_stays(
    store: Arc<impl AccountStore + AssignmentStore>,
) {
    for number in 0..64 {
        create_owner(&*store, &number.to_string()).await;
    }

    let changed = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        async move {
            let way = WAYS.into_iter().cycle().nth(number).unwrap();
            go(&*store, &number.to_string(), way).await
        }
    })
    .await;

    let done = changed.iter().filter(|changed| **changed == Changed::Done);
    assert_eq!(done.count(), 63);
    assert!(changed.contains(&Changed::LastOwner));
    assert_eq!(owners(&*store).await.len(), 1);
}
