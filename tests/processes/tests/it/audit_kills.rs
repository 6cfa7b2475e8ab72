//! Servers are killed while people act: what was acknowledged is in the record, once.

use std::time::Duration;

use ee::{
    store_libsql::{SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::PgCluster;
use processes::{Actors, Dice, Done, Installation, Record, Server, setting, settle};

/// The longest time that servers work until one is killed.
const LONGEST_MILLIS: u64 = 500;
/// How many act at each server.
const ACTORS: usize = 6;

/// Kills a random server in each round, and starts it again.
async fn rounds(installation: &Installation, servers: &mut [Server], rounds: u64) -> Done {
    let (mut dice, mut done) = (Dice::new(setting("EE_SEED", rounds)), Done::new());
    for _ in 0..rounds {
        let apis: Vec<_> = servers.iter().map(|server| server.api.clone()).collect();
        let actors = Actors::start(&apis, &installation.owner(), ACTORS);
        tokio::time::sleep(Duration::from_millis(50 + dice.roll(LONGEST_MILLIS))).await;
        let victim = usize::try_from(dice.roll(servers.len() as u64)).unwrap();
        servers[victim].process.kill();
        done.extend(actors.stop().await);
        servers[victim] = installation.start(&format!("server-{victim}")).await;
    }
    done
}

async fn start(installation: &Installation, count: usize) -> Vec<Server> {
    let mut servers = Vec::new();
    for number in 0..count {
        servers.push(installation.start(&format!("server-{number}")).await);
    }
    servers
}

/// Lets the last run tell which acts of those before have no end, and stops everything in good order.
async fn stop(installation: &Installation, servers: Vec<Server>) {
    let apis: Vec<_> = servers.iter().map(|server| server.api.clone()).collect();
    let actors = Actors::start(&apis, &installation.owner(), 1);
    actors.reach(20).await;
    actors.stop().await;
    // Acts without an end are looked for a second after everything of before is in the store.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for mut server in servers {
        assert!(server.process.terminate().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_on_a_file_keeps_every_event_of_what_it_acknowledged() {
    let kills = setting("EE_AUDIT_KILLS", 12);
    let installation = Installation::new();
    let mut servers = start(&installation, 1).await;
    let file = servers[0].database();

    let done = rounds(&installation, &mut servers, kills).await;
    stop(&installation, servers).await;

    let store = SqliteFile::open(SqliteConfig::new(&file)).unwrap();
    settle(&store).await;
    let record = Record::read(&store, "at the end").await;
    record.check(&done, "at the end");
    record.check_intents("at the end");
    println!(
        "{kills} kills: {} acts of {} events are all there, once",
        done.len(),
        record.events().count()
    );
}

/// Several servers write to one log of PostgreSQL.
async fn on_postgres(count: usize, kills: u64) {
    let cluster = PgCluster::shared();
    let database = cluster.database().await;
    let installation = Installation::new().on(database.url());
    let mut servers = start(&installation, count).await;

    let done = rounds(&installation, &mut servers, kills).await;
    stop(&installation, servers).await;

    let store = PgDatabase::connect(PgConfig::new(database.url()))
        .await
        .unwrap();
    settle(&store).await;
    let record = Record::read(&store, "at the end").await;
    record.check(&done, "at the end");
    record.check_intents("at the end");
    println!(
        "{kills} kills among {count}: {} acts of {} events are all there, once",
        done.len(),
        record.events().count()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_on_postgresql_keeps_every_event_of_what_it_acknowledged() {
    on_postgres(1, setting("EE_AUDIT_KILLS", 8)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_servers_on_postgresql_each_may_be_killed() {
    on_postgres(3, setting("EE_AUDIT_KILLS", 10)).await;
}
