//! What the record needs hangs: it takes connections and answers nothing.

use std::time::Duration;

use ee::{
    storage::AuditStore as _,
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::PgCluster;
use processes::{
    Act, Call, Callers, Conduct, Done, Installation, Receiver, Record, Server, Times, call,
    patiently, recorded, setting, settle, times,
};
use serde_json::Value;
use tokio::time::sleep;

const CALLERS: usize = 4;
/// How much slower an answer may be while something hangs, on a machine that does much else.
const SLOWER: u32 = 10;
const SLACK: Duration = Duration::from_millis(100);
/// No answer may wait for what hangs.
const LONGEST: Duration = Duration::from_secs(2);
/// How much more memory may be taken, and how many more threads.
const MORE_KIB: u64 = 64 * 1_024;
const MORE_THREADS: u64 = 16;

/// Has people be refused for a while.
async fn refusals(server: &Server, named: &str, length: Duration) -> Vec<Call> {
    let callers = Callers::start(&server.api, &Act::BeRefused, named, CALLERS);
    sleep(length).await;
    callers.stop().await
}

fn check_speed(usual: &Times, hanging: &Times) {
    assert!(hanging.max() < LONGEST, "{usual}; then {hanging}");
    let most = usual.median() * SLOWER + SLACK;
    assert!(hanging.median() < most, "{usual}; then {hanging}");
}

/// Reads a number of what the system says of a server.
fn figure(server: &Server, name: &str) -> u64 {
    server.process.figure(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgresql_hangs_events_are_kept_as_quickly_as_before() {
    let cluster = PgCluster::private();
    let database = cluster.database().await;
    let installation = Installation::new().on(database.url());
    let mut server = installation.start("one").await;
    let mut calls = refusals(&server, "before", Duration::from_secs(3)).await;
    let usual = times(&calls);
    let (memory, threads) = (figure(&server, "VmRSS:"), figure(&server, "Threads:"));

    cluster.pause();
    let length = Duration::from_secs(setting("EE_AUDIT_HANG_SECONDS", 12));
    let meanwhile = refusals(&server, "meanwhile", length).await;
    let (more_memory, more_threads) = (
        figure(&server, "VmRSS:").saturating_sub(memory),
        figure(&server, "Threads:").saturating_sub(threads),
    );
    let alive = server.api.get("/health/live").send().await;
    cluster.resume();

    let hanging = times(&meanwhile);
    calls.extend(meanwhile);
    let done = recorded(&calls);
    assert_eq!((done.len(), alive.status), (calls.len(), 200));
    check_speed(&usual, &hanging);
    assert!(
        more_memory < MORE_KIB && more_threads < MORE_THREADS,
        "{more_memory} KiB, {more_threads}"
    );
    let store = PgDatabase::connect(PgConfig::new(database.url()))
        .await
        .unwrap();
    patiently("the events of the spool", async {
        while store.head("default").await.unwrap().size() < done.len() as u64 {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(server.process.terminate().await.success());
    settle(&store).await;
    let record = Record::read(&store, "afterwards").await;
    record.check(&done, "afterwards");
    record.check_order("afterwards");
    println!("hanging for {length:?}: {usual} before, {hanging} then; {more_memory} KiB more");
}

/// Servers with two sinks for what is refused.
struct Stage {
    http: Receiver,
    syslog: Receiver,
    installation: Installation,
    server: Server,
}

impl Stage {
    async fn set() -> Self {
        let (http, syslog) = (Receiver::http().await, Receiver::syslog().await);
        let sink = |name: &str, url: String| {
            format!(
                "[[audit.sinks]]\nname = \"{name}\"\nfilter = \"action:agents.delete\"\n\
                 timeout_ms = 300\nto = {{ kind = \"{name}\", url = \"{url}\" }}"
            )
        };
        let installation = Installation::new()
            .configured(&sink("http", format!("http://{}/in", http.address())))
            .configured(&sink("syslog", format!("tcp://{}", syslog.address())));
        let server = installation.start("one").await;
        Self {
            http,
            syslog,
            installation,
            server,
        }
    }

    async fn status(&self, sink: &str) -> Value {
        let ask = self.server.api.get("/api/audit/sinks");
        let listed = ask.by(&self.installation.owner()).done().await;
        let sinks = listed["sinks"].as_array().unwrap().clone();
        let found = sinks.into_iter().find(|it| it["name"] == sink);
        found.unwrap_or_else(|| panic!("{listed}"))
    }

    /// Waits until a sink is as it should be.
    async fn reach(&self, sink: &str, what: &str, is_so: impl Fn(&Value) -> bool) {
        patiently(&format!("{sink}: {what}"), async {
            while !is_so(&self.status(sink).await) {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}

fn is_failing(status: &Value) -> bool {
    status["health"]["state"] == "failing" && status["lag"].as_u64() > Some(0)
}

fn has_caught_up(status: &Value) -> bool {
    status["health"]["state"] == "working" && status["lag"] == 0
}

/// Returns the names of what was done, those of each caller in order.
fn names(calls: &[Call]) -> Vec<String> {
    let done = calls.iter().filter_map(|call| call.done.clone());
    done.map(|(_, name)| name).collect()
}

/// Waits until a receiver has got everything. Fails the test unless what is of one caller is there in order.
async fn check_taken(receiver: &Receiver, wanted: &[String], what: &str) {
    patiently(&format!("everything at {what}"), async {
        while receiver.taken("sunk-").len() < wanted.len() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let taken = receiver.taken("sunk-");
    for caller in 0..CALLERS {
        let of = |names: &[String]| -> Vec<String> {
            let own = format!("-{caller}-");
            names
                .iter()
                .filter(|it| it.contains(&own))
                .cloned()
                .collect()
        };
        assert_eq!(of(&taken), of(wanted), "{what}");
    }
    assert_eq!(taken.len(), wanted.len(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sinks_that_hang_keep_nobody_waiting_and_get_everything_afterwards() {
    let mut stage = Stage::set().await;
    let mut calls = refusals(&stage.server, "sunk-before", Duration::from_secs(2)).await;
    let usual = times(&calls);
    stage
        .reach("http", "it has everything", has_caught_up)
        .await;
    stage
        .reach("syslog", "it has everything", has_caught_up)
        .await;
    let (memory, threads) = (
        figure(&stage.server, "VmRSS:"),
        figure(&stage.server, "Threads:"),
    );

    stage.http.behave(Conduct::Hangs);
    stage.syslog.behave(Conduct::Hangs);
    let length = Duration::from_secs(setting("EE_AUDIT_SINK_HANG_SECONDS", 4));
    let meanwhile = refusals(&stage.server, "sunk-meanwhile", length).await;
    stage.reach("http", "it fails", is_failing).await;
    stage.reach("syslog", "it fails", is_failing).await;
    let more = figure(&stage.server, "VmRSS:").saturating_sub(memory);
    assert!(more < MORE_KIB, "{more} KiB more");
    assert!(figure(&stage.server, "Threads:") < threads + MORE_THREADS);
    let hanging = times(&meanwhile);
    check_speed(&usual, &hanging);

    stage.http.behave(Conduct::Takes);
    stage.syslog.behave(Conduct::Takes);
    calls.extend(meanwhile);
    check_taken(&stage.http, &names(&calls), "http").await;
    check_taken(&stage.syslog, &names(&calls), "syslog").await;
    stage.reach("http", "it has caught up", has_caught_up).await;
    stage
        .reach("syslog", "it has caught up", has_caught_up)
        .await;

    // What it refuses for good does not keep the rest.
    stage.http.behave(Conduct::Refuses);
    for number in 0..3 {
        calls.push(
            call(
                &stage.server.api,
                &Act::BeRefused,
                format!("refused-{number}"),
            )
            .await,
        );
    }
    let is_refused = |status: &Value| status["deadLetters"] == 3 && status["lag"] == 0;
    stage
        .reach("http", "it has refused three", is_refused)
        .await;
    stage.http.behave(Conduct::Takes);
    calls.push(call(&stage.server.api, &Act::BeRefused, "refused-4".to_owned()).await);
    patiently("the next at http", async {
        while stage.http.taken("refused-").is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(stage.http.taken("refused-"), ["refused-4"]);

    let done: Done = recorded(&calls);
    assert!(stage.server.process.terminate().await.success());
    let (code, said) = stage.installation.verify("one", &[]);
    assert_eq!((done.len(), code), (calls.len(), 0), "{said}");
    println!(
        "{} events; {usual} before, {hanging} while both hang",
        done.len()
    );
}
