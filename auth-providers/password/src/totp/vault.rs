//! Secrets of authenticators, sealed for the store.

use std::sync::Arc;

use ee_core::{Error, UserId, fill_random, storage::Totp};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{base32, steps_of};
use crate::keys::KeyRing;

/// As long as the output of the hash (RFC 4226 §4, R6).
const SECRET_BYTES: usize = 20;
/// What stands in a label unchanged (RFC 3986 §2.3).
const LABEL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Makes secrets, seals them, and checks codes against them.
///
/// AES-256-GCM under a key of the list; table, column and account are authenticated with it, so
/// that nobody who can write to the database gives one account the factor of another.
#[derive(Debug)]
pub(crate) struct FactorVault {
    keys: Arc<KeyRing>,
}

/// A secret that was just made, for the person and for the store.
#[derive(Debug)]
pub(crate) struct FreshSecret {
    pub(crate) base32: SecretString,
    pub(crate) totp: Totp,
}

/// What a shown code is worth.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Checked {
    /// The secret was sealed with a key that is about to go.
    pub(crate) is_outdated: bool,
    /// The steps whose code it is and that are later than the last one taken.
    pub(crate) steps: Vec<u64>,
}

impl FactorVault {
    pub(crate) const fn new(keys: Arc<KeyRing>) -> Self {
        Self { keys }
    }

    /// Makes a secret for an account.
    pub(crate) fn fresh(&self, user: &UserId) -> Result<FreshSecret, Error> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        fill_random(secret.as_mut())?;
        Ok(FreshSecret {
            base32: base32(secret.as_ref()).into(),
            totp: Totp::new(self.keys.seal(&place(user), secret.as_ref())?),
        })
    }

    /// Compares a code of six digits with the sealed secret. A secret that cannot be opened fits no code.
    pub(crate) fn check(
        &self,
        user: &UserId,
        totp: &Totp,
        digits: &str,
        now: Timestamp,
    ) -> Checked {
        let Some(opened) = self.keys.open(&place(user), &totp.sealed_secret) else {
            tracing::warn!(
                "the sealed secret of a second factor cannot be opened: a key is missing"
            );
            return Checked::default();
        };
        let secret = Zeroizing::new(opened.plain);
        let mut steps = steps_of(&secret, digits, now);
        steps.retain(|step| *step > totp.last_step);
        Checked {
            is_outdated: !opened.is_newest,
            steps,
        }
    }

    /// Seals a secret anew with the newest key. `None` when it cannot be opened.
    pub(crate) fn reseal(&self, user: &UserId, sealed: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let place = place(user);
        let Some(opened) = self.keys.open(&place, sealed) else {
            return Ok(None);
        };
        let secret = Zeroizing::new(opened.plain);
        self.keys.seal(&place, &secret).map(Some)
    }
}

/// Returns the address that an authenticator reads from a picture (`otpauth`, the key URI format).
pub(crate) fn key_uri(issuer: &str, account: &str, base32: &str) -> SecretString {
    let escape = |text| utf8_percent_encode(text, LABEL).to_string();
    let (issuer, account) = (escape(issuer), escape(account));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={base32}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
    .into()
}

fn place(user: &UserId) -> String {
    format!("ee_accounts:totp_secret:{user}")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::totp::totp_for_tests;

    fn vault(secrets: &[&str]) -> FactorVault {
        let secrets: Vec<_> = secrets.iter().map(|text| (*text).into()).collect();
        FactorVault::new(Arc::new(KeyRing::new("secrets", &secrets).unwrap()))
    }

    const OLD: &str = "an old secret of at least thirty-two bytes";
    const NEW: &str = "a new secret of at least thirty-two bytes";

    #[test]
    fn a_code_fits_its_own_account_alone() {
        let vault = vault(&[OLD]);
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let now = Timestamp::from_second(3_000_000).unwrap();
        let fresh = vault.fresh(&ada).unwrap();
        let digits = totp_for_tests(fresh.base32.expose_secret(), now).unwrap();
        let steps = |user, totp: &Totp| vault.check(user, totp, &digits, now).steps;

        assert_eq!(fresh.base32.expose_secret().len(), 32);
        assert_eq!(steps(&ada, &fresh.totp), [100_000]);
        assert_eq!(steps(&bob, &fresh.totp), [0; 0]);
        let mut taken = fresh.totp.clone();
        taken.last_step = 100_000;
        assert_eq!(steps(&ada, &taken), [0; 0]);
        taken.sealed_secret.pop();
        assert_eq!(steps(&ada, &taken), [0; 0]);
    }

    #[test]
    fn a_rotated_key_still_opens_and_a_resealed_secret_outlives_it() {
        let ada = "ada".parse().unwrap();
        let now = Timestamp::from_second(3_000_000).unwrap();
        let (before, both, after) = (vault(&[OLD]), vault(&[NEW, OLD]), vault(&[NEW]));
        let fresh = before.fresh(&ada).unwrap();
        let digits = totp_for_tests(fresh.base32.expose_secret(), now).unwrap();

        let checked = both.check(&ada, &fresh.totp, &digits, now);
        let resealed = both
            .reseal(&ada, &fresh.totp.sealed_secret)
            .unwrap()
            .unwrap();

        assert!(checked.is_outdated && checked.steps == [100_000]);
        assert!(
            after
                .check(&ada, &fresh.totp, &digits, now)
                .steps
                .is_empty()
        );
        let checked = after.check(&ada, &Totp::new(resealed), &digits, now);
        assert!(!checked.is_outdated && checked.steps == [100_000]);
        assert!(
            after
                .reseal(&ada, &fresh.totp.sealed_secret)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_key_uri_escapes_what_it_holds() {
        let uri = key_uri("Ops & Co", "a+b@example.com", "MZXW6");

        assert_eq!(
            uri.expose_secret(),
            "otpauth://totp/Ops%20%26%20Co:a%2Bb%40example.com?secret=MZXW6&issuer=Ops%20%26%20Co\
             &algorithm=SHA1&digits=6&period=30"
        );
    }
}
