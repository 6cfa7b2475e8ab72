//! What a use case knows of the request it answers.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use ee_core::{
    AuditAi, Authority, Caller, Error, ErrorKind, Identity, Licensed, Permission, RolesMark, User,
    UserId,
    host::{AgentHost, WorkflowHost},
};
use jiff::Timestamp;

use crate::{AuditNote, AuthMode, Server, corridor::Kept};

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

    /// Writes the id and returns how many characters it has. Every answer carries one, and this takes a fraction of what
    /// [`fmt`] takes.
    pub fn write(self, text: &mut [u8; Self::MAX_CHARS]) -> usize {
        let number = digits(self.1);
        let zeros = (self.1.leading_zeros() / 4).min(15) as usize;
        let number = number.get(zeros..).unwrap_or_default();
        *text = [b'-'; Self::MAX_CHARS];
        let (process, rest) = text.split_at_mut(16);
        process.copy_from_slice(&digits(self.0));
        for (place, digit) in rest.iter_mut().skip(1).zip(number) {
            *place = *digit;
        }
        17 + number.len()
    }
}

/// Returns a number in sixteen hexadecimal digits.
fn digits(number: u64) -> [u8; 16] {
    let mut text = [0; 16];
    let nibbles = number
        .to_be_bytes()
        .into_iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf]);
    for (place, nibble) in text.iter_mut().zip(nibbles) {
        *place = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    }
    text
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

/// The request as use cases see it: who asks, what he may do, what time it is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cx(pub(crate) Arc<CxParts>);

#[derive(Debug)]
pub(crate) struct CxParts {
    pub(crate) authority: Authority,
    pub(crate) body_limit: usize,
    pub(crate) caller: Caller,
    pub(crate) client_ip: Option<IpAddr>,
    /// What the caller is judged by again while he gets a stream.
    pub(crate) kept: Option<Box<Kept>>,
    pub(crate) now: Timestamp,
    /// The roles that the session needs another id for.
    pub(crate) renewal: Option<RolesMark>,
    pub(crate) request_id: RequestId,
    pub(crate) server: Arc<Server>,
    pub(crate) told: Mutex<Option<Box<Told>>>,
    pub(crate) user_agent: Option<Box<str>>,
}

/// What is found out for the record while a request is answered, and may go on after its head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// What a handler is about to change.
    pub(crate) note: Option<AuditNote>,
    /// What a model had to do with it.
    pub(crate) ai: Option<AuditAi>,
    /// Why it failed in the middle.
    pub(crate) failure: Option<String>,
}

impl CxParts {
    /// Returns what was found out so far.
    pub(crate) fn told(&self) -> Option<Told> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.as_deref().cloned()
    }
}

impl Cx {
    /// Makes what the use cases need for a command on the machine itself. Whoever may run it has the store, so he is asked
    /// for nothing and may do everything. A request goes through [`admit`](crate::admit) and nothing else.
    pub fn operator(server: Arc<Server>) -> Self {
        Self(Arc::new(CxParts {
            authority: Authority::everything(),
            body_limit: 0,
            caller: Caller::Anonymous,
            client_ip: None,
            kept: None,
            now: server.clock.now(),
            renewal: None,
            request_id: RequestId::new(0, 0),
            server,
            told: Mutex::default(),
            user_agent: None,
        }))
    }

    /// Tells the record something more of how the request is answered.
    pub(crate) fn tell(&self, tell: impl FnOnce(&mut Told)) {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        tell(told.get_or_insert_default());
    }

    /// Tells the record what is about to be changed: the event goes with the change, in one transaction.
    pub fn note(&self, note: AuditNote) {
        self.tell(|told| told.note = Some(note));
    }

    /// Returns what is about to be changed.
    pub fn noted(&self) -> Option<AuditNote> {
        self.0.told()?.note
    }

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

    /// Returns what the caller may do.
    pub fn authority(&self) -> &Authority {
        &self.0.authority
    }

    /// Tells whether the caller may do this with the whole resource.
    pub fn allows(&self, permission: &Permission) -> bool {
        self.0.authority.allows(permission, self.0.now)
    }

    /// Tells whether the caller may do this with one thing.
    pub fn allows_on(&self, permission: &Permission, id: &str) -> bool {
        self.0.authority.allows_on(permission, id, self.0.now)
    }

    /// Tells whether the caller may do this with at least one thing.
    pub fn allows_some(&self, permission: &Permission) -> bool {
        self.0.authority.allows_some(permission)
    }

    /// Tells whether the caller holds `*` or `*:*`, or nothing is restricted.
    pub fn has_full_wildcard(&self) -> bool {
        self.0.authority.has_full_wildcard()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_it_is_shown() {
        for (process, number) in [(0, 0), (0xfec3_bfa3, 0x1f), (u64::MAX, 16), (1, u64::MAX)] {
            let id = RequestId::new(process, number);
            let mut text = [0; RequestId::MAX_CHARS];
            let length = id.write(&mut text);

            assert_eq!(text[..length], *id.to_string().as_bytes());
        }
    }
}
