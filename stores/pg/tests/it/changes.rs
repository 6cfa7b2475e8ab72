//! What one store changes, the others are told.

use std::time::Duration;

use ee_core::{
    Error, TokenHash,
    storage::{Change, SessionStore},
};
use ee_sql::{Batch, Database as _, Statement};
use ee_store_pg::PgStore;
use ee_testkit::PgCluster;
use tokio::time::timeout;

use crate::scratch::{Heard, fresh, open, session};

const LISTENING: &str = "FROM pg_stat_activity WHERE datname = current_database() \
    AND application_name = 'mastra-ee (changes)'";

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_here_before_its_answer_and_there_within_a_second() {
    let (here, database) = fresh().await;
    let there = open(&database.url()).await;
    let (mut heard_here, mut heard_there) = (Heard::from(&here), Heard::from(&there));

    for number in 0..50 {
        let secret = number.to_string();
        let change = Change::Session(TokenHash::of(&secret));
        SessionStore::create(&*here, session(&secret))
            .await
            .unwrap();
        assert!(
            SessionStore::delete(&*here, &TokenHash::of(&secret))
                .await
                .unwrap()
        );

        assert!(heard_here.until_now().contains(&change));
        heard_there.within_a_second(&change).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_undone_is_not_told() {
    let (here, database) = fresh().await;
    let there = open(&database.url()).await;
    let (mut heard_here, mut heard_there) = (Heard::from(&here), Heard::from(&there));

    let delete = Statement::new("DELETE FROM ee_agents WHERE id = 'none'").must_change();
    let batch = Batch::from(delete).telling(Change::Roles);
    let done = here.database().execute("test", batch).await.unwrap();
    let broken = Batch::from(Statement::new("DELETE FROM ee_agents")).telling(Change::Roles);
    let broken = broken.then(Statement::new("SELECT nonsense"));
    here.database().execute("test", broken).await.unwrap_err();
    tell(&here).await.unwrap();

    assert!(done.is_none());
    heard_there.within_a_second(&Change::Agents).await;
    assert_eq!(heard_here.until_now().first(), Some(&Change::Agents));
    assert!(heard_there.until_now().is_empty());
}

/// Tells [`Change::Agents`].
async fn tell(store: &PgStore) -> Result<(), Error> {
    let change = Batch::from(Statement::new("DELETE FROM ee_agents")).telling(Change::Agents);
    store.database().execute("test", change).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_hear_calls_everything_changed_and_hears_again() {
    let (here, database) = fresh().await;
    let there = open(&database.url()).await;
    let mut heard = Heard::from(&there);

    for _ in 0..3 {
        let kill = format!("SELECT count(pg_terminate_backend(pid)) {LISTENING}");
        assert_eq!(database.query(&kill).await.as_deref(), Some("2"));

        heard.within_a_second(&Change::Everything).await;

        let count = format!("SELECT count(*) {LISTENING}");
        let back = async { while database.query(&count).await.as_deref() != Some("2") {} };
        timeout(Duration::from_secs(3), back).await.unwrap();
        heard.within_a_second(&Change::Everything).await;
        tell(&here).await.unwrap();
        heard.within_a_second(&Change::Agents).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_stands_still_everything_is_called_changed_again_and_again() {
    let cluster = PgCluster::private();
    let store = open(&cluster.url("postgres")).await;
    let mut heard = Heard::from(&store);

    cluster.pause();

    for _ in 0..6 {
        heard.within_a_second(&Change::Everything).await;
    }
    cluster.resume();
    let is_back = async {
        while !heard.until_now().contains(&Change::Agents) {
            let _ = tell(&store).await;
        }
    };
    timeout(Duration::from_secs(5), is_back).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_and_a_dropped_store_do_not_listen() {
    let (closed, database) = fresh().await;
    let dropped = open(&database.url()).await;
    let count = format!("SELECT count(*) {LISTENING}");
    assert_eq!(database.query(&count).await.as_deref(), Some("2"));

    closed.database().close().await;
    drop(dropped);

    let left = async { while database.query(&count).await.as_deref() != Some("0") {} };
    timeout(Duration::from_secs(3), left).await.unwrap();
}
