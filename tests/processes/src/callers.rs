//! People who do one thing after another, and what each of them is answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{Api, Credential, Done, Times, patiently};

/// What somebody does again and again.
#[derive(Clone, Debug)]
pub enum Act {
    /// Begins a conversation, which needs the database.
    Begin(Credential),
    /// Is refused, which needs no database.
    BeRefused,
}

/// People who act at a server, each of them one act after the other.
#[derive(Debug)]
pub struct Callers {
    counts: Arc<Counts>,
    is_over: Arc<AtomicBool>,
    tasks: JoinSet<Vec<Call>>,
}

#[derive(Debug, Default)]
struct Counts {
    recorded: AtomicU64,
    unavailable: AtomicU64,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// When the answer came.
    pub at: Instant,
    /// What the record must name, unless the answer was that nothing can be done now.
    pub done: Option<(&'static str, String)>,
    /// Whether it says when to come again.
    pub says_when: bool,
    /// How long it took.
    pub took: Duration,
}

impl Callers {
    /// Has so many act at a server, under names that begin alike.
    pub fn start(api: &Api, act: &Act, named: &str, callers: usize) -> Self {
        let counts = Arc::<Counts>::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let (api, act, named) = (api.clone(), act.clone(), format!("{named}-{caller}"));
            let (counts, is_over) = (Arc::clone(&counts), Arc::clone(&is_over));
            tasks.spawn(async move {
                let mut calls = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let call = call(&api, &act, format!("{named}-{:06}", calls.len())).await;
                    let count = match call.done {
                        Some(_) => &counts.recorded,
                        None => &counts.unavailable,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    calls.push(call);
                }
                calls
            });
        }
        Self {
            counts,
            is_over,
            tasks,
        }
    }

    /// Waits until so many acts are in the record.
    pub async fn reach(&self, recorded: u64) {
        reach("acts that are recorded", &self.counts.recorded, recorded).await;
    }

    /// Waits until somebody was told to come again.
    pub async fn reach_unavailable(&self) {
        let what = "an act that cannot be recorded";
        reach(what, &self.counts.unavailable, 1).await;
    }

    /// Lets everybody finish, and returns all answers, those of one caller in order.
    pub async fn stop(self) -> Vec<Call> {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

async fn reach(what: &str, count: &AtomicU64, wanted: u64) {
    patiently(what, async {
        while count.load(Ordering::Relaxed) < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Acts once. Fails the test unless that is done, or refused where it should be, or cannot be done now.
pub async fn call(api: &Api, act: &Act, name: String) -> Call {
    let ask = match act {
        Act::Begin(who) => {
            let ask = api.post("/api/memory/threads").by(who);
            ask.json(&json!({ "title": name }))
        }
        Act::BeRefused => api.ask(Method::DELETE, &format!("/api/stored/agents/{name}")),
    };
    let answer = ask.send().await;
    let done = match (answer.status, act) {
        (200 | 201, Act::Begin(_)) => {
            let id = answer.json()["id"].as_str().map(str::to_owned);
            Some(("threads.create", id.expect("a conversation has an id")))
        }
        (401, Act::BeRefused) => Some(("agents.delete", name)),
        (503, _) => None,
        (status, _) => panic!("{status} {}", answer.text),
    };
    Call {
        at: Instant::now(),
        done,
        says_when: answer.says_when(),
        took: answer.took,
    }
}

/// Returns what the record must have of these calls.
pub fn recorded(calls: &[Call]) -> Done {
    calls.iter().filter_map(|call| call.done.clone()).collect()
}

/// Returns how long they took.
pub fn times<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Times {
    let mut times = Times::default();
    for call in calls {
        times.note(call.took);
    }
    times
}
