//! Servers that start at the same moment on a store that is empty.

use std::time::Duration;

use ee_testkit::PgCluster;
use processes::{Installation, patiently};

async fn start_four(installation: &Installation) {
    let servers = tokio::join!(
        installation.start("a"),
        installation.start("b"),
        installation.start("c"),
        installation.start("d"),
    );
    let (a, b, c, d) = &servers;
    for server in [a, b, c, d] {
        let list = || {
            server
                .api
                .get("/api/agents")
                .by(&installation.owner())
                .done()
        };
        // A list may be a second old.
        patiently("three samples at each server", async {
            while list().await.as_object().unwrap().len() != 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_on_an_empty_postgresql_all_run() {
    for _ in 0..3 {
        let database = PgCluster::shared().database().await;
        start_four(&Installation::new().on(database.url())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_on_an_empty_file_all_run() {
    for _ in 0..3 {
        let installation = Installation::new();
        let file = installation.path("shared.db").display().to_string();
        start_four(&installation.on(format!("sqlite:{file}"))).await;
    }
}
