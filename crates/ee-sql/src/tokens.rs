use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, TokenId, UserId,
    storage::{Cursor, Listed, OneTimeToken, OneTimeTokenStore, TokenPurpose},
};
use jiff::Timestamp;

use crate::{Batch, Database, Json, Name, Row, SqlStore, Statement};

const COLUMNS: &str = "purpose, hash, created_at, expires_at, id, user_id, created_by, data";

fn record(mut row: Row) -> Result<OneTimeToken, Error> {
    let Name(purpose) = row.take::<Name<_>>()?;
    let mut token = OneTimeToken::new(purpose, row.take()?, row.take()?, row.take()?);
    token.id = row.take()?;
    token.user_id = row.take()?;
    token.created_by = row.take()?;
    token.data = row.take::<Json<_>>()?.0;
    Ok(token)
}

#[async_trait]
impl<D: Database> OneTimeTokenStore for SqlStore<D> {
    async fn create(&self, tokens: Vec<OneTimeToken>) -> Result<(), Error> {
        let mut batch = Batch::default();
        for token in tokens {
            let insert = Statement::new(
                "INSERT INTO ee_one_time_tokens (purpose, hash, created_at, expires_at, id, \
                 user_id, created_by, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .bind(Name(token.purpose).value()?)
            .bind(token.hash)
            .bind(token.created_at)
            .bind(token.expires_at)
            .bind(token.id)
            .bind(token.user_id)
            .bind(token.created_by)
            .bind(Json(&token.data).value()?);
            batch = batch.then(insert);
        }
        if batch.statements.is_empty() {
            return Ok(());
        }
        let taken = "such a token exists already";
        self.insert("create tokens", batch, taken).await
    }

    async fn find(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error> {
        let query = Statement::new(format!(
            "SELECT {COLUMNS} FROM ee_one_time_tokens \
             WHERE hash = ?1 AND purpose = ?2 AND expires_at > ?3"
        ));
        let query = query.bind(hash).bind(Name(purpose).value()?).bind(now);
        self.find_by("find a token", query, record).await
    }

    async fn take(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error> {
        let delete = Statement::new(format!(
            "DELETE FROM ee_one_time_tokens WHERE hash = ?1 AND purpose = ?2 AND expires_at > ?3 \
             RETURNING {COLUMNS}"
        ));
        let delete = delete.bind(hash).bind(Name(purpose).value()?).bind(now);
        let done = self.batch("take a token", Batch::from(delete)).await?;
        let row = done.into_iter().flatten().flat_map(|done| done.rows).next();
        row.map(record).transpose()
    }

    async fn list(
        &self,
        purpose: TokenPurpose,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<OneTimeToken>, Error> {
        let query = Statement::new(format!(
            "SELECT {COLUMNS} FROM ee_one_time_tokens WHERE purpose = ?1"
        ));
        let mut query = query.bind(Name(purpose).value()?);
        if let Some(user) = user {
            query = query.and(" AND user_id = ?", [user]);
        }
        if let Some(after) = &cursor.after {
            query = query.and(" AND id > ?", [after]);
        }
        let query = query.and(" ORDER BY id LIMIT ?", [cursor.limit + 1]);
        let rows = self.rows("list tokens", query, record).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| row.id.to_string()))
    }

    async fn delete(&self, id: &TokenId, purpose: TokenPurpose) -> Result<bool, Error> {
        let delete =
            Statement::new("DELETE FROM ee_one_time_tokens WHERE id = ?1 AND purpose = ?2");
        let delete = delete.bind(id).bind(Name(purpose).value()?);
        Ok(self.run("delete a token", delete).await? > 0)
    }

    async fn delete_for_user(&self, user: &UserId, purpose: TokenPurpose) -> Result<u64, Error> {
        let delete =
            Statement::new("DELETE FROM ee_one_time_tokens WHERE user_id = ?1 AND purpose = ?2");
        let delete = delete.bind(user).bind(Name(purpose).value()?);
        self.run("delete the tokens of a user", delete).await
    }

    async fn purge_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        let delete = Statement::new("DELETE FROM ee_one_time_tokens WHERE expires_at <= ?1");
        self.run("purge tokens", delete.bind(now)).await
    }
}
