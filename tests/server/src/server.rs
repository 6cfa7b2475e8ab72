use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use ee::{
    agent_host::{Agents, Workflows},
    axum::Gate,
};
use ee_testkit::TestClock;
use http::Method;
use serde_json::json;

use crate::{Answer, Ask, FakeIdp, MemoryAudit, Setup, TestStore, Who};

/// A whole server in memory. Its clock stands still until a test moves it.
#[derive(Debug)]
pub struct TestServer {
    /// The agents, to prepare something without a request.
    pub agents: Arc<Agents>,
    /// The record.
    pub audit: Arc<MemoryAudit>,
    /// The time.
    pub clock: TestClock,
    /// The identity provider.
    pub idp: Arc<FakeIdp>,
    /// The store.
    pub store: Arc<TestStore>,
    /// The workflows, to prepare something without a request.
    pub workflows: Arc<Workflows>,
    counter: AtomicU64,
    gate: Gate,
    public: String,
}

impl TestServer {
    #[expect(clippy::too_many_arguments, reason = "these are the parts")]
    pub(crate) fn new(
        gate: Gate,
        public: String,
        agents: Arc<Agents>,
        audit: Arc<MemoryAudit>,
        clock: TestClock,
        idp: Arc<FakeIdp>,
        store: Arc<TestStore>,
        workflows: Arc<Workflows>,
    ) -> Self {
        Self {
            agents,
            audit,
            clock,
            idp,
            store,
            workflows,
            counter: AtomicU64::new(0),
            gate,
            public,
        }
    }

    /// Starts the server of a first start.
    pub async fn start() -> Self {
        Setup::loopback().start().await
    }

    /// Returns the service that takes requests.
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Returns the server's own origin.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Returns what clients write into `Host`.
    pub fn host(&self) -> &str {
        self.public.split_once("://").map_or("", |(_, host)| host)
    }

    /// Begins a request.
    pub fn ask(&self, method: Method, target: impl Into<String>) -> Ask<'_> {
        Ask::new(self, method, target.into())
    }

    /// Begins a `GET`.
    pub fn get(&self, target: impl Into<String>) -> Ask<'_> {
        self.ask(Method::GET, target)
    }

    /// Begins a `POST`.
    pub fn post(&self, target: impl Into<String>) -> Ask<'_> {
        self.ask(Method::POST, target)
    }

    /// Signs in with address and password and returns the answer.
    pub async fn try_sign_in(&self, who: Who) -> Answer {
        let body = json!({ "email": who.email(), "password": who.token().unwrap() });
        self.post("/api/auth/login").json(&body).send().await
    }

    /// Signs in with address and password and returns the session's `name=value`.
    pub async fn sign_in(&self, who: Who) -> String {
        let answer = self.try_sign_in(who).await;
        assert_eq!(answer.code(), 200, "{}", answer.text());
        answer.cookie_pair("ee_session").unwrap()
    }

    /// Returns a number that it has not returned before.
    pub fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }
}
