//! What is shown to somebody who is narrowed down is exactly what is decided for him.

use std::sync::Arc;

use ee_core::{Authority, Identity, Limit, Permission, PermissionPattern, PermissionSet, User};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::permission_oracle::{id, text};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..6)
}

fn set(texts: &[String]) -> PermissionSet {
    PermissionSet::compile(texts.iter().map(|text| text.parse().unwrap()))
}

fn limit(texts: &[String]) -> Arc<Limit> {
    Arc::new(Limit::to_set("limit".to_owned(), set(texts)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn two_grants_meet_in_exactly_what_both_cover(
        one in text(),
        two in text(),
        required in text(),
        id in id(),
    ) {
        let grants: [PermissionPattern; 2] = [one.parse().unwrap(), two.parse().unwrap()];
        let required: Permission = required.parse().unwrap();
        let [one, two] = &grants;

        let both = one.meet(two);

        for required in [required.on(id), required] {
            let expected = grants.iter().all(|grant| grant.covers(&required));
            let met = both.as_ref().is_some_and(|both| both.covers(&required));
            prop_assert_eq!(met, expected, "{:?} {}", both, required);
        }
    }

    #[test]
    fn what_is_shown_is_what_is_decided(
        held in texts(),
        limits in prop::collection::vec(texts(), 0..3),
        nested in prop::option::of(texts()),
        required in text(),
        id in id(),
    ) {
        let mut identity = Identity::of(Arc::new(User::new("ada".parse().unwrap())));
        identity.limits = limits.iter().map(|texts| limit(texts)).collect();
        if let Some(nested) = &nested {
            // A limit that is narrowed down itself.
            let inner = Authority::set(Arc::new(set(&held))).within(limit(nested));
            identity.limits.push(Arc::new(Limit::new("actor".to_owned(), inner)));
        }
        let held = Arc::new(set(&held));
        let authority = identity
            .limits
            .iter()
            .fold(Authority::set(Arc::clone(&held)), |authority, limit| {
                authority.within(Arc::clone(limit))
            });
        let required: Permission = required.parse().unwrap();

        let shown: PermissionSet = identity.permitted(&held).into_iter().collect();

        for required in [required.on(id), required] {
            prop_assert_eq!(
                shown.allows(&required),
                authority.allows(&required, NOW),
                "{:?} {}", shown.patterns(), required
            );
        }
    }

    #[test]
    fn a_limit_never_adds(held in texts(), within in texts(), required in text()) {
        let whole = Authority::set(Arc::new(set(&held)));
        let narrowed = whole.clone().within(limit(&within));
        let required: Permission = required.parse().unwrap();

        prop_assert!(!narrowed.allows(&required, NOW) || whole.allows(&required, NOW));
        prop_assert!(!narrowed.allows_some(&required) || whole.allows_some(&required));
        let pattern: PermissionPattern = required.as_str().parse().unwrap();
        prop_assert!(!narrowed.includes(&pattern) || whole.includes(&pattern));
    }
}
