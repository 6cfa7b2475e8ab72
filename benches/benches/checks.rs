//! The checks that every request passes: permission, licence, session.
//!
//! The names are those of the rows in `src/checks.rs`.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first error"
)]

use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use criterion::{Criterion, criterion_group, criterion_main};
use ee::{
    Action, Clock as _, Error, Feature, LicenseGate, NewSession, Permission, PermissionPattern,
    PermissionSet, Resource, ServerCookie, SessionProvider, SystemClock, UserId,
    defaults::{CookieSessions, MemoryStore, StoreSessions},
    store_libsql::{SqliteConfig, SqliteFile},
};

/// Sessions that are there beside the one that is asked for.
const SESSIONS: usize = 10_000;

/// What five roles of six grants each permit.
const GRANTS: [&str; 30] = [
    "agents:read",
    "agents:execute",
    "agents:write:mine",
    "workflows:read",
    "workflows:execute",
    "memory:*",
    "stored-agents:read",
    "stored-agents:write",
    "stored-workflows:read",
    "stored-workflows:write",
    "tools:read",
    "tools:execute",
    "logs:read",
    "traces:read",
    "scores:read",
    "scores:write",
    "vectors:read",
    "datasets:*",
    "agents:write:a1",
    "agents:write:a2",
    "agents:delete:a1",
    "workflows:write:w1",
    "workflows:write:w2",
    "workflows:delete:w1",
    "tickets:read",
    "tickets:write",
    "reports:*",
    "system:read",
    "auth:read",
    "*:export",
];

fn permissions(c: &mut Criterion) {
    let set = compiled(GRANTS);
    let read = Permission::known(Resource::Agents, Action::Read);
    let delete = Permission::known(Resource::Agents, Action::Delete);
    c.bench_function("permission/route/allow", |b| {
        b.iter(|| black_box(&set).allows(black_box(&read)));
    });
    c.bench_function("permission/route/deny", |b| {
        b.iter(|| black_box(&set).allows(black_box(&delete)));
    });

    let mut of_text = |name, set: &PermissionSet, text, verdict| {
        assert_eq!(set.allows_text(text), verdict, "{text}");
        c.bench_function(name, |b| {
            b.iter(|| black_box(set).allows_text(black_box(text)));
        });
    };
    of_text("permission/text/allow", &set, "agents:read", true);
    of_text("permission/text/deny", &set, "agents:delete", false);
    of_text("permission/id/allow", &set, "agents:write:a2", true);
    of_text("permission/id/deny", &set, "agents:write:a3", false);

    let many = compiled((0..1_000).map(|n| format!("agents:read:agent-{n}")));
    of_text(
        "permission/1000/allow",
        &many,
        "agents:read:agent-617",
        true,
    );
    of_text("permission/1000/deny", &many, "agents:read:agent-x", false);
}

fn license(c: &mut Criterion) {
    let clock = Arc::new(SystemClock);
    let gate = LicenseGate::plain(clock, || {
        Some("a-key-of-thirty-two-letters-and-more".into())
    });
    let now = SystemClock.now();
    assert!(gate.allows(Feature::Rbac), "the key is good");

    c.bench_function("license/at", |b| {
        b.iter(|| black_box(&gate).features_at(black_box(now)));
    });
    c.bench_function("license/now", |b| {
        b.iter(|| black_box(&gate).allows(black_box(Feature::Rbac)));
    });
}

fn sessions(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let config = SqliteConfig::new(directory.path().join("ee.db"));
    let sqlite = Arc::new(SqliteFile::open(config).unwrap());
    let memory = Arc::new(MemoryStore::new());
    let secrets = ["a secret of at least thirty-two bytes".into()];
    let (clock, cookie) = (Arc::new(SystemClock), ServerCookie::secure_session());

    let sealed = CookieSessions::new(&secrets, memory.clone(), clock.clone(), cookie.clone());
    of_sessions("session/cookie", &sealed.unwrap(), 1, c);
    let in_memory = StoreSessions::new(memory, clock.clone(), cookie.clone());
    of_sessions("session/memory", &in_memory, SESSIONS, c);
    let in_sqlite = StoreSessions::new(sqlite, clock, cookie);
    of_sessions("session/sqlite", &in_sqlite, SESSIONS, c);
}

fn of_sessions(name: &str, provider: &dyn SessionProvider, count: usize, c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // One each: a user's oldest sessions end when he has too many.
    let ids: Vec<_> = (0..count)
        .map(|number| {
            let user = UserId::new(format!("user-{number}")).unwrap();
            let session = runtime.block_on(provider.create(NewSession::new(user)));
            session.unwrap().id
        })
        .collect();
    let mut next = ids.iter().cycle();

    c.bench_function(name, |b| {
        b.iter(|| at_once(provider.validate(black_box(next.next().unwrap()))));
    });
}

/// Finishes a future that has nothing to wait for.
fn at_once<T>(future: impl Future<Output = Result<Option<T>, Error>>) -> T {
    let Poll::Ready(found) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("nobody else holds what is asked for")
    };
    found.unwrap().unwrap()
}

fn compiled<T: AsRef<str>>(grants: impl IntoIterator<Item = T>) -> PermissionSet {
    let parse = |text: T| text.as_ref().parse::<PermissionPattern>().unwrap();
    PermissionSet::compile(grants.into_iter().map(parse))
}

criterion_group!(benches, permissions, license, sessions);
criterion_main!(benches);
