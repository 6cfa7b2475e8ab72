use std::{
    fmt,
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{AclSubject, Error, ErrorKind, KeyId, TokenHash, UserId};

/// What is different now in a store, so that what was remembered of it is forgotten.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The agents.
    Agents,
    /// Anything: nobody can tell what.
    Everything,
    /// The grants of a subject.
    Grants(AclSubject),
    /// A key.
    Key(KeyId),
    /// The roles, and so what everybody may do.
    Roles,
    /// A session.
    Session(TokenHash),
    /// An account, its roles or its groups, and all its sessions.
    User(UserId),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agents => f.write_str("agents"),
            Self::Everything => f.write_str("everything"),
            Self::Grants(subject) => write!(f, "grants {subject}"),
            Self::Key(id) => write!(f, "key {id}"),
            Self::Roles => f.write_str("roles"),
            Self::Session(hash) => write!(f, "session {}", hash.to_text()),
            Self::User(id) => write!(f, "user {id}"),
        }
    }
}

impl FromStr for Change {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (what, which) = text.split_once(' ').unwrap_or((text, ""));
        let unknown = || Error::new(ErrorKind::Invalid, "unknown kind of change");
        match what {
            "agents" => Ok(Self::Agents),
            "everything" => Ok(Self::Everything),
            "grants" => which.parse().map(Self::Grants),
            "key" => which.parse().map(Self::Key),
            "roles" => Ok(Self::Roles),
            "session" => TokenHash::from_text(which)
                .map(Self::Session)
                .ok_or_else(unknown),
            "user" => which.parse().map(Self::User),
            _ => Err(unknown()),
        }
    }
}

/// Forgets what it remembers of a store.
pub trait ChangeListener: fmt::Debug + Send + Sync + 'static {
    /// Is told of a change before the one who made it is answered. Must return at once.
    fn changed(&self, change: &Change);
}

/// Counts the changes that may concern what somebody may do.
pub trait ChangeCount: fmt::Debug + Send + Sync + 'static {
    /// Returns a number that has grown when anything has changed since. What is remembered of a store is forgotten
    /// before it grows.
    fn count(&self) -> u64;
}

/// Tells listeners what has changed in a store.
///
/// A store tells its own changes before it answers, and those of other processes within a second. When it cannot
/// tell for that long what others do, it says [`Change::Everything`] again and again until it can.
#[derive(Debug, Default)]
pub struct ChangeHub(RwLock<Vec<Arc<dyn ChangeListener>>>);

impl ChangeHub {
    /// Adds a listener for as long as the hub lives.
    pub fn listen(&self, listener: Arc<dyn ChangeListener>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(listener);
    }

    /// Tells all listeners.
    pub fn tell(&self, change: &Change) {
        for listener in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            listener.changed(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_survives_its_text() {
        for change in [
            Change::Agents,
            Change::Everything,
            Change::Grants("role:a b:c".parse().unwrap()),
            Change::Key("k-1".parse().unwrap()),
            Change::Roles,
            Change::Session(TokenHash::of("secret")),
            Change::User("auth0|x y".parse().unwrap()),
        ] {
            assert_eq!(change.to_string().parse::<Change>().unwrap(), change);
        }
        for text in ["", "session", "session x", "user", "nonsense", "key a_b"] {
            assert!(text.parse::<Change>().is_err(), "{text:?}");
        }
    }
}
