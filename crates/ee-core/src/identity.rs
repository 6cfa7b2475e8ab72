//! Who is calling.

use std::sync::Arc;

use crate::{KeyId, Limit, Session, User};

/// Somebody who is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Identity {
    /// Who.
    pub user: Arc<User>,
    /// Who acts for the user, where a program does.
    pub acted_by: Option<Arc<User>>,
    /// The key that was shown, if one was.
    pub key: Option<KeyId>,
    /// What narrows the user down here, such as the scopes of the key.
    pub limits: Vec<Arc<Limit>>,
    /// The session that showed it; `None` when credentials came with the request itself.
    pub session: Option<Session>,
}

impl Identity {
    /// Somebody who showed credentials with the request itself.
    pub const fn of(user: Arc<User>) -> Self {
        Self {
            user,
            acted_by: None,
            key: None,
            limits: Vec::new(),
            session: None,
        }
    }
}

/// What the credentials of a request are worth.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for a request; how large it is hangs on what serde_json is built with"
)]
pub enum Caller {
    /// There are none.
    Anonymous,
    /// They are good.
    Known(Identity),
    /// They are wrong or malformed.
    Refused,
    /// They are a session that is over or never was; the browser shall forget it.
    StaleSession,
}

impl Caller {
    /// Returns who it is, if that is known.
    pub const fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Known(identity) => Some(identity),
            Self::Anonymous | Self::Refused | Self::StaleSession => None,
        }
    }
}
