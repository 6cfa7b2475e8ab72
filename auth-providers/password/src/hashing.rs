//! Argon2id behind a bounded pool.

mod memory;
mod params;
mod place;
mod stored;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ee_core::{Error, ErrorKind};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use self::memory::Memory;
use crate::{HashingConfig, PasswordConfigError, keys::KeyRing};

pub use params::Argon2Params;
pub(crate) use place::{Place, Verdict};

/// How long a password waits for its turn before the server says that it is busy.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Hashes and checks passwords, so many at once as cores and memory allow.
///
/// Whoever finds no free place waits for two seconds at most and then gets
/// [`ErrorKind::Unavailable`]: a storm of sign-ins takes no more memory than the budget. A run that
/// was begun ends, also when nobody waits for it any more, and keeps its place until then.
pub struct HashingPool {
    dummy_runs: AtomicU64,
    memory: Arc<Memory>,
    params: Argon2Params,
    pepper: Option<KeyRing>,
    places: Arc<Semaphore>,
    places_count: usize,
    runs: AtomicU64,
}

impl HashingPool {
    /// Checks the parameters. Fails for weaker ones than ASVS 5.0 Appendix C recommends, and for a
    /// budget that one run does not fit into.
    pub fn new(config: &HashingConfig) -> Result<Self, PasswordConfigError> {
        let params = Argon2Params::of(config)?;
        let budget_kib = config.memory_budget_mib.saturating_mul(1_024);
        let room = usize::try_from(budget_kib / params.memory_kib()).unwrap_or(usize::MAX);
        if room == 0 {
            return Err(PasswordConfigError::Budget {
                budget_kib,
                memory_kib: params.memory_kib(),
            });
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let wanted = config.threads.unwrap_or_else(cores);
        let places_count = wanted.clamp(1, room).min(Semaphore::MAX_PERMITS);
        let pepper = match config.pepper.as_slice() {
            [] => None,
            secrets => Some(KeyRing::new("hashing.pepper", secrets)?),
        };
        Ok(Self {
            dummy_runs: AtomicU64::new(0),
            memory: Arc::default(),
            params,
            pepper,
            places: Arc::new(Semaphore::new(places_count)),
            places_count,
            runs: AtomicU64::new(0),
        })
    }

    /// Returns how many passwords are hashed at once at most.
    pub const fn places(&self) -> usize {
        self.places_count
    }

    /// Returns how often Argon2id was run since the start.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Returns how many of the runs compared with nothing, because the account is unknown, locked or without a
    /// password. Many of them are a sign of guessing.
    pub fn dummy_runs(&self) -> u64 {
        self.dummy_runs.load(Ordering::Relaxed)
    }

    /// Hashes a new password. Fails with [`ErrorKind::Unavailable`] when no place becomes free.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<String, Error> {
        self.place().await?.hash(password).await
    }

    /// Waits for a place. Fails with [`ErrorKind::Unavailable`] when none becomes free.
    pub(crate) async fn place(&self) -> Result<Place<'_>, Error> {
        let busy = || {
            let message = "too many people sign in at this moment; try again";
            Error::new(ErrorKind::Unavailable, message).with_retry_after(MAX_WAIT)
        };
        let turn = Arc::clone(&self.places).acquire_owned();
        let permit = tokio::time::timeout(MAX_WAIT, turn).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        Ok(Place::new(self, permit))
    }

    /// Puts the password through the pepper with this key; `None` when the key is not on the list (any more).
    fn peppered(&self, password: &SecretString, key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let password = password.expose_secret().as_bytes();
        if key.is_empty() {
            return Some(Zeroizing::new(password.to_vec()));
        }
        let tag = self.pepper.as_ref()?.mac(key.try_into().ok()?, password)?;
        Some(Zeroizing::new(tag.as_ref().to_vec()))
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool")
            .field("params", &self.params)
            .field("places", &self.places_count)
            .field("has_pepper", &self.pepper.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEPPER: &str = "a pepper of at least thirty-two bytes, old";
    const NEWER: &str = "a pepper of at least thirty-two bytes, new";

    fn pool(change: impl FnOnce(&mut HashingConfig)) -> HashingPool {
        let mut config = HashingConfig {
            weak_for_tests: Some(Argon2Params::weak_for_tests()),
            ..HashingConfig::default()
        };
        change(&mut config);
        HashingPool::new(&config).unwrap()
    }

    async fn verify(pool: &HashingPool, password: &str, stored: Option<&str>) -> Verdict {
        let place = pool.place().await.unwrap();
        place.verify(&password.into(), stored).await.unwrap()
    }

    const RIGHT: Verdict = Verdict::Right { is_outdated: false };
    const OUTDATED: Verdict = Verdict::Right { is_outdated: true };

    #[tokio::test]
    async fn a_password_is_right_with_its_own_hash_alone() {
        let pool = pool(|_| {});
        let stored = pool.hash(&"correct horse battery".into()).await.unwrap();
        let other = pool.hash(&"correct horse battery".into()).await.unwrap();

        assert!(stored.starts_with("$argon2id$v=19$m="), "{stored}");
        assert_ne!(stored, other, "salts differ");
        assert_eq!(
            verify(&pool, "correct horse battery", Some(&stored)).await,
            RIGHT
        );
        for wrong in [
            "",
            "correct horse batterz",
            "correct horse battery ",
            "Correct horse battery",
        ] {
            assert_eq!(verify(&pool, wrong, Some(&stored)).await, Verdict::Wrong);
        }
    }

    #[tokio::test]
    async fn every_check_is_one_run() {
        let pool = pool(|_| {});
        let stored = pool.hash(&"correct horse battery".into()).await.unwrap();

        for hash in [
            None,
            Some(""),
            Some("$2b$12$x"),
            Some("$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"),
            Some(stored.as_str()),
        ] {
            let before = pool.runs();
            assert_eq!(verify(&pool, "wrong", hash).await, Verdict::Wrong);
            assert_eq!(pool.runs(), before + 1, "{hash:?}");
        }
        assert_eq!(pool.dummy_runs(), 4);
    }

    #[tokio::test]
    async fn passwords_are_never_cut() {
        let pool = pool(|_| {});
        let long = "ü".repeat(256);
        let stored = pool.hash(&long.clone().into()).await.unwrap();

        assert_eq!(verify(&pool, &long, Some(&stored)).await, RIGHT);
        assert_eq!(
            verify(&pool, &"ü".repeat(255), Some(&stored)).await,
            Verdict::Wrong
        );
        assert_eq!(
            verify(&pool, &format!("{long}x"), Some(&stored)).await,
            Verdict::Wrong
        );
        let zero = pool.hash(&"a\0b".into()).await.unwrap();
        assert_eq!(verify(&pool, "a\0c", Some(&zero)).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn other_parameters_and_other_peppers_ask_for_a_new_hash() {
        let plain = pool(|_| {});
        let old = pool(|config| config.pepper = vec![PEPPER.into()]);
        let new = pool(|config| config.pepper = vec![NEWER.into(), PEPPER.into()]);
        let without = pool(|config| config.pepper = vec![NEWER.into()]);
        let strong = pool(|config| config.weak_for_tests = None);
        let bare = plain.hash(&"password".into()).await.unwrap();
        let peppered = old.hash(&"password".into()).await.unwrap();

        assert_eq!(verify(&old, "password", Some(&bare)).await, OUTDATED);
        assert_eq!(verify(&strong, "password", Some(&bare)).await, OUTDATED);
        assert_eq!(verify(&old, "password", Some(&peppered)).await, RIGHT);
        assert_eq!(verify(&new, "password", Some(&peppered)).await, OUTDATED);
        assert_eq!(
            verify(&new, "passwore", Some(&peppered)).await,
            Verdict::Wrong
        );
        for without in [&plain, &without] {
            assert_eq!(
                verify(without, "password", Some(&peppered)).await,
                Verdict::Wrong
            );
        }
        assert!(peppered.contains(",keyid="), "{peppered}");
    }

    #[tokio::test]
    async fn a_hash_that_would_take_too_much_memory_is_not_run() {
        let pool = pool(|_| {});
        let huge = "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA";

        assert_eq!(verify(&pool, "x", Some(huge)).await, Verdict::Wrong);
        assert_eq!(pool.dummy_runs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_no_place_in_two_seconds_is_told_when_to_come_again() {
        let pool = pool(|config| config.threads = Some(1));
        let taken = pool.place().await.unwrap();
        let start = tokio::time::Instant::now();

        let refused = pool.hash(&"password".into()).await.unwrap_err();

        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(2)));
        assert_eq!(start.elapsed().as_secs(), 2);
        drop(taken);
        assert!(pool.hash(&"password".into()).await.is_ok());
    }

    #[test]
    fn there_are_as_many_places_as_cores_and_budget_allow() {
        let places = |threads, memory_budget_mib| {
            let config = HashingConfig {
                memory_budget_mib,
                threads: Some(threads),
                ..HashingConfig::default()
            };
            HashingPool::new(&config).map(|pool| pool.places())
        };

        assert_eq!(places(2, 256), Ok(2));
        assert_eq!(places(64, 256), Ok(13));
        assert_eq!(places(0, 256), Ok(1));
        assert_eq!(
            places(1, 18).unwrap_err().to_string(),
            "a hash of 19456 KiB does not fit into the memory budget of 18432 KiB for hashing"
        );
    }
}
