//! What a use case knows of the request it answers.

use std::{fmt, net::IpAddr, sync::Arc};

use ee_core::{
    Caller, Error, ErrorKind, Identity, Licensed, Permission, PermissionSet, User, UserId,
    host::{AgentHost, WorkflowHost},
};
use jiff::Timestamp;

use crate::{AuthMode, Server};

/// Identifies a request in its answer, in the log and in the record.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct RequestId(u64, u64);

impl RequestId {
    /// Most characters of an id.
    pub const MAX_CHARS: usize = 33;

    /// Makes an id of a random number of this process and the number of the request in it.
    pub const fn new(process: u64, number: u64) -> Self {
        Self(process, number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.0, self.1)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the caller may do.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    /// Everything: there are no roles, or no authentication at all.
    Everything,
    /// Nothing: nobody is signed in, or nobody has asked.
    Nothing,
    /// What the roles say.
    Set(Arc<PermissionSet>),
}

/// The request as use cases see it: who asks, what he may do, what time it is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cx(pub(crate) Arc<CxParts>);

#[derive(Debug)]
pub(crate) struct CxParts {
    pub(crate) body_limit: usize,
    pub(crate) caller: Caller,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) held: Held,
    pub(crate) now: Timestamp,
    pub(crate) request_id: RequestId,
    pub(crate) server: Arc<Server>,
    pub(crate) user_agent: Option<Box<str>>,
}

impl Cx {
    /// Returns the server.
    pub fn server(&self) -> &Arc<Server> {
        &self.0.server
    }

    /// Returns when the request arrived.
    pub fn now(&self) -> Timestamp {
        self.0.now
    }

    /// Returns the request's id.
    pub fn request_id(&self) -> RequestId {
        self.0.request_id
    }

    /// Returns how many bytes the body may have.
    pub fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    /// Returns the client's address as judged by the adapter.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.0.client_ip
    }

    /// Returns who asks, `None` on a public route without good credentials and when authentication is off.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.caller.identity()
    }

    /// Tells whether the browser showed a session that is over.
    pub fn has_stale_session(&self) -> bool {
        matches!(self.0.caller, Caller::StaleSession)
    }

    /// Returns the user who asks. Fails with [`ErrorKind::Unauthenticated`].
    pub fn user(&self) -> Result<&Arc<User>, Error> {
        self.identity()
            .map(|identity| &identity.user)
            .ok_or_else(unauthenticated)
    }

    /// Returns whom the things belong to that the request makes: the user, or `anonymous` when authentication is off.
    /// Fails with [`ErrorKind::Unauthenticated`].
    pub fn owner(&self) -> Result<UserId, Error> {
        match (&self.0.server.auth, self.identity()) {
            (_, Some(identity)) => Ok(identity.user.id.clone()),
            (AuthMode::Off, None) => UserId::new("anonymous"),
            (AuthMode::On(_), None) => Err(unauthenticated()),
        }
    }

    /// Returns the abilities that the licence lets through, `None` when authentication is off.
    pub fn licensed(&self) -> Option<Licensed<'_>> {
        match &self.0.server.auth {
            AuthMode::On(auth) => Some(auth.at(self.0.now)),
            AuthMode::Off => None,
        }
    }

    /// Tells whether the caller may do this with the whole resource.
    pub fn allows(&self, permission: &Permission) -> bool {
        match &self.0.held {
            Held::Everything => true,
            Held::Nothing => false,
            Held::Set(set) => set.allows(permission),
        }
    }

    /// Tells whether the caller may do this with one thing.
    pub fn allows_on(&self, permission: &Permission, id: &str) -> bool {
        match &self.0.held {
            Held::Everything => true,
            Held::Nothing => false,
            Held::Set(set) => set.allows_on(permission, id),
        }
    }

    /// Tells whether the caller may do this with at least one thing.
    pub fn allows_some(&self, permission: &Permission) -> bool {
        match &self.0.held {
            Held::Everything => true,
            Held::Nothing => false,
            Held::Set(set) => set.allows_some(permission),
        }
    }

    /// Tells whether the caller holds `*` or `*:*`, or nothing is restricted.
    pub fn has_full_wildcard(&self) -> bool {
        match &self.0.held {
            Held::Everything => true,
            Held::Nothing => false,
            Held::Set(set) => set.has_full_wildcard(),
        }
    }

    /// Returns the agents. Fails with [`ErrorKind::Unsupported`].
    pub fn agents(&self) -> Result<&Arc<dyn AgentHost>, Error> {
        self.0
            .server
            .agents
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "this server hosts no agents"))
    }

    /// Returns the workflows. Fails with [`ErrorKind::Unsupported`].
    pub fn workflows(&self) -> Result<&Arc<dyn WorkflowHost>, Error> {
        self.0
            .server
            .workflows
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "this server hosts no workflows"))
    }
}

pub(crate) fn unauthenticated() -> Error {
    Error::new(ErrorKind::Unauthenticated, "Invalid or expired token")
}
