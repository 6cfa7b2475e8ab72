//! The list of common passwords.
//!
//! `data/common-passwords.bin` holds the first 40 bits of the SHA-256 of each folded password:
//! first 65,536 bytes, each the number of entries whose hash begins with those two bytes, then the
//! next three bytes of each hash, in order. Of the passwords that are not on the list one in three
//! million is taken for one that is. `data/README.md` says where it comes from and how it is built.

use aws_lc_rs::digest::{SHA256, digest};

const LIST: &[u8] = include_bytes!("../../data/common-passwords.bin");
/// How many groups of entries there are.
const GROUPS: usize = 1 << 16;
/// Bytes of an entry within its group.
const REST: usize = 3;

/// Tells whether a folded password is on the list.
pub(super) fn is_common(folded: &str) -> bool {
    find(LIST, folded).unwrap_or(false)
}

/// Looks a password up. `None` for bytes that are no list.
fn find(list: &[u8], folded: &str) -> Option<bool> {
    let hash = digest(&SHA256, folded.as_bytes());
    let (group, hash) = hash.as_ref().split_first_chunk::<2>()?;
    let (rest, _) = hash.split_first_chunk::<REST>()?;
    let (counts, entries) = list.split_at_checked(GROUPS)?;
    let (before, from) = counts.split_at_checked(u16::from_be_bytes(*group).into())?;
    let start: usize = before.iter().copied().map(usize::from).sum();
    let count = usize::from(*from.first()?);
    let (entries, _) = entries.as_chunks::<REST>();
    let group = entries.get(start..start + count)?;
    Some(group.binary_search(rest).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_sorted_and_long_enough() {
        let (counts, entries) = LIST.split_at(GROUPS);
        let total: usize = counts.iter().copied().map(usize::from).sum();

        assert_eq!(entries.len(), total * REST);
        assert!(total >= 100_000, "{total}");
        assert!(LIST.len() <= 1 << 20, "{}", LIST.len());
        let mut rest = entries.as_chunks::<REST>().0;
        for count in counts {
            let (group, next) = rest.split_at((*count).into());
            assert!(group.is_sorted_by(|a, b| a < b));
            rest = next;
        }
    }

    #[test]
    fn what_is_no_list_holds_nothing() {
        assert_eq!(find(&[], "password"), None);
        assert_eq!(find(&[0; 100], "password"), None);
        assert_eq!(find(&vec![1; GROUPS], "password"), None);
        assert_eq!(find(&vec![0; GROUPS], "password"), Some(false));
    }

    #[test]
    fn random_passwords_are_not_taken_for_common_ones() {
        let found = (0..20_000)
            .filter(|n| is_common(&format!("no one chose {n} before")))
            .count();

        assert_eq!(found, 0);
    }
}
