use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, TokenId, UserId,
    storage::{Cursor, Listed, OneTimeToken, OneTimeTokenStore, TokenPurpose},
};
use jiff::Timestamp;

use super::{TestStore, conflict};

#[async_trait]
impl OneTimeTokenStore for TestStore {
    async fn create(&self, tokens: Vec<OneTimeToken>) -> Result<(), Error> {
        let mut state = self.enter("create tokens").await?;
        let is_taken = |new: &OneTimeToken| {
            state
                .tokens
                .iter()
                .any(|old| old.hash == new.hash || old.id == new.id)
        };
        if tokens.iter().any(is_taken) {
            return Err(conflict());
        }
        state.tokens.extend(tokens);
        Ok(())
    }

    async fn find(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error> {
        let state = self.enter("find token").await?;
        let mut tokens = state.tokens.iter();
        Ok(tokens
            .find(|token| is_it(token, hash, purpose, now))
            .cloned())
    }

    async fn take(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error> {
        let mut state = self.enter("take token").await?;
        let at = state
            .tokens
            .iter()
            .position(|token| is_it(token, hash, purpose, now));
        Ok(at.map(|at| state.tokens.remove(at)))
    }

    async fn list(
        &self,
        purpose: TokenPurpose,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<OneTimeToken>, Error> {
        let state = self.enter("list tokens").await?;
        let fits = |token: &&OneTimeToken| {
            token.purpose == purpose && user.is_none_or(|user| token.user_id.as_ref() == Some(user))
        };
        let rows = state.tokens.iter().filter(fits).cloned().collect();
        Ok(Listed::cut(rows, cursor.limit, |token| {
            token.id.to_string()
        }))
    }

    async fn delete(&self, id: &TokenId, purpose: TokenPurpose) -> Result<bool, Error> {
        let mut state = self.enter("delete token").await?;
        let before = state.tokens.len();
        state
            .tokens
            .retain(|token| token.id != *id || token.purpose != purpose);
        Ok(state.tokens.len() < before)
    }

    async fn delete_for_user(&self, user: &UserId, purpose: TokenPurpose) -> Result<u64, Error> {
        let mut state = self.enter("delete tokens").await?;
        let before = state.tokens.len();
        state
            .tokens
            .retain(|token| token.user_id.as_ref() != Some(user) || token.purpose != purpose);
        Ok((before - state.tokens.len()) as u64)
    }

    async fn purge_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        let mut state = self.enter("purge tokens").await?;
        let before = state.tokens.len();
        state.tokens.retain(|token| token.expires_at > now);
        Ok((before - state.tokens.len()) as u64)
    }
}

fn is_it(token: &OneTimeToken, hash: &TokenHash, purpose: TokenPurpose, now: Timestamp) -> bool {
    token.hash == *hash && token.purpose == purpose && token.expires_at > now
}
