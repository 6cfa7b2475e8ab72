//! Disks that are full: the spool's, and that of a store in a file.

use std::{
    fs::OpenOptions,
    net::TcpListener,
    process::Child,
    sync::Arc,
    time::{Duration, Instant},
};

use ee::{
    storage::AuditStore as _,
    store_libsql::{SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase, PgStore},
};
use ee_testkit::{PgCluster, PgTestDatabase};
use processes::{
    Act, Api, Callers, Done, Installation, Record, Server, SmallDisk, command, patiently, recorded,
    settle, times,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    task::{JoinHandle, block_in_place},
    time::sleep,
};

/// How large the disk is, and how much of it is left to begin with.
const DISK_MIB: usize = 32;
const DISK: usize = DISK_MIB * 1_024 * 1_024;
const LEFT: usize = 2 * 1_024 * 1_024;
/// How soon whoever cannot be recorded is sent away, from the moment on at which the disk is full.
const SOON: Duration = Duration::from_secs(1);
/// How soon a store works again when there is room.
const BACK: Duration = Duration::from_secs(10);
const CALLERS: usize = 8;

/// A session that keeps the log, until it is ended.
const HOLD: &str = "BEGIN; LOCK TABLE ee_audit_heads; SELECT pg_sleep(300)";
const IS_HELD: &str = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' \
    AND relation = 'ee_audit_heads'::regclass";
const LET_GO: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE query LIKE 'BEGIN; LOCK%' AND pid <> pg_backend_pid()";

/// A server on PostgreSQL, with a spool on a small disk.
struct Stage {
    cluster: PgCluster,
    database: Arc<PgTestDatabase>,
    disk: SmallDisk,
    installation: Installation,
    server: Server,
}

impl Stage {
    async fn set(spool: &str) -> Self {
        let disk = SmallDisk::new(DISK_MIB);
        let cluster = PgCluster::private();
        let database = Arc::new(cluster.database().await);
        let dir = json!(disk.path("spool"));
        let spool = format!("[audit.spool]\ndir = {dir}\n{spool}");
        let installation = Installation::new().on(database.url());
        let installation = installation.configured(&spool);
        let server = installation.start("one").await;
        // Everything of the start is in the store: the spool is empty.
        let store = connected(&database).await;
        patiently("the first events", async {
            while store.head("default").await.unwrap().size() == 0 {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        Self {
            cluster,
            database,
            disk,
            installation,
            server,
        }
    }

    /// Waits until so many events are in the store, and reads them.
    async fn record(&mut self, events: u64) -> Record {
        let store = connected(&self.database).await;
        patiently("the events of the spool", async {
            while store.head("default").await.unwrap().size() < events {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert!(self.server.process.terminate().await.success());
        settle(&store).await;
        Record::read(&store, "afterwards").await
    }

    /// Fails the test if something is torn in the spool.
    fn check_spool(&self) {
        let dir = self.disk.path("spool").display().to_string();
        let (code, said) = self.installation.verify("one", &["--spool", &dir]);
        assert_eq!(code, 0, "{said}");
    }
}

async fn connected(database: &PgTestDatabase) -> PgStore {
    patiently("the database", async {
        loop {
            match PgDatabase::connect(PgConfig::new(database.url())).await {
                Ok(store) => break store,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await
}

/// Keeps everybody else from the log.
struct Holder(JoinHandle<Option<String>>);

impl Holder {
    async fn of(database: &Arc<PgTestDatabase>) -> Self {
        let session = tokio::spawn({
            let database = Arc::clone(database);
            async move { database.query(HOLD).await }
        });
        patiently("the lock", async {
            while database.query(IS_HELD).await.as_deref() != Some("1") {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        Self(session)
    }

    async fn let_go(self, database: &PgTestDatabase) {
        self.0.abort();
        database.query(LET_GO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_disk_of_the_spool_is_full_acts_are_refused_and_nothing_is_torn() {
    // Nothing is kept free for others, so the disk itself says that it is full, in the middle of a write.
    let mut stage = Stage::set("keep_free_percent = 0").await;
    let act = Act::Begin(stage.installation.owner());
    // The log is away and everything else is there.
    let holder = Holder::of(&stage.database).await;
    stage.disk.fill_but(LEFT);
    let callers = Callers::start(&stage.server.api, &act, "full", CALLERS);
    callers.reach_unavailable().await;
    sleep(SOON + Duration::from_secs(1)).await;
    let alive = stage.server.api.get("/health/live").send().await;
    let ready = stage.server.api.get("/health/ready").send().await;
    assert_eq!((alive.status, ready.status), (200, 503));
    let calls = callers.stop().await;

    let away: Vec<_> = calls.iter().filter(|it| it.done.is_none()).collect();
    let full = away.iter().map(|it| it.at).min().unwrap();
    for call in &away {
        assert!(call.says_when && call.took < SOON, "{call:?}");
    }
    let late = calls
        .iter()
        .find(|it| it.done.is_some() && it.at > full + SOON);
    assert!(late.is_none(), "{late:?}");
    let done = recorded(&calls);
    stage.check_spool();

    stage.server.process.kill();
    stage.check_spool();
    // The log is back. The disk is as full as it was.
    let begun = Instant::now();
    holder.let_go(&stage.database).await;
    stage.server = stage.installation.start("one").await;
    let record = stage.record(done.len() as u64).await;

    record.check(&done, "afterwards");
    let (code, said) = stage.installation.verify("one", &[]);
    assert_eq!(code, 0, "{said}");
    println!(
        "{} events until the disk was full, then {} times 503 ({}); all are in the record {:.1?} after the log is back",
        done.len(),
        away.len(),
        times(away),
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_disk_of_the_spool_is_full_acts_may_go_on_and_the_record_says_how_many_it_has_not()
{
    let mut stage = Stage::set("on_full = \"drop_counted\"").await;
    block_in_place(|| stage.cluster.stop());
    // A tenth of the disk is kept free for others.
    stage.disk.fill_but(LEFT + DISK / 10);
    let callers = Callers::start(&stage.server.api, &Act::BeRefused, "counted", CALLERS);
    callers.reach(4_000).await;
    let calls = callers.stop().await;
    assert!(calls.iter().all(|it| it.done.is_some() && it.took < SOON));
    let done = recorded(&calls);

    block_in_place(|| stage.cluster.start());
    let store = connected(&stage.database).await;
    let gap = || async {
        let entries = store.feed("default", 0, 100_000).await.unwrap();
        let mut events = entries.into_iter().map(|it| it.record.event);
        events.find(|it| it.action.as_str() == "audit.gap")
    };
    patiently("an event of what is missing", async {
        while gap().await.is_none() {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let record = stage.record(0).await;

    let named: Done = record
        .events()
        .filter(|it| it.action.as_str() == "agents.delete")
        .filter_map(|it| Some(("agents.delete", it.resource.as_ref()?.id.clone())))
        .collect();
    assert!(named.is_subset(&done));
    record.check(&named, "afterwards");
    let gaps = record
        .events()
        .filter(|it| it.action.as_str() == "audit.gap");
    let missing: u64 = gaps
        .map(|it| it.metadata["byAction"]["agents.delete"].as_u64().unwrap())
        .sum();
    assert!(missing > 0);
    assert_eq!(named.len() as u64 + missing, done.len() as u64);
    println!(
        "{} acts ({}): {} in the record, and it says that {missing} are not",
        done.len(),
        times(&calls),
        named.len()
    );
}

/// Conversations, until there is no room for one.
async fn fill(server: &Server, installation: &Installation, done: &mut Done) -> u64 {
    let owner = installation.owner();
    let mut refused = 0;
    let mut first = None;
    while first.is_none_or(|first: Instant| first.elapsed() < SOON * 2) {
        let title = "x".repeat(200);
        let ask = server.api.post("/api/memory/threads").by(&owner);
        let answer = ask.json(&json!({ "title": title })).send().await;
        if answer.is_success() {
            assert!(done.len() < 50_000, "the disk does not fill");
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            done.insert(("threads.create", id));
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(answer.says_when() && answer.took < SOON * 3, "{answer:?}");
            first.get_or_insert_with(Instant::now);
            refused += 1;
        }
    }
    let alive = server.api.get("/health/live").send().await;
    assert_eq!(alive.status, 200);
    refused
}

fn is_whole(file: &std::path::Path) {
    let file = rusqlite::Connection::open(file).unwrap();
    let said: String = file
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(said, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_a_full_disk_says_so_and_works_again_when_there_is_room() {
    let disk = SmallDisk::new(DISK_MIB);
    let file = disk.path("mastra-ee.db");
    let installation = Installation::new().on(format!("sqlite:{}", file.display()));
    let mut server = installation.start("one").await;
    let mut done = Done::new();

    disk.fill_but(LEFT / 4);
    let refused = fill(&server, &installation, &mut done).await;
    disk.make_room();
    let begun = Instant::now();
    patiently("a conversation", async {
        loop {
            let ask = server
                .api
                .post("/api/memory/threads")
                .by(&installation.owner());
            let answer = ask.json(&json!({ "title": "again" })).send().await;
            if answer.is_success() {
                let id = answer.json()["id"].as_str().unwrap().to_owned();
                done.insert(("threads.create", id));
                break;
            }
            assert!(
                begun.elapsed() < BACK,
                "{}:\n{}",
                answer.text,
                server.process.log()
            );
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let back = begun.elapsed();
    // Once more, and this time it is killed while the disk is full.
    disk.fill_but(LEFT / 4);
    fill(&server, &installation, &mut done).await;
    server.process.kill();
    disk.make_room();
    is_whole(&file);
    let mut server = installation.start("one").await;
    let store = SqliteFile::open(SqliteConfig::new(&file)).unwrap();
    patiently("the events of the spool", async {
        loop {
            let entries = store.feed("default", 0, 100_000).await.unwrap();
            let made = entries
                .iter()
                .filter(|it| it.record.event.action.as_str() == "threads.create");
            if made.count() >= done.len() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert!(server.process.terminate().await.success());

    settle(&store).await;
    Record::read(&store, "afterwards")
        .await
        .check(&done, "afterwards");
    is_whole(&file);
    println!(
        "{} conversations; {refused} times 503 on the full disk, and one {back:.1?} after there was room",
        done.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_log_cannot_be_written_goes_on() {
    let data = TempDir::new().unwrap();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (listen, data) = (address.to_string(), data.path().display().to_string());
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = command(&["serve", "--listen", &listen, "--data", &data]);
    let server = command
        .env("MASTRA_EE_LOG", "debug")
        .stdout(full())
        .stderr(full());
    let mut server = Killed(server.spawn().unwrap());
    let api = Api::new(format!("http://{listen}"));
    patiently("a server without a log", async {
        while api.get("/health/ready").try_send().await.is_err() {
            assert_eq!(server.0.try_wait().unwrap(), None);
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;

    let callers = Callers::start(&api, &Act::BeRefused, "unlogged", 1);
    callers.reach(20).await;
    callers.stop().await;

    assert_eq!(server.0.try_wait().unwrap(), None);
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
