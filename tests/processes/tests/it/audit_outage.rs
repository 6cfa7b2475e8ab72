//! The database is away while events go on: the spool keeps them.

use std::time::{Duration, Instant};

use ee::{
    storage::AuditStore as _,
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::PgCluster;
use processes::{Installation, PATIENCE, Record, patiently, setting, settle};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// How many refusals a second.
const RATE: u64 = 1_000;
const CALLERS: u64 = 8;

/// Refusals need no database, and each is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_postgresql_is_away_is_in_the_record_afterwards() {
    let seconds = setting("EE_AUDIT_OUTAGE_SECONDS", 60);
    let cluster = PgCluster::private();
    let database = cluster.database().await;
    let installation = Installation::new().on(database.url());
    let mut server = installation.start("one").await;

    block_in_place(|| cluster.stop());
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let api = server.api.clone();
        tasks.spawn(async move {
            let mut ticks = interval(Duration::from_micros(1_000_000 * CALLERS / RATE));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut refused = Vec::new();
            for number in 0..seconds * RATE / CALLERS {
                ticks.tick().await;
                let name = format!("of-{caller}-{number}");
                let path = format!("/api/stored/agents/{name}");
                let answer = api.ask(reqwest::Method::DELETE, &path).send().await;
                assert_eq!(answer.status, 401, "{}", answer.text);
                refused.push(("agents.delete", name));
            }
            refused
        });
    }
    let done = tasks.join_all().await.into_iter().flatten().collect();
    let took = begun.elapsed();
    block_in_place(|| cluster.start());
    let back = Instant::now();
    let store = patiently("the database", async {
        loop {
            match PgDatabase::connect(PgConfig::new(database.url())).await {
                Ok(store) => break store,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    let wanted = seconds * RATE;
    // They come back faster than they came.
    let patience = PATIENCE + Duration::from_secs(seconds);
    let stored = timeout(patience, async {
        while store.head("default").await.unwrap().size() < wanted {
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(
        stored.await.is_ok(),
        "the events of the spool take longer than {patience:?}"
    );
    let moved = back.elapsed();
    assert!(server.process.terminate().await.success());

    settle(&store).await;
    let record = Record::read(&store, "afterwards").await;
    record.check(&done, "afterwards");
    println!(
        "{wanted} events in {took:.1?} without a database, all in the record {moved:.1?} after it is back"
    );
}
