//! Knows what has changed since something was remembered.

use std::{
    hash::{BuildHasher as _, Hash},
    sync::atomic::{AtomicU64, Ordering},
};

use ee_core::{
    AclSubject, KeyId, TokenHash, UserId,
    storage::{Change, ChangeCount, ChangeListener},
};
use foldhash::quality::RandomState;

/// A power of two. Things that share a counter are only read anew more often than they need to be.
const COUNTERS: usize = 8_192;

/// Counts changes. Every counter only grows, so a sum of some that has not moved says that none of them has.
///
/// Read the sum **before** what is to be remembered is read: a change in between moves it.
#[derive(Debug)]
pub struct Epochs {
    counters: Box<[AtomicU64]>,
    everything: AtomicU64,
    hasher: RandomState,
    roles: AtomicU64,
    sessions: AtomicU64,
    total: AtomicU64,
    users: AtomicU64,
}

impl Default for Epochs {
    fn default() -> Self {
        Self {
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(0),
            hasher: RandomState::default(),
            roles: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            total: AtomicU64::new(0),
            users: AtomicU64::new(0),
        }
    }
}

impl Epochs {
    /// Counts what happens to a session, but for what happens to all sessions of its user.
    pub(crate) fn session(&self, hash: &TokenHash) -> u64 {
        self.all() + read(self.counter(("session", hash)))
    }

    /// Counts what happens to any session at all, but for what happens to all sessions of a user.
    pub(crate) fn any_session(&self) -> u64 {
        self.all() + read(&self.sessions)
    }

    /// Counts what happens to a user, his roles, groups and sessions.
    pub(crate) fn user(&self, id: &UserId) -> u64 {
        self.all() + read(self.counter(("user", id)))
    }

    /// Counts what happens to any user at all.
    pub(crate) fn any_user(&self) -> u64 {
        self.all() + read(&self.users)
    }

    /// Counts what happens to a key.
    pub(crate) fn key(&self, id: &KeyId) -> u64 {
        self.all() + read(self.counter(("key", id)))
    }

    /// Counts what happens to the grants of a subject.
    pub(crate) fn grants(&self, subject: &AclSubject) -> u64 {
        self.all() + read(self.counter(("grants", subject)))
    }

    /// Counts what happens to the roles.
    pub(crate) fn roles(&self) -> u64 {
        self.all() + read(&self.roles)
    }

    fn all(&self) -> u64 {
        read(&self.everything)
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "the mask keeps the index below the number of counters"
    )]
    fn counter(&self, key: impl Hash) -> &AtomicU64 {
        &self.counters[self.hasher.hash_one(key) as usize & (COUNTERS - 1)]
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Acquire)
}

impl ChangeListener for Epochs {
    fn changed(&self, change: &Change) {
        let bump = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::AcqRel);
        };
        match change {
            Change::Agents => return,
            Change::Grants(subject) => bump(self.counter(("grants", subject))),
            Change::Key(id) => bump(self.counter(("key", id))),
            Change::Roles => bump(&self.roles),
            Change::Session(hash) => {
                bump(&self.sessions);
                bump(self.counter(("session", hash)));
            }
            Change::User(id) => {
                bump(&self.users);
                bump(self.counter(("user", id)));
            }
            // What nobody here knows yet could be about anything.
            _ => bump(&self.everything),
        }
        // Last: whoever sees it finds nothing remembered of before.
        bump(&self.total);
    }
}

impl ChangeCount for Epochs {
    fn count(&self) -> u64 {
        read(&self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_moves_its_own_counters_and_everything_moves_all() {
        let epochs = Epochs::default();
        let (user, role): (UserId, AclSubject) =
            ("ada".parse().unwrap(), "role:editor".parse().unwrap());
        let (hash, key) = (TokenHash::of("s"), "k-1".parse().unwrap());
        let counts = || {
            [
                epochs.session(&hash),
                epochs.any_session(),
                epochs.user(&user),
                epochs.any_user(),
                epochs.key(&key),
                epochs.grants(&role),
                epochs.roles(),
                epochs.count(),
            ]
        };
        let moved_by = |change: Change| {
            let before = counts();
            epochs.changed(&change);
            let after = counts();
            [0, 1, 2, 3, 4, 5, 6, 7].map(|at: usize| u8::from(before[at] != after[at]))
        };

        assert_eq!(moved_by(Change::Session(hash)), [1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            moved_by(Change::User(user.clone())),
            [0, 0, 1, 1, 0, 0, 0, 1]
        );
        assert_eq!(moved_by(Change::Key(key.clone())), [0, 0, 0, 0, 1, 0, 0, 1]);
        assert_eq!(
            moved_by(Change::Grants(role.clone())),
            [0, 0, 0, 0, 0, 1, 0, 1]
        );
        assert_eq!(moved_by(Change::Roles), [0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(moved_by(Change::Agents), [0; 8]);
        assert_eq!(moved_by(Change::Everything), [1; 8]);
    }
}
