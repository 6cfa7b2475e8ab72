use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use tracing::warn;

use super::{Feature, FeatureSet, License, LicenseInfo};
use crate::Clock;

/// How long a verdict is kept (implementation notes of the specification).
const CACHE_MS: i64 = 60_000;

/// What the gate knows of the licence.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LicenseStatus {
    /// The verdict.
    pub info: LicenseInfo,
    /// Whether a key is set at all.
    pub key_is_set: bool,
}

impl LicenseStatus {
    /// The verdict on a key that is set.
    pub const fn of_key(info: LicenseInfo) -> Self {
        Self {
            info,
            key_is_set: true,
        }
    }

    /// No key is set, so there is no licence.
    pub fn without_key() -> Self {
        Self {
            info: LicenseInfo::invalid(),
            key_is_set: false,
        }
    }
}

/// Tells which features are on (`isEELicenseValid`, `isFeatureEnabled`, phase 1).
///
/// The verdict is kept for 60 s in one atomic word: the moment it ends and a bit per feature. A check
/// within that time is one load; whoever comes after it judges the licence anew.
pub struct LicenseGate {
    clock: Arc<dyn Clock>,
    read: Box<dyn Fn() -> LicenseStatus + Send + Sync>,
    status: Mutex<Option<LicenseStatus>>,
    /// Upper 56 bits: the verdict's end in milliseconds since 1970. Lower 8: see [`pack`].
    word: AtomicU64,
}

impl LicenseGate {
    /// Judges the key that `read_key` returns by the plain rule ([`License::validate`]), at most once in 60 s.
    pub fn plain(
        clock: Arc<dyn Clock>,
        read_key: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::new(clock, move || {
            let key = read_key().filter(|key| !key.trim().is_empty());
            LicenseStatus {
                info: License::validate(key.as_deref()),
                key_is_set: key.is_some(),
            }
        })
    }

    /// Asks `read` for the licence, at most once in 60 s.
    pub fn new(
        clock: Arc<dyn Clock>,
        read: impl Fn() -> LicenseStatus + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock,
            read: Box::new(read),
            status: Mutex::new(None),
            word: AtomicU64::new(0),
        }
    }

    /// Tells whether the licence holds.
    pub fn is_valid(&self) -> bool {
        unpack_valid(self.word_at(self.clock.now()))
    }

    /// Tells whether the feature is on.
    pub fn allows(&self, feature: Feature) -> bool {
        self.features().contains(feature)
    }

    /// Returns what is on.
    pub fn features(&self) -> FeatureSet {
        self.features_at(self.clock.now())
    }

    /// Returns what is on, for a caller who has read the clock already: one atomic load while the verdict holds.
    pub fn features_at(&self, now: Timestamp) -> FeatureSet {
        FeatureSet::from_bits(self.word_at(now).to_le_bytes()[0])
    }

    /// Returns the whole verdict.
    pub fn status(&self) -> LicenseStatus {
        let now = self.clock.now();
        let word = self.word_at(now);
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        match &*status {
            Some(status) => status.clone(),
            None => LicenseStatus {
                info: LicenseInfo {
                    valid: unpack_valid(word),
                    ..LicenseInfo::invalid()
                },
                key_is_set: false,
            },
        }
    }

    fn word_at(&self, now: Timestamp) -> u64 {
        let word = self.word.load(Ordering::Acquire);
        if is_fresh(word, now.as_millisecond()) {
            word
        } else {
            self.refresh(now)
        }
    }

    #[cold]
    fn refresh(&self, now: Timestamp) -> u64 {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for the lock finds the verdict of the one who held it.
        let word = self.word.load(Ordering::Acquire);
        if is_fresh(word, now.as_millisecond()) {
            return word;
        }
        let fresh = (self.read)();
        if fresh.key_is_set && !fresh.info.valid {
            warn!("the licence key is set but not valid: enterprise features are off");
        }
        let word = pack(&fresh.info, now);
        *status = Some(fresh);
        self.word.store(word, Ordering::Release);
        word
    }
}

impl fmt::Debug for LicenseGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LicenseGate")
            .field("features", &self.features())
            .finish_non_exhaustive()
    }
}

/// Bits 0 to 5 are the features, bit 7 says that the licence holds.
fn pack(info: &LicenseInfo, now: Timestamp) -> u64 {
    let end = now.as_millisecond().saturating_add(CACHE_MS);
    // A licence that ends within the minute ends the verdict with it.
    let end = info
        .expires_at
        .filter(|at| *at > now)
        .map_or(end, |at| end.min(at.as_millisecond()));
    let features = info.features_at(now);
    let valid = info.valid && info.expires_at.is_none_or(|at| now < at);
    let bits = features.bits() | if valid { 0x80 } else { 0 };
    u64::try_from(end).unwrap_or(0) << 8 | u64::from(bits)
}

fn unpack_valid(word: u64) -> bool {
    word & 0x80 != 0
}

/// A clock that was set back makes the verdict stale as well.
fn is_fresh(word: u64, now_ms: i64) -> bool {
    let end = i64::try_from(word >> 8).unwrap_or(0);
    now_ms < end && end - now_ms <= CACHE_MS
}
