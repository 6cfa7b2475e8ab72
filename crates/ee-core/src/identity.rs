//! Who is calling.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{KeyId, Limit, PermissionPattern, PermissionSet, RoleId, Session, User, UserId};

/// Somebody who is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Identity {
    /// Who.
    pub user: Arc<User>,
    /// Who acts for the user, where a program does.
    pub acted_by: Option<Arc<User>>,
    /// When the credentials that came with the request itself end, as far as that is known.
    pub ends_at: Option<Timestamp>,
    /// The key that was shown, if one was.
    pub key: Option<KeyId>,
    /// What narrows the user down here: the scopes of the key, whoever acts for him, a role that he previews.
    pub limits: Vec<Arc<Limit>>,
    /// The users for whom the key may act.
    pub may_act_for: Option<Arc<[UserId]>>,
    /// The role that the user previews.
    pub previewed: Option<RoleId>,
    /// The session that showed it; `None` when credentials came with the request itself.
    pub session: Option<Session>,
}

impl Identity {
    /// Somebody who showed credentials with the request itself.
    pub const fn of(user: Arc<User>) -> Self {
        Self {
            user,
            acted_by: None,
            ends_at: None,
            key: None,
            limits: Vec::new(),
            may_act_for: None,
            previewed: None,
            session: None,
        }
    }

    /// Returns what remains of the user's permissions within every limit: what may be shown as his.
    pub fn permitted(&self, held: &PermissionSet) -> Vec<PermissionPattern> {
        let limits = self.limits.iter();
        limits.fold(held.patterns().to_vec(), |patterns, limit| {
            limit.authority.narrow(patterns)
        })
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
