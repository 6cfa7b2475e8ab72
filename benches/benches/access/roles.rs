//! Permissions of people among 1,000 roles that were made here.

use std::hint::black_box;

use criterion::Criterion;
use ee::{
    Action, Permission, RbacProvider as _, Resource, Role, RoleId, User, UserId,
    sql::Database,
    storage::{
        AssignmentRecord, AssignmentStore as _, Change, ChangeListener as _, Changed, RoleRecord,
        RoleStore as _,
    },
    store_libsql::{SqliteConfig, SqliteFile},
};
use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::world::{World, at_once};

const ROLES: usize = 1_000;

pub(crate) fn measure(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteFile::open(SqliteConfig::new(directory.path().join("ee.db"))).unwrap();
    let world = World::over(store, Runtime::new().unwrap());
    world.runtime.block_on(fill(&world));
    let permission = Permission::known(Resource::Agents, Action::Write);
    let now = Timestamp::UNIX_EPOCH;

    for roles in [10, ROLES] {
        let user = user(roles);
        world
            .runtime
            .block_on(world.access.permissions(&user))
            .unwrap();
        assert!(world.allows(&user, &permission, "agent-999", now));
        assert!(!world.allows(&user, &permission, "agent-x", now));
        c.bench_function(&format!("roles/{roles}/check"), |b| {
            b.iter(|| world.allows(black_box(&user), &permission, black_box("agent-999"), now));
        });
        let permissions = at_once(world.access.permissions(&user));
        c.bench_function(&format!("roles/{roles}/set"), |b| {
            b.iter(|| black_box(&permissions).allows_on(&permission, black_box("agent-999")));
        });
    }
    let ten = user(10);
    c.bench_function("roles/10/anew", |b| {
        b.iter(|| {
            world.epochs.changed(&Change::Roles);
            world.runtime.block_on(world.access.permissions(&ten))
        });
    });
}

/// Makes the roles and gives 10 and all of them to somebody.
async fn fill<D: Database>(world: &World<D>) {
    for number in 0..ROLES {
        let record = RoleRecord::new(role(number), Timestamp::UNIX_EPOCH);
        let put = world.store.put(record, number as u64).await.unwrap();
        assert_eq!(put, Changed::Done);
    }
    for roles in [10, ROLES] {
        for number in 0..roles {
            // The last of each ten, which inherits from the others, and at last the last of all.
            let role = role_id((number + 1) * (ROLES / roles) - 1);
            let record = AssignmentRecord::new(user(roles).id, role, Timestamp::UNIX_EPOCH);
            world.store.assign(record).await.unwrap();
        }
    }
}

/// Six permissions, two of them on single things, and those of the role before; ten are a chain.
fn role(number: usize) -> Role {
    let permissions = [
        format!("agents:write:agent-{number}"),
        format!("workflows:execute:workflow-{number}"),
        format!("tickets-{number}:read"),
        "agents:read".to_owned(),
        "workflows:read".to_owned(),
        "memory:*".to_owned(),
    ];
    let permissions = permissions.map(|text| text.parse().unwrap());
    let mut role = Role::new(role_id(number), format!("Role {number}"), permissions);
    if !number.is_multiple_of(10) {
        role.inherits.push(role_id(number - 1));
    }
    role
}

fn role_id(number: usize) -> RoleId {
    RoleId::new(format!("role-{number}")).unwrap()
}

fn user(roles: usize) -> User {
    User::new(UserId::new(format!("user-with-{roles}")).unwrap())
}
