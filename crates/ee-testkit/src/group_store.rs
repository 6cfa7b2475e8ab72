//! Cases for a [`GroupStore`].

use std::sync::Arc;

use ee_core::{
    ErrorKind, GroupId, UserId,
    storage::{Changed, GroupRecord, GroupStore},
};

use crate::{
    in_parallel,
    listing::in_parts,
    samples::{TICK, assert_kind, at, hard_ids, hard_texts, hard_times, id},
};

/// Makes the tests of a [`GroupStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! group_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(group_store, $setup =>
            a_created_group_is_found_as_it_was,
            creating_a_taken_id_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            updating_replaces_what_may_change_and_moves_the_version,
            updating_a_stale_or_missing_group_changes_nothing,
            of_64_parallel_updates_of_one_version_one_wins,
            deleting_is_final_and_takes_the_members_along,
            members_come_and_go,
            a_group_that_is_not_there_takes_no_members,
            of_64_parallel_entries_one_is_the_first,
            entering_and_deleting_at_once_leaves_no_member_without_a_group,
            a_list_goes_through_all_groups_once,
            a_list_goes_through_all_members_once,
            texts_survive_byte_for_byte,
            times_survive_to_the_microsecond,
        );
    };
}

fn group(name: &str) -> GroupRecord {
    let mut group = GroupRecord::new(id(name), format!("Group {name}"), at(0));
    group.description = Some(format!("{name} of the tests"));
    group
}

async fn create(store: &impl GroupStore, names: &[&str]) {
    for name in names {
        store.create(group(name)).await.unwrap();
    }
}

async fn find(store: &impl GroupStore, name: &str) -> Option<GroupRecord> {
    store.find(&id(name)).await.unwrap()
}

async fn enter(store: &impl GroupStore, name: &str, user: &str) -> bool {
    store.add_member(&id(name), &id(user)).await.unwrap()
}

async fn members(store: &impl GroupStore, name: &str) -> Vec<UserId> {
    let group = id(name);
    in_parts(3, async |cursor| store.members(&group, cursor).await).await
}

async fn groups_of(store: &impl GroupStore, user: &str) -> Vec<GroupId> {
    store.groups_of(&id(user)).await.unwrap()
}

/// What was created comes back equal, with and without the optional fields.
pub async fn a_created_group_is_found_as_it_was(store: Arc<impl GroupStore>) {
    let mut full = group("full");
    full.updated_at = at(5);
    full.version = 4;
    let bare = GroupRecord::new(id("bare"), String::new(), at(1));
    store.create(full.clone()).await.unwrap();
    store.create(bare.clone()).await.unwrap();

    assert_eq!(find(&*store, "full").await, Some(full));
    assert_eq!(find(&*store, "bare").await, Some(bare));
    assert_eq!(find(&*store, "Full").await, None);
    assert!(members(&*store, "full").await.is_empty());
}

/// The second create of an id fails, and the first group stays as it was, with its members.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(store: Arc<impl GroupStore>) {
    create(&*store, &["a"]).await;
    enter(&*store, "a", "anna").await;

    let second = GroupRecord::new(id("a"), "Second".to_owned(), at(9));

    assert_kind(store.create(second).await, ErrorKind::Conflict);
    assert_eq!(find(&*store, "a").await, Some(group("a")));
    assert_eq!(members(&*store, "a").await, [id("anna")]);
}

/// Many who create the same id at once: one succeeds, and his group is the one kept.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl GroupStore>) {
    let won = in_parallel(64, |number| {
        let (store, name) = (Arc::clone(&store), number.to_string());
        let group = GroupRecord::new(id("a"), name.clone(), at(0));
        async move { store.create(group).await.map(|()| name) }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().cloned().collect();
    assert_eq!(winners, [find(&*store, "a").await.unwrap().name]);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// An update leaves nothing of the old group but when it was created and who is in it, and touches no other.
pub async fn updating_replaces_what_may_change_and_moves_the_version(store: Arc<impl GroupStore>) {
    create(&*store, &["a", "b"]).await;
    enter(&*store, "a", "anna").await;
    let mut changed = GroupRecord::new(id("a"), "Changed".to_owned(), at(60));

    assert_eq!(store.update(changed.clone()).await.unwrap(), Changed::Done);

    changed.created_at = at(0);
    changed.version = 2;
    assert_eq!(find(&*store, "a").await, Some(changed));
    assert_eq!(find(&*store, "b").await, Some(group("b")));
    assert_eq!(members(&*store, "a").await, [id("anna")]);
}

/// Who has not seen the last change does not undo it, and an update never creates.
pub async fn updating_a_stale_or_missing_group_changes_nothing(store: Arc<impl GroupStore>) {
    create(&*store, &["a"]).await;
    assert_eq!(store.update(group("a")).await.unwrap(), Changed::Done);
    // Coming and going is no change of the group.
    enter(&*store, "a", "anna").await;

    for version in [0, 1, 3] {
        let mut stale = GroupRecord::new(id("a"), "Stale".to_owned(), at(60));
        stale.version = version;
        assert_eq!(store.update(stale).await.unwrap(), Changed::Stale);
    }
    let mut expected = group("a");
    expected.version = 2;
    assert_eq!(find(&*store, "a").await, Some(expected));
    assert_eq!(store.update(group("b")).await.unwrap(), Changed::Gone);
    assert_eq!(find(&*store, "b").await, None);
}

/// Many who change the same version at once: one does, and the others are told.
pub async fn of_64_parallel_updates_of_one_version_one_wins(store: Arc<impl GroupStore>) {
    create(&*store, &["a"]).await;

    let done = in_parallel(64, |number| {
        let (store, name) = (Arc::clone(&store), number.to_string());
        let group = GroupRecord::new(id("a"), name.clone(), at(0));
        async move { (store.update(group).await.unwrap(), name) }
    })
    .await;

    let (won, lost): (Vec<_>, _) = done.into_iter().partition(|(it, _)| *it == Changed::Done);
    let kept = find(&*store, "a").await.unwrap();
    assert_eq!(won, [(Changed::Done, kept.name)]);
    assert!(lost.iter().all(|(changed, _)| *changed == Changed::Stale));
    assert_eq!(kept.version, 2);
}

/// A deleted group is gone, and a new one of its id is empty.
pub async fn deleting_is_final_and_takes_the_members_along(store: Arc<impl GroupStore>) {
    create(&*store, &["a", "b"]).await;
    for (name, user) in [("a", "anna"), ("a", "ben"), ("b", "anna")] {
        enter(&*store, name, user).await;
    }

    assert!(store.delete(&id("a")).await.unwrap());

    assert!(!store.delete(&id("a")).await.unwrap());
    assert_eq!(find(&*store, "a").await, None);
    assert!(members(&*store, "a").await.is_empty());
    assert_eq!(groups_of(&*store, "anna").await, [id("b")]);
    assert!(groups_of(&*store, "ben").await.is_empty());
    assert!(!store.remove_member(&id("a"), &id("ben")).await.unwrap());
    create(&*store, &["a"]).await;
    assert!(members(&*store, "a").await.is_empty());
}

/// Both sides know who is where.
pub async fn members_come_and_go(store: Arc<impl GroupStore>) {
    create(&*store, &["b", "a", "Z"]).await;
    for name in ["b", "a", "Z"] {
        assert!(enter(&*store, name, "anna").await);
    }
    assert!(enter(&*store, "a", "ben").await);
    assert!(!enter(&*store, "a", "ben").await);

    assert_eq!(members(&*store, "a").await, ["anna", "ben"].map(id));
    assert_eq!(groups_of(&*store, "anna").await, ["Z", "a", "b"].map(id));

    let leave = async |name: &str, user: &str| {
        let left = store.remove_member(&id(name), &id(user)).await;
        left.unwrap()
    };
    assert!(leave("a", "anna").await);
    assert!(!leave("a", "anna").await);
    assert!(!leave("b", "ben").await);
    assert!(!leave("nowhere", "anna").await);
    assert_eq!(members(&*store, "a").await, [id("ben")]);
    assert_eq!(groups_of(&*store, "anna").await, ["Z", "b"].map(id));
    assert!(enter(&*store, "a", "anna").await);
}

/// Nobody is put into a group that is not there, nor waits for it.
pub async fn a_group_that_is_not_there_takes_no_members(store: Arc<impl GroupStore>) {
    let refused = store.add_member(&id("a"), &id("anna")).await;
    assert_kind(refused, ErrorKind::NotFound);

    create(&*store, &["a"]).await;
    assert!(members(&*store, "a").await.is_empty());
    assert!(groups_of(&*store, "anna").await.is_empty());
}

/// Many who put the same user into a group at once: one is told that it was he.
pub async fn of_64_parallel_entries_one_is_the_first(store: Arc<impl GroupStore>) {
    create(&*store, &["a"]).await;

    let first = in_parallel(64, |_| {
        let store = Arc::clone(&store);
        async move { enter(&*store, "a", "anna").await }
    })
    .await;

    assert_eq!(first.into_iter().filter(|first| *first).count(), 1);
    assert_eq!(members(&*store, "a").await, [id("anna")]);
}

/// However they interleave, nobody is in a group that is gone.
pub async fn entering_and_deleting_at_once_leaves_no_member_without_a_group(
    store: Arc<impl GroupStore>,
) {
    for round in 0..20 {
        let name = format!("group-{round}");
        create(&*store, &[&*name]).await;

        in_parallel(16, |number| {
            let (store, name) = (Arc::clone(&store), name.clone());
            async move {
                if number == 7 {
                    assert!(store.delete(&id(name)).await.unwrap());
                } else {
                    let user = id(format!("user-{number}"));
                    if let Err(err) = store.add_member(&id(name), &user).await {
                        assert_eq!(err.kind(), ErrorKind::NotFound);
                    }
                }
            }
        })
        .await;

        assert!(members(&*store, &name).await.is_empty());
        for number in 0..16 {
            let user = format!("user-{number}");
            assert!(groups_of(&*store, &user).await.is_empty(), "round {round}");
        }
    }
}

/// Part by part, all groups are listed once, by the bytes of their ids.
pub async fn a_list_goes_through_all_groups_once(store: Arc<impl GroupStore>) {
    let mut ids = hard_ids::<GroupId>();
    ids.extend(["_", "!", "a", "A", "a ", "å", "a\u{30a}", "*"].map(id::<GroupId>));
    for id in &ids {
        create(&*store, &[id.as_str()]).await;
    }
    ids.sort();

    for limit in [1, 3, 200] {
        let rows = in_parts(limit, async |cursor| store.list(cursor).await).await;
        let rows: Vec<_> = rows.into_iter().map(|group| group.id).collect();
        assert_eq!(rows, ids, "{limit}");
    }
    for id in &ids {
        assert_eq!(find(&*store, id.as_str()).await, Some(group(id.as_str())));
        assert!(store.delete(id).await.unwrap(), "{id}");
        assert_eq!(find(&*store, id.as_str()).await, None, "{id}");
    }
}

/// Part by part, all members are listed once, by the bytes of their ids.
pub async fn a_list_goes_through_all_members_once(store: Arc<impl GroupStore>) {
    create(&*store, &["a", "b"]).await;
    let mut users = hard_ids::<UserId>();
    users.extend(["%", "_", "a", "A", "a ", "å", "a\u{30a}"].map(id::<UserId>));
    for user in &users {
        assert!(enter(&*store, "a", user.as_str()).await);
        assert!(enter(&*store, "b", &format!("{:.240}x", user.as_str())).await);
    }
    users.sort();

    let group = id("a");
    for limit in [1, 3, 200] {
        let rows = in_parts(limit, async |cursor| store.members(&group, cursor).await).await;
        assert_eq!(rows, users, "{limit}");
    }
    for user in &users {
        assert_eq!(
            groups_of(&*store, user.as_str()).await.first(),
            Some(&group)
        );
        assert!(store.remove_member(&group, user).await.unwrap(), "{user}");
    }
    assert!(members(&*store, "a").await.is_empty());
}

/// Every text comes back byte for byte, from `create` and from `update`.
pub async fn texts_survive_byte_for_byte(store: Arc<impl GroupStore>) {
    create(&*store, &["updated"]).await;
    for (number, text) in hard_texts().into_iter().enumerate() {
        let mut record = group(&format!("created-{number}"));
        record.name.clone_from(&text);
        record.description = Some(text);
        store.create(record.clone()).await.unwrap();
        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);

        record.id = id("updated");
        record.version = find(&*store, "updated").await.unwrap().version;
        assert_eq!(store.update(record.clone()).await.unwrap(), Changed::Done);
        record.version += 1;
        assert_eq!(find(&*store, "updated").await, Some(record));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl GroupStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut record = group(&format!("group-{number}"));
        record.created_at = time;
        record.updated_at = time + TICK;
        store.create(record.clone()).await.unwrap();
        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);
    }
}
