//! Grants in SQLite, beside an index in memory and a query by itself.

use std::{hint::black_box, path::Path};

use criterion::Criterion;
use ee::{
    AclProvider as _, AclSubject, Action, Permission, Resource, ResourceRef, User,
    sql::Database,
    storage::{
        AssignmentRecord, AssignmentStore as _, Change, ChangeListener as _, Cursor,
        GrantStore as _, GroupRecord, GroupStore as _,
    },
    store_libsql::{SqliteConfig, SqliteFile},
};
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection};

use crate::{
    grants::{Grants, Question, Spread},
    world::{World, at_once},
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const PAGE: u32 = 50;
/// A check and nothing else.
const CHECK: &str = "SELECT action, effect, expires_at FROM ee_grants \
    WHERE kind = ?1 AND resource_id = ?2 AND subject = ?3";
/// The first page of a list and nothing else.
const LIST: &str = "SELECT resource_id FROM ee_grants WHERE subject = ?1 AND kind = ?2 \
    AND action = ?3 AND effect = 'allow' ORDER BY resource_id LIMIT 51";

pub(crate) fn measure(c: &mut Criterion) {
    for (spread, count) in [
        (Spread::One, 100_000),
        (Spread::One, 1_000_000),
        (Spread::Five, 1_000_000),
        (Spread::Many, 100_000),
        (Spread::Many, 1_000_000),
    ] {
        of(Grants { count, spread }, c);
    }
}

fn of(grants: Grants, c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ee.db");
    // Whoever has the file open while it is filled is told so, and remembers nothing.
    SqliteFile::migrate(&SqliteConfig::new(&path)).unwrap();
    fill(&path, grants);
    let store = SqliteFile::open(SqliteConfig::new(&path)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let world = World::over(store, runtime.unwrap());
    let people = grants.people();
    world.runtime.block_on(join(&world, grants));
    for user in &people {
        let grants = world.runtime.block_on(world.access.grants(user));
        assert!(!grants.unwrap().unwrap().is_empty());
        let permissions = ee::RbacProvider::permissions(&world.access, user);
        world.runtime.block_on(permissions).unwrap();
    }
    let texts = grants.texts();
    let questions = grants.questions(&texts);
    from_memory(grants, &world, &people, &questions, c);
    if grants.spread != Spread::Five {
        let conn = Connection::open(&path).unwrap();
        by_query(grants, &conn, &people, &questions, c);
        from_store(&grants.name(), &world, &people, &questions, c);
    }
    if grants.spread == Spread::One {
        visible(grants, &world, &people[0], c);
        reading(grants, &world, &people[0], c);
    }
}

/// Writes the grants in one statement.
fn fill(path: &Path, grants: Grants) {
    let conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "synchronous", "OFF").unwrap();
    conn.pragma_update(None, "cache_size", -400_000).unwrap();
    let insert = format!(
        "INSERT INTO ee_grants (kind, resource_id, subject, action, effect, granted_at) \
         WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers \
         WHERE i + 1 < ?1) SELECT 'agents', format('agent-%07d', i), {}, 'read', 'allow', 0 \
         FROM numbers",
        grants.subject_sql()
    );
    let wanted = i64::try_from(grants.count).unwrap();
    let count = conn.execute(&insert, [wanted]).unwrap();
    assert_eq!(count, grants.count);
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

/// Puts everybody into his groups and roles.
async fn join<D: Database>(world: &World<D>, grants: Grants) {
    for subject in grants.memberships() {
        if let AclSubject::Group(id) = &subject {
            let group = GroupRecord::new(id.clone(), id.to_string(), NOW);
            world.store.create(group).await.unwrap();
        }
        for user in grants.people() {
            match &subject {
                AclSubject::Group(id) => {
                    world.store.add_member(id, &user.id).await.unwrap();
                }
                AclSubject::Role(id) => {
                    let record = AssignmentRecord::new(user.id, id.clone(), NOW);
                    world.store.assign(record).await.unwrap();
                }
                AclSubject::User(_) => unreachable!("nobody joins a user"),
            }
        }
    }
}

fn from_memory<D: Database>(
    grants: Grants,
    world: &World<D>,
    people: &[User],
    questions: &[Question<'_>],
    c: &mut Criterion,
) {
    let (name, index) = (grants.name(), grants.index());
    // No role of anybody permits this, so that the grant has to be found.
    let permission = Permission::known(Resource::Agents, Action::Read);
    let mut turn = questions.iter().cycle();
    c.bench_function(&format!("{name}/index"), |b| {
        b.iter(|| {
            let Question { thing, user } = *turn.next().unwrap();
            assert!(index.allows(people[user].id.as_str(), thing));
        });
    });
    drop(index);
    if grants.spread != Spread::Many {
        let authority = world.authority(&people[0]);
        let mut turn = questions.iter().cycle();
        c.bench_function(&format!("{name}/check"), |b| {
            b.iter(|| {
                let Question { thing, .. } = *turn.next().unwrap();
                assert!(authority.allows_on(&permission, thing, NOW));
            });
        });
    }
    let mut turn = questions.iter().cycle();
    c.bench_function(&format!("{name}/user"), |b| {
        b.iter(|| {
            let Question { thing, user } = *turn.next().unwrap();
            assert!(world.allows(&people[user], &permission, thing, NOW));
        });
    });
}

fn by_query(
    grants: Grants,
    conn: &Connection,
    people: &[User],
    questions: &[Question<'_>],
    c: &mut Criterion,
) {
    let name = grants.name();
    let subjects: Vec<String> = people.iter().map(subject_of).collect();
    let mut check = conn.prepare_cached(CHECK).unwrap();
    let mut turn = questions.iter().cycle();
    c.bench_function(&format!("{name}/query"), |b| {
        b.iter(|| {
            let Question { thing, user } = *turn.next().unwrap();
            assert!(is_allowed(&mut check, thing, &subjects[user]));
        });
    });
    let mut list = conn.prepare_cached(LIST).unwrap();
    let mut turn = subjects.iter().cycle();
    c.bench_function(&format!("{name}/list-query"), |b| {
        b.iter(|| {
            let subject = turn.next().unwrap();
            let rows = list.query_map([subject, "agents", "read"], |row| row.get(0));
            let ids: Vec<String> = rows.unwrap().collect::<Result<_, _>>().unwrap();
            assert!(!black_box(ids).is_empty());
        });
    });
}

fn is_allowed(check: &mut CachedStatement<'_>, thing: &str, subject: &str) -> bool {
    let mut rows = check.query(["agents", thing, subject]).unwrap();
    let mut is_allowed = false;
    while let Some(row) = rows.next().unwrap() {
        let is_ours = matches!(row.get_ref(0).unwrap().as_str(), Ok("read" | "*"));
        let does_not_end = row.get_ref(2).unwrap().as_i64_or_null().unwrap().is_none();
        is_allowed |= is_ours && does_not_end && row.get_ref(1).unwrap().as_str() == Ok("allow");
    }
    is_allowed
}

/// Checks and lists that ask the store.
pub(crate) fn from_store<D: Database>(
    name: &str,
    world: &World<D>,
    people: &[User],
    questions: &[Question<'_>],
    c: &mut Criterion,
) {
    let mut turn = questions.iter().cycle();
    let mut resource = ResourceRef {
        kind: "agents".to_owned(),
        id: String::new(),
    };
    c.bench_function(&format!("{name}/store"), |b| {
        b.iter(|| {
            let Question { thing, user } = *turn.next().unwrap();
            thing.clone_into(&mut resource.id);
            let can_access = world.access.can_access(&people[user], &resource, "read");
            assert!(world.runtime.block_on(can_access).unwrap());
        });
    });
    let cursor = Cursor::first(PAGE);
    let mut turn = people.iter().cycle();
    c.bench_function(&format!("{name}/list"), |b| {
        b.iter(|| {
            let user = turn.next().unwrap();
            let page = world.access.accessible(user, "agents", "read", &cursor);
            assert!(!world.runtime.block_on(page).unwrap().rows.is_empty());
        });
    });
    let subjects = people
        .iter()
        .map(|user| [AclSubject::User(user.id.clone())]);
    let subjects: Vec<_> = subjects.collect();
    let mut turn = subjects.iter().cycle();
    c.bench_function(&format!("{name}/list-store"), |b| {
        b.iter(|| {
            let subject = turn.next().unwrap();
            let page = world
                .store
                .accessible(subject, "agents", "read", NOW, &cursor);
            assert!(!world.runtime.block_on(page).unwrap().rows.is_empty());
        });
    });
}

/// What a list of things asks its store for.
fn visible<D: Database>(grants: Grants, world: &World<D>, user: &User, c: &mut Criterion) {
    let permission = Permission::known(Resource::Agents, Action::Read);
    let authority = world.authority(user);
    let mut group = c.benchmark_group(grants.name());
    group.sample_size(10).bench_function("visible", |b| {
        b.iter(|| {
            let visible = authority.visible(&permission, NOW);
            assert!(visible.contains("agent-0000000"));
        });
    });
    group.finish();
}

/// The first check after a change of the user's grants.
fn reading<D: Database>(grants: Grants, world: &World<D>, user: &User, c: &mut Criterion) {
    let change = Change::Grants(subject_of(user).parse().unwrap());
    let mut group = c.benchmark_group(grants.name());
    group.sample_size(10).bench_function("reading", |b| {
        b.iter(|| {
            world.epochs.changed(&change);
            let grants = world.runtime.block_on(world.access.grants(user));
            assert!(!grants.unwrap().unwrap().is_empty());
        });
    });
    group.finish();
    assert!(at_once(world.access.grants(user)).is_some());
}

pub(crate) fn subject_of(user: &User) -> String {
    AclSubject::User(user.id.clone()).to_string()
}
