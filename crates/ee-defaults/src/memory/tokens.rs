use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, TokenId, UserId,
    storage::{Cursor, Listed, OneTimeToken, OneTimeTokenStore, TokenPurpose},
};
use jiff::Timestamp;

use super::{MemoryStore, after, count, one_more, read, taken, write};

#[derive(Default)]
pub(super) struct Tokens {
    by_hash: HashMap<TokenHash, OneTimeToken>,
    hashes: BTreeMap<TokenId, TokenHash>,
}

impl Tokens {
    pub(super) fn remove_user(&mut self, user: &UserId) {
        self.remove_where(|token| token.user_id.as_ref() == Some(user));
    }

    /// Returns a token of this purpose that is good at `now`.
    fn good(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Option<&OneTimeToken> {
        let token = self.by_hash.get(hash);
        token.filter(|token| token.purpose == purpose && now < token.expires_at)
    }

    fn remove(&mut self, hash: &TokenHash) {
        if let Some(token) = self.by_hash.remove(hash) {
            self.hashes.remove(&token.id);
        }
    }

    /// Removes what `over` says and returns how many there were.
    fn remove_where(&mut self, over: impl Fn(&OneTimeToken) -> bool) -> u64 {
        let removed = self.by_hash.extract_if(|_, token| over(token));
        let ids = removed.map(|(_, token)| self.hashes.remove(&token.id));
        count(ids.count())
    }
}

#[async_trait]
impl OneTimeTokenStore for MemoryStore {
    async fn create(&self, tokens: Vec<OneTimeToken>) -> Result<(), Error> {
        let kept = &mut write(&self.directory).tokens;
        let (mut hashes, mut ids) = (HashSet::new(), HashSet::new());
        let is_new = tokens.iter().all(|token| {
            let is_known =
                kept.by_hash.contains_key(&token.hash) || kept.hashes.contains_key(&token.id);
            !is_known && hashes.insert(token.hash) && ids.insert(&token.id)
        });
        if !is_new {
            return Err(taken("such a token exists already"));
        }
        for token in tokens {
            kept.hashes.insert(token.id.clone(), token.hash);
            kept.by_hash.insert(token.hash, token);
        }
        Ok(())
    }

    async fn find(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error> {
        let directory = read(&self.directory);
        Ok(directory.tokens.good(hash, purpose, now).cloned())
    }

    async fn take(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error> {
        let tokens = &mut write(&self.directory).tokens;
        let token = tokens.good(hash, purpose, now).cloned();
        if token.is_some() {
            tokens.remove(hash);
        }
        Ok(token)
    }

    async fn list(
        &self,
        purpose: TokenPurpose,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<OneTimeToken>, Error> {
        let directory = read(&self.directory);
        let tokens = &directory.tokens;
        let rows = tokens
            .hashes
            .range::<str, _>(after(cursor))
            .filter_map(|(_, hash)| tokens.by_hash.get(hash))
            .filter(|token| token.purpose == purpose)
            .filter(|token| user.is_none_or(|user| token.user_id.as_ref() == Some(user)))
            .take(one_more(cursor));
        let rows = rows.cloned().collect();
        Ok(Listed::cut(rows, cursor.limit, |row| row.id.to_string()))
    }

    async fn delete(&self, id: &TokenId, purpose: TokenPurpose) -> Result<bool, Error> {
        let tokens = &mut write(&self.directory).tokens;
        let token = tokens
            .hashes
            .get(id)
            .and_then(|hash| tokens.by_hash.get(hash));
        let found = token.filter(|token| token.purpose == purpose);
        let Some(hash) = found.map(|token| token.hash) else {
            return Ok(false);
        };
        tokens.remove(&hash);
        Ok(true)
    }

    async fn delete_for_user(&self, user: &UserId, purpose: TokenPurpose) -> Result<u64, Error> {
        let tokens = &mut write(&self.directory).tokens;
        Ok(tokens
            .remove_where(|token| token.purpose == purpose && token.user_id.as_ref() == Some(user)))
    }

    async fn purge_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        let tokens = &mut write(&self.directory).tokens;
        Ok(tokens.remove_where(|token| token.expires_at <= now))
    }
}
