//! Reads the file, the environment and the flags, and refuses what contradicts itself.

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, Result, bail, ensure};
use ee::{ActionCard, RoleSet, defaults::default_roles};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Position, Url};

use super::{AuthKind, Config, Environment, SessionKind, StoreUrl, problem};
use crate::{accounts, args::Settings, first_start};

const DEFAULT_DATA: &str = "./mastra-ee-data";
const DEFAULT_PORT: u16 = 4111;
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A configuration in effect.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) data: PathBuf,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    pub(crate) store: StoreUrl,
}

/// Reads and checks everything that can be checked without starting.
pub(crate) fn load(settings: &Settings) -> Result<Loaded> {
    let named = given(settings.config.as_ref(), "MASTRA_EE_CONFIG")?;
    let given_data = given(settings.data.as_ref(), "MASTRA_EE_DATA")?;
    let early_data = given_data.clone().unwrap_or_else(|| DEFAULT_DATA.into());
    let file =
        named.or_else(|| Some(early_data.join("mastra-ee.toml")).filter(|file| file.is_file()));
    let mut config = match &file {
        Some(file) => read(file)?,
        None => Config::default(),
    };
    environment(&mut config)?;
    let data = given_data
        .or_else(|| config.data.clone())
        .unwrap_or(early_data);
    let default_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
    let listen = given(settings.listen.as_ref(), "MASTRA_EE_LISTEN")?;
    let listen = listen.or(config.listen).unwrap_or(default_listen);
    let store = given(settings.store.as_ref(), "MASTRA_EE_STORE")?;
    let store = match store.as_deref().or(config.store.as_deref()) {
        Some(url) => store_url(url)?,
        None => StoreUrl::Sqlite(data.join("mastra-ee.db")),
    };
    let mut loaded = Loaded {
        config,
        data,
        file,
        listen,
        store,
    };
    loaded.config.models.production = loaded.is_production();
    check(&mut loaded)?;
    Ok(loaded)
}

impl Loaded {
    pub(crate) fn is_production(&self) -> bool {
        self.config.environment == Environment::Production
    }

    /// A loopback listener outside production (`design`: the licence is not asked there).
    pub(crate) fn is_local_development(&self) -> bool {
        !self.is_production() && self.listen.ip().is_loopback()
    }

    /// Whether browsers come over HTTPS or from other machines.
    pub(crate) fn needs_secure_cookies(&self) -> bool {
        let public_is_https = self
            .config
            .public_url
            .as_deref()
            .is_some_and(|url| url.starts_with("https://"));
        public_is_https || !self.listen.ip().is_loopback()
    }

    /// Returns the roles that are defined; `None` when a mapping stands in their place.
    pub(crate) fn roles(&self) -> Result<Option<RoleSet>> {
        match (&self.config.rbac.roles, &self.config.rbac.mapping) {
            (Some(_), Some(_)) => bail!("`rbac.roles` and `rbac.mapping` exclude each other"),
            (Some(roles), None) => Ok(Some(
                RoleSet::new(roles.iter().cloned()).context("`rbac.roles`")?,
            )),
            (None, Some(_)) => Ok(None),
            (None, None) => Ok(Some(default_roles())),
        }
    }
}

fn read(file: &Path) -> Result<Config> {
    let size = std::fs::metadata(file)
        .with_context(|| format!("cannot read {}", file.display()))?
        .len();
    ensure!(
        size <= MAX_FILE_BYTES,
        "{} is larger than 1 MiB",
        file.display()
    );
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    toml::from_str(&text).map_err(|err| problem::describe(file, &text, &err))
}

/// Returns what a flag says, else a variable.
fn given<T>(flag: Option<&T>, name: &str) -> Result<Option<T>>
where
    T: Clone + FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    if flag.is_some() {
        return Ok(flag.cloned());
    }
    let parse = |text: String| text.parse().with_context(|| format!("{name} is `{text}`"));
    variable(name)?.map(parse).transpose()
}

/// Reads a variable. An empty one counts as not set.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => bail!("the variable {name} is not UTF-8"),
    }
}

fn environment(config: &mut Config) -> Result<()> {
    if let Some(url) = variable("OPENAI_BASE_URL")? {
        config.models.openai_base_url = Some(url);
    }
    if let Some(key) = variable("OPENAI_API_KEY")? {
        config.models.openai_api_key = Some(SecretString::from(key));
    }
    if let Some(url) = variable("MASTRA_EE_PUBLIC_URL")? {
        config.public_url = Some(url);
    }
    if let Some(name) = variable("MASTRA_EE_ENVIRONMENT")? {
        config.environment = match name.as_str() {
            "development" => Environment::Development,
            "production" => Environment::Production,
            other => bail!(
                "MASTRA_EE_ENVIRONMENT is `{other}` and must be `development` or `production`"
            ),
        };
    }
    Ok(())
}

const KNOWN_STORES: &str =
    "known are `sqlite:PATH`, `postgres://…`, `libsql://…`, `https://…` and `memory:`";

/// Reads the address of a store. An error shows no more of it than the scheme.
pub(crate) fn store_url(url: &str) -> Result<StoreUrl> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(StoreUrl::Memory),
        Some(("sqlite", path)) if !path.is_empty() => Ok(StoreUrl::Sqlite(path.into())),
        Some(("libsql" | "https" | "http", _)) => Ok(StoreUrl::LibSql(url.into())),
        Some(("postgres" | "postgresql", _)) => Ok(StoreUrl::Postgres(url.into())),
        // The rest of what was meant as an address may be a secret.
        Some((scheme, _)) => bail!("a store `{scheme}:` is not known; {KNOWN_STORES}"),
        None => bail!("the store is no address; {KNOWN_STORES}"),
    }
}

fn check(loaded: &mut Loaded) -> Result<()> {
    loaded.config.public_url = loaded
        .config
        .public_url
        .as_deref()
        .map(origin)
        .transpose()
        .context("`public_url`")?;
    for name in &loaded.config.cross_origin {
        ensure!(
            origin(name).context("`cross_origin`")? == *name,
            "`cross_origin`: `{name}` is not an origin"
        );
    }
    check_auth(loaded)?;
    check_sessions(loaded)?;
    check_audit(loaded)?;
    if loaded.is_production() {
        ensure!(
            loaded.config.public_url.is_some(),
            "`public_url` is required in production"
        );
    }
    Ok(())
}

fn check_auth(loaded: &Loaded) -> Result<()> {
    if loaded.config.auth == AuthKind::Password {
        accounts::check(loaded, loaded.config.password.as_ref())?;
    }
    for (is_there, name, kind) in [
        (loaded.config.simple.is_some(), "simple", AuthKind::Simple),
        (
            loaded.config.password.is_some(),
            "password",
            AuthKind::Password,
        ),
        (loaded.config.mail.is_some(), "mail", AuthKind::Password),
    ] {
        ensure!(
            !is_there || loaded.config.auth == kind,
            "`{name}` is there and `auth` is not \"{}\"",
            kind.as_str()
        );
    }
    if loaded.config.auth == AuthKind::None {
        ensure!(
            loaded.listen.ip().is_loopback(),
            "`auth = \"none\"` opens everything to everybody and is allowed on a loopback address only, not on {}",
            loaded.listen
        );
        ensure!(
            !loaded.is_production(),
            "`auth = \"none\"` is refused in production"
        );
    }
    match loaded.roles()? {
        Some(roles) if loaded.config.auth == AuthKind::Simple => check_users(loaded, &roles),
        _ => Ok(()),
    }
}

/// A role that does not exist would leave its user without rights and say nothing.
fn check_users(loaded: &Loaded, roles: &RoleSet) -> Result<()> {
    let known: Vec<&str> = roles.iter().map(|role| role.id.as_str()).collect();
    let check = |user: &str, role: &str| {
        let is_known = known.contains(&role);
        ensure!(
            is_known,
            "user `{user}` has the unknown role `{role}`; known are: {}",
            known.join(", ")
        );
        Ok(())
    };
    let Some(simple) = &loaded.config.simple else {
        // The users of a first start are called like their roles.
        return first_start::USERS
            .into_iter()
            .try_for_each(|user| check(user, user));
    };
    for (_, user) in simple.tokens.iter().chain(&simple.users) {
        for role in user.role.iter().chain(&user.roles) {
            check(user.id.as_str(), role.as_str())?;
        }
    }
    Ok(())
}

fn check_sessions(loaded: &Loaded) -> Result<()> {
    let sessions = &loaded.config.sessions;
    ensure!(
        sessions.idle_minutes > 0,
        "`sessions.idle_minutes` must be 1 at least"
    );
    ensure!(
        sessions.absolute() >= sessions.idle(),
        "`sessions.absolute_hours` is shorter than `sessions.idle_minutes`"
    );
    ensure!(
        sessions.absolute_hours <= 24 * 30,
        "`sessions.absolute_hours` must be 720 (30 days) at most"
    );
    match sessions.kind {
        SessionKind::Cookie => ensure!(
            !sessions.cookie_secrets.is_empty(),
            "`sessions.kind = \"cookie\"` needs `sessions.cookie_secrets`, each of 32 bytes at least"
        ),
        SessionKind::Memory | SessionKind::Store => ensure!(
            sessions.cookie_secrets.is_empty(),
            "`sessions.cookie_secrets` are for `sessions.kind = \"cookie\"`"
        ),
    }
    let is_short = |secret: &SecretString| secret.expose_secret().len() < 32;
    ensure!(
        !sessions.cookie_secrets.iter().any(is_short),
        "`sessions.cookie_secrets`: a secret is shorter than 32 bytes"
    );
    Ok(())
}

/// A misspelt action would show nothing and say nothing.
fn check_audit(loaded: &Loaded) -> Result<()> {
    for wanted in &loaded.config.audit.actions {
        let prefix = wanted.strip_suffix('*');
        let is_known = ActionCard::ALL.iter().any(|card| match prefix {
            Some(prefix) => card.name.starts_with(prefix),
            None => card.name == wanted,
        });
        ensure!(is_known, "`audit.actions`: there is no action `{wanted}`");
    }
    Ok(())
}

/// Cuts a URL down to its origin and refuses one that has more than that.
fn origin(text: &str) -> Result<String> {
    let url = Url::parse(text).with_context(|| format!("`{text}` is not a URL"))?;
    ensure!(
        matches!(url.scheme(), "http" | "https"),
        "`{text}` is neither http nor https"
    );
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "`{text}` holds credentials"
    );
    ensure!(
        url.path() == "/" && url.query().is_none() && url.fragment().is_none(),
        "`{text}` has a path"
    );
    Ok(url[..Position::BeforePath].to_owned())
}
