//! PostgreSQL is stopped, hangs and comes back.

use std::{
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ee_testkit::{PgCluster, PgTestDatabase};
use processes::{Answer, Api, Ask, Credential, Installation, Server, Times, patiently, setting};
use serde_json::json;
use tokio::{
    task::{JoinSet, block_in_place},
    time::sleep,
};

/// How soon an answer must come while there is no database.
const SOON: Duration = Duration::from_secs(2);

/// How soon everything must work again.
const BACK: Duration = Duration::from_secs(5);

/// How many call at once: more than the pool has connections.
const CALLERS: usize = 24;

/// What the pool has at most, and the connection that listens.
const MOST_CONNECTIONS: usize = 16 + 1;

/// A server on a database of its own.
struct Stage {
    callers: Callers,
    cluster: PgCluster,
    database: PgTestDatabase,
    server: Server,
    _installation: Installation,
}

/// Everybody who may be let in.
#[derive(Clone)]
struct Callers {
    api: Api,
    key: Credential,
    session: Credential,
    token: Credential,
}

impl Callers {
    /// Begins one of the calls that need the database.
    fn call(&self, number: usize) -> Ask {
        let Self {
            api,
            key,
            session,
            token,
        } = self;
        match number % 8 {
            0 => api.get("/api/agents").by(session),
            1 => api.get("/api/agents").by(token),
            2 => api.get("/api/agents/writer").by(key),
            3 => {
                let body = json!({ "name": "X", "instructions": "x" });
                api.post("/api/stored/agents").by(session).json(&body)
            }
            4 => api.get("/api/access/users").by(token),
            5 => {
                let body = json!({ "title": "X" });
                api.post("/api/memory/threads").by(token).json(&body)
            }
            6 => api.get("/api/system/packages").by(session),
            _ => api.get("/api/auth/sessions").by(session),
        }
    }
}

impl Stage {
    async fn set() -> Self {
        let cluster = PgCluster::private();
        let database = cluster.database().await;
        let installation = Installation::new().on(database.url());
        let server = installation.start("one").await;
        let (api, owner) = (server.api.clone(), installation.owner());
        let body = json!({ "name": "Key", "scopes": ["agents:read"] });
        let made = api.post("/api/access/keys").by(&owner).json(&body);
        let key = made.done().await["secret"].as_str().unwrap().to_owned();
        let callers = Callers {
            key: Credential::Token(key),
            session: api.sign_in(installation.token("ada")).await,
            token: owner,
            api,
        };
        Self {
            callers,
            cluster,
            database,
            server,
            _installation: installation,
        }
    }

    /// Lets everybody call for a while. Fails the test unless each one is told soon to come again later.
    async fn show_outage(&self, length: Duration) -> Times {
        let (mut set, is_over) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for caller in 0..CALLERS {
            let (callers, is_over) = (self.callers.clone(), Arc::clone(&is_over));
            set.spawn(async move {
                let mut times = Times::default();
                let mut number = caller;
                while !is_over.load(Ordering::Relaxed) {
                    times.note(check_unavailable(
                        &callers.call(number).send().await,
                        number,
                    ));
                    number += 1;
                }
                times
            });
        }
        sleep(length).await;
        let signing_in = self.callers.api.signing_in("a@b.c", token(&self.callers));
        check_unavailable(&signing_in.send().await, usize::MAX);
        let alive = self.callers.api.get("/health/live").send().await;
        let ready = self.callers.api.get("/health/ready").send().await;
        assert_eq!((alive.status, ready.status), (200, 503));
        is_over.store(true, Ordering::Relaxed);
        let mut times = Times::default();
        for theirs in set.join_all().await {
            times.extend(theirs);
        }
        times
    }

    /// Waits until every call succeeds, and returns how long that took.
    async fn show_recovery(&self) -> Duration {
        let begun = Instant::now();
        for number in 0..8 {
            loop {
                let answer = self.callers.call(number).send().await;
                if answer.is_success() {
                    break;
                }
                check_unavailable(&answer, number);
                assert!(begun.elapsed() < BACK, "call {number}: {}", answer.text);
            }
        }
        let back = begun.elapsed();
        self.show_health().await;
        back
    }

    /// Fails the test unless everybody succeeds at once.
    async fn show_health(&self) {
        let calls = (0..CALLERS).map(|number| {
            let ask = self.callers.call(number);
            async move { (number, ask.send().await) }
        });
        for (number, answer) in calls.collect::<JoinSet<_>>().join_all().await {
            assert!(answer.is_success(), "call {number}: {}", answer.text);
        }
    }

    /// Ends PostgreSQL in the middle of what it does.
    async fn crash(&self) {
        let file = "SELECT pg_read_file('postmaster.pid')";
        let file = self.database.query(file).await.unwrap();
        let process = file.lines().next().unwrap();
        let told = Command::new("kill").args(["-QUIT", process]).status();
        assert!(told.unwrap().success());
        let running = PathBuf::from(format!("/proc/{process}"));
        patiently("the end of PostgreSQL", async {
            while running.exists() {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    async fn connections(&self) -> usize {
        // The one that asks is not counted.
        let sql = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.database.query(sql).await.unwrap().parse().unwrap()
    }

    fn sockets(&self) -> usize {
        let files = format!("/proc/{}/fd", self.server.process.id());
        std::fs::read_dir(files).unwrap().count()
    }
}

fn token(callers: &Callers) -> &str {
    match &callers.token {
        Credential::Cookie(text) | Credential::Token(text) => text,
    }
}

/// Fails the test unless the answer says soon that there is no database, and nothing of it.
fn check_unavailable(answer: &Answer, number: usize) -> Duration {
    let Answer { status, text, .. } = answer;
    assert_eq!(*status, 503, "call {number}: {text}");
    assert!(answer.says_when(), "call {number}: {:?}", answer.headers);
    assert!(answer.took < SOON, "call {number} took {:?}", answer.took);
    let is_silent = !["postgres", "socket", "/tmp", "pool"]
        .iter()
        .any(|word| text.contains(word));
    assert!(is_silent, "call {number}: {text}");
    answer.took
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgresql_is_away_calls_are_told_to_come_again_and_afterwards_they_work() {
    let stage = Stage::set().await;
    stage.show_health().await;
    let length = Duration::from_secs(setting("EE_OUTAGE_SECONDS", 8));

    block_in_place(|| stage.cluster.stop());
    let answers = stage.show_outage(length).await;
    block_in_place(|| stage.cluster.start());
    let back = stage.show_recovery().await;

    println!(
        "away for {length:?}: 503 after {answers}; all calls work {back:.1?} after it is back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgresql_hangs_calls_are_told_to_come_again_and_afterwards_they_work() {
    let stage = Stage::set().await;
    stage.show_health().await;

    stage.cluster.pause();
    // What is remembered may be trusted for a second.
    sleep(Duration::from_secs(1)).await;
    let answers = stage.show_outage(Duration::from_secs(6)).await;
    stage.cluster.resume();
    let back = stage.show_recovery().await;

    println!("hanging: 503 after {answers}; all calls work {back:.1?} after it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_outages_leave_no_connection_and_no_socket_behind() {
    let stage = Stage::set().await;
    stage.show_health().await;
    let sockets = stage.sockets();
    let (mut backs, mut most_connections, mut most_sockets) = (Times::default(), 0, 0);

    for cycle in 0..setting("EE_CYCLES", 100) {
        if cycle % 10 == 9 {
            stage.crash().await;
        } else {
            block_in_place(|| stage.cluster.stop());
        }
        check_unavailable(&stage.callers.call(0).send().await, 0);
        block_in_place(|| stage.cluster.start());
        backs.note(stage.show_recovery().await);
        most_connections = most_connections.max(stage.connections().await);
        most_sockets = most_sockets.max(stage.sockets());
    }

    println!(
        "{} outages: back after {backs}; at most {most_connections} connections, \
         {most_sockets} open files ({sockets} before)",
        backs.count()
    );
    assert!(most_connections <= MOST_CONNECTIONS, "{most_connections}");
    let room = MOST_CONNECTIONS + CALLERS;
    assert!(
        most_sockets <= sockets + room,
        "{sockets}, then {most_sockets}"
    );
}
