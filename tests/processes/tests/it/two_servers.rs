//! Two servers behind nothing but their ports, on one PostgreSQL and on one libSQL server.

use ee_testkit::{HranaServer, PgCluster, PgTestDatabase};
use processes::Installation;
use tempfile::TempDir;

use crate::effects::Pair;

async fn on_postgresql() -> (PgTestDatabase, Pair) {
    let database = PgCluster::shared().database().await;
    let pair = Pair::start(Installation::new().on(database.url())).await;
    (database, pair)
}

async fn on_libsql() -> (TempDir, HranaServer, Pair) {
    let dir = TempDir::new().unwrap();
    let database = HranaServer::start(dir.path().join("remote.db")).await;
    let pair = Pair::start(Installation::new().on(database.url())).await;
    (dir, database, pair)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_on_postgresql_takes_back_the_other_refuses_within_a_second() {
    let (_database, pair) = on_postgresql().await;

    pair.show_refusals(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_on_postgresql_takes_back_ends_open_streams_of_the_other_within_a_second() {
    let (_database, pair) = on_postgresql().await;

    pair.show_ended_streams(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_on_libsql_takes_back_the_other_refuses_within_a_second() {
    let (_dir, _database, pair) = on_libsql().await;

    pair.show_refusals(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_on_libsql_takes_back_ends_open_streams_of_the_other_within_a_second() {
    let (_dir, _database, pair) = on_libsql().await;

    pair.show_ended_streams(1).await;
}
