use std::sync::Arc;

use anyhow::Result;
use ee::{
    Clock, LicenseGate, ServerCookie, SystemClock,
    axum::{Corridor, serve},
    defaults::{MemoryStore, StaticRbac, StoreSessions, default_roles},
    server::{AuthMode, Origins, Server},
    studio::{self, StudioPages, StudioSettings, paths},
    with_ee_shared,
};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{Idp, People, Record, Runs, host::host};

/// Any key of this length is good.
const LICENCE: &str = "a-licence-key-of-the-browser-tests";

/// Which ways to sign in there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ways {
    /// Address and password.
    pub credentials: bool,
    /// People may create accounts.
    pub sign_up: bool,
    /// Single sign-on, with a button that says this.
    pub sso: Option<&'static str>,
}

/// A server in this process, with a provider that the product does not bring.
#[derive(Debug)]
pub struct Service {
    /// Where single sign-on leads, where it is on.
    pub idp: Option<Arc<Idp>>,
    /// Who may sign in.
    pub people: Arc<People>,
    /// What was recorded.
    pub record: Arc<Record>,
    /// Where runs are kept.
    pub runs: Arc<Runs>,
    /// Its address.
    pub url: String,
    /// Dropped, it ends the server.
    _stop: oneshot::Sender<()>,
}

impl Service {
    /// Starts a server with these ways to sign in.
    ///
    /// # Errors
    ///
    /// When a part cannot be made.
    pub async fn start(ways: Ways) -> Result<Self> {
        Self::serve(Some(ways)).await
    }

    /// Starts a server without authentication.
    ///
    /// # Errors
    ///
    /// When a part cannot be made.
    pub async fn open() -> Result<Self> {
        Self::serve(None).await
    }

    async fn serve(ways: Option<Ways>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let idp = match ways.and_then(|ways| ways.sso) {
            Some(button) => Some(Idp::start(button).await?),
            None => None,
        };
        let (stop, stopped) = oneshot::channel();
        let service = Self {
            idp,
            people: Arc::new(People::new(ways.unwrap_or_default())?),
            record: Arc::default(),
            runs: Arc::default(),
            url,
            _stop: stop,
        };
        let store = Arc::new(MemoryStore::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let auth = match ways {
            Some(_) => service.auth(&store, &clock),
            None => AuthMode::Off,
        };
        let server = service.server(auth, &store, clock).await?;
        let corridor = Corridor::build(Arc::new(server), Some(Arc::new(StudioPages)), Vec::new())?;
        let studio = studio::router(&corridor, StudioSettings::default());
        let gate = corridor.wrap(corridor.api().merge(studio));
        tokio::spawn(serve(listener, gate, async {
            drop(stopped.await);
        }));
        Ok(service)
    }

    fn auth(&self, store: &Arc<MemoryStore>, clock: &Arc<dyn Clock>) -> AuthMode {
        let cookie = ServerCookie::loopback_session();
        let sessions = StoreSessions::new(store.clone(), Arc::clone(clock), cookie);
        let license = LicenseGate::plain(Arc::clone(clock), || Some(LICENCE.to_owned()));
        let people: Arc<People> = Arc::clone(&self.people);
        let composed = with_ee_shared(people)
            .sessions(Arc::new(sessions))
            .rbac(Arc::new(StaticRbac::new(default_roles())))
            .license(Arc::new(license));
        let composed = match &self.idp {
            Some(idp) => composed.sso(Arc::clone(idp) as _),
            None => composed,
        };
        AuthMode::On(Arc::new(composed.build()))
    }

    async fn server(
        &self,
        auth: AuthMode,
        store: &Arc<MemoryStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Server> {
        let (agents, workflows) = host(store, Arc::clone(&self.runs) as _, &clock).await?;
        let origins = Origins::new(self.url.clone());
        Ok(
            Server::new(auth, Arc::clone(&self.record) as _, clock, origins)
                .host(agents, workflows)
                .flows(store.clone())
                .login_page(paths::LOGIN.parse()?),
        )
    }
}
