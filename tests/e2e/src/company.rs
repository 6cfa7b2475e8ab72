use std::sync::Arc;

use anyhow::{Context as _, Result};
use ee::{
    Clock, Invite, LicenseGate, ServerCookie,
    access::{AccessStores, AccountUsers, ApiKeys, CachedSessions, CachedUsers, StoreAccess},
    auth_password::{
        Accounts, NewAccount, PasswordAuth, PasswordConfig, PasswordStores, totp_for_tests,
    },
    axum::{Corridor, serve},
    defaults::{MemoryStore, StoreSessions, default_roles},
    server::{AuthMode, Origins, Server, access::AccessParts},
    studio::{self, StudioPages, StudioSettings, paths},
    with_ee_shared,
};
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{Letters, MovedClock, Record, host::host};

/// Any key of this length is good.
const LICENCE: &str = "a-licence-key-of-the-browser-tests";
/// Seals second factors.
const SECRET: &str = "a secret of the browser tests, 32 bytes or more";

/// A server in this process whose people have accounts with passwords.
#[derive(Debug)]
pub struct Company {
    accounts: Arc<Accounts>,
    /// The time.
    pub clock: Arc<MovedClock>,
    /// What was sent.
    pub letters: Arc<Letters>,
    /// What was recorded.
    pub record: Arc<Record>,
    /// Its address.
    pub url: String,
    /// Dropped, it ends the server.
    _stop: oneshot::Sender<()>,
}

impl Company {
    /// Ada's address.
    pub const ADA: &str = "ada@acme.example";
    /// A password that is good.
    pub const PASSWORD: &str = "violet tractor sings";
    /// Another one.
    pub const NEW_PASSWORD: &str = "seven quiet umbrellas";

    /// Starts a server without anybody.
    ///
    /// # Errors
    ///
    /// When a part cannot be made.
    pub async fn start(configure: impl FnOnce(&mut PasswordConfig)) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut config = PasswordConfig::new(url.clone(), vec![SECRET.into()]);
        configure(&mut config);
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(MovedClock::default());
        let letters = Arc::new(Letters::default());
        let stores = PasswordStores::all_in(Arc::clone(&store));
        let mailer = Arc::clone(&letters) as _;
        let password = PasswordAuth::new(config, stores, Arc::clone(&clock) as _, mailer)?;
        let (stop, stopped) = oneshot::channel();
        let company = Self {
            accounts: Arc::clone(password.accounts()),
            clock,
            letters,
            record: Arc::default(),
            url,
            _stop: stop,
        };
        let server = company.server(password, &store).await?;
        let corridor = Corridor::build(Arc::new(server), Some(Arc::new(StudioPages)), Vec::new())?;
        let mut settings = StudioSettings::default();
        settings.offers_remember = true;
        let studio = studio::router(&corridor, settings);
        let gate = corridor.wrap(corridor.api().merge(studio));
        tokio::spawn(serve(listener, gate, async {
            drop(stopped.await);
        }));
        Ok(company)
    }

    /// Starts a server with Ada, who is an owner.
    ///
    /// # Errors
    ///
    /// When a part cannot be made.
    pub async fn with_ada() -> Result<Self> {
        let company = Self::start(|_| {}).await?;
        company.hire_ada().await?;
        Ok(company)
    }

    /// Creates Ada's account; she is an owner.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub async fn hire_ada(&self) -> Result<()> {
        let account = NewAccount {
            email: Self::ADA.to_owned(),
            name: Some("Ada Lovelace".to_owned()),
            password: Some(Self::PASSWORD.into()),
            roles: vec!["owner".parse()?],
        };
        self.accounts.create(account, None).await?;
        Ok(())
    }

    /// Returns the link that creates the first owner.
    ///
    /// # Errors
    ///
    /// When there is an owner.
    pub async fn setup_link(&self) -> Result<String> {
        let link = self.accounts.setup_link().await?;
        let link = link.context("there is an owner")?;
        Ok(link.expose_secret().to_owned())
    }

    /// Invites somebody as a member and returns the link.
    ///
    /// # Errors
    ///
    /// When it cannot be sent.
    pub async fn invite(&self, email: &str) -> Result<String> {
        let invite = Invite {
            email: email.to_owned(),
            roles: vec!["member".parse()?],
        };
        self.accounts.invite(invite, None).await?;
        self.letters.link_to(email)
    }

    /// Returns what an authenticator shows now that was told this key, as the page groups it.
    ///
    /// # Errors
    ///
    /// When it is no key.
    pub fn code(&self, key: &str) -> Result<String> {
        let key: String = key.split_whitespace().collect();
        totp_for_tests(&key, self.clock.now()).context("no key of an authenticator")
    }

    async fn server(&self, password: PasswordAuth, store: &Arc<MemoryStore>) -> Result<Server> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let epochs = StoreAccess::epochs_of(store.hub());
        let users = AccountUsers::new(store.clone());
        let users = Arc::new(CachedUsers::new(Arc::new(users), Arc::clone(&epochs)));
        let sessions = CachedSessions::new(store.clone(), Arc::clone(&epochs), Arc::clone(&clock));
        let sessions = Arc::new(sessions);
        let kept = AccessStores {
            assignments: store.clone(),
            grants: store.clone(),
            groups: store.clone(),
            roles: store.clone(),
        };
        let access = StoreAccess::new(
            default_roles(),
            kept,
            Arc::clone(&clock),
            Arc::clone(&epochs),
        );
        let access = Arc::new(access);
        let keys = ApiKeys::new(
            store.clone(),
            Arc::clone(&users) as _,
            Arc::clone(&clock),
            epochs,
            "dev",
        )?;
        let keys = Arc::new(keys);
        let cookie = ServerCookie::loopback_session();
        let browsers = StoreSessions::new(Arc::clone(&sessions) as _, Arc::clone(&clock), cookie);
        let license = LicenseGate::plain(Arc::clone(&clock), || Some(LICENCE.to_owned()));
        let auth = with_ee_shared(Arc::new(password))
            .users(Arc::clone(&users) as _)
            .sessions(Arc::new(browsers))
            .rbac(Arc::clone(&access) as _)
            .acl(Arc::clone(&access) as _)
            .keys(Arc::clone(&keys) as _)
            .license(Arc::new(license))
            .build();
        let parts = AccessParts {
            accounts: store.clone(),
            acl: Arc::clone(&access) as _,
            assignments: store.clone(),
            groups: store.clone(),
            keys,
            rbac: Arc::clone(&access) as _,
            roles: access,
            sessions,
            users,
        };
        let (agents, workflows) = host(store, store.clone(), &clock).await?;
        let mode = AuthMode::On(Arc::new(auth));
        let origins = Origins::new(self.url.clone());
        Ok(
            Server::new(mode, Arc::clone(&self.record) as _, clock, origins)
                .access(parts)
                .host(agents, workflows)
                .flows(store.clone())
                .login_page(paths::LOGIN.parse()?),
        )
    }
}
