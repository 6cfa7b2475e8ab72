//! Accounts with passwords, as the configuration has them.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use ee::{
    Clock,
    auth_password::{
        LogMailer, MailQueue, MailWorker, Mailer, PasswordAuth, PasswordConfig, PasswordStores,
        SmtpMailer,
    },
    random_token,
};
use secrecy::SecretString;

use crate::{
    config::{Loaded, StoreUrl},
    private_file,
    stores::Stores,
};

/// Where the secret is that seals second factors, when the configuration names none.
const SECRET_FILE: &str = "password-secret";
/// Where the link is that creates the first owner.
const SETUP_FILE: &str = "setup-link";

/// Sends letters at once, for commands: they end before a queue would be empty.
pub(crate) fn direct(
    loaded: &Loaded,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
    url: &str,
) -> Result<PasswordAuth> {
    build(loaded, stores, clock, url, mailer(loaded)?)
}

/// Puts letters into a queue whose worker the caller runs.
pub(crate) fn queued(
    loaded: &Loaded,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
    url: &str,
) -> Result<(PasswordAuth, MailWorker)> {
    let (queue, worker) = MailQueue::new(mailer(loaded)?);
    let auth = build(loaded, stores, clock, url, Arc::new(queue))?;
    Ok((auth, worker))
}

fn build(
    loaded: &Loaded,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
    url: &str,
    mailer: Arc<dyn Mailer>,
) -> Result<PasswordAuth> {
    let mut config = loaded.config.password.clone().unwrap_or_default();
    url.clone_into(&mut config.public_url);
    if config.secrets.is_empty() {
        config.secrets = vec![own_secret(loaded)?];
    }
    let kept = PasswordStores {
        accounts: Arc::clone(&stores.accounts),
        assignments: Arc::clone(&stores.assignments),
        sessions: Arc::clone(&stores.sessions),
        throttle: Arc::clone(&stores.throttle),
        tokens: Arc::clone(&stores.tokens),
    };
    PasswordAuth::new(config, kept, Arc::clone(clock), mailer).context("`password`")
}

/// Refuses what can be told without a store.
pub(crate) fn check(loaded: &Loaded, config: Option<&PasswordConfig>) -> Result<()> {
    if let Some(config) = config {
        ensure!(
            config.public_url.is_empty(),
            "`password.public_url` is for embedders: set `public_url`"
        );
    }
    let has_secrets = config.is_some_and(|config| !config.secrets.is_empty());
    let is_shared = matches!(loaded.store, StoreUrl::LibSql(_) | StoreUrl::Postgres(_));
    ensure!(
        has_secrets || !is_shared,
        "`password.secrets` is required with a store that several servers may share: \
        32 bytes or more, the same at each of them"
    );
    mailer(loaded).map(drop)
}

/// Returns who sends letters; in development the log may stand in.
fn mailer(loaded: &Loaded) -> Result<Arc<dyn Mailer>> {
    if let Some(smtp) = &loaded.config.mail {
        let smtp = SmtpMailer::new(smtp.clone()).context("`mail`")?;
        return Ok(Arc::new(smtp));
    }
    ensure!(
        !loaded.is_production(),
        "`mail` is required in production: invitations and new passwords go by letter"
    );
    Ok(Arc::new(LogMailer))
}

/// Reads the secret of an earlier start, or makes one.
fn own_secret(loaded: &Loaded) -> Result<SecretString> {
    if matches!(loaded.store, StoreUrl::Memory) {
        return Ok(random_token()?.into());
    }
    let path = loaded.data.join(SECRET_FILE);
    // Made by whoever is first, and read by everybody, himself too.
    if private_file::read(&path)?.is_none() {
        private_file::create(&path, &format!("{}\n", random_token()?))?;
    }
    let text = private_file::read(&path)?.unwrap_or_default();
    let text = text.trim();
    // Whoever shortens it by hand must not open the second factors to guesses.
    ensure!(text.len() >= 43, "{} is damaged", path.display());
    Ok(text.into())
}

/// Keeps the link that creates the first owner for whoever may read the data directory, or takes it away.
pub(crate) fn keep_setup_link(data: &Path, link: Option<&SecretString>) -> Result<String> {
    use secrecy::ExposeSecret as _;

    let path = data.join(SETUP_FILE);
    match link {
        Some(link) => private_file::write(&path, &format!("{}\n", link.expose_secret()))?,
        None => match std::fs::remove_file(&path) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                return Err(err).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        },
    }
    Ok(path.display().to_string())
}
