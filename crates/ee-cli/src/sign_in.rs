//! How people come in.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ee::{
    AuthProvider, Clock, UserProvider,
    access::{AccountUsers, EitherUsers},
    auth_password::{Accounts, MailWorker},
    auth_simple::SimpleAuth,
    server::{AuthMode, access::AccessParts},
};

use crate::{
    accounts,
    config::{AuthKind, Loaded},
    first_start::{self, FirstStart},
    parts,
    stores::Stores,
};

/// How people come in, and what manages that.
pub(crate) struct SignIn {
    pub(crate) auth: AuthMode,
    pub(crate) access: Option<AccessParts>,
    /// The tokens of the first start, and whether they are new.
    pub(crate) tokens: Option<(FirstStart, bool)>,
    pub(crate) accounts: Option<Arc<Accounts>>,
    /// Sends the letters.
    pub(crate) letters: Option<MailWorker>,
}

/// Who finds out who is calling, and who knows users.
pub(crate) struct Base {
    pub(crate) provider: Arc<dyn AuthProvider>,
    pub(crate) users: Arc<dyn UserProvider>,
}

impl SignIn {
    /// Puts together what the configuration says. `url` is where browsers find the server.
    pub(crate) fn new(
        loaded: &mut Loaded,
        stores: &Stores,
        clock: &Arc<dyn Clock>,
        url: &str,
    ) -> Result<Self> {
        let mut sign_in = Self {
            auth: AuthMode::Off,
            access: None,
            tokens: None,
            accounts: None,
            letters: None,
        };
        let users = Arc::new(AccountUsers::new(Arc::clone(&stores.accounts)));
        let base = match loaded.config.auth {
            AuthKind::None => return Ok(sign_in),
            AuthKind::Password => {
                let (password, letters) = accounts::queued(loaded, stores, clock, url)?;
                sign_in.accounts = Some(Arc::clone(password.accounts()));
                sign_in.letters = Some(letters);
                Base {
                    provider: Arc::new(password),
                    users,
                }
            }
            AuthKind::Simple => {
                let config = if let Some(config) = loaded.config.simple.take() {
                    config
                } else {
                    let (tokens, is_new) = first_start::load_or_create(&loaded.data, url)?;
                    let config = tokens.simple_config()?;
                    sign_in.tokens = Some((tokens, is_new));
                    config
                };
                let simple = Arc::new(SimpleAuth::new(config).context("`simple`")?);
                Base {
                    users: Arc::new(EitherUsers {
                        first: Arc::clone(&simple) as _,
                        second: users,
                    }),
                    provider: simple,
                }
            }
        };
        let (auth, access) = parts::auth(loaded, base, stores, clock)?;
        sign_in.auth = AuthMode::On(Arc::new(auth));
        sign_in.access = access;
        Ok(sign_in)
    }

    /// Describes it in a line.
    pub(crate) fn describe(&self) -> &'static str {
        match (&self.auth, &self.accounts, &self.tokens) {
            (AuthMode::Off, ..) => "off: everybody may do everything",
            (_, Some(_), _) => "e-mail address and password",
            (_, _, Some(_)) => "an owner token and a viewer token",
            _ => "the tokens of the configuration",
        }
    }
}
