//! Cases for a [`RoleStore`].

use std::{collections::BTreeMap, sync::Arc};

use ee_core::{
    PermissionPattern, Role, RoleId,
    storage::{Changed, OWNER_ROLE, RoleBook, RoleRecord, RoleStore},
};

use crate::{
    in_parallel,
    samples::{TICK, at, hard_ids, hard_texts, hard_times, id},
};

/// Makes the tests of a [`RoleStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! role_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(role_store, $setup =>
            a_book_that_nobody_has_written_in_is_empty,
            a_written_role_is_found_as_it_was,
            writing_again_replaces_all_but_the_creation,
            a_change_on_another_revision_is_stale_and_changes_nothing,
            of_64_parallel_puts_on_one_revision_one_is_done,
            of_64_parallel_changes_of_every_kind_on_one_revision_one_is_done,
            who_reads_while_others_write_sees_one_state,
            deleting_is_final,
            deleting_a_missing_role_does_not_move_the_book,
            the_role_of_owners_is_never_deleted,
            the_mapping_is_replaced_as_a_whole,
            roles_are_ordered_by_id,
            texts_survive_byte_for_byte,
            times_survive_to_the_microsecond,
        );
    };
}

fn role(name: &str) -> RoleRecord {
    RoleRecord::new(
        Role::new(id(name), name, [PermissionPattern::EVERYTHING]),
        at(0),
    )
}

/// A role of which every field is set.
fn full(name: &str) -> RoleRecord {
    let permissions = ["agents:read:a:b \"c\"", "*:read", "stored:*"];
    let permissions = permissions.map(|text| text.parse().unwrap());
    let role = Role::new(id(name), format!("{name} of the tests"), permissions)
        .description("What it is for.")
        .inherits([id("viewer"), id("a b,c")]);
    let mut record = RoleRecord::new(role, at(1));
    record.updated_at = at(2);
    record.updated_by = Some(id("admin"));
    record
}

fn mapping(external: &str, roles: &[&str]) -> (RoleId, Vec<RoleId>) {
    (id(external), roles.iter().copied().map(id).collect())
}

/// Writes a role at the revision that the book has.
async fn put(store: &impl RoleStore, record: RoleRecord) -> u64 {
    let revision = store.book().await.unwrap().revision;
    assert_eq!(store.put(record, revision).await.unwrap(), Changed::Done);
    revision + 1
}

async fn book(store: &impl RoleStore) -> RoleBook {
    store.book().await.unwrap()
}

/// The first revision is 0.
pub async fn a_book_that_nobody_has_written_in_is_empty(store: Arc<impl RoleStore>) {
    assert_eq!(book(&*store).await, RoleBook::default());
}

/// What was written comes back equal, and the book has moved by one.
pub async fn a_written_role_is_found_as_it_was(store: Arc<impl RoleStore>) {
    assert_eq!(store.put(full("editor"), 0).await.unwrap(), Changed::Done);
    assert_eq!(store.put(role("a"), 1).await.unwrap(), Changed::Done);

    let book = book(&*store).await;
    assert_eq!(book.revision, 2);
    assert_eq!(book.roles, [role("a"), full("editor")]);
    assert!(book.mapping.is_empty());
}

/// A second put leaves nothing of the old role but when it was created, and touches no other.
pub async fn writing_again_replaces_all_but_the_creation(store: Arc<impl RoleStore>) {
    put(&*store, full("a")).await;
    put(&*store, full("b")).await;
    let mut changed = role("a");
    changed.created_at = at(90);
    changed.updated_at = at(91);

    put(&*store, changed.clone()).await;

    changed.created_at = at(1);
    let book = book(&*store).await;
    assert_eq!(book.revision, 3);
    assert_eq!(book.roles, [changed, full("b")]);
}

/// Who decides on an old state of the book, or on one that there never was, changes nothing.
pub async fn a_change_on_another_revision_is_stale_and_changes_nothing(store: Arc<impl RoleStore>) {
    put(&*store, role("a")).await;
    put(&*store, role("b")).await;
    let before = book(&*store).await;

    for revision in [0, 1, 3, 1 << 40] {
        let changes = [
            store.put(full("a"), revision).await.unwrap(),
            store.put(full("new"), revision).await.unwrap(),
            store.delete(&id("a"), revision).await.unwrap(),
            store.delete(&id("missing"), revision).await.unwrap(),
            store
                .set_mapping(BTreeMap::from([mapping("x", &["a"])]), revision)
                .await
                .unwrap(),
        ];
        assert_eq!(changes, [Changed::Stale; 5], "{revision}");
    }

    assert_eq!(book(&*store).await, before);
}

/// Many who write on the same revision at once: one does, and the others are told.
pub async fn of_64_parallel_puts_on_one_revision_one_is_done(store: Arc<impl RoleStore>) {
    for round in 0..20 {
        let revision = book(&*store).await.revision;
        assert_eq!(revision, round);

        let done = in_parallel(64, |number| {
            let (store, name) = (Arc::clone(&store), format!("{round}-{number}"));
            async move { (store.put(role(&name), revision).await.unwrap(), name) }
        })
        .await;

        let (won, lost): (Vec<_>, _) = done.into_iter().partition(|(it, _)| *it == Changed::Done);
        assert_eq!(won.len(), 1, "round {round}");
        assert!(lost.iter().all(|(changed, _)| *changed == Changed::Stale));
        let written: RoleId = id(&*won.first().unwrap().1);
        let kept = book(&*store).await.roles;
        assert!(kept.iter().any(|record| record.role.id == written));
        assert_eq!(kept.len() as u64, round + 1);
    }
}

/// A put, a delete and a new mapping exclude each other as well.
pub async fn of_64_parallel_changes_of_every_kind_on_one_revision_one_is_done(
    store: Arc<impl RoleStore>,
) {
    for round in 0..20 {
        put(&*store, role("kept")).await;
        put(&*store, role("gone")).await;
        let before = book(&*store).await;
        let revision = before.revision;

        let done = in_parallel(64, |number| {
            let store = Arc::clone(&store);
            async move {
                match number % 3 {
                    0 => store.put(full("gone"), revision).await.unwrap(),
                    1 => store.delete(&id("gone"), revision).await.unwrap(),
                    _ => {
                        let mapping =
                            BTreeMap::from([mapping(&format!("{round}-{number}"), &["kept"])]);
                        store.set_mapping(mapping, revision).await.unwrap()
                    }
                }
            }
        })
        .await;

        let count = |wanted| done.iter().filter(|changed| **changed == wanted).count();
        let counts = (count(Changed::Done), count(Changed::Stale));
        assert_eq!(counts, (1, 63), "round {round}");
        let after = book(&*store).await;
        assert_eq!(after.revision, revision + 1);
        let is_changed = [after.roles != before.roles, after.mapping != before.mapping];
        assert_eq!(is_changed.into_iter().filter(|it| *it).count(), 1);
    }
}

/// Roles, mapping and revision of a book belong together, whenever it is read.
pub async fn who_reads_while_others_write_sees_one_state(store: Arc<impl RoleStore>) {
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for number in 0..60_u64 {
                let changed = if number % 2 == 0 {
                    store.put(role(&format!("role-{number}")), number).await
                } else {
                    let external = (0..=number).map(|it| mapping(&format!("x-{it}"), &["a"]));
                    store.set_mapping(external.collect(), number).await
                };
                assert_eq!(changed.unwrap(), Changed::Done);
            }
        }
    });

    loop {
        let is_over = writer.is_finished();
        let book = book(&*store).await;
        assert_eq!(book.roles.len() as u64, book.revision.div_ceil(2));
        assert_eq!(book.mapping.len() as u64, book.revision / 2 * 2);
        if is_over {
            break;
        }
    }
    writer.await.unwrap();
}

/// A deleted role is gone, and its id is free again.
pub async fn deleting_is_final(store: Arc<impl RoleStore>) {
    put(&*store, full("a")).await;
    let revision = put(&*store, full("b")).await;

    let deleted = store.delete(&id("a"), revision).await.unwrap();

    assert_eq!(deleted, Changed::Done);
    let book_ = book(&*store).await;
    assert_eq!((book_.revision, &*book_.roles), (3, &[full("b")][..]));
    put(&*store, role("a")).await;
    assert_eq!(book(&*store).await.roles, [role("a"), full("b")]);
}

/// What is not there was not deleted, and nobody else's change becomes stale by it.
pub async fn deleting_a_missing_role_does_not_move_the_book(store: Arc<impl RoleStore>) {
    let revision = put(&*store, role("a")).await;

    let deleted = store.delete(&id("b"), revision).await.unwrap();

    assert_eq!(deleted, Changed::Gone);
    assert_eq!(book(&*store).await.revision, revision);
}

/// With it would go the last owner, at any revision and whether it was written here or not.
pub async fn the_role_of_owners_is_never_deleted(store: Arc<impl RoleStore>) {
    let deleted = store.delete(&id(OWNER_ROLE), 0).await.unwrap();
    assert_eq!(deleted, Changed::LastOwner);

    let revision = put(&*store, full(OWNER_ROLE)).await;
    let deleted = store.delete(&id(OWNER_ROLE), revision).await.unwrap();
    assert_eq!(deleted, Changed::LastOwner);
    assert_eq!(book(&*store).await.roles, [full(OWNER_ROLE)]);
}

/// Nothing of the old mapping is left, and the roles stay.
pub async fn the_mapping_is_replaced_as_a_whole(store: Arc<impl RoleStore>) {
    let revision = put(&*store, full("a")).await;
    let mut first = BTreeMap::from([mapping("org:admin", &["owner", "a"]), mapping("none", &[])]);
    let hard = hard_ids::<RoleId>();
    first.extend(hard.iter().map(|external| (external.clone(), hard.clone())));

    let done = store.set_mapping(first.clone(), revision).await.unwrap();
    assert_eq!(done, Changed::Done);
    let book_ = book(&*store).await;
    assert_eq!((book_.revision, book_.mapping), (revision + 1, first));
    assert_eq!(book_.roles, [full("a")]);

    let second = BTreeMap::from([mapping("org:admin", &["b"])]);
    let done = store
        .set_mapping(second.clone(), revision + 1)
        .await
        .unwrap();
    assert_eq!(done, Changed::Done);
    assert_eq!(book(&*store).await.mapping, second);
    let done = store
        .set_mapping(BTreeMap::new(), revision + 2)
        .await
        .unwrap();
    assert_eq!(done, Changed::Done);
    assert!(book(&*store).await.mapping.is_empty());
}

/// Ids are ordered and compared by their bytes.
pub async fn roles_are_ordered_by_id(store: Arc<impl RoleStore>) {
    let mut ids = hard_ids::<RoleId>();
    ids.extend(["%", "_", "a", "A", "a ", "å", "a\u{30a}"].map(id::<RoleId>));
    for id in &ids {
        put(&*store, role(id.as_str())).await;
    }
    ids.sort();

    let kept: Vec<_> = book(&*store)
        .await
        .roles
        .into_iter()
        .map(|it| it.role.id)
        .collect();
    assert_eq!(kept, ids);
    for (number, id) in ids.iter().enumerate() {
        let revision = book(&*store).await.revision;
        let deleted = store.delete(id, revision).await.unwrap();
        assert_eq!(deleted, Changed::Done, "{id}");
        assert_eq!(book(&*store).await.roles.len(), ids.len() - number - 1);
    }
}

/// Every text of a role comes back byte for byte, from a new one and from one that was replaced.
pub async fn texts_survive_byte_for_byte(store: Arc<impl RoleStore>) {
    for text in hard_texts() {
        let permissions = [format!("agents:read:{text}").parse().unwrap()];
        let definition = Role::new(id("a"), text.clone(), permissions).description(text);
        let record = RoleRecord::new(definition, at(0));
        put(&*store, record.clone()).await;

        assert_eq!(book(&*store).await.roles, [record]);
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl RoleStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut record = role(&format!("role-{number}"));
        record.created_at = time;
        record.updated_at = time + TICK;
        put(&*store, record.clone()).await;

        assert_eq!(book(&*store).await.roles.last(), Some(&record));
    }
}
