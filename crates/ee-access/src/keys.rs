//! API keys.

use std::{fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use ee_core::{
    Clock, Error, ErrorKind, Identity, KeyId, KeyManager, KeyProvider, KeySecret, Limit, NewKey,
    PermissionSet, RequestHead, TokenHash, UserId, UserProvider, random_token,
    storage::{ApiKeyRecord, ApiKeyStore, Changed, Cursor, Listed, PreviousSecret},
};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use quick_cache::{UnitWeighter, sync::Cache};
use tracing::warn;

use crate::{AT_FIRST, Epochs};

/// What every key begins with.
const PREFIX: &str = "ee_";
/// How often the use of a key is written down at most.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(1);
const CAPACITY: u64 = 50_000;
/// Most users for whom one key may act.
const MOST_TO_ACT_FOR: usize = 100;

/// Makes and checks API keys: `ee_<env>_<id>_<secret>`.
///
/// The secret is 256 random bits, of which the store has the SHA-256. The id in front of it finds the key, so a
/// scanner for leaked secrets can tell whose it is.
pub struct ApiKeys {
    cache: Cache<KeyId, (u64, Arc<Known>)>,
    clock: Arc<dyn Clock>,
    env: Box<str>,
    epochs: Arc<Epochs>,
    store: Arc<dyn ApiKeyStore>,
    users: Arc<dyn UserProvider>,
}

/// A key that was read.
#[derive(Debug)]
struct Known {
    limit: Arc<Limit>,
    may_act_for: Arc<[UserId]>,
    networks: Vec<IpNet>,
    record: ApiKeyRecord,
}

impl ApiKeys {
    /// Checks keys against `store` and finds their owners among `users`. `env` names the deployment in the key, such
    /// as `live`. Fails with [`ErrorKind::Invalid`] when it is not 1 to 16 lower-case letters and digits.
    pub fn new(
        store: Arc<dyn ApiKeyStore>,
        users: Arc<dyn UserProvider>,
        clock: Arc<dyn Clock>,
        epochs: Arc<Epochs>,
        env: &str,
    ) -> Result<Self, Error> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if env.is_empty() || env.len() > 16 || !env.bytes().all(is_word) {
            let message = format!("`{env}` must be 1 to 16 lower-case letters and digits");
            return Err(Error::invalid_field("env", message));
        }
        Ok(Self {
            cache: Cache::with_weighter(AT_FIRST, CAPACITY, UnitWeighter),
            clock,
            env: env.into(),
            epochs,
            store,
            users,
        })
    }

    fn secret(&self, id: &KeyId) -> Result<(KeySecret, TokenHash), Error> {
        let secret = random_token()?;
        let hash = TokenHash::of(&secret);
        Ok((
            KeySecret::new(format!("{PREFIX}{}_{id}_{secret}", self.env)),
            hash,
        ))
    }

    async fn known(&self, id: &KeyId) -> Result<Option<Arc<Known>>, Error> {
        let now = self.epochs.key(id);
        if let Some((then, known)) = self.cache.get(id)
            && then == now
        {
            return Ok(Some(known));
        }
        let Some(record) = self.store.find(id).await? else {
            self.cache.remove(id);
            return Ok(None);
        };
        let known = Arc::new(Known {
            limit: Arc::new(Limit::to_set(
                format!("key {id}"),
                PermissionSet::compile(record.scopes.iter().cloned()),
            )),
            may_act_for: record.may_act_for.clone().into(),
            networks: networks(&record.addresses)?,
            record,
        });
        self.cache.insert(id.clone(), (now, Arc::clone(&known)));
        Ok(Some(known))
    }

    /// Writes down that a key was used. The answer does not hang on it.
    async fn note_use(&self, record: &ApiKeyRecord, now: Timestamp) {
        let is_noted = record
            .last_used_at
            .is_some_and(|then| now.duration_since(then) < NOTE_EVERY);
        if is_noted {
            return;
        }
        match self.store.note_use(&record.id, now).await {
            Ok(_) => {
                // Read anew the next time, with the new moment.
                self.cache.remove(&record.id);
            }
            Err(err) => {
                warn!(
                    error.kind = err.kind().code(),
                    "cannot write down that a key was used"
                );
            }
        }
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys")
            .field("env", &self.env)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyManager for ApiKeys {
    async fn create(
        &self,
        new: NewKey,
        by: Option<&UserId>,
    ) -> Result<(ApiKeyRecord, KeySecret), Error> {
        let now = self.clock.now();
        let id = KeyId::ordered();
        let (secret, hash) = self.secret(&id)?;
        let mut record = ApiKeyRecord::new(id, new.user_id, new.name, hash, new.scopes, now);
        record.addresses = new.addresses;
        record.created_by = by.cloned();
        record.expires_at = new.expires_at;
        record.may_act_for = new.may_act_for;
        check(&record, now)?;
        self.store.create(record.clone()).await?;
        Ok((record, secret))
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKeyRecord>, Error> {
        self.store.find(id).await
    }

    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<ApiKeyRecord>, Error> {
        self.store.list(user, cursor).await
    }

    async fn update(&self, mut key: ApiKeyRecord) -> Result<Changed, Error> {
        let now = self.clock.now();
        check(&key, now)?;
        key.updated_at = now;
        self.store.update(key).await
    }

    async fn rotate(
        &self,
        mut key: ApiKeyRecord,
        overlap: SignedDuration,
    ) -> Result<Result<KeySecret, Changed>, Error> {
        let now = self.clock.now();
        let (secret, hash) = self.secret(&key.id)?;
        let old = std::mem::replace(&mut key.hash, hash);
        key.previous = overlap.is_positive().then(|| PreviousSecret {
            hash: old,
            until: now + overlap,
        });
        key.updated_at = now;
        Ok(match self.store.update(key).await? {
            Changed::Done => Ok(secret),
            other => Err(other),
        })
    }

    async fn delete(&self, id: &KeyId) -> Result<bool, Error> {
        self.store.delete(id).await
    }
}

#[async_trait]
impl KeyProvider for ApiKeys {
    async fn identify(&self, head: &RequestHead<'_>) -> Result<Option<Identity>, Error> {
        // What is malformed is for the provider to refuse.
        let Ok(Some(text)) = head.bearer() else {
            return Ok(None);
        };
        if !text.starts_with(PREFIX) {
            return Ok(None);
        }
        let refused = || Error::new(ErrorKind::Unauthenticated, "Invalid or expired key");
        let (id, secret) = self.parts(text).ok_or_else(refused)?;
        let hash = TokenHash::of(secret);
        let now = self.clock.now();
        let known = self.known(&id).await?.ok_or_else(refused)?;
        let record = &known.record;
        if !record.accepts(&hash, now) || !record.is_live(now) {
            return Err(refused());
        }
        if !known.networks.is_empty() && !is_within(&known.networks, head.client_ip) {
            return Err(refused());
        }
        // A disabled owner is no user any more, and his keys are nobody's.
        let user = self
            .users
            .find(&record.user_id)
            .await?
            .ok_or_else(refused)?;
        if !head.is_repeated {
            self.note_use(record, now).await;
        }
        let mut identity = Identity::of(user);
        identity.ends_at = record.ends_at(&hash);
        identity.key = Some(id);
        identity.limits.push(Arc::clone(&known.limit));
        identity.may_act_for = Some(Arc::clone(&known.may_act_for));
        Ok(Some(identity))
    }
}

impl ApiKeys {
    fn parts<'a>(&self, text: &'a str) -> Option<(KeyId, &'a str)> {
        let (env, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let (id, secret) = rest.split_once('_')?;
        if *env != *self.env || secret.len() != 43 {
            return None;
        }
        Some((KeyId::new(id).ok()?, secret))
    }
}

fn is_within(networks: &[IpNet], address: Option<IpAddr>) -> bool {
    address.is_some_and(|address| networks.iter().any(|net| net.contains(&address)))
}

fn check(key: &ApiKeyRecord, now: Timestamp) -> Result<(), Error> {
    if key.name.trim().is_empty() || key.name.chars().count() > 100 {
        return Err(Error::invalid_field(
            "name",
            "must have 1 to 100 characters",
        ));
    }
    if key.scopes.is_empty() || key.scopes.len() > 200 {
        return Err(Error::invalid_field("scopes", "must have 1 to 200 entries"));
    }
    if key.may_act_for.len() > MOST_TO_ACT_FOR {
        let message = format!("must have {MOST_TO_ACT_FOR} entries at most");
        return Err(Error::invalid_field("mayActFor", message));
    }
    if key.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::invalid_field("expiresAt", "must be in the future"));
    }
    networks(&key.addresses).map(drop)
}

fn networks(addresses: &[String]) -> Result<Vec<IpNet>, Error> {
    let network = |text: &String| {
        let address = text.parse::<IpAddr>().ok().map(IpNet::from);
        address.or_else(|| text.parse().ok()).ok_or_else(|| {
            let message = format!("`{text}` is neither an address nor a network");
            Error::invalid_field("addresses", message)
        })
    };
    addresses.iter().map(network).collect()
}
