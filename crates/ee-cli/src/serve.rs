//! `mastra-ee serve`: starts the server and ends it.

use std::{
    net::SocketAddr, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc, time::Duration,
};

use anyhow::{Context as _, Result};
use ee::{
    AuditAction, AuditActor, AuditEvent, AuditOutcome, Clock, SystemClock,
    agent_host::Background,
    axum::{Corridor, Gate, serve},
    server::{AuthMode, Server, access::AccessParts},
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    args::Settings,
    config::{AuthKind, Loaded, load},
    first_start::{self, FirstStart},
    logging, parts,
    stores::Stores,
    terminal::Progress,
};

/// How often sessions and flows that are over are forgotten.
const SWEEP_TIME: Duration = Duration::from_mins(1);

/// Runs until SIGINT or SIGTERM.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    logging::install()?;
    let loaded = load(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(start(loaded))
}

async fn start(mut loaded: Loaded) -> Result<()> {
    let progress = Progress::start();
    // Before anybody can be told that the server is ready.
    let signals = Signals::listen()?;
    let listener = listen(loaded.listen).await?;
    let address = listener
        .local_addr()
        .context("cannot tell the own address")?;
    let url = parts::origins(&loaded, address).public;
    create_private_dir(&loaded.data)?;

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stores = Stores::open(&loaded.store, loaded.config.sessions.kind).await?;
    progress.done("store", &loaded.store.to_string());

    let shutdown = CancellationToken::new();
    let background = Background::new(TaskTracker::new(), shutdown.clone());
    let models = std::mem::take(&mut loaded.config.models);
    let hosted = parts::host(&stores, models, &clock, background.clone()).await?;
    progress.done("agents", &counted(&hosted).await?);

    let SignIn {
        auth,
        access,
        tokens,
    } = sign_in(&mut loaded, &stores, &clock, &url)?;
    progress.done("sign-in", sign_in_text(&auth, tokens.is_some()));
    let server = parts::server(&loaded, auth, access, &hosted, &stores, address)?;
    let server = Arc::new(server);
    warn_about(&loaded, &server, &progress);

    let gate = gate(&loaded, &server)?;

    background
        .tasks()
        .spawn(sweep(stores.clone(), Arc::clone(&clock), shutdown.clone()));
    let shown = tokens
        .filter(|(_, is_new)| *is_new && progress.is_watched())
        .map(|(tokens, _)| tokens);
    let tokens_at = first_start::path(&loaded.data).display().to_string();
    progress.ready(&url, shown.as_ref(), &tokens_at);
    if !progress.is_watched() {
        info!(server.url = url, server.address = %address, "ready");
    }
    record(&server, AuditAction::SERVER_START).await;

    serve(listener, gate, signals.first(shutdown.clone())).await;
    shutdown.cancel();
    background.stop().await;
    record(&server, AuditAction::SERVER_STOP).await;
    stores.close().await;
    info!("stopped");
    Ok(())
}

#[cfg(feature = "studio")]
fn gate(loaded: &Loaded, server: &Arc<Server>) -> Result<Gate> {
    use ee::studio::{self, StudioPages, StudioSettings};

    let proxies = loaded.config.trusted_proxies.clone();
    let corridor = Corridor::build(Arc::clone(server), Some(Arc::new(StudioPages)), proxies)?;
    let mut settings = StudioSettings::default();
    settings.accepts_token = loaded.config.auth == AuthKind::Simple;
    Ok(corridor.wrap(corridor.api().merge(studio::router(&corridor, settings))))
}

#[cfg(not(feature = "studio"))]
fn gate(loaded: &Loaded, server: &Arc<Server>) -> Result<Gate> {
    let corridor = Corridor::build(
        Arc::clone(server),
        None,
        loaded.config.trusted_proxies.clone(),
    )?;
    Ok(corridor.wrap(corridor.api()))
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let hint = || {
        format!("cannot listen on {address} (is it in use? `--listen ADDR:PORT` takes another one)")
    };
    TcpListener::bind(address).await.with_context(hint)
}

fn create_private_dir(dir: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot create the data directory {}", dir.display()))
}

async fn counted(hosted: &parts::Hosted) -> Result<String> {
    use ee::host::{AgentHost as _, WorkflowHost as _};

    let (agents, workflows) = (
        hosted.agents.list().await?.len(),
        hosted.workflows.list().await?.len(),
    );
    Ok(format!("{agents} agents, {workflows} workflows"))
}

/// How people come in, what manages that, and the tokens of the first start with whether they are new.
struct SignIn {
    auth: AuthMode,
    access: Option<AccessParts>,
    tokens: Option<(FirstStart, bool)>,
}

fn sign_in(
    loaded: &mut Loaded,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
    url: &str,
) -> Result<SignIn> {
    if loaded.config.auth == AuthKind::None {
        return Ok(SignIn {
            auth: AuthMode::Off,
            access: None,
            tokens: None,
        });
    }
    let (simple, tokens) = if let Some(simple) = loaded.config.simple.take() {
        (simple, None)
    } else {
        let (tokens, is_new) = first_start::load_or_create(&loaded.data, url)?;
        (tokens.simple_config()?, Some((tokens, is_new)))
    };
    let (auth, access) = parts::auth(loaded, simple, stores, clock)?;
    Ok(SignIn {
        auth: AuthMode::On(Arc::new(auth)),
        access,
        tokens,
    })
}

fn sign_in_text(auth: &AuthMode, is_first_start: bool) -> &'static str {
    match auth {
        AuthMode::Off => "off: everybody may do everything",
        AuthMode::On(_) if is_first_start => "an owner token and a viewer token",
        AuthMode::On(_) => "the tokens of the configuration",
    }
}

fn warn_about(loaded: &Loaded, server: &Server, progress: &Progress) {
    if matches!(server.auth, AuthMode::Off) {
        progress.warn("authentication is off: whoever reaches this address may do everything");
    }
    if loaded.needs_secure_cookies() && !server.origins.is_https() {
        progress.warn("browsers keep the session cookie over HTTPS only: set `public_url` to an https address");
    }
}

/// Forgets what is over, until the server stops.
async fn sweep(stores: Stores, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    let mut ticks = time::interval(SWEEP_TIME);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    while let Some(_tick) = shutdown.run_until_cancelled(ticks.tick()).await {
        let now = clock.now();
        let swept = async {
            stores.sessions.purge_expired(now).await?;
            stores.ended.purge_ended(now).await?;
            stores.grants.purge_grants(now).await?;
            stores.flows.purge_flows(now).await
        };
        if let Err(err) = swept.await {
            warn!(error = %err, "cannot forget expired sessions; trying again in a minute");
        }
    }
}

async fn record(server: &Server, action: AuditAction) {
    let event = AuditEvent::new(
        server.clock.now(),
        AuditActor::system(),
        action,
        AuditOutcome::Success,
    );
    if let Err(err) = server.audit.log(event).await {
        tracing::error!(error = %err, "an audit event could not be written");
    }
}

/// SIGINT and SIGTERM, listened to from the moment that it is made.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Ends with the first one. Long answers are told to end by the same token.
    async fn first(mut self, shutdown: CancellationToken) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        info!("stopping");
        shutdown.cancel();
    }
}
