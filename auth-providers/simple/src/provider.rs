//! Finds out whose token a request shows.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use ee_core::{
    AuthProvider, CredentialsProvider, Error, ErrorKind, RequestHead, TokenHash, User, UserId,
    UserProvider,
};
use foldhash::fast::RandomState;
use http::{HeaderName, header};
use tracing::warn;

use crate::{
    SimpleConfig, SimpleConfigError,
    token::{self, GOOD_TOKEN_CHARS, MAX_TOKEN_BYTES},
};

/// The header that Studio and the clients send a token in.
const PLAYGROUND: HeaderName = HeaderName::from_static("x-playground-access");
/// The cookie of the original, accepted and never set.
const COOKIE: &str = "mastra-token";

/// Knows users by the tokens of the configuration (`SimpleAuth`). Needs no licence.
///
/// A token is taken from `Authorization: Bearer`, else from `X-Playground-Access` and the extra
/// headers (with `Bearer` or without), else from the cookie `mastra-token`; never from the URL. What
/// is shown first decides alone. Tokens are kept as SHA-256 and compared in constant time.
pub struct SimpleAuth {
    headers: Vec<HeaderName>,
    tokens: HashMap<TokenHash, Arc<User>, RandomState>,
    users: HashMap<UserId, Arc<User>, RandomState>,
}

impl SimpleAuth {
    /// Checks the configuration. See [`SimpleConfigError`] for what it refuses.
    ///
    /// Tokens of fewer than 16 characters are accepted with a warning.
    pub fn new(config: SimpleConfig) -> Result<Self, SimpleConfigError> {
        let mut auth = Self {
            headers: headers(&config.headers)?,
            tokens: HashMap::default(),
            users: HashMap::default(),
        };
        for (token, user) in config.tokens.into_iter().chain(config.users) {
            let text = token::check(&token, &user.id)?;
            let user = auth.user(user.into_user()?)?;
            if text.len() < GOOD_TOKEN_CHARS {
                warn!(user.id = %user.id, "a token of user `{}` has fewer than {GOOD_TOKEN_CHARS} characters", user.id);
            }
            if let Some(first) = auth.tokens.insert(TokenHash::of(text), Arc::clone(&user)) {
                return Err(SimpleConfigError::TokenTwice {
                    first: first.id.clone(),
                    second: user.id.clone(),
                });
            }
        }
        if auth.tokens.is_empty() {
            return Err(SimpleConfigError::NoToken);
        }
        Ok(auth)
    }

    /// Returns whose token it is.
    pub(crate) fn whose(&self, token: &str) -> Option<&Arc<User>> {
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        self.tokens.get(&TokenHash::of(token))
    }

    pub(crate) fn user_by_id(&self, id: &UserId) -> Option<&Arc<User>> {
        self.users.get(id)
    }

    /// Returns the one user of that id, who must always be described alike.
    fn user(&mut self, user: User) -> Result<Arc<User>, SimpleConfigError> {
        if let Some(known) = self.users.get(&user.id) {
            if **known != user {
                return Err(SimpleConfigError::UserTwice { user: user.id });
            }
            return Ok(Arc::clone(known));
        }
        let user = Arc::new(user);
        self.users.insert(user.id.clone(), Arc::clone(&user));
        Ok(user)
    }

    fn identify(&self, head: &RequestHead<'_>) -> Result<Option<&Arc<User>>, Error> {
        if let Some(token) = head.bearer()? {
            return Ok(self.whose(token));
        }
        for name in &self.headers {
            if let Some(value) = head.single(name)? {
                // The header is for tokens of ours, so another text in it is a wrong token.
                let unknown = || Error::new(ErrorKind::Unauthenticated, "unknown token");
                return self.whose(bare(value)).map(Some).ok_or_else(unknown);
            }
        }
        // A browser may carry an old cookie for ever; it must not keep anybody from signing in.
        let token = head.cookie(COOKIE).ok().flatten();
        Ok(token.and_then(|token| self.whose(token)))
    }
}

#[async_trait]
impl AuthProvider for SimpleAuth {
    fn name(&self) -> &'static str {
        "simple"
    }

    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        Ok(self.identify(head)?.cloned())
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        Some(self)
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        Some(self)
    }

    fn license_exempt(&self) -> bool {
        true
    }
}

impl fmt::Debug for SimpleAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleAuth")
            .field("headers", &self.headers)
            .field("tokens", &self.tokens.len())
            .field("users", &self.users.len())
            .finish_non_exhaustive()
    }
}

/// Takes `Bearer` off, in any letter case.
fn bare(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
        _ => value,
    }
}

fn headers(names: &[String]) -> Result<Vec<HeaderName>, SimpleConfigError> {
    let mut headers = vec![PLAYGROUND];
    for name in names {
        let refused = || SimpleConfigError::Header { name: name.clone() };
        let parsed: HeaderName = name.parse().map_err(|_| refused())?;
        if parsed == header::COOKIE || parsed == header::PROXY_AUTHORIZATION {
            return Err(refused());
        }
        // `Authorization` is read in any case.
        if parsed != header::AUTHORIZATION && !headers.contains(&parsed) {
            headers.push(parsed);
        }
    }
    Ok(headers)
}
