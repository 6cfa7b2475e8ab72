use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use async_trait::async_trait;
use ee::{
    AclProvider, AuthProvider, EeAuthProvider, Error, LicenseGate, ServerCookie, SessionProvider,
    User, UserId, UserProvider,
    agent_host::{Agents, Background, Models, ModelsConfig, RunLimits, Workflows},
    audit::integrity::SigningKey,
    auth_password::{
        Argon2Params, PasswordAuth, PasswordConfig, PasswordStores, SecondFactorDemand, SignUpMode,
    },
    auth_simple::SimpleAuth,
    axum::{Corridor, ErrorPages, Protected},
    defaults::{CookieSessions, StoreSessions},
    server::audit::AuditParts,
    server::{AuthMode, Origins, Server},
    studio::{self, StudioPages, StudioSettings},
    with_ee_shared,
};
use ee_testkit::TestClock;
use ipnet::IpNet;

use crate::{
    FakeIdp, Letters, MemoryAudit, Stranger, TestServer, TestStore, kept, parts::Parts,
    people::simple_config,
};

/// Who may come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthKind {
    /// Everybody.
    Off,
    /// Whoever has an account with a password.
    Password,
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
type RecordChange = Box<dyn FnOnce(&mut AuditParts) + Send>;

/// How a server is put together.
#[must_use = "call `start`"]
pub struct Setup {
    acl: Option<Arc<dyn AclProvider>>,
    auth: AuthKind,
    beside: Option<(Arc<TestStore>, TestClock)>,
    cross_origin: Vec<String>,
    hosts: Option<Vec<String>>,
    mount: Option<Mount>,
    has_record: bool,
    record: Option<RecordChange>,
    proxies: Vec<IpNet>,
    public: String,
    second_factor: SecondFactorDemand,
    sessions: SessionKind,
    sign_up: SignUpMode,
    sso: bool,
    studio: bool,
    word_delay_ms: u64,
}

impl Setup {
    /// The server of a first start: on a loopback address, without TLS, with sessions in the store.
    pub fn loopback() -> Self {
        let hosts = ["localhost", "127.0.0.1", "[::1]"];
        Self {
            acl: None,
            auth: AuthKind::Simple,
            beside: None,
            cross_origin: Vec::new(),
            has_record: true,
            hosts: Some(hosts.map(str::to_owned).to_vec()),
            mount: None,
            proxies: Vec::new(),
            record: None,
            public: "http://127.0.0.1:4111".to_owned(),
            second_factor: SecondFactorDemand::Optional,
            sessions: SessionKind::Store,
            sign_up: SignUpMode::Invitation,
            sso: false,
            studio: false,
            word_delay_ms: 0,
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

    /// Asks somebody else for grants on single things.
    pub fn acl(mut self, acl: Arc<dyn AclProvider>) -> Self {
        self.acl = Some(acl);
        self
    }

    /// Changes who may come in.
    pub const fn auth(mut self, auth: AuthKind) -> Self {
        self.auth = auth;
        self
    }

    /// Another server on the store of one that runs, by the same clock.
    pub fn beside(server: &TestServer) -> Self {
        Self {
            beside: Some((Arc::clone(&server.store), server.clock.clone())),
            has_record: false,
            ..Self::loopback()
        }
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

    /// Changes what reading the record needs.
    pub fn record(mut self, change: impl FnOnce(&mut AuditParts) + Send + 'static) -> Self {
        self.record = Some(Box::new(change));
        self
    }

    /// Changes whether everybody needs a second factor.
    pub const fn second_factor(mut self, demand: SecondFactorDemand) -> Self {
        self.second_factor = demand;
        self
    }

    /// Changes who may create an account.
    pub const fn sign_up(mut self, mode: SignUpMode) -> Self {
        self.sign_up = mode;
        self
    }

    /// Changes how browsers stay signed in.
    pub const fn sessions(mut self, sessions: SessionKind) -> Self {
        self.sessions = sessions;
        self
    }

    /// Keeps no record that can be read.
    pub const fn without_record(mut self) -> Self {
        self.has_record = false;
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

    /// Lets agents take this long for every word.
    pub const fn word_delay(mut self, millis: u64) -> Self {
        self.word_delay_ms = millis;
        self
    }

    /// Starts.
    pub async fn start(self) -> TestServer {
        let (store, clock) = self.beside.clone().unwrap_or_default();
        let audit = Arc::new(MemoryAudit::default());
        let idp = Arc::new(FakeIdp::default());
        let (agents, workflows) = host(&store, &clock, self.word_delay_ms).await;
        let shared = Arc::new(clock.clone());
        let letters = Arc::new(Letters::default());
        let password = self.password(&store, &shared, &letters);
        let passwords = Arc::clone(password.accounts());
        let (base, first) = self.people(password);
        let parts = Parts::new(&store, Arc::clone(&shared) as _, first);
        let sessions = self.session_provider(&store, &parts, &shared);
        // Without authentication there is nobody whose access could be managed.
        let (auth, access) = match self.auth {
            AuthKind::Off => (AuthMode::Off, None),
            AuthKind::Password | AuthKind::Simple | AuthKind::Unlicensed => {
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
        let signer = SigningKey::generate("tests").unwrap();
        if self.has_record {
            let mut record = kept::parts(&store, Arc::new(clock.clone()), &signer).await;
            if let Some(change) = self.record {
                change(&mut record);
            }
            server = server.record(record);
        }
        let server = server
            .host(Arc::clone(&agents) as _, Arc::clone(&workflows) as _)
            .changes(Arc::clone(&parts.epochs) as _)
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
            letters,
            passwords,
            sessions,
            signer,
            store,
            workflows,
            counter: AtomicU64::default(),
            gate,
            public: self.public,
        }
    }

    fn people(&self, password: PasswordAuth) -> (Arc<dyn AuthProvider>, Arc<dyn UserProvider>) {
        match self.auth {
            AuthKind::Unlicensed => {
                let stranger = Arc::new(Stranger::new());
                (Arc::clone(&stranger) as _, stranger)
            }
            AuthKind::Password => (Arc::new(password), Arc::new(NoUsers)),
            AuthKind::Off | AuthKind::Simple => {
                let simple = Arc::new(SimpleAuth::new(simple_config()).unwrap());
                (Arc::clone(&simple) as _, simple)
            }
        }
    }

    fn password(
        &self,
        store: &Arc<TestStore>,
        clock: &Arc<TestClock>,
        letters: &Arc<Letters>,
    ) -> PasswordAuth {
        let secret = "a secret of the accounts, 32 bytes or more";
        let mut config = PasswordConfig::new(self.public.clone(), vec![secret.into()]);
        config.hashing.weak_for_tests = Some(Argon2Params::weak_for_tests());
        config.answer_floor_for_tests = Some(Duration::ZERO);
        config.second_factor = self.second_factor;
        config.sign_up.mode = self.sign_up;
        let stores = PasswordStores::all_in(Arc::clone(store));
        PasswordAuth::new(
            config,
            stores,
            Arc::clone(clock) as _,
            Arc::clone(letters) as _,
        )
        .unwrap()
    }

    fn provider(
        &self,
        base: Arc<dyn AuthProvider>,
        parts: &Parts,
        sessions: Arc<dyn SessionProvider>,
        clock: Arc<TestClock>,
        idp: &Arc<FakeIdp>,
    ) -> EeAuthProvider {
        let is_licensed = self.auth == AuthKind::Password;
        let own_acl = || Arc::clone(&parts.store) as Arc<dyn AclProvider>;
        let composed = with_ee_shared(base)
            .users(Arc::clone(&parts.users))
            .sessions(sessions)
            .rbac(Arc::clone(&parts.store) as _)
            .acl(self.acl.clone().unwrap_or_else(own_acl))
            .keys(Arc::clone(&parts.keys) as _)
            .license(Arc::new(LicenseGate::plain(clock, move || {
                is_licensed.then(|| "a licence of thirty-two bytes or more".to_owned())
            })));
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

/// Knows nobody: where all users are accounts.
#[derive(Debug)]
struct NoUsers;

#[async_trait]
impl UserProvider for NoUsers {
    async fn find(&self, _id: &UserId) -> Result<Option<Arc<User>>, Error> {
        Ok(None)
    }
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").finish_non_exhaustive()
    }
}

async fn host(
    store: &Arc<TestStore>,
    clock: &TestClock,
    word_delay_ms: u64,
) -> (Arc<Agents>, Arc<Workflows>) {
    let mut config = ModelsConfig::default();
    config.word_delay_ms = word_delay_ms;
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
    workflows.seed().await.unwrap();
    (agents, workflows)
}
