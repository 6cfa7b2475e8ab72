//! The hot path of a request: the session, and what its user may do.
#![expect(clippy::panic, reason = "a bench that cannot run stops")]

use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use ee_core::{
    Error, NewSession, RbacProvider, ServerCookie, SessionProvider, SystemClock, TokenHash, User,
    UserId, storage::EndedSessionStore,
};
use ee_defaults::{CookieSessions, MemoryStore, StaticRbac, StoreSessions, default_roles};
use jiff::Timestamp;

/// Answers at once, so that what is measured is the rest.
#[derive(Debug)]
struct NoneEnded;

#[async_trait]
impl EndedSessionStore for NoneEnded {
    async fn end(&self, _hash: &TokenHash, _until: Timestamp) -> Result<bool, Error> {
        Ok(true)
    }

    async fn is_ended(&self, _hash: &TokenHash) -> Result<bool, Error> {
        Ok(false)
    }

    async fn purge_ended(&self, _now: Timestamp) -> Result<u64, Error> {
        Ok(0)
    }
}

/// Runs a future that never waits.
fn run<T>(future: impl Future<Output = Result<T, Error>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(value)) => value,
        Poll::Ready(Err(err)) => panic!("{err}"),
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn sessions(c: &mut Criterion) {
    let user = UserId::random();
    let (clock, cookie) = (Arc::new(SystemClock), ServerCookie::secure_session());
    let secrets = ["a secret of at least thirty-two bytes".into()];
    let Ok(sealed) =
        CookieSessions::new(&secrets, Arc::new(NoneEnded), clock.clone(), cookie.clone())
    else {
        panic!("the secret is long enough")
    };
    let stored = StoreSessions::new(Arc::new(MemoryStore::new()), clock, cookie);

    let id = run(sealed.create(NewSession::new(user.clone()))).id;
    c.bench_function("cookie session: decode", |b| {
        b.iter(|| run(sealed.validate(black_box(&id))));
    });
    let id = run(stored.create(NewSession::new(user.clone()))).id;
    c.bench_function("memory session: look up", |b| {
        b.iter(|| run(stored.validate(black_box(&id))));
    });
}

fn roles(c: &mut Criterion) {
    let rbac = StaticRbac::new(default_roles());
    let mut user = User::new(UserId::random());
    user.roles = default_roles()
        .iter()
        .skip(1)
        .take(2)
        .map(|role| role.id.clone())
        .collect();

    c.bench_function("static roles: permissions of two roles", |b| {
        b.iter(|| run(rbac.permissions(black_box(&user))));
    });
}

criterion_group!(benches, sessions, roles);
criterion_main!(benches);
