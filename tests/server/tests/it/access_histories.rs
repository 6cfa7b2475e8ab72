//! Random histories of roles, groups and grants: after each step every store decides what a naive model says.

use std::{ops::Range, sync::Arc};

use ee::{
    AclProvider as _, Clock as _, ResourceRef, User,
    defaults::MemoryStore,
    sql::{Batch, Database, Statement},
    storage::{Change, Cursor},
    store_libsql::{RemoteConfig, RemoteDatabase, SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::{HranaServer, PgCluster, TestClock};
use server_tests::{Dice, roles};

use crate::{
    access_model::{Decision, Model, Person},
    access_worlds::{ACTIONS, IDS, KINDS, PEOPLE, Step, World, step},
};

/// How many histories there are unless `EE_HISTORIES` says otherwise, as `10000` or `2500..5000`, and how many steps one
/// has.
const HISTORIES: u64 = 50;
const STEPS: usize = 30;
/// Of so many histories one is asked everything at its end.
const ASKED: u64 = 8;

fn user(who: Person) -> User {
    let mut user = User::new(who.id.parse().unwrap());
    user.roles = who
        .asserted
        .iter()
        .map(|role| role.parse().unwrap())
        .collect();
    user
}

/// Asks one question in every way, of the model and of all stores.
async fn compare(worlds: &[World], model: &Model, dice: &mut Dice, what: &str) -> Decision {
    let who = dice.pick(&PEOPLE);
    let (kind, action, id) = (dice.pick(&KINDS), dice.pick(&ACTIONS), dice.pick(&IDS));
    let id = (dice.roll(5) != 0).then_some(id);
    let now = worlds[0].now.now();
    let expected = model.decide(who, (kind, action, id), now);
    for (number, world) in worlds.iter().enumerate() {
        let found = world.decide(&user(who), (kind, action, id)).await;
        assert_eq!(
            found, expected,
            "{what} {number}: {} {kind}:{action} {id:?}",
            who.id
        );
    }
    expected
}

/// The same of what stores answer by themselves, without anything remembered.
async fn compare_lists(worlds: &[World], model: &Model, dice: &mut Dice, what: &str) {
    let who = dice.pick(&PEOPLE);
    let (kind, action, id) = (dice.pick(&KINDS), dice.pick(&ACTIONS), dice.pick(&IDS));
    let now = worlds[0].now.now();
    let may = model.can_access(who, (kind, action, id), now);
    let ids = model.accessible(who, (kind, action), now);
    let resource = ResourceRef {
        kind: kind.to_owned(),
        id: id.to_owned(),
    };
    for (number, World { access, .. }) in worlds.iter().enumerate() {
        let what = format!("{what} {number}: {} {kind}:{action}:{id}", who.id);
        let user = user(who);
        assert_eq!(
            access.can_access(&user, &resource, action).await.unwrap(),
            may,
            "{what}"
        );
        let mut listed = Vec::new();
        let mut cursor = Cursor::first(2);
        loop {
            let part = access
                .accessible(&user, kind, action, &cursor)
                .await
                .unwrap();
            listed.extend(part.rows);
            cursor.after = part.next;
            if cursor.after.is_none() {
                break;
            }
        }
        assert_eq!(listed, ids, "{what}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test may ask for more"
)]
fn histories() -> Range<u64> {
    let Ok(asked) = std::env::var("EE_HISTORIES") else {
        return 0..HISTORIES;
    };
    let (first, end) = asked.split_once("..").unwrap_or(("0", &asked));
    first.parse().unwrap()..end.parse().unwrap()
}

/// Forgets the history before.
async fn empty(database: &impl Database) {
    let tables = [
        "ee_assignments",
        "ee_grants",
        "ee_group_members",
        "ee_groups",
        "ee_role_mapping",
        "ee_roles",
    ];
    let batch = tables.into_iter().fold(Batch::default(), |batch, table| {
        batch.then(Statement::new(format!("DELETE FROM {table}")))
    });
    let batch = batch.telling(Change::Everything);
    database.execute("empty", batch).await.unwrap();
}

#[tokio::test]
async fn every_store_decides_what_a_naive_model_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ee.db");
    let sqlite = Arc::new(SqliteFile::open(SqliteConfig::new(&path)).unwrap());
    let server = HranaServer::start(directory.path().join("remote.db")).await;
    let remote = RemoteConfig::new(&server.url()).unwrap();
    let remote = Arc::new(RemoteDatabase::open(remote).await.unwrap());
    let database = PgCluster::shared().database().await;
    let pg = PgDatabase::connect(PgConfig::new(database.url())).await;
    let pg = Arc::new(pg.unwrap());
    let mut seen = [0_u32; 5];

    for history in histories() {
        let clock = TestClock::default();
        let memory = Arc::new(MemoryStore::new());
        empty(sqlite.database()).await;
        empty(remote.database()).await;
        empty(pg.database()).await;
        let worlds = [
            World::new(Arc::clone(&memory), memory.hub(), &clock),
            World::new(Arc::clone(&sqlite), sqlite.hub(), &clock),
            World::new(Arc::clone(&remote), remote.hub(), &clock),
            World::new(Arc::clone(&pg), pg.hub(), &clock),
        ];
        let mut model = Model::new(&roles());
        let mut dice = Dice::new(history);
        for number in 0..STEPS {
            let step = step(&mut dice, clock.now());
            let what = format!("history {history}, step {number}: {step:?}");
            let ended = worlds[0].take(&step).await;
            for (number, world) in worlds.iter().enumerate().skip(1) {
                assert_eq!(world.take(&step).await, ended, "{what}, store {number}");
            }
            if let Step::Wait(time) = &step {
                clock.advance(*time);
            }
            if !ended.starts_with("failed") && !matches!(&*ended, "Gone" | "false") {
                model.follow(&step);
            }
            for _ in 0..8 {
                let decision = compare(&worlds, &model, &mut dice, &what).await;
                seen[decision as usize] += 1;
            }
            compare_lists(&worlds, &model, &mut dice, &what).await;
        }
        let asked = if history % ASKED == 0 {
            &PEOPLE[..]
        } else {
            &[]
        };
        for who in asked.iter().copied() {
            for kind in KINDS {
                for action in ACTIONS {
                    for id in [None, Some("1"), Some("2"), Some("a:b"), Some("*x")] {
                        let expected = model.decide(who, (kind, action, id), clock.now());
                        seen[expected as usize] += 1;
                        for world in &worlds {
                            let found = world.decide(&user(who), (kind, action, id)).await;
                            assert_eq!(
                                found, expected,
                                "{history}: {} {kind}:{action} {id:?}",
                                who.id
                            );
                        }
                    }
                }
            }
        }
    }
    sqlite.database().close().await;
    remote.database().close();
    pg.database().close().await;
    // Fewer histories need not meet everything.
    assert!(
        histories().end - histories().start < HISTORIES || seen.iter().all(|count| *count > 30),
        "too little happens: {seen:?}"
    );
}
