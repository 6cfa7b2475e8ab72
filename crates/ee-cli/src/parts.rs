//! Puts the parts of the server together.

use std::{
    io::{self, IsTerminal as _, Write},
    net::SocketAddr,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use ee::{
    AuditField, AuditFilter, AuditLogger, AuditTest, Clock, EeAuthProvider, LicenseGate,
    RbacProvider, ReturnTo, RoleSet, ServerCookie, SessionProvider, SystemClock, UserProvider,
    access::{AccessStores, ApiKeys, CachedUsers, StoreAccess},
    agent_host::{Agents, Background, Models, ModelsConfig, RunLimits, Workflows},
    defaults::{ConsoleAuditLogger, CookieSessions, SessionLifetimes, StaticRbac, StoreSessions},
    server::{AuthMode, Origins, Server, access::AccessParts},
    with_ee_shared,
};

use crate::{
    audit::open,
    config::{AuthKind, Environment, Format, Loaded, SessionKind, StoreUrl},
    sign_in::{Base, SignIn},
    stores::Stores,
};

/// Builds every part that the configuration alone decides about, and keeps none.
pub(crate) fn check(loaded: &mut Loaded) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stores = Stores::in_memory();
    Models::new(std::mem::take(&mut loaded.config.models)).context("`models`")?;
    let store = std::mem::replace(&mut loaded.store, StoreUrl::Memory);
    let is_first_start = loaded.config.auth == AuthKind::Simple && loaded.config.simple.is_none();
    let url = origins(loaded, loaded.listen).public;
    let checked = if is_first_start {
        // Its tokens are made when it starts.
        sessions(loaded, &stores, &clock).map(drop)
    } else {
        SignIn::new(loaded, &stores, &clock, &url).map(drop)
    };
    loaded.store = store;
    checked?;
    open::check(loaded)
}

/// Agents and workflows with what runs in the background for them.
#[derive(Debug)]
pub(crate) struct Hosted {
    pub(crate) agents: Arc<Agents>,
    pub(crate) workflows: Arc<Workflows>,
}

/// Starts the agent host: runs that the last process left are marked, samples are made on the first start.
pub(crate) async fn host(
    stores: &Stores,
    config: ModelsConfig,
    clock: &Arc<dyn Clock>,
    background: Background,
) -> Result<Hosted> {
    let models = Arc::new(Models::new(config).context("`models`")?);
    let agents = Arc::new(Agents::new(
        Arc::clone(&stores.agents),
        Arc::clone(&stores.threads),
        models,
        Arc::clone(clock),
        background.clone(),
    ));
    let workflows = Arc::new(Workflows::new(
        Arc::clone(&stores.workflows),
        Arc::clone(&stores.runs),
        Arc::clone(&agents) as _,
        Arc::clone(clock),
        RunLimits::default(),
        background,
    ));
    workflows
        .recover()
        .await
        .context("cannot mark interrupted runs")?;
    workflows
        .seed()
        .await
        .context("cannot create the samples")?;
    Ok(Hosted { agents, workflows })
}

/// Puts provider, sessions, roles, grants, keys and licence together.
///
/// Roles that a mapping grants by themselves leave nothing to manage: then there are no parts for it.
pub(crate) fn auth(
    loaded: &Loaded,
    base: Base,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
) -> Result<(EeAuthProvider, Option<AccessParts>)> {
    let epochs = &stores.epochs;
    let users: Arc<dyn UserProvider> = Arc::new(CachedUsers::new(base.users, Arc::clone(epochs)));
    let composed = with_ee_shared(base.provider)
        .users(Arc::clone(&users))
        .sessions(sessions(loaded, stores, clock)?)
        .license(Arc::new(license(loaded, Arc::clone(clock))));
    let (composed, parts) = match (loaded.roles()?, &loaded.config.rbac.mapping) {
        (Some(roles), _) => {
            let parts = access(loaded, roles, stores, clock, users)?;
            let composed = composed
                .rbac(Arc::clone(&parts.roles))
                .acl(Arc::clone(&parts.store) as _)
                .keys(Arc::clone(&parts.keys) as _);
            (composed, Some(parts.parts))
        }
        (None, Some(mapping)) => {
            let rbac = StaticRbac::from_mapping(mapping.clone());
            (composed.rbac(Arc::new(rbac)), None)
        }
        (None, None) => anyhow::bail!("there are no roles"),
    };
    let composed = if loaded.is_local_development() {
        composed.exempt_local_development()
    } else {
        composed
    };
    let auth = composed.build();
    let features = auth.at(clock.now()).features();
    anyhow::ensure!(
        features.contains(ee::Feature::Rbac),
        "roles are configured and no valid licence covers them: set MASTRA_EE_LICENSE"
    );
    anyhow::ensure!(
        parts.is_none() || features.contains(ee::Feature::Acl),
        "grants on single things are kept and the licence does not cover `acl`"
    );
    Ok((auth, parts))
}

/// Roles, grants and keys of the store.
pub(crate) struct Access {
    keys: Arc<ApiKeys>,
    pub(crate) parts: AccessParts,
    pub(crate) roles: Arc<dyn RbacProvider>,
    pub(crate) store: Arc<StoreAccess>,
}

/// Puts together what decides about roles, grants and keys, and what manages them.
pub(crate) fn access(
    loaded: &Loaded,
    roles: RoleSet,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
    users: Arc<dyn UserProvider>,
) -> Result<Access> {
    let kept = AccessStores {
        assignments: Arc::clone(&stores.assignments),
        grants: Arc::clone(&stores.grants),
        groups: Arc::clone(&stores.groups),
        roles: Arc::clone(&stores.roles),
    };
    let (clock, epochs) = (Arc::clone(clock), Arc::clone(&stores.epochs));
    let store = StoreAccess::new(roles, kept, Arc::clone(&clock), Arc::clone(&epochs));
    let store = Arc::new(store);
    let env = match loaded.config.environment {
        Environment::Development => "dev",
        Environment::Production => "live",
    };
    let keys = ApiKeys::new(
        Arc::clone(&stores.keys),
        Arc::clone(&users),
        clock,
        epochs,
        env,
    )?;
    let keys = Arc::new(keys);
    Ok(Access {
        parts: AccessParts {
            accounts: Arc::clone(&stores.accounts),
            acl: Arc::clone(&store) as _,
            assignments: Arc::clone(&stores.assignments),
            groups: Arc::clone(&stores.groups),
            keys: Arc::clone(&keys) as _,
            rbac: Arc::clone(&store) as _,
            roles: Arc::clone(&store) as _,
            sessions: Arc::clone(&stores.sessions),
            users,
        },
        keys,
        roles: Arc::clone(&store) as _,
        store,
    })
}

/// Asks the environment for the key anew each time the verdict is over, so that a renewed key needs no restart.
pub(crate) fn license(loaded: &Loaded, clock: Arc<dyn Clock>) -> LicenseGate {
    use secrecy::ExposeSecret as _;

    let from_file = loaded
        .config
        .license
        .key
        .as_ref()
        .map(|key| key.expose_secret().to_owned());
    LicenseGate::plain(clock, move || {
        crate::config::variable("MASTRA_EE_LICENSE")
            .ok()
            .flatten()
            .or_else(|| from_file.clone())
    })
}

fn sessions(
    loaded: &Loaded,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn SessionProvider>> {
    let config = &loaded.config.sessions;
    let lifetimes =
        SessionLifetimes::new(config.idle(), config.absolute()).context("`sessions`")?;
    let cookie = if loaded.needs_secure_cookies() {
        ServerCookie::secure_session()
    } else {
        ServerCookie::loopback_session()
    };
    let clock = Arc::clone(clock);
    Ok(match config.kind {
        SessionKind::Cookie => {
            let sealed = CookieSessions::new(
                &config.cookie_secrets,
                Arc::clone(&stores.ended),
                clock,
                cookie,
            );
            Arc::new(sealed.context("`sessions`")?.lifetimes(lifetimes))
        }
        SessionKind::Memory | SessionKind::Store => Arc::new(
            StoreSessions::new(Arc::clone(&stores.sessions), clock, cookie).lifetimes(lifetimes),
        ),
    })
}

/// The record goes to standard output: lines for people on a terminal, else JSON.
pub(crate) fn audit(loaded: &Loaded) -> Arc<dyn AuditLogger> {
    audit_to(loaded, io::stdout(), io::stdout().is_terminal())
}

/// The record goes to `out`.
pub(crate) fn audit_to(
    loaded: &Loaded,
    out: impl Write + Send + 'static,
    is_terminal: bool,
) -> Arc<dyn AuditLogger> {
    let config = &loaded.config.audit;
    let filter = one_of(config.actions.iter().map(|text| {
        let test = match text.strip_suffix('*') {
            Some(start) => AuditTest::StartsWith(start.to_owned()),
            None => AuditTest::Is(text.clone()),
        };
        AuditFilter::Field(AuditField::Action, test)
    }));
    let outcomes = config.outcomes.iter();
    let filter = filter.and(one_of(
        outcomes.map(|it| AuditFilter::is(AuditField::Outcome, it.as_str())),
    ));
    let logger = ConsoleAuditLogger::new(out).filter(filter);
    let is_pretty = match config.format {
        Format::Auto => is_terminal,
        Format::Json => false,
        Format::Pretty => true,
    };
    Arc::new(if is_pretty { logger } else { logger.json() })
}

/// Fits what fits one of them; without any, everything does.
fn one_of(filters: impl Iterator<Item = AuditFilter>) -> AuditFilter {
    let filters: Vec<AuditFilter> = filters.collect();
    match filters.as_slice() {
        [] => AuditFilter::EVERYTHING,
        _ => AuditFilter::Any(filters),
    }
}

/// Where browsers find the server that listens at `address`.
pub(crate) fn origins(loaded: &Loaded, address: SocketAddr) -> Origins {
    let local = if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    };
    let public = loaded.config.public_url.clone().unwrap_or(local);
    let mut origins = Origins::new(public);
    origins.cross_origin.clone_from(&loaded.config.cross_origin);
    if address.ip().is_loopback() {
        let mut hosts = vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "[::1]".to_owned(),
            address.ip().to_string(),
        ];
        let public = origins
            .public
            .split_once("://")
            .map(|(_, authority)| authority);
        hosts.extend(public.map(|authority| {
            authority
                .rsplit_once(':')
                .map_or(authority, |(host, _)| host)
                .to_owned()
        }));
        origins.hosts = Some(hosts);
    }
    origins
}

/// Puts the server together.
pub(crate) fn server(
    loaded: &Loaded,
    auth: AuthMode,
    (access, audit): (Option<AccessParts>, Arc<dyn AuditLogger>),
    hosted: &Hosted,
    stores: &Stores,
    address: SocketAddr,
) -> Result<Server> {
    let login: ReturnTo = "/studio/login".parse()?;
    let mut server = Server::new(auth, audit, Arc::new(SystemClock), origins(loaded, address));
    server.access = access;
    Ok(server
        .host(
            Arc::clone(&hosted.agents) as _,
            Arc::clone(&hosted.workflows) as _,
        )
        .changes(Arc::clone(&stores.epochs) as _)
        .flows(Arc::clone(&stores.flows))
        .login_page(login))
}
