//! Who does what is recorded, and what the record has of it afterwards.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use ee::{
    AuditEvent, AuditOutcome, AuditStage, SystemClock,
    audit::integrity::{Evidence, Outcome, VerifierKeys, verify_store},
    storage::{AuditEntry, AuditProofStore, AuditStore},
};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Api, Credential, patiently};

/// The log that servers write to.
const LOG: &str = "default";
/// Most events that are read at once.
const PAGE: u32 = 1_000;

/// What was acknowledged: the action, and what the record has to name.
pub type Done = BTreeSet<(&'static str, String)>;

/// People who do what is recorded, one act after the other, until a server is gone or they are told to stop.
#[derive(Debug)]
pub struct Actors {
    count: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    tasks: JoinSet<Done>,
}

impl Actors {
    /// Has so many act at each of the servers. They make conversations and groups, are refused, and ask an agent.
    pub fn start(servers: &[Api], owner: &Credential, each: usize) -> Self {
        let (count, is_over) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let mut tasks = JoinSet::new();
        for api in servers
            .iter()
            .flat_map(|api| std::iter::repeat_n(api, each))
        {
            let (api, owner) = (api.clone(), owner.clone());
            let (count, is_over) = (Arc::clone(&count), Arc::clone(&is_over));
            tasks.spawn(async move {
                let mut done = Done::new();
                while !is_over.load(Ordering::Relaxed) {
                    let Some(act) = act(&api, &owner, done.len()).await else {
                        break;
                    };
                    done.extend(act);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                done
            });
        }
        Self {
            count,
            is_over,
            tasks,
        }
    }

    /// Waits until so many acts were acknowledged.
    pub async fn reach(&self, acts: u64) {
        patiently("acts that are recorded", async {
            while self.count.load(Ordering::Relaxed) < acts {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Returns how many acts were acknowledged so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Lets everybody finish what he does, and returns what was acknowledged.
    pub async fn stop(self) -> Done {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

/// Does one thing and returns what was acknowledged, if it was; `None` when the server is gone.
async fn act(
    api: &Api,
    owner: &Credential,
    number: usize,
) -> Option<Option<(&'static str, String)>> {
    let name = Uuid::new_v4().simple().to_string();
    match number % 4 {
        0 => {
            let ask = api.post("/api/memory/threads").by(owner);
            let answer = ask.json(&json!({ "title": name })).try_send().await.ok()?;
            let id = answer.json()["id"].as_str().map(str::to_owned);
            Some(id.map(|id| ("threads.create", id)))
        }
        1 => {
            let body = json!({ "id": name, "name": "Group" });
            let ask = api.post("/api/access/groups").by(owner);
            let answer = ask.json(&body).try_send().await.ok()?;
            Some(answer.is_success().then_some(("groups.create", name)))
        }
        2 => {
            let path = format!("/api/stored/agents/{name}");
            let answer = api
                .ask(reqwest::Method::DELETE, &path)
                .try_send()
                .await
                .ok()?;
            Some((answer.status == 401).then_some(("agents.delete", name)))
        }
        _ => {
            let ask = api.post("/api/agents/writer/stream").by(owner);
            let answer = ask
                .json(&json!({ "messages": "hi" }))
                .try_send()
                .await
                .ok()?;
            let request = answer.headers.get("x-request-id");
            let request = request.and_then(|it| it.to_str().ok()).map(str::to_owned);
            let is_whole = answer.text.ends_with("data: [DONE]\n\n");
            Some(request.filter(|_| is_whole).map(|id| ("agents.stream", id)))
        }
    }
}

/// What a record holds.
#[derive(Debug)]
pub struct Record(Vec<AuditEntry>);

impl Record {
    /// Reads a log to its end, verifies it, and fails the test unless it is whole: each number once, each event once.
    pub async fn read(store: &(impl AuditStore + AuditProofStore), when: &str) -> Self {
        let mut entries: Vec<AuditEntry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry| entry.seq);
            let page = store.feed(LOG, after, PAGE).await.unwrap();
            if page.is_empty() {
                break;
            }
            entries.extend(page);
        }
        let numbers = entries.iter().map(|entry| entry.seq);
        assert!(
            numbers.eq(1..=entries.len() as u64),
            "{when}: the numbers have gaps"
        );
        let ids: HashSet<Uuid> = entries.iter().map(|it| it.record.event.id).collect();
        assert_eq!(ids.len(), entries.len(), "{when}: an event is there twice");
        let evidence = Evidence::new("mastra-ee", VerifierKeys::default());
        let report = verify_store(store, store, LOG, &evidence, 0, &mut |_| {})
            .await
            .unwrap();
        assert_ne!(report.outcome, Outcome::Tampered, "{when}: {report}");
        Self(entries)
    }

    /// Returns the events.
    pub fn events(&self) -> impl Iterator<Item = &AuditEvent> {
        self.0.iter().map(|entry| &entry.record.event)
    }

    /// Fails the test unless everything that was acknowledged is there, and once.
    pub fn check(&self, done: &Done, when: &str) {
        let mut found: BTreeMap<(&str, String), u32> = BTreeMap::new();
        for event in self.events().filter(|it| it.stage == AuditStage::Result) {
            let ended = matches!(event.outcome, AuditOutcome::Denied | AuditOutcome::Success);
            for name in names(event).into_iter().filter(|_| ended) {
                *found.entry((event.action.as_str(), name)).or_default() += 1;
            }
        }
        for (action, name) in done {
            let count = found.get(&(*action, name.clone())).copied().unwrap_or(0);
            assert_eq!(count, 1, "{when}: {action} {name}");
        }
    }

    /// Fails the test unless what one caller after another was refused stands in the order of his calls.
    pub fn check_order(&self, when: &str) {
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        let refused = self
            .events()
            .filter(|it| it.outcome == AuditOutcome::Denied);
        for id in refused.filter_map(|it| Some(it.resource.as_ref()?.id.as_str())) {
            let Some((caller, number)) = id.rsplit_once('-') else {
                continue;
            };
            let before = last.insert(caller, number);
            assert!(
                before.is_none_or(|it| it < number),
                "{when}: {id} after {before:?}"
            );
        }
    }

    /// Fails the test unless each act that was begun has an end, or the record says that it has none.
    pub fn check_intents(&self, when: &str) {
        let request = |event: &AuditEvent| {
            let context = event.context.as_ref();
            context.map(|it| it.request_id.clone()).unwrap_or_default()
        };
        let of = |stage| self.events().filter(move |it| it.stage == stage);
        let ended: HashSet<String> = of(AuditStage::Result).map(request).collect();
        for intent in of(AuditStage::Intent) {
            assert!(ended.contains(&request(intent)), "{when}: {intent:?}");
        }
    }
}

/// Returns what an event is found by: the thing, and the request.
fn names(event: &AuditEvent) -> Vec<String> {
    let thing = event.resource.as_ref().map(|it| it.id.clone());
    let request = event.context.as_ref().map(|it| it.request_id.clone());
    let names: BTreeSet<String> = thing.into_iter().chain(request).collect();
    names.into_iter().collect()
}

/// Has what changes have left moved into the log, as the writer of a server does.
pub async fn settle(store: &impl AuditStore) {
    use ee::Clock as _;

    while store
        .append_left(LOG, 500, SystemClock.now())
        .await
        .unwrap()
        > 0
    {}
}
