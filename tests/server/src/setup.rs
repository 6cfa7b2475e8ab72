use std::sync::{Arc, atomic::AtomicU64};

use ee::{
    AuthProvider, EeAuthProvider, LicenseGate, ServerCookie, SessionProvider, UserProvider,
    agent_host::{Agents, Background, Models, ModelsConfig, RunLimits, Workflows},
    auth_simple::SimpleAuth,
    axum::{Corridor, ErrorPages, Protected},
    defaults::{CookieSessions, StoreSessions},
    server::{AuthMode, Origins, Server},
    studio::{self, StudioPages, StudioSettings},
    with_ee_shared,
};
use ee_testkit::TestClock;
use ipnet::IpNet;

use crate::{
    FakeIdp, MemoryAudit, Stranger, TestServer, TestStore, parts::Parts, people::simple_config,
};

/// Who may come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthKind {
    /// Everybody.
    Off,
    /// Whoever has a token; roles count.
    Simple,
    /// A provider that needs a licence, and there is none.
    Unlicensed,
}

/// How browsers stay signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionKind {
    /// All of it in an encrypted cookie.
    Cookie,
    /// In the store.
    Store,
}

type Mount = Box<dyn FnOnce(&Corridor) -> Protected + Send>;

/// How a server is put together.
#[must_use = "call `start`"]
pub struct Setup {
    auth: AuthKind,
    cross_origin: Vec<String>,
    hosts: Option<Vec<String>>,
    mount: Option<Mount>,
    proxies: Vec<IpNet>,
    public: String,
    sessions: SessionKind,
    sso: bool,
    studio: bool,
}

impl Setup {
    /// The server of a first start: on a loopback address, without TLS, with sessions in the store.
    pub fn loopback() -> Self {
        let hosts = ["localhost", "127.0.0.1", "[::1]"];
        Self {
            auth: AuthKind::Simple,
            cross_origin: Vec::new(),
            hosts: Some(hosts.map(str::to_owned).to_vec()),
            mount: None,
            proxies: Vec::new(),
            public: "http://127.0.0.1:4111".to_owned(),
            sessions: SessionKind::Store,
            sso: false,
            studio: false,
        }
    }

    /// A server that browsers reach as `https://agents.example`.
    pub fn https() -> Self {
        Self {
            hosts: None,
            public: "https://agents.example".to_owned(),
            ..Self::loopback()
        }
    }

    /// Changes who may come in.
    pub const fn auth(mut self, auth: AuthKind) -> Self {
        self.auth = auth;
        self
    }

    /// Lets pages of another origin call the API.
    pub fn cross_origin(mut self, origin: &str) -> Self {
        self.cross_origin.push(origin.to_owned());
        self
    }

    /// Adds routes beside the API.
    pub fn mount(mut self, mount: impl FnOnce(&Corridor) -> Protected + Send + 'static) -> Self {
        self.mount = Some(Box::new(mount));
        self
    }

    /// Trusts proxies of a network.
    pub fn proxy(mut self, network: &str) -> Self {
        self.proxies.push(network.parse().unwrap());
        self
    }

    /// Changes how browsers stay signed in.
    pub const fn sessions(mut self, sessions: SessionKind) -> Self {
        self.sessions = sessions;
        self
    }

    /// Adds single sign-on.
    pub const fn sso(mut self) -> Self {
        self.sso = true;
        self
    }

    /// Adds the pages for people.
    pub const fn studio(mut self) -> Self {
        self.studio = true;
        self
    }

    /// Starts.
    pub async fn start(self) -> TestServer {
        let store = Arc::new(TestStore::default());
        let clock = TestClock::default();
        let audit = Arc::new(MemoryAudit::default());
        let idp = Arc::new(FakeIdp::default());
        let (agents, workflows) = host(&store, &clock).await;
        let shared = Arc::new(clock.clone());
        let (base, first) = self.people();
        let parts = Parts::new(&store, Arc::clone(&shared) as _, first);
        let sessions = self.session_provider(&store, &parts, &shared);
        // Without authentication there is nobody whose access could be managed.
        let (auth, access) = match self.auth {
            AuthKind::Off => (AuthMode::Off, None),
            AuthKind::Simple | AuthKind::Unlicensed => {
                let provider = self.provider(base, &parts, Arc::clone(&sessions), shared, &idp);
                (AuthMode::On(Arc::new(provider)), Some(parts.access.clone()))
            }
        };
        let mut origins = Origins::new(self.public.clone());
        origins.cross_origin = self.cross_origin;
        origins.hosts = self.hosts;
        let mut server = Server::new(
            auth,
            Arc::clone(&audit) as _,
            Arc::new(clock.clone()),
            origins,
        );
        if let Some(access) = access {
            server = server.access(access);
        }
        let server = server
            .host(Arc::clone(&agents) as _, Arc::clone(&workflows) as _)
            .flows(Arc::clone(&store) as _)
            .login_page("/studio/login".parse().unwrap());
        let pages = self
            .studio
            .then(|| Arc::new(StudioPages) as Arc<dyn ErrorPages>);
        let corridor = Corridor::build(Arc::new(server), pages, self.proxies).unwrap();
        let mut router = corridor.api();
        if self.studio {
            router = router.merge(studio::router(&corridor, StudioSettings::default()));
        }
        if let Some(mount) = self.mount {
            router = router.merge(mount(&corridor));
        }
        let gate = corridor.wrap(router);
        TestServer {
            access: parts.access,
            acl: parts.store,
            agents,
            audit,
            clock,
            idp,
            sessions,
            store,
            workflows,
            counter: AtomicU64::default(),
            gate,
            public: self.public,
        }
    }

    fn people(&self) -> (Arc<dyn AuthProvider>, Arc<dyn UserProvider>) {
        if self.auth == AuthKind::Unlicensed {
            let stranger = Arc::new(Stranger::new());
            (Arc::clone(&stranger) as _, stranger)
        } else {
            let simple = Arc::new(SimpleAuth::new(simple_config()).unwrap());
            (Arc::clone(&simple) as _, simple)
        }
    }

    fn provider(
        &self,
        base: Arc<dyn AuthProvider>,
        parts: &Parts,
        sessions: Arc<dyn SessionProvider>,
        clock: Arc<TestClock>,
        idp: &Arc<FakeIdp>,
    ) -> EeAuthProvider {
        let composed = with_ee_shared(base)
            .users(Arc::clone(&parts.users))
            .sessions(sessions)
            .rbac(Arc::clone(&parts.store) as _)
            .acl(Arc::clone(&parts.store) as _)
            .keys(Arc::clone(&parts.keys) as _)
            .license(Arc::new(LicenseGate::plain(clock, || None)));
        if self.sso {
            composed.sso(Arc::clone(idp) as _).build()
        } else {
            composed.build()
        }
    }

    fn session_provider(
        &self,
        store: &Arc<TestStore>,
        parts: &Parts,
        clock: &Arc<TestClock>,
    ) -> Arc<dyn SessionProvider> {
        let cookie = if self.public.starts_with("https://") {
            ServerCookie::secure_session()
        } else {
            ServerCookie::loopback_session()
        };
        match self.sessions {
            SessionKind::Cookie => {
                let secret = "a secret of the tests, 32 bytes or more".into();
                let sealed =
                    CookieSessions::new(&[secret], Arc::clone(store) as _, clock.clone(), cookie);
                Arc::new(sealed.unwrap())
            }
            SessionKind::Store => Arc::new(StoreSessions::new(
                Arc::clone(&parts.sessions),
                clock.clone(),
                cookie,
            )),
        }
    }
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").finish_non_exhaustive()
    }
}

async fn host(store: &Arc<TestStore>, clock: &TestClock) -> (Arc<Agents>, Arc<Workflows>) {
    let mut config = ModelsConfig::default();
    config.word_delay_ms = 0;
    let background = Background::default();
    let clock = Arc::new(clock.clone());
    let agents = Arc::new(Agents::new(
        Arc::clone(store) as _,
        Arc::clone(store) as _,
        Arc::new(Models::new(config).unwrap()),
        clock.clone(),
        background.clone(),
    ));
    let workflows = Arc::new(Workflows::new(
        Arc::clone(store) as _,
        Arc::clone(store) as _,
        Arc::clone(&agents) as _,
        clock,
        RunLimits::default(),
        background,
    ));
    assert!(workflows.seed().await.unwrap());
    (agents, workflows)
}
