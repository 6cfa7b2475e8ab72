//! The log takes nothing for a while: what must be recorded before it is done is not done.

use std::{sync::Arc, time::Duration};

use ee_testkit::{PgCluster, PgTestDatabase};
use processes::{Answer, Installation, Server, Times, patiently};
use serde_json::json;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// How soon somebody must be told that nothing was done.
const SOON: Duration = Duration::from_millis(2_100);

/// How many act at once.
const TOGETHER: usize = 8;

/// Keeps everybody from the heads of the logs, and from nothing else, until this ends.
async fn hold_heads(database: &Arc<PgTestDatabase>) -> JoinHandle<()> {
    let holding = Arc::clone(database);
    let held = tokio::spawn(async move {
        let hold = "BEGIN; LOCK TABLE ee_audit_heads; SELECT pg_sleep(8); COMMIT";
        holding.query(hold).await;
    });
    let is_held = "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
        WHERE relname = 'ee_audit_heads' AND mode = 'AccessExclusiveLock' AND granted";
    patiently("the lock", async {
        while database.query(is_held).await.as_deref() != Some("1") {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    held
}

async fn create(server: &Server, installation: &Installation, name: String) -> Answer {
    let body = json!({ "name": name, "instructions": "x" });
    let ask = server
        .api
        .post("/api/stored/agents")
        .by(&installation.owner());
    ask.json(&body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_hangs_keeps_strict_acts_from_being_done_and_holds_up_no_others() {
    let cluster = PgCluster::private();
    let database = Arc::new(cluster.database().await);
    let strict = "[[audit.policy]]\nmatch = \"agents.create\"\nmode = \"strict\"";
    let installation = Installation::new().on(database.url()).configured(strict);
    let mut server = installation.start("one").await;
    assert!(
        create(&server, &installation, "Before".to_owned())
            .await
            .is_success()
    );

    let held = hold_heads(&database).await;
    let mut acts = JoinSet::new();
    for number in 0..TOGETHER {
        let body = json!({ "name": format!("Meanwhile {number}"), "instructions": "x" });
        let ask = server
            .api
            .post("/api/stored/agents")
            .by(&installation.owner());
        acts.spawn(async move { ask.json(&body).send().await });
    }
    let (mut strict, mut others) = (Times::default(), Times::default());
    for answer in acts.join_all().await {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.says_when(), "{:?}", answer.headers);
        assert!(answer.took < SOON, "{:?}", answer.took);
        strict.note(answer.took);
    }
    for _ in 0..TOGETHER {
        let refused = server.api.delete("/api/stored/agents/x").send().await;
        let done = server
            .api
            .post("/api/memory/threads")
            .by(&installation.owner());
        let done = done.json(&json!({ "title": "X" })).send().await;
        assert_eq!(
            (refused.status, done.is_success()),
            (401, true),
            "{}",
            done.text
        );
        others.note(refused.took);
        others.note(done.took);
    }
    assert!(!held.is_finished(), "the others had to wait for the log");
    assert!(others.max() < SOON, "{others}");
    held.await.unwrap();

    patiently("an act that is recorded", async {
        while !create(&server, &installation, "After".to_owned())
            .await
            .is_success()
        {}
    })
    .await;
    let agents = server
        .api
        .get("/api/stored/agents")
        .by(&installation.owner());
    let agents = agents.done().await.to_string();
    assert!(
        agents.contains("After") && !agents.contains("Meanwhile"),
        "{agents}"
    );
    assert!(server.process.terminate().await.success());
    let (code, said) = installation.verify("one", &[]);
    assert_eq!(code, 0, "{said}");
    println!("refused after {strict}; others answered after {others}");
}
