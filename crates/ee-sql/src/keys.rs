use async_trait::async_trait;
use ee_core::{
    Error, KeyId, UserId,
    storage::{ApiKeyRecord, ApiKeyStore, Change, Changed, Cursor, Listed, PreviousSecret},
};
use jiff::Timestamp;

use crate::{Batch, Database, Json, Row, SqlStore, Statement};

const COLUMNS: &str = "SELECT id, user_id, name, hash, scopes, created_at, created_by, expires_at, \
    addresses, may_act_for, previous_hash, previous_until, last_used_at, updated_at, version \
    FROM ee_api_keys";

fn record(mut row: Row) -> Result<ApiKeyRecord, Error> {
    let (id, user, name, hash) = (row.take()?, row.take()?, row.take()?, row.take()?);
    let scopes = row.take::<Json<_>>()?.0;
    let mut key = ApiKeyRecord::new(id, user, name, hash, scopes, row.take()?);
    key.created_by = row.take()?;
    key.expires_at = row.take()?;
    key.addresses = row.take::<Json<_>>()?.0;
    key.may_act_for = row.take::<Json<_>>()?.0;
    let (hash, until) = (row.take()?, row.take()?);
    key.previous = Option::zip(hash, until).map(|(hash, until)| PreviousSecret { hash, until });
    key.last_used_at = row.take()?;
    key.updated_at = row.take()?;
    key.version = row.take()?;
    Ok(key)
}

/// Binds `?1` to `?10`: what an update writes as well.
fn bind(statement: Statement, key: &ApiKeyRecord) -> Result<Statement, Error> {
    let previous = key.previous.as_ref();
    Ok(statement
        .bind(&key.id)
        .bind(&key.name)
        .bind(key.hash)
        .bind(Json(&key.scopes).value()?)
        .bind(key.expires_at)
        .bind(Json(&key.addresses).value()?)
        .bind(Json(&key.may_act_for).value()?)
        .bind(previous.map(|previous| previous.hash))
        .bind(previous.map(|previous| previous.until))
        .bind(key.updated_at))
}

#[async_trait]
impl<D: Database> ApiKeyStore for SqlStore<D> {
    async fn create(&self, key: ApiKeyRecord) -> Result<(), Error> {
        let insert = Statement::new(
            "INSERT INTO ee_api_keys (id, name, hash, scopes, expires_at, addresses, may_act_for, \
             previous_hash, previous_until, updated_at, user_id, created_at, created_by, \
             last_used_at, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
             ?13, ?14, ?15)",
        );
        let (id, name) = (key.id.to_string(), key.name.clone());
        let insert = bind(insert, &key)?
            .bind(key.user_id)
            .bind(key.created_at)
            .bind(key.created_by)
            .bind(key.last_used_at)
            .bind(key.version);
        let batch = Batch::from(insert).telling(Change::Key(key.id));
        let batch = batch.about("key", &id, &name);
        let taken = "a key with this id exists already";
        self.insert("create a key", batch, taken).await
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKeyRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE id = ?1")).bind(id);
        self.find_by("find a key", query, record).await
    }

    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<ApiKeyRecord>, Error> {
        let mut query = Statement::new(format!("{COLUMNS} WHERE 1 = 1"));
        if let Some(user) = user {
            query = query.and(" AND user_id = ?", [user]);
        }
        if let Some(after) = &cursor.after {
            query = query.and(" AND id > ?", [after]);
        }
        let query = query.and(" ORDER BY id LIMIT ?", [cursor.limit + 1]);
        let rows = self.rows("list keys", query, record).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| row.id.to_string()))
    }

    async fn update(&self, key: ApiKeyRecord) -> Result<Changed, Error> {
        let update = Statement::new(
            "UPDATE ee_api_keys SET name = ?2, hash = ?3, scopes = ?4, expires_at = ?5, \
             addresses = ?6, may_act_for = ?7, previous_hash = ?8, previous_until = ?9, \
             updated_at = ?10, version = version + 1 WHERE id = ?1 AND version = ?11",
        );
        let update = bind(update, &key)?.bind(key.version);
        let batch = Batch::from(update).telling(Change::Key(key.id.clone()));
        if self.change_rows("update a key", batch).await? > 0 {
            return Ok(Changed::Done);
        }
        let found = ApiKeyStore::find(self, &key.id).await?;
        Ok(found.map_or(Changed::Gone, |_| Changed::Stale))
    }

    async fn delete(&self, id: &KeyId) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_api_keys WHERE id = ?1").bind(id);
        let batch = Batch::from(delete).telling(Change::Key(id.clone()));
        Ok(self.change_rows("delete a key", batch).await? > 0)
    }

    async fn note_use(&self, id: &KeyId, at: Timestamp) -> Result<bool, Error> {
        let update = Statement::new("UPDATE ee_api_keys SET last_used_at = ?2 WHERE id = ?1");
        let update = update.bind(id).bind(at);
        Ok(self.run("note the use of a key", update).await? > 0)
    }
}
