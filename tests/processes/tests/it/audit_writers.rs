//! Several servers add to one log.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource, Clock as _,
    SystemClock,
    audit::integrity::{Evidence, Outcome, VerifierKeys, verify_store},
    storage::{AuditRecord, AuditStore as _},
    store_pg::{PgConfig, PgDatabase, PgStore},
};
use ee_testkit::{PgCluster, in_parallel};
use processes::{Dice, setting};

const WRITERS: usize = 8;
const LOG: &str = "default";
const MOST_AT_ONCE: u64 = 64;

fn record(name: String) -> AuditRecord {
    let actor = AuditActor::new(ActorType::User, "ada");
    let (action, outcome) = (AuditAction::AGENT_UPDATE, AuditOutcome::Success);
    let mut event = AuditEvent::new(SystemClock.now(), actor, action, outcome);
    event.resource = Some(AuditResource::new("agent", name));
    AuditRecord::new(event).unwrap()
}

/// Adds events until it is time, and returns how many.
async fn write(store: &PgStore, number: usize, end: Instant) -> u64 {
    let (mut dice, mut written, mut last) = (Dice::new(number as u64), 0, Vec::new());
    while Instant::now() < end {
        // Now and then somebody does not know that his events are there.
        let is_repeated = dice.roll(10) == 0 && !last.is_empty();
        if !is_repeated {
            let count = 1 + dice.roll(MOST_AT_ONCE);
            last = (0..count)
                .map(|it| record(format!("{number}-{it}")))
                .collect();
            written += count;
        }
        let head = store.append(LOG, last.clone(), SystemClock.now()).await;
        assert!(head.unwrap().size() >= written);
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_make_one_log_without_a_fork_and_without_a_gap() {
    let length = Duration::from_secs(setting("EE_AUDIT_WRITER_SECONDS", 10));
    let database = PgCluster::shared().database().await;
    let mut stores = Vec::new();
    for _ in 0..WRITERS {
        let store = PgDatabase::connect(PgConfig::new(database.url())).await;
        stores.push(store.unwrap());
    }
    let stores = Arc::new(stores);
    let begun = Instant::now();
    let written = in_parallel(WRITERS, |number| {
        let stores = Arc::clone(&stores);
        async move { write(&stores[number], number, begun + length).await }
    });
    let written: u64 = written.await.into_iter().sum();
    let took = begun.elapsed();
    // Numbers are the primary key: what has as many of them as events, from 1 on, has neither forks nor gaps.
    let numbers = "SELECT count(*) || ' ' || count(DISTINCT id) || ' ' || max(number) - min(number) + 1 \
        FROM ee_audit_links";
    let numbers = database.query(numbers).await.unwrap();
    assert_eq!(numbers, format!("{written} {written} {written}"));
    let evidence = Evidence::new("mastra-ee", VerifierKeys::default());
    let report = verify_store(&stores[0], &stores[0], LOG, &evidence, 0, &mut |_| {}).await;
    let report = report.unwrap();
    assert_ne!(report.outcome, Outcome::Tampered, "{report}");
    assert_eq!(stores[0].head(LOG).await.unwrap().size(), written);
    println!(
        "{WRITERS} writers: {written} events in {took:.1?}, {} a second, no fork and no gap",
        u128::from(written) * 1_000 / took.as_millis().max(1)
    );
}
