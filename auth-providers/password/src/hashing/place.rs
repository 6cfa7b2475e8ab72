//! One run of the hash, on a thread that may be blocked.

use std::sync::{Arc, atomic::Ordering};

use ee_core::{Error, ErrorKind, fill_random};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OwnedSemaphorePermit;
use tracing::warn;
use zeroize::Zeroizing;

use super::{
    Argon2Params, HashingPool,
    stored::{Recipe, SALT_BYTES},
};
use crate::keys::KeyRing;

/// What a password is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It is the right one.
    Right {
        /// Whether it should be hashed anew, because it was hashed with other parameters.
        is_outdated: bool,
    },
    /// It is not.
    Wrong,
}

/// A place in the pool, for one run.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    permit: OwnedSemaphorePermit,
    pool: &'a HashingPool,
}

impl<'a> Place<'a> {
    pub(super) const fn new(pool: &'a HashingPool, permit: OwnedSemaphorePermit) -> Self {
        Self { permit, pool }
    }

    /// Hashes a new password under a fresh salt and returns the PHC text.
    pub(crate) async fn hash(self, password: &SecretString) -> Result<String, Error> {
        let pepper = self.pool.pepper.as_ref().and_then(KeyRing::newest);
        let key = pepper.as_ref().map_or(&[][..], |id| id);
        let lost = || Error::new(ErrorKind::Internal, "cannot find the newest pepper");
        let password = self.pool.peppered(password, key).ok_or_else(lost)?;
        let recipe = Recipe::fresh(self.pool.params, key, fresh_salt()?)?;
        let (recipe, output) = self.run(recipe, password).await?;
        recipe.to_phc(&output)
    }

    /// Compares a password with a stored PHC text; with none it does the same work and finds it wrong.
    pub(crate) async fn verify(
        self,
        password: &SecretString,
        stored: Option<&str>,
    ) -> Result<Verdict, Error> {
        let pool = self.pool;
        let known = stored.and_then(|phc| self.read(phc)).and_then(|recipe| {
            let password = pool.peppered(password, recipe.key_id())?;
            Some((recipe, password))
        });
        let Some((recipe, password)) = known else {
            if stored.is_some() {
                warn!(
                    "the stored hash of a password cannot be read: a pepper is missing or it was made elsewhere"
                );
            }
            pool.dummy_runs.fetch_add(1, Ordering::Relaxed);
            let recipe = Recipe::fresh(pool.params, &[], fresh_salt()?)?;
            let password = password.expose_secret().as_bytes().to_vec();
            self.run(recipe, Zeroizing::new(password)).await?;
            return Ok(Verdict::Wrong);
        };
        let newest = pool.pepper.as_ref().and_then(KeyRing::newest);
        let is_outdated = !recipe.is_like(pool.params, newest.as_ref().map_or(&[][..], |id| id));
        let (recipe, output) = self.run(recipe, password).await?;
        Ok(if recipe.is_output(&output) {
            Verdict::Right { is_outdated }
        } else {
            Verdict::Wrong
        })
    }

    /// Reads what is stored, unless it would take more memory than the place has.
    fn read(&self, phc: &str) -> Option<Recipe> {
        let limit = self
            .pool
            .params
            .memory_kib()
            .max(Argon2Params::STRONG.memory_kib());
        Recipe::read(phc).filter(|recipe| recipe.memory_kib() <= limit)
    }

    /// Runs Argon2id on a thread that may be blocked. The place is free when the run ends.
    async fn run(
        self,
        recipe: Recipe,
        password: Zeroizing<Vec<u8>>,
    ) -> Result<(Recipe, Zeroizing<Vec<u8>>), Error> {
        self.pool.runs.fetch_add(1, Ordering::Relaxed);
        let permit = self.permit;
        let memory = Arc::clone(&self.pool.memory);
        let run = move || {
            let output = memory.lend(|memory| recipe.run(&password, memory));
            drop(permit);
            output.map(|output| (recipe, output))
        };
        tokio::task::spawn_blocking(run).await.map_err(|err| {
            Error::new(ErrorKind::Internal, "hashing a password was cut off").with_source(err)
        })?
    }
}

fn fresh_salt() -> Result<[u8; SALT_BYTES], Error> {
    let mut salt = [0; SALT_BYTES];
    fill_random(&mut salt)?;
    Ok(salt)
}
