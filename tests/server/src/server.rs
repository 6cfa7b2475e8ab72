use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use ee::{
    NewSession, SessionProvider, UserId,
    access::StoreAccess,
    agent_host::{Agents, Workflows},
    audit::integrity::SigningKey,
    auth_password::Accounts,
    axum::Gate,
    server::access::AccessParts,
};
use ee_testkit::TestClock;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use crate::{Answer, Ask, FakeIdp, Letters, MemoryAudit, Setup, TestStore, Who};

/// A whole server in memory. Its clock stands still until a test moves it.
#[derive(Debug)]
pub struct TestServer {
    /// What the management of access works with, to prepare something without a request.
    pub access: AccessParts,
    /// Roles, groups and grants, with what is remembered of them.
    pub acl: Arc<StoreAccess>,
    /// The agents, to prepare something without a request.
    pub agents: Arc<Agents>,
    /// The record.
    pub audit: Arc<MemoryAudit>,
    /// The time.
    pub clock: TestClock,
    /// The identity provider.
    pub idp: Arc<FakeIdp>,
    /// What was sent to people with accounts.
    pub letters: Arc<Letters>,
    /// The accounts, to prepare something without a request; unused unless people sign in with passwords.
    pub passwords: Arc<Accounts>,
    /// Keeps browsers signed in.
    pub sessions: Arc<dyn SessionProvider>,
    /// Signs checkpoints and manifests.
    pub signer: SigningKey,
    /// The store.
    pub store: Arc<TestStore>,
    /// The workflows, to prepare something without a request.
    pub workflows: Arc<Workflows>,
    pub(crate) counter: AtomicU64,
    pub(crate) gate: Gate,
    pub(crate) public: String,
}

impl TestServer {
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

    /// Begins a `DELETE`.
    pub fn delete(&self, target: impl Into<String>) -> Ask<'_> {
        self.ask(Method::DELETE, target)
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, target: impl Into<String>) -> Ask<'_> {
        self.ask(Method::PATCH, target)
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

    /// Signs in with address and password and returns the session's `name=value`. No two sessions begin at one moment,
    /// so that the oldest of too many is always another one.
    pub async fn sign_in(&self, who: Who) -> String {
        self.clock.advance(SignedDuration::from_millis(1));
        let answer = self.try_sign_in(who).await;
        assert_eq!(answer.code(), 200, "{}", answer.text());
        answer.cookie_pair("ee_session").unwrap()
    }

    /// Begins a session of somebody who is known, whatever he signs in with, and returns its `name=value`.
    pub async fn session_of(&self, id: &UserId) -> String {
        self.clock.advance(SignedDuration::from_millis(1));
        let user = self.access.users.find(id).await.unwrap().unwrap();
        let session = self.sessions.create(NewSession::of(&user)).await.unwrap();
        let header = self.sessions.headers(&session).remove(0);
        let pair = header.to_str().unwrap().split(';').next();
        pair.unwrap().to_owned()
    }

    /// Returns a number that it has not returned before.
    pub fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }
}
