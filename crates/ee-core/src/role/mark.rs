use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::RoleId;

/// Tells one set of roles from another, in a number that every process makes the same way.
///
/// It says which roles somebody had when he got the id of his session, and is no secret and no proof of anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RolesMark(u64);

impl RolesMark {
    /// Marks some roles; neither order nor repetition matters.
    pub fn of(roles: &[RoleId]) -> Self {
        let mut hash = Sha256::new();
        for role in roles.iter().collect::<BTreeSet<_>>() {
            hash.update(role.as_str());
            // No role has it in its id.
            hash.update([0]);
        }
        let head = hash.finalize().into_iter().take(8);
        Self::from_stored(head.fold(0, |word, byte| word << 8 | u64::from(byte)))
    }

    /// Takes what a store has kept.
    pub const fn from_stored(number: u64) -> Self {
        // Databases have no numbers beyond.
        Self(number & i64::MAX.cast_unsigned())
    }

    /// Returns the number, for a store.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(roles: &[&str]) -> RolesMark {
        let roles: Vec<RoleId> = roles.iter().map(|role| role.parse().unwrap()).collect();
        RolesMark::of(&roles)
    }

    #[test]
    fn every_other_set_has_another_mark() {
        let sets: [&[&str]; 7] = [
            &[],
            &["a"],
            &["b"],
            &["a", "b"],
            &["ab"],
            &["a b"],
            &["a", "b", "c"],
        ];
        for (number, one) in sets.iter().enumerate() {
            for other in &sets[..number] {
                assert_ne!(mark(one), mark(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        assert_eq!(mark(&["b", "a", "b"]), mark(&["a", "b"]));
    }

    #[test]
    fn a_mark_is_the_same_for_ever_and_survives_a_store() {
        assert_eq!(mark(&["owner"]).as_u64(), 6_179_988_831_298_652_873);
        let kept = mark(&["owner"]).as_u64();
        assert!(i64::try_from(kept).is_ok());
        assert_eq!(RolesMark::from_stored(kept), mark(&["owner"]));
    }
}
