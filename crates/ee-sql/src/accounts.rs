use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind, UserId,
    storage::{
        AccountFilter, AccountRecord, AccountStatus, AccountStore, Change, Changed, Cursor, Listed,
        Totp,
    },
};
use jiff::Timestamp;

use crate::{
    Batch, Database, Json, Name, Row, SqlStore, Statement,
    sessions::all_of,
    store::{column, containing},
};

/// Names what a conflict is about.
fn taken(err: Error) -> Error {
    if err.kind() != ErrorKind::Conflict {
        return err;
    }
    let what = "an account with this id or e-mail address exists already";
    Error::new(ErrorKind::Conflict, what).with_source(err)
}

/// Under this name run all batches that could take the last owner away.
pub(crate) const OWNERS: &str = "owners";

/// True when somebody but `?1`, whose account is not disabled, is an owner, or `?1` is none.
pub(crate) const NOT_THE_LAST_OWNER: &str = "(NOT EXISTS (SELECT 1 FROM ee_assignments \
    WHERE user_id = ?1 AND role = 'owner') OR EXISTS (SELECT 1 FROM ee_assignments AS other \
    WHERE other.role = 'owner' AND other.user_id <> ?1 AND NOT EXISTS (SELECT 1 FROM ee_accounts \
    AS off WHERE off.id = other.user_id AND off.status = 'disabled')))";

const COLUMNS: &str = "SELECT id, kind, status, email, email_verified, name, avatar_url, \
    password_hash, totp_secret, totp_confirmed, totp_last_step, credential_version, metadata, \
    created_at, created_by, updated_at, last_sign_in_at, version FROM ee_accounts";

fn record(mut row: Row) -> Result<AccountRecord, Error> {
    let (id, Name(kind)) = (row.take()?, row.take::<Name<_>>()?);
    let mut account = AccountRecord::new(id, kind, Timestamp::UNIX_EPOCH);
    account.status = row.take::<Name<_>>()?.0;
    account.email = row.take()?;
    account.email_verified = row.take()?;
    account.name = row.take()?;
    account.avatar_url = row.take()?;
    account.password_hash = row.take()?;
    let secret: Option<Vec<u8>> = row.take()?;
    let (is_confirmed, last_step) = (row.take()?, row.take()?);
    account.totp = secret.map(|secret| {
        let mut totp = Totp::new(secret);
        totp.is_confirmed = is_confirmed;
        totp.last_step = last_step;
        totp
    });
    account.credential_version = row.take()?;
    account.metadata = row.take::<Json<_>>()?.0;
    account.created_at = row.take()?;
    account.created_by = row.take()?;
    account.updated_at = row.take()?;
    account.last_sign_in_at = row.take()?;
    account.version = row.take()?;
    Ok(account)
}

/// Binds `?1` to `?13`: what an update writes as well.
fn bind(statement: Statement, account: &AccountRecord) -> Result<Statement, Error> {
    let totp = account.totp.as_ref();
    Ok(statement
        .bind(&account.id)
        .bind(Name(account.status).value()?)
        .bind(account.email.as_deref())
        .bind(account.email.as_deref().map(AccountRecord::email_key))
        .bind(account.email_verified)
        .bind(account.name.as_deref())
        .bind(account.avatar_url.as_deref())
        .bind(account.password_hash.as_deref())
        .bind(totp.map(|totp| totp.sealed_secret.clone()))
        .bind(totp.is_some_and(|totp| totp.is_confirmed))
        .bind(totp.map_or(0, |totp| totp.last_step))
        .bind(account.credential_version)
        .bind(Json(&account.metadata).value()?))
}

#[async_trait]
impl<D: Database> AccountStore for SqlStore<D> {
    async fn create(&self, account: AccountRecord) -> Result<(), Error> {
        let insert = Statement::new(
            "INSERT INTO ee_accounts (id, status, email, email_key, email_verified, name, \
             avatar_url, password_hash, totp_secret, totp_confirmed, totp_last_step, \
             credential_version, metadata, kind, created_at, created_by, updated_at, \
             last_sign_in_at, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
             ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        );
        let insert = bind(insert, &account)?
            .bind(Name(account.kind).value()?)
            .bind(account.created_at)
            .bind(account.created_by.as_ref())
            .bind(account.updated_at)
            .bind(account.last_sign_in_at)
            .bind(account.version);
        let mut batch = Batch::default().telling(Change::User(account.id.clone()));
        if account.status == AccountStatus::Disabled {
            // Changes nothing, and undoes the batch if the rule says no.
            let rule = Statement::new(format!(
                "UPDATE ee_revisions SET value = value WHERE name = 'roles' AND {NOT_THE_LAST_OWNER}"
            ));
            let rule = rule.bind(account.id).must_change();
            batch = batch.alone(OWNERS).then(rule);
        }
        let created = self.change("create an account", batch.then(insert)).await;
        match created.map_err(taken)? {
            Some(_) => Ok(()),
            None => Err(Error::new(
                ErrorKind::Conflict,
                "the last owner cannot get an account that is disabled",
            )),
        }
    }

    async fn find(&self, id: &UserId) -> Result<Option<AccountRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE id = ?1")).bind(id);
        self.find_by("find an account", query, record).await
    }

    async fn find_by_email(&self, email: &str) -> Result<Option<AccountRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE email_key = ?1"));
        let query = query.bind(AccountRecord::email_key(email));
        self.find_by("find an account", query, record).await
    }

    async fn list(
        &self,
        filter: &AccountFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AccountRecord>, Error> {
        let mut query = Statement::new(format!("{COLUMNS} WHERE 1 = 1"));
        if let Some(kind) = filter.kind {
            query = query.and(" AND kind = ?", [Name(kind).value()?]);
        }
        if let Some(status) = filter.status {
            query = query.and(" AND status = ?", [Name(status).value()?]);
        }
        if let Some(part) = &filter.search {
            query = query.and(
                " AND (lower(id) LIKE ? ESCAPE '!' OR lower(name) LIKE ? ESCAPE '!' \
                 OR lower(email) LIKE ? ESCAPE '!')",
                vec![containing(part); 3],
            );
        }
        if let Some(after) = &cursor.after {
            query = query.and(" AND id > ?", [after]);
        }
        let query = query.and(" ORDER BY id LIMIT ?", [cursor.limit + 1]);
        let rows = self.rows("list accounts", query, record).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| row.id.to_string()))
    }

    async fn update(&self, account: AccountRecord) -> Result<Changed, Error> {
        let mut update = String::from(
            "UPDATE ee_accounts SET status = ?2, email = ?3, email_key = ?4, email_verified = ?5, \
             name = ?6, avatar_url = ?7, password_hash = ?8, totp_secret = ?9, \
             totp_confirmed = ?10, totp_last_step = CASE WHEN totp_secret = ?9 \
             AND totp_last_step > ?11 THEN totp_last_step ELSE ?11 END, \
             credential_version = ?12, metadata = ?13, updated_at = ?14, version = version + 1 \
             WHERE id = ?1 AND version = ?15",
        );
        let is_off = account.status == AccountStatus::Disabled;
        if is_off {
            update = format!("{update} AND (status = 'disabled' OR {NOT_THE_LAST_OWNER})");
        }
        let update = bind(Statement::new(update), &account)?
            .bind(account.updated_at)
            .bind(account.version);
        let mut batch = Batch::from(update.must_change()).telling(Change::User(account.id.clone()));
        if is_off {
            batch = batch.alone(OWNERS);
        }
        let updated = self.change("update an account", batch).await;
        match updated.map_err(taken)? {
            Some(_) => Ok(Changed::Done),
            None => self.why_not(&account.id, Some(account.version)).await,
        }
    }

    async fn delete(&self, id: &UserId) -> Result<Changed, Error> {
        let account = Statement::new(format!(
            "DELETE FROM ee_accounts WHERE id = ?1 AND {NOT_THE_LAST_OWNER}"
        ));
        let mut batch = Batch::from(account.bind(id).must_change())
            .alone(OWNERS)
            .alone(all_of(id));
        for rest in [
            "DELETE FROM ee_identities WHERE user_id = ?1",
            "DELETE FROM ee_assignments WHERE user_id = ?1",
            "DELETE FROM ee_group_members WHERE user_id = ?1",
            "DELETE FROM ee_api_keys WHERE user_id = ?1",
            "DELETE FROM ee_sessions WHERE user_id = ?1",
            "DELETE FROM ee_one_time_tokens WHERE user_id = ?1",
        ] {
            batch = batch.then(Statement::new(rest).bind(id));
        }
        let subject = ee_core::AclSubject::User(id.clone());
        let grants = Statement::new("DELETE FROM ee_grants WHERE subject = ?1").bind(&subject);
        // Its keys go as well, and nobody has counted them.
        let batch = batch.then(grants).telling(Change::Everything);
        match self.change("delete an account", batch).await? {
            Some(_) => Ok(Changed::Done),
            None => self.why_not(id, None).await,
        }
    }

    async fn take_totp_step(&self, id: &UserId, step: u64) -> Result<bool, Error> {
        let update = Statement::new(
            "UPDATE ee_accounts SET totp_last_step = ?2 \
             WHERE id = ?1 AND totp_secret IS NOT NULL AND totp_last_step < ?2",
        );
        let update = update.bind(id).bind(step);
        Ok(self.run("take a code", update).await? > 0)
    }

    async fn note_sign_in(&self, id: &UserId, at: Timestamp) -> Result<bool, Error> {
        let update = Statement::new("UPDATE ee_accounts SET last_sign_in_at = ?2 WHERE id = ?1");
        let update = update.bind(id).bind(at);
        Ok(self.run("note a sign-in", update).await? > 0)
    }
}

impl<D: Database> SqlStore<D> {
    /// Tells why a change to an account was undone.
    async fn why_not(&self, id: &UserId, version: Option<u64>) -> Result<Changed, Error> {
        let query = Statement::new("SELECT version FROM ee_accounts WHERE id = ?1").bind(id);
        let found: Option<u64> = self.find_by("find an account", query, column).await?;
        Ok(match found {
            None => Changed::Gone,
            Some(found) if version.is_some_and(|version| version != found) => Changed::Stale,
            Some(_) => Changed::LastOwner,
        })
    }
}
