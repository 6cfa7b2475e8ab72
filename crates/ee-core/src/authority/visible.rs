//! Which things somebody may do something with, told at once, so that a list asks its store for those alone.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Authority, Held};
use crate::{Permission, acl::Question, storage::Effect};

/// Which things of a kind a list may show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Visible {
    /// All of them, also those that are still to come.
    All {
        /// But for these.
        except: BTreeSet<String>,
    },
    /// These, as far as they exist.
    Only(BTreeSet<String>),
}

impl Visible {
    /// All of them, for whoever asks for himself and not for somebody else.
    pub const EVERYTHING: Self = Self::All {
        except: BTreeSet::new(),
    };

    /// Tells whether the thing with this id may be shown.
    pub fn contains(&self, id: &str) -> bool {
        match self {
            Self::All { except } => !except.contains(id),
            Self::Only(ids) => ids.contains(id),
        }
    }

    /// Leaves what both may show.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        match (self, other) {
            (Self::All { except: mut one }, Self::All { except: two }) => {
                one.extend(two);
                Self::All { except: one }
            }
            (Self::Only(mut ids), other) | (other, Self::Only(mut ids)) => {
                ids.retain(|id| other.contains(id));
                Self::Only(ids)
            }
        }
    }
}

impl Authority {
    /// Returns which things the caller may do this with: exactly those to which [`allows_on`](Self::allows_on) says yes.
    /// An id of the permission itself plays no part.
    pub fn visible(&self, permission: &Permission, now: Timestamp) -> Visible {
        let limits = self.limits.iter();
        limits.fold(self.own_visible(permission, now), |visible, limit| {
            visible.meet(limit.authority.visible(permission, now))
        })
    }

    /// Returns how many things the grants name that [`visible`](Self::visible) has to look at, which is what that costs.
    pub fn reach(&self, permission: &Permission) -> usize {
        let Some(question) = Question::of(permission) else {
            return 0;
        };
        let is_whole = match &self.held {
            Held::Everything => true,
            Held::Set(set) => set.allows_whole(permission),
            Held::Nothing => false,
        };
        let sets = self.grants.iter();
        let looked_at = sets.filter(|set| !is_whole || set.has_denials());
        let own: usize = looked_at.map(|set| set.named(&question)).sum();
        let limits = self.limits.iter();
        own + limits
            .map(|it| it.authority.reach(permission))
            .sum::<usize>()
    }

    /// Returns the same as [`visible`](Self::visible) without the limits.
    fn own_visible(&self, permission: &Permission, now: Timestamp) -> Visible {
        let denied = self.granted_ids(permission, Effect::Deny, now);
        let held = match &self.held {
            Held::Everything => return Visible::All { except: denied },
            Held::Set(set) if set.allows_whole(permission) => {
                return Visible::All { except: denied };
            }
            Held::Set(set) => Some(set),
            Held::Nothing => None,
        };
        let held = held.into_iter().flat_map(|set| set.ids(permission));
        let mut ids = self.granted_ids(permission, Effect::Allow, now);
        ids.extend(held.map(str::to_owned));
        ids.retain(|id| !denied.contains(id));
        Visible::Only(ids)
    }

    /// Returns the ids of the things about which the grants of some subject decide in this way.
    fn granted_ids(
        &self,
        permission: &Permission,
        effect: Effect,
        now: Timestamp,
    ) -> BTreeSet<String> {
        let Some(question) = Question::of(permission) else {
            return BTreeSet::new();
        };
        let sets = self.grants.iter();
        let sets = sets.filter(|set| effect == Effect::Allow || set.has_denials());
        let ids = sets.flat_map(|set| set.decided(&question, effect, now));
        ids.map(str::to_owned).collect()
    }
}
