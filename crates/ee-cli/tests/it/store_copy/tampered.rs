//! A difference is noticed, whatever it is, and names its table.

use std::fs;

use ee::sql::{SqlStore, copy::unfinished};

use super::{
    databases::{Any, Place, SOURCE, copy},
    fill::a_little_of_everything,
    interrupted::all_but_finished,
};

/// Looks at both for the last time and returns which tables differ.
async fn differing(source: &SqlStore<Any>, target: &SqlStore<Any>) -> Vec<&'static str> {
    let copied = copy(source, target.database()).await.unwrap();
    let tables = copied.tables.iter().filter(|it| !it.is_equal());
    tables.map(|it| it.name).collect()
}

/// A table and what changes one row of it.
const CHANGES: [(&str, &str); 9] = [
    (
        "ee_accounts",
        "UPDATE ee_accounts SET name = name || ' ' WHERE id = 'user-2'",
    ),
    (
        "ee_accounts",
        "UPDATE ee_accounts SET version = version - 1 WHERE id = 'user-2'",
    ),
    (
        "ee_accounts",
        "UPDATE ee_accounts SET totp_secret = NULL WHERE id = 'user-1'",
    ),
    // An empty text is not nothing.
    (
        "ee_accounts",
        "UPDATE ee_accounts SET avatar_url = NULL WHERE id = 'user-0'",
    ),
    (
        "ee_grants",
        "UPDATE ee_grants SET effect = 'deny' WHERE resource_id = 'agent ''0'' % _'",
    ),
    (
        "ee_grants",
        "DELETE FROM ee_grants WHERE resource_id = 'agent ''1'' % _'",
    ),
    (
        "ee_group_members",
        "INSERT INTO ee_group_members (group_id, user_id) VALUES ('ops', 'mallory')",
    ),
    (
        "ee_sessions",
        "UPDATE ee_sessions SET is_remembered = 1 - is_remembered WHERE device = 'null'",
    ),
    (
        "ee_messages",
        "UPDATE ee_messages SET text = 'nul' WHERE text = 'null'",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_either_side_is_noticed() {
    let (from, to) = (Place::file(), Place::file());
    let (source, target) = (from.open().await, to.open().await);
    a_little_of_everything(&source).await;
    all_but_finished(&source, target.database()).await;
    drop((source, target));

    for in_source in [false, true] {
        for (table, sql) in CHANGES {
            let places = [Place::file(), Place::file()];
            fs::copy(from.path(), places[0].path()).unwrap();
            fs::copy(to.path(), places[1].path()).unwrap();
            let (source, target) = (places[0].open().await, places[1].open().await);
            assert_eq!(
                unfinished(target.database()).await.unwrap().as_deref(),
                Some(SOURCE)
            );

            let changed = if in_source { &source } else { &target };
            changed.database().run(sql).await;

            assert_eq!(differing(&source, &target).await, [table], "{sql}");
            // Nobody may use it.
            let marked = unfinished(target.database()).await.unwrap();
            assert_eq!(marked.as_deref(), Some(SOURCE), "{sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_postgres_is_noticed() {
    let (from, to) = (Place::file(), Place::pg().await);
    let (source, target) = (from.open().await, to.open().await);
    a_little_of_everything(&source).await;
    all_but_finished(&source, target.database()).await;

    let revision = "INSERT INTO ee_revisions (name, value) VALUES ('another', 1)";
    target.database().run(revision).await;
    assert_eq!(differing(&source, &target).await, ["ee_revisions"]);

    let (table, sql) = CHANGES[1];
    target.database().run(sql).await;
    assert_eq!(differing(&source, &target).await, [table, "ee_revisions"]);
}
