//! `mastra-ee serve`: starts the server and ends it.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use ee::{
    AuditAction, Clock, SystemClock, Visible,
    agent_host::Background,
    auth_password::Accounts,
    axum::{Corridor, Gate, serve},
    server::{AuthMode, Server},
    storage::{AgentFilter, Page},
};
use jiff::SignedDuration;
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    accounts,
    args::Settings,
    audit::service::AuditService,
    config::{Loaded, load},
    first_start, logging, parts, private_file,
    sign_in::SignIn,
    stores::Stores,
    terminal::Progress,
};

/// How long the store remembers what was tried: failures in a row count for that long.
const THROTTLE_MEMORY: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often sessions and flows that are over are forgotten.
const SWEEP_TIME: Duration = Duration::from_mins(1);

/// How long letters that wait may take at the end.
const LETTERS_TIME: Duration = Duration::from_secs(5);

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

    let audit = AuditService::start(&loaded, &stores.audit, &clock).await?;
    progress.done("record", &audit.describe());

    let shutdown = CancellationToken::new();
    let background = Background::new(TaskTracker::new(), shutdown.clone());
    let models = std::mem::take(&mut loaded.config.models);
    let hosted = parts::host(&stores, models, &clock, background.clone()).await?;
    progress.done("agents", &counted(&hosted).await?);

    let sign_in = SignIn::new(&mut loaded, &stores, &clock, &url)?;
    progress.done("sign-in", sign_in.describe());
    let SignIn {
        auth,
        access,
        tokens,
        accounts,
        letters,
    } = sign_in;
    let logger = audit.logger();
    let server = parts::server(&loaded, auth, (access, logger), &hosted, &stores, address)?;
    let server = Arc::new(server.record(audit.parts(&loaded, &stores.audit)?));
    let letters = letters.map(|worker| tokio::spawn(worker.run()));
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
    if let Some(accounts) = accounts {
        show_setup_link(&loaded, &accounts, &progress).await?;
    }
    if !progress.is_watched() {
        info!(server.url = url, server.address = %address, "ready");
    }
    audit.log(AuditAction::SERVER_START, json!({})).await;

    serve(listener, gate, signals.first(shutdown.clone())).await;
    shutdown.cancel();
    background.stop().await;
    drop(server);
    if let Some(letters) = letters {
        // Whoever waits for one asks again if it does not leave in time.
        drop(time::timeout(LETTERS_TIME, letters).await);
    }
    audit.log(AuditAction::SERVER_STOP, json!({})).await;
    audit.stop().await;
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
    settings.accepts_token = loaded.config.auth == crate::config::AuthKind::Simple;
    // A sealed cookie lasts as long for everybody.
    settings.offers_remember = loaded.config.sessions.kind != crate::config::SessionKind::Cookie;
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

pub(crate) fn create_private_dir(dir: &Path) -> Result<()> {
    private_file::create_dir(dir)
        .with_context(|| format!("cannot create the data directory {}", dir.display()))
}

async fn counted(hosted: &parts::Hosted) -> Result<String> {
    use ee::host::{AgentHost as _, WorkflowHost as _};

    let (all, one) = (Visible::EVERYTHING, Page::new(0, 1)?);
    let workflows = hosted.workflows.page(&all, one).await?.total;
    let agents = hosted.agents.page(&AgentFilter::of(all), one).await?.total;
    Ok(format!("{agents} agents, {workflows} workflows"))
}

/// Shows how the first owner is created, as long as there is none.
async fn show_setup_link(loaded: &Loaded, accounts: &Accounts, progress: &Progress) -> Result<()> {
    let link = accounts.setup_link().await?;
    let path = accounts::keep_setup_link(&loaded.data, link.as_ref())?;
    let Some(link) = link else {
        return Ok(());
    };
    if progress.is_watched() {
        progress.setup_link(&link);
    } else {
        warn!("there is no owner yet: the link that creates one is in {path}, good for a day");
    }
    Ok(())
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
            stores.tokens.purge_tokens(now).await?;
            let idle = now.saturating_sub(THROTTLE_MEMORY).unwrap_or(now);
            stores.throttle.purge_idle(idle).await?;
            stores.flows.purge_flows(now).await
        };
        if let Err(err) = swept.await {
            warn!(error = %err, "cannot forget expired sessions; trying again in a minute");
        }
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
