//! Everything that the use cases need, put together once.

use std::sync::Arc;

use ee_core::{
    AuditLogger, Clock, EeAuthProvider, ReturnTo,
    host::{AgentHost, WorkflowHost},
    storage::{ChangeCount, SignInFlowStore},
};

use crate::{
    access::AccessParts,
    agents::AllAgents,
    audit::{AuditParts, Readers},
};

/// Who may come in.
#[derive(Clone, Debug)]
pub enum AuthMode {
    /// Whom the provider knows.
    On(Arc<EeAuthProvider>),
    /// Everybody may do everything. For a loopback listener alone; whoever builds the server checks that.
    Off,
}

/// Where browsers find the server and what they may do there.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Origins {
    /// The server's own origin, such as `https://agents.example`. Links and redirect URIs are built from
    /// it and from nothing in a request.
    pub public: String,
    /// Other origins whose pages may call the API with the visitor's cookies. Empty by default.
    pub cross_origin: Vec<String>,
    /// The `Host` names that are answered; `None` answers all. On a loopback address this is what keeps a
    /// foreign name that resolves to us (DNS rebinding) out.
    pub hosts: Option<Vec<String>>,
}

impl Origins {
    /// The server's own origin and nothing else.
    pub fn new(public: impl Into<String>) -> Self {
        Self {
            public: public.into(),
            cross_origin: Vec::new(),
            hosts: None,
        }
    }

    /// Tells whether cookies may be marked `Secure`.
    pub fn is_https(&self) -> bool {
        self.public.starts_with("https://")
    }

    /// Tells whether a request for this `Host` is answered; the port does not matter.
    pub fn knows_host(&self, host: Option<&str>) -> bool {
        let Some(hosts) = &self.hosts else {
            return true;
        };
        host.map(without_port)
            .is_some_and(|name| hosts.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            name
        }
        _ => host,
    }
}

/// The parts of a server. Build it with [`Server::new`] and the methods that add what is optional.
#[derive(Debug)]
#[non_exhaustive]
pub struct Server {
    /// Who may do what, where the server keeps that itself.
    pub access: Option<AccessParts>,
    /// Runs agents.
    pub agents: Option<Arc<dyn AgentHost>>,
    pub(crate) all_agents: AllAgents,
    /// Writes the record.
    pub audit: Arc<dyn AuditLogger>,
    /// Who may come in.
    pub auth: AuthMode,
    /// Counts what may have changed somebody's access.
    pub changes: Option<Arc<dyn ChangeCount>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Keeps sign-ins at identity providers that are under way.
    pub flows: Option<Arc<dyn SignInFlowStore>>,
    /// Where a browser signs in.
    pub login_page: ReturnTo,
    /// Where browsers find the server.
    pub origins: Origins,
    pub(crate) readers: Readers,
    /// Reads the record, where the server keeps one.
    pub record: Option<AuditParts>,
    /// Runs workflows.
    pub workflows: Option<Arc<dyn WorkflowHost>>,
}

impl Server {
    /// The path that the API stands under.
    pub const API_PREFIX: &'static str = "/api";

    /// Puts the required parts together.
    pub fn new(
        auth: AuthMode,
        audit: Arc<dyn AuditLogger>,
        clock: Arc<dyn Clock>,
        origins: Origins,
    ) -> Self {
        Self {
            access: None,
            agents: None,
            all_agents: AllAgents::default(),
            audit,
            auth,
            changes: None,
            clock,
            flows: None,
            login_page: ReturnTo::root(),
            origins,
            readers: Readers::default(),
            record: None,
            workflows: None,
        }
    }

    /// Adds the management of access.
    #[must_use]
    pub fn access(mut self, access: AccessParts) -> Self {
        self.access = Some(access);
        self
    }

    /// Adds what counts the changes of all stores that sessions, users, roles, grants and keys are kept in. Then the
    /// caller of an open stream is judged again when something has changed, else more than once a second.
    #[must_use]
    pub fn changes(mut self, changes: Arc<dyn ChangeCount>) -> Self {
        self.changes = Some(changes);
        self
    }

    pub(crate) fn count_changes(&self) -> Option<u64> {
        self.changes.as_ref().map(|changes| changes.count())
    }

    /// Adds agents and workflows.
    #[must_use]
    pub fn host(mut self, agents: Arc<dyn AgentHost>, workflows: Arc<dyn WorkflowHost>) -> Self {
        self.agents = Some(agents);
        self.workflows = Some(workflows);
        self
    }

    /// Adds what single sign-on needs.
    #[must_use]
    pub fn flows(mut self, flows: Arc<dyn SignInFlowStore>) -> Self {
        self.flows = Some(flows);
        self
    }

    /// Adds what reading the record needs.
    #[must_use]
    pub fn record(mut self, record: AuditParts) -> Self {
        self.record = Some(record);
        self
    }

    /// Names the page where a browser signs in.
    #[must_use]
    pub fn login_page(mut self, page: ReturnTo) -> Self {
        self.login_page = page;
        self
    }
}
