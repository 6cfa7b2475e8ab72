use std::sync::Arc;

use ee::{
    EeAuthProvider, LicenseGate, ServerCookie, SessionProvider,
    agent_host::{Agents, Background, Models, ModelsConfig, RunLimits, Workflows},
    auth_simple::SimpleAuth,
    axum::{Corridor, ErrorPages, Protected},
    defaults::{CookieSessions, StaticRbac, StoreSessions},
    server::{AuthMode, Origins, Server},
    studio::{self, StudioPages, StudioSettings},
    with_ee,
};
use ee_testkit::TestClock;
use ipnet::IpNet;

use crate::{
    FakeIdp, MemoryAudit, Stranger, TestServer, TestStore,
    people::{roles, simple_config},
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
        let auth = match self.auth {
            AuthKind::Off => AuthMode::Off,
            AuthKind::Simple | AuthKind::Unlicensed => {
                AuthMode::On(Arc::new(self.provider(&store, &clock, &idp)))
            }
        };
        let mut origins = Origins::new(self.public.clone());
        origins.cross_origin = self.cross_origin;
        origins.hosts = self.hosts;
        let server = Server::new(
            auth,
            Arc::clone(&audit) as _,
            Arc::new(clock.clone()),
            origins,
        )
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
        TestServer::new(
            gate,
            self.public,
            agents,
            audit,
            clock,
            idp,
            store,
            workflows,
        )
    }

    fn provider(
        &self,
        store: &Arc<TestStore>,
        clock: &TestClock,
        idp: &Arc<FakeIdp>,
    ) -> EeAuthProvider {
        let base = if self.auth == AuthKind::Unlicensed {
            with_ee(Stranger::new())
        } else {
            with_ee(SimpleAuth::new(simple_config()).unwrap())
        };
        let clock: Arc<TestClock> = Arc::new(clock.clone());
        let composed = base
            .sessions(self.session_provider(store, &clock))
            .rbac(Arc::new(StaticRbac::new(roles())))
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
                Arc::clone(store) as _,
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
