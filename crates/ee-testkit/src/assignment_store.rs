//! Cases for an [`AssignmentStore`]. Those about the last owner are in [`last_owner`](crate::last_owner).

use std::sync::Arc;

use ee_core::{
    ErrorKind, RoleId, UserId,
    storage::{AssignmentFilter, AssignmentRecord, AssignmentStore, Changed, Cursor},
};

use crate::{
    in_parallel,
    listing::in_parts,
    samples::{assert_kind, at, hard_ids, hard_times, id},
};

/// Makes the tests of an [`AssignmentStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! assignment_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(assignment_store, $setup =>
            an_assignment_is_found_as_it_was,
            assigning_twice_changes_nothing,
            of_64_parallel_assigns_one_is_the_first,
            taking_a_role_is_final_and_takes_no_other,
            of_64_parallel_takers_one_finds_it,
            a_list_goes_through_all_of_them_once,
            a_list_can_be_narrowed,
            a_place_of_another_list_is_refused,
            times_survive_to_the_microsecond,
        );
    };
}

fn assignment(user: &str, role: &str) -> AssignmentRecord {
    AssignmentRecord::new(id(user), id(role), at(0))
}

async fn assign(store: &impl AssignmentStore, user: &str, role: &str) {
    assert!(store.assign(assignment(user, role)).await.unwrap());
}

async fn roles_of(store: &impl AssignmentStore, user: &str) -> Vec<RoleId> {
    store.roles_of(&id(user)).await.unwrap()
}

async fn listed(store: &impl AssignmentStore, filter: &AssignmentFilter) -> Vec<AssignmentRecord> {
    in_parts(3, async |cursor| store.list(filter, cursor).await).await
}

fn only(user: Option<&UserId>, role: Option<&RoleId>) -> AssignmentFilter {
    let mut filter = AssignmentFilter::default();
    filter.user_id = user.cloned();
    filter.role = role.cloned();
    filter
}

/// What was given comes back equal, and the roles of a user are ordered by their bytes.
pub async fn an_assignment_is_found_as_it_was(store: Arc<impl AssignmentStore>) {
    let mut given = assignment("anna", "editor");
    given.assigned_by = Some(id("admin"));
    assert!(store.assign(given.clone()).await.unwrap());
    for role in ["viewer", "Zed", "editör", "a b"] {
        assign(&*store, "anna", role).await;
    }

    let roles = ["Zed", "a b", "editor", "editör", "viewer"].map(id::<RoleId>);
    assert_eq!(roles_of(&*store, "anna").await, roles);
    assert!(roles_of(&*store, "Anna").await.is_empty());
    let rows = listed(&*store, &only(None, Some(&id("editor")))).await;
    assert_eq!(rows, [given]);
}

/// The first one stays as it was.
pub async fn assigning_twice_changes_nothing(store: Arc<impl AssignmentStore>) {
    assign(&*store, "anna", "editor").await;
    let mut again = assignment("anna", "editor");
    again.assigned_at = at(9);
    again.assigned_by = Some(id("mallory"));

    assert!(!store.assign(again).await.unwrap());

    let rows = listed(&*store, &AssignmentFilter::default()).await;
    assert_eq!(rows, [assignment("anna", "editor")]);
}

/// Many who give the same role at once: one is told that it was he.
pub async fn of_64_parallel_assigns_one_is_the_first(store: Arc<impl AssignmentStore>) {
    let first = in_parallel(64, |_| {
        let store = Arc::clone(&store);
        async move { store.assign(assignment("anna", "editor")).await.unwrap() }
    })
    .await;

    assert_eq!(first.into_iter().filter(|first| *first).count(), 1);
    assert_eq!(roles_of(&*store, "anna").await, [id("editor")]);
}

/// A role that was taken is gone, and only it and only from him.
pub async fn taking_a_role_is_final_and_takes_no_other(store: Arc<impl AssignmentStore>) {
    for (user, role) in [("anna", "a"), ("anna", "b"), ("ben", "a")] {
        assign(&*store, user, role).await;
    }
    let take = async |user: &str, role: &str| {
        let taken = store.unassign(&id(user), &id(role)).await;
        taken.unwrap()
    };

    assert_eq!(take("anna", "a").await, Changed::Done);

    assert_eq!(take("anna", "a").await, Changed::Gone);
    assert_eq!(take("anna", "B").await, Changed::Gone);
    assert_eq!(take("nobody", "a").await, Changed::Gone);
    assert_eq!(roles_of(&*store, "anna").await, [id("b")]);
    assert_eq!(roles_of(&*store, "ben").await, [id("a")]);
    assign(&*store, "anna", "a").await;
}

/// Many who take the same role at once: one is told that it was there.
pub async fn of_64_parallel_takers_one_finds_it(store: Arc<impl AssignmentStore>) {
    assign(&*store, "anna", "editor").await;

    let taken = in_parallel(64, |_| {
        let store = Arc::clone(&store);
        async move { store.unassign(&id("anna"), &id("editor")).await.unwrap() }
    })
    .await;

    let count = |wanted| taken.iter().filter(|changed| **changed == wanted).count();
    assert_eq!((count(Changed::Done), count(Changed::Gone)), (1, 63));
}

/// Part by part, all assignments are listed once, by the bytes of user and role.
pub async fn a_list_goes_through_all_of_them_once(store: Arc<impl AssignmentStore>) {
    let mut users = hard_ids::<UserId>();
    users.extend(["%", "_", "a", "A", "a\"", "a\\"].map(id::<UserId>));
    let mut roles = hard_ids::<RoleId>();
    roles.extend(["%", "a", "A"].map(id::<RoleId>));
    let mut expected = Vec::new();
    for (number, user) in users.iter().enumerate() {
        for role in roles.iter().cycle().skip(number).take(1 + number % 4) {
            assign(&*store, user.as_str(), role.as_str()).await;
            expected.push(assignment(user.as_str(), role.as_str()));
        }
    }
    expected.sort_by(|a, b| (&a.user_id, &a.role).cmp(&(&b.user_id, &b.role)));

    let all = AssignmentFilter::default();
    for limit in [1, 2, 7, 200] {
        let rows = in_parts(limit, async |cursor| store.list(&all, cursor).await).await;
        assert_eq!(rows, expected, "{limit}");
    }
    for user in &users {
        let wanted = expected.iter().filter(|it| it.user_id == *user);
        let wanted: Vec<_> = wanted.map(|it| it.role.clone()).collect();
        assert_eq!(roles_of(&*store, user.as_str()).await, wanted, "{user}");
    }
}

/// To a user, to a role, or to both.
pub async fn a_list_can_be_narrowed(store: Arc<impl AssignmentStore>) {
    for number in 0..20 {
        let user = format!("user-{}", number % 10);
        assign(&*store, &user, &format!("role-{}", number % 4)).await;
    }

    let (user, role): (UserId, RoleId) = (id("user-3"), id("role-1"));
    let rows = listed(&*store, &only(Some(&user), None)).await;
    let of_user = ["role-1", "role-3"].map(|role| assignment("user-3", role));
    assert_eq!(rows, of_user);
    let rows = listed(&*store, &only(None, Some(&role))).await;
    let of_role = [1, 3, 5, 7, 9].map(|user| assignment(&format!("user-{user}"), "role-1"));
    assert_eq!(rows, of_role);
    let rows = listed(&*store, &only(Some(&user), Some(&role))).await;
    assert_eq!(rows, [assignment("user-3", "role-1")]);
    let rows = listed(&*store, &only(Some(&user), Some(&id("role-2")))).await;
    assert!(rows.is_empty());
}

/// Whatever a caller brings is read as a place and as nothing else.
pub async fn a_place_of_another_list_is_refused(store: Arc<impl AssignmentStore>) {
    assign(&*store, "anna", "editor").await;
    for after in [
        "",
        "nonsense",
        "[]",
        "[\"a\"]",
        "[\"a\",1]",
        "[\"a\",\"b\",\"c\"]",
    ] {
        let mut cursor = Cursor::first(7);
        cursor.after = Some(after.to_owned());
        let refused = store.list(&AssignmentFilter::default(), &cursor).await;
        assert_kind(refused, ErrorKind::Invalid);
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl AssignmentStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut given = assignment(&format!("user-{number}"), "editor");
        given.assigned_at = time;
        assert!(store.assign(given.clone()).await.unwrap());

        let rows = listed(&*store, &only(Some(&given.user_id), None)).await;
        assert_eq!(rows, [given]);
    }
}
