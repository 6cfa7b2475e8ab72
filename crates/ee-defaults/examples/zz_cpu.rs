#![allow(missing_docs, clippy::all, clippy::pedantic)]
use async_trait::async_trait;
use ee_core::{storage::EndedSessionStore, *};
use ee_defaults::*;
use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
#[derive(Debug)]
struct NoneEnded;
#[async_trait]
impl EndedSessionStore for NoneEnded {
    async fn end(&self, _: &TokenHash, _: jiff::Timestamp) -> Result<(), Error> {
        Ok(())
    }
    async fn is_ended(&self, _: &TokenHash) -> Result<bool, Error> {
        Ok(false)
    }
    async fn purge_ended(&self, _: jiff::Timestamp) -> Result<u64, Error> {
        Ok(0)
    }
}
fn run<T>(f: impl Future<Output = T>) -> T {
    match pin!(f).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(v) => v,
        _ => panic!(),
    }
}
fn cpu() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}
fn time<T>(name: &str, n: u64, mut f: impl FnMut() -> T) {
    for _ in 0..n / 10 {
        black_box(f());
    }
    let mut best = f64::MAX;
    for _ in 0..5 {
        let a = cpu();
        for _ in 0..n {
            black_box(f());
        }
        best = best.min((cpu() - a) as f64 / n as f64);
    }
    println!("{name}: {best:.1} ns");
}
fn main() {
    let secrets = ["a secret of at least thirty-two bytes".into()];
    let s = CookieSessions::new(
        &secrets,
        Arc::new(NoneEnded),
        Arc::new(SystemClock),
        ServerCookie::secure_session(),
    )
    .unwrap();
    let user = UserId::random();
    let id = run(s.create(&user, serde_json::Map::new())).unwrap().id;
    println!("{} chars", id.expose().len());
    time("cookie validate", 400_000, || {
        run(s.validate(black_box(&id)))
    });
    time("  session id clone+drop", 400_000, || {
        black_box(&id).clone()
    });
    time("  clock", 400_000, || SystemClock.now());
    time("  user id", 400_000, || {
        UserId::new(black_box(user.as_str()))
    });
    let st = StoreSessions::new(
        Arc::new(MemoryStore::new()),
        Arc::new(SystemClock),
        ServerCookie::secure_session(),
    );
    let id = run(st.create(&user, serde_json::Map::new())).unwrap().id;
    time("store validate (memory)", 400_000, || {
        run(st.validate(black_box(&id)))
    });
    time("  session id hash", 400_000, || black_box(&id).hash());
    let rbac = StaticRbac::new(default_roles());
    let mut u = User::new(user);
    u.roles = default_roles()
        .iter()
        .skip(1)
        .take(2)
        .map(|r| r.id.clone())
        .collect();
    time("rbac permissions", 1_000_000, || {
        run(rbac.permissions(black_box(&u)))
    });
}
