//! Acceptance criteria of phase 1, and what the gate promises beside them.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ee_core::{
    Clock as _, Feature, FeatureSet, License, LicenseGate, LicenseInfo, LicenseStatus,
    MIN_KEY_CHARS,
};
use ee_testkit::TestClock;
use jiff::SignedDuration;
use tracing::{
    Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
    subscriber::{Interest, with_default},
};

fn gate(key: Option<&str>) -> LicenseGate {
    let key = key.map(str::to_owned);
    LicenseGate::plain(Arc::new(TestClock::default()), move || key.clone())
}

/// A gate with a key that does not hold, and how often it was read.
fn counted(clock: &TestClock, key: &'static str) -> (Arc<LicenseGate>, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reads);
    let gate = LicenseGate::plain(Arc::new(clock.clone()), move || {
        counter.fetch_add(1, Ordering::SeqCst);
        Some(key.to_owned())
    });
    (Arc::new(gate), reads)
}

/// Counts what is logged at the level `warn`.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl Warnings {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Subscriber for Warnings {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if *event.metadata().level() == Level::WARN {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// Phase 1: setting `MASTRA_EE_LICENSE` with a valid key (32+ chars) enables EE features.
#[test]
fn p1_a_key_of_32_characters_enables_the_features() {
    for (chars, valid) in [(0, false), (1, false), (31, false), (32, true), (33, true)] {
        for letter in ["k", "ü", "🔑"] {
            let key = letter.repeat(chars);
            let gate = gate(Some(&key));

            assert_eq!(gate.is_valid(), valid, "{chars}");
            let expected = if valid {
                FeatureSet::ALL
            } else {
                FeatureSet::NONE
            };
            assert_eq!(gate.features(), expected, "{chars}");
            let all = Feature::ALL
                .iter()
                .all(|&feature| gate.allows(feature) == valid);
            assert!(all, "{chars}");
        }
    }
    assert_eq!(MIN_KEY_CHARS, 32);
}

#[test]
fn white_space_around_a_key_is_no_part_of_it() {
    let (short, long) = ("k".repeat(31), "k".repeat(32));

    assert!(!License::validate(Some(&format!(" {short}\n"))).valid);
    assert!(License::validate(Some(&format!("\t{long} \r\n"))).valid);
    assert!(!License::validate(Some(&" ".repeat(64))).valid);
    let info = License::validate(Some(&long));
    assert_eq!(info.tier.as_deref(), Some("enterprise"));
    assert_eq!(info.features, Some(FeatureSet::ALL));
}

/// Phase 1: `isEELicenseValid()` returns true or false based on the presence of a licence.
#[test]
fn p1_is_valid_tells_presence() {
    let (present, absent) = (gate(Some(&"k".repeat(40))), gate(None));

    assert!(present.is_valid() && !absent.is_valid());
    assert!(present.status().key_is_set && !absent.status().key_is_set);
    assert!(!gate(Some("  ")).status().key_is_set);
    assert_eq!(absent.status().info, LicenseInfo::invalid());
}

/// Phase 1: `isFeatureEnabled('auth')` can gate specific features.
#[test]
fn p1_a_feature_can_be_gated() {
    let listed = |names: &[&str]| {
        let mut info = LicenseInfo::unlimited();
        info.features = Some(FeatureSet::from_names(names.iter().copied()).unwrap());
        info.features_at(TestClock::default().now())
    };

    let auth = listed(&["auth"]);
    assert!(auth.contains_named("auth") && auth.contains(Feature::Session));
    assert!(!auth.contains_named("rbac") && !auth.contains_named("sso"));
    let rbac = listed(&["rbac", "audit"]);
    assert!(rbac.contains(Feature::Rbac) && rbac.contains(Feature::Audit));
    assert!(!rbac.contains_named("auth") && !rbac.contains(Feature::Acl));

    let everything = gate(Some(&"k".repeat(32))).features();
    let names = ["auth", "user", "session", "sso", "rbac", "acl", "audit"];
    assert!(names.iter().all(|name| everything.contains_named(name)));
    assert!(!everything.contains_named("unheard-of"));
    let nothing = gate(None).features();
    assert!(names.iter().all(|name| !nothing.contains_named(name)));
}

/// Phase 1: license validation is cached for one minute to avoid repeated checks.
#[test]
fn p1_validation_is_cached_for_one_minute() {
    let clock = TestClock::default();
    let start = clock.now();
    let (gate, reads) = counted(&clock, "a key of more than thirty-two letters");
    let reads = || reads.load(Ordering::SeqCst);

    for _ in 0..100 {
        assert!(gate.is_valid() && gate.allows(Feature::Sso));
    }
    assert_eq!(reads(), 1);

    clock.set(start + SignedDuration::from_millis(59_999));
    assert!(gate.is_valid() && gate.status().info.valid);
    assert_eq!(reads(), 1);

    clock.set(start + SignedDuration::from_millis(60_000));
    assert!(gate.is_valid());
    assert_eq!(reads(), 2);

    clock.advance(SignedDuration::from_millis(-1));
    assert!(gate.is_valid());
    assert_eq!(reads(), 3);
}

#[test]
fn a_key_that_changes_is_noticed_after_a_minute() {
    let clock = TestClock::default();
    let set = Arc::new(AtomicUsize::new(0));
    let length = Arc::clone(&set);
    let gate = LicenseGate::plain(Arc::new(clock.clone()), move || {
        Some("k".repeat(length.load(Ordering::SeqCst)))
    });
    assert!(!gate.is_valid());

    set.store(32, Ordering::SeqCst);
    assert!(!gate.is_valid());
    clock.advance(SignedDuration::from_secs(60));
    assert!(gate.is_valid());
}

#[test]
fn a_licence_that_ends_within_the_minute_ends_to_the_millisecond() {
    let clock = TestClock::default();
    let end = clock.now() + SignedDuration::from_millis(1_500);
    let mut info = LicenseInfo::unlimited();
    info.expires_at = Some(end);
    let gate = LicenseGate::new(Arc::new(clock.clone()), move || {
        LicenseStatus::of_key(info.clone())
    });

    clock.advance(SignedDuration::from_millis(1_499));
    assert!(gate.is_valid() && gate.allows(Feature::Rbac));
    clock.advance(SignedDuration::from_millis(1));
    assert!(!gate.is_valid() && !gate.allows(Feature::Rbac));
    clock.advance(SignedDuration::from_hours(24));
    assert!(!gate.is_valid());
}

/// Phase 1: a console warning is shown when the license is invalid but the variable is set.
#[test]
fn p1_an_invalid_key_warns_once_per_refresh() {
    let clock = TestClock::default();
    let warnings = Warnings::default();
    let (wrong, _) = counted(&clock, "too short");
    let (right, _) = counted(&clock, "a key of more than thirty-two letters");
    let absent = gate(None);

    with_default(warnings.clone(), || {
        for _ in 0..10 {
            assert!(!wrong.is_valid() && right.is_valid() && !absent.is_valid());
        }
        assert_eq!(warnings.count(), 1);

        clock.advance(SignedDuration::from_secs(60));
        for _ in 0..10 {
            assert!(!wrong.allows(Feature::Rbac) && right.is_valid());
        }
        assert_eq!(warnings.count(), 2);
    });
}

#[test]
fn of_64_threads_that_need_a_verdict_one_reads() {
    let clock = TestClock::default();
    let (gate, reads) = counted(&clock, "a key of more than thirty-two letters");
    let start = Barrier::new(64);

    for round in 1..=20 {
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    start.wait();
                    assert!(gate.is_valid());
                });
            }
        });
        assert_eq!(reads.load(Ordering::SeqCst), round);
        clock.advance(SignedDuration::from_secs(60));
    }
}

#[test]
fn the_key_does_not_print() {
    let key = "a-key-of-more-than-thirty-two-letters";
    let gate = gate(Some(key));

    let printed = format!("{gate:?} {:?}", gate.status());

    assert!(!printed.contains(key), "{printed}");
}
