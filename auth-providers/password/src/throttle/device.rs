//! Browsers that have signed in before.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ee_core::{
    Clock, Error, RequestHead, ServerCookie, UserId, fill_random, storage::AccountRecord,
};
use http::HeaderValue;

use crate::keys::{KEY_ID_BYTES, KeyId, KeyRing};

/// How long a browser is known after a sign-in.
const LIFETIME: Duration = Duration::from_hours(180 * 24);
const VERSION: u8 = 1;
const ID_BYTES: usize = 16;
/// Version, key id, device id and moment, before the tag.
const BODY_BYTES: usize = 1 + KEY_ID_BYTES + ID_BYTES + 8;
const TAG_BYTES: usize = 32;

/// Hands out and recognises the cookie `ee_device`.
///
/// It holds a random id, the second it was made in and an HMAC over both, the account and the
/// account's credential version: it names nobody, is good for one account, and ends with the
/// password. It is no credential; it only makes strangers' failures irrelevant to its browser.
#[derive(Debug)]
pub(crate) struct Devices {
    clock: Arc<dyn Clock>,
    cookie: ServerCookie,
    keys: Arc<KeyRing>,
}

impl Devices {
    pub(crate) fn new(clock: Arc<dyn Clock>, keys: Arc<KeyRing>, is_secure: bool) -> Self {
        let cookie = ServerCookie::named("ee_device", is_secure);
        Self {
            clock,
            cookie,
            keys,
        }
    }

    /// Returns the cookie for the browser in which somebody has just signed in to the account.
    pub(crate) fn introduce(&self, account: &AccountRecord) -> Result<Option<HeaderValue>, Error> {
        let Some(key) = self.keys.newest() else {
            return Ok(None);
        };
        let mut id = [0; ID_BYTES];
        fill_random(&mut id)?;
        let now = self.clock.now().as_second();
        let body = [&[VERSION], key.as_slice(), &id, &now.to_be_bytes()].concat();
        let data = signed(&body, &account.id, account.credential_version);
        let Some(tag) = self.keys.mac(key, &data) else {
            return Ok(None);
        };
        let text = URL_SAFE_NO_PAD.encode([body.as_slice(), tag.as_ref()].concat());
        Ok(self.cookie.set(&text, LIFETIME))
    }

    /// Returns the id of the browser if it is known to the account. Whatever else it shows makes it a stranger.
    pub(crate) fn recognise(
        &self,
        head: &RequestHead<'_>,
        account: &AccountRecord,
    ) -> Option<String> {
        let text = head.cookie(self.cookie.name()).ok().flatten()?;
        if text.len() > 2 * (BODY_BYTES + TAG_BYTES) {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_first_chunk::<BODY_BYTES>()?;
        let (&[VERSION], rest) = body.split_first_chunk()? else {
            return None;
        };
        let (key, rest) = rest.split_first_chunk::<KEY_ID_BYTES>()?;
        let (id, moment) = rest.split_first_chunk::<ID_BYTES>()?;
        let data = signed(body, &account.id, account.credential_version);
        if !self.keys.is_mac_of(KeyId::from(*key), &data, tag) {
            return None;
        }
        let since = i64::from_be_bytes(*moment.first_chunk()?);
        let age = self.clock.now().as_second().checked_sub(since)?;
        let is_fresh = u64::try_from(age).is_ok_and(|age| age < LIFETIME.as_secs());
        is_fresh.then(|| URL_SAFE_NO_PAD.encode(id))
    }
}

/// Puts together what is signed. The parts of fixed length stand in front, so that no two cases have one text.
fn signed(body: &[u8], user: &UserId, credential_version: u64) -> Vec<u8> {
    [
        b"device v1".as_slice(),
        body,
        &credential_version.to_be_bytes(),
        user.as_str().as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use ee_core::storage::AccountKind;
    use ee_testkit::TestClock;
    use http::{HeaderMap, header};
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    fn devices(clock: &TestClock, secrets: &[&str]) -> Devices {
        let secrets: Vec<_> = secrets.iter().map(|text| (*text).into()).collect();
        let keys = KeyRing::new("secrets", &secrets).unwrap();
        Devices::new(Arc::new(clock.clone()), Arc::new(keys), true)
    }

    fn account(id: &str, credential_version: u64) -> AccountRecord {
        let id = id.parse().unwrap();
        let mut account = AccountRecord::new(id, AccountKind::Person, Timestamp::UNIX_EPOCH);
        account.credential_version = credential_version;
        account
    }

    fn value(set_cookie: &HeaderValue) -> String {
        let text = set_cookie.to_str().unwrap();
        assert!(text.starts_with("__Host-ee_device=") && text.contains("; HttpOnly; "));
        text.split(['=', ';']).nth(1).unwrap().to_owned()
    }

    fn shown(devices: &Devices, value: &str, account: &AccountRecord) -> Option<String> {
        let mut headers = HeaderMap::new();
        let cookie = format!("__Host-ee_device={value}");
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        devices.recognise(&RequestHead::new(&headers, None), account)
    }

    const OLD: &str = "an old secret of at least thirty-two bytes";
    const NEW: &str = "a new secret of at least thirty-two bytes";

    #[test]
    fn a_browser_is_known_to_its_account_until_the_password_changes() {
        let clock = TestClock::default();
        let devices = devices(&clock, &[OLD]);
        let ada = account("ada", 1);
        let first = value(&devices.introduce(&ada).unwrap().unwrap());
        let second = value(&devices.introduce(&ada).unwrap().unwrap());

        let id = shown(&devices, &first, &ada).unwrap();

        assert_eq!(shown(&devices, &first, &ada), Some(id.clone()));
        assert_ne!(shown(&devices, &second, &ada), Some(id));
        assert_eq!(shown(&devices, &first, &account("bob", 1)), None);
        assert_eq!(shown(&devices, &first, &account("ada", 2)), None);
        let rotated = self::devices(&clock, &[NEW, OLD]);
        assert!(shown(&rotated, &first, &ada).is_some());
        assert_eq!(shown(&self::devices(&clock, &[NEW]), &first, &ada), None);
        clock.advance(SignedDuration::from_hours(180 * 24));
        assert_eq!(shown(&devices, &first, &ada), None);
    }

    #[test]
    fn a_changed_cookie_is_a_strangers() {
        let clock = TestClock::default();
        let devices = devices(&clock, &[OLD]);
        let ada = account("ada", 1);
        let good = value(&devices.introduce(&ada).unwrap().unwrap());
        let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();

        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let text = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(shown(&devices, &text, &ada), None, "{at}");
            let text = URL_SAFE_NO_PAD.encode(&bytes[..at]);
            assert_eq!(shown(&devices, &text, &ada), None, "{at}");
        }
        for text in ["", "x", "ää", &"A".repeat(4_000)] {
            assert_eq!(shown(&devices, text, &ada), None);
        }
        clock.advance(SignedDuration::from_secs(-1));
        assert_eq!(
            shown(&devices, &good, &ada),
            None,
            "it was made in the future"
        );
    }
}
