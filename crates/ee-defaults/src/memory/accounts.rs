use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use ee_core::{
    Error, UserId,
    storage::{
        AccountFilter, AccountRecord, AccountStatus, AccountStore, Change, Changed, Cursor, Listed,
    },
};
use jiff::Timestamp;

use super::{MemoryStore, after, one_more, read, taken, write};

const TAKEN: &str = "an account with this id or e-mail address exists already";

#[derive(Default)]
pub(super) struct Accounts {
    by_email: HashMap<String, UserId>,
    by_id: BTreeMap<UserId, AccountRecord>,
}

impl Accounts {
    pub(super) fn is_disabled(&self, id: &UserId) -> bool {
        let account = self.by_id.get(id);
        account.is_some_and(|account| account.status == AccountStatus::Disabled)
    }

    pub(super) fn remove(&mut self, id: &UserId) {
        let account = self.by_id.remove(id);
        if let Some(key) = account.as_ref().and_then(key) {
            self.by_email.remove(&key);
        }
    }

    /// Tells whether the address belongs to nobody else.
    fn is_free(&self, account: &AccountRecord) -> bool {
        let owner = key(account).and_then(|key| self.by_email.get(&key));
        owner.is_none_or(|owner| *owner == account.id)
    }

    /// Keeps an account in the place of the one that was there.
    fn put(&mut self, account: AccountRecord) {
        self.remove(&account.id);
        if let Some(key) = key(&account) {
            self.by_email.insert(key, account.id.clone());
        }
        self.by_id.insert(account.id.clone(), account);
    }
}

fn key(account: &AccountRecord) -> Option<String> {
    account.email.as_deref().map(AccountRecord::email_key)
}

#[async_trait]
impl AccountStore for MemoryStore {
    async fn create(&self, account: AccountRecord) -> Result<(), Error> {
        let change = Change::User(account.id.clone());
        {
            let mut directory = write(&self.directory);
            let accounts = &directory.accounts;
            if accounts.by_id.contains_key(&account.id) || !accounts.is_free(&account) {
                return Err(taken(TAKEN));
            }
            if is_off(&account) && directory.is_last_owner(&account.id) {
                return Err(taken(
                    "the last owner cannot get an account that is disabled",
                ));
            }
            directory.accounts.put(account);
        }
        self.carry(None);
        self.hub.tell(&change);
        Ok(())
    }

    async fn find(&self, id: &UserId) -> Result<Option<AccountRecord>, Error> {
        Ok(read(&self.directory).accounts.by_id.get(id).cloned())
    }

    async fn find_by_email(&self, email: &str) -> Result<Option<AccountRecord>, Error> {
        let directory = read(&self.directory);
        let accounts = &directory.accounts;
        let id = accounts.by_email.get(&AccountRecord::email_key(email));
        Ok(id.and_then(|id| accounts.by_id.get(id)).cloned())
    }

    async fn list(
        &self,
        filter: &AccountFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AccountRecord>, Error> {
        let search = filter.search.as_deref().map(str::to_ascii_lowercase);
        let directory = read(&self.directory);
        let accounts = &directory.accounts.by_id;
        let rows = accounts
            .range::<str, _>(after(cursor))
            .map(|(_, account)| account)
            .filter(|account| fits(account, filter, search.as_deref()))
            .take(one_more(cursor));
        let rows = rows.cloned().collect();
        Ok(Listed::cut(rows, cursor.limit, |row| row.id.to_string()))
    }

    async fn update(&self, mut account: AccountRecord) -> Result<Changed, Error> {
        let change = Change::User(account.id.clone());
        {
            let mut directory = write(&self.directory);
            let Some(kept) = directory.accounts.by_id.get(&account.id) else {
                return Ok(Changed::Gone);
            };
            if kept.version != account.version {
                return Ok(Changed::Stale);
            }
            if is_off(&account) && !is_off(kept) && directory.is_last_owner(&account.id) {
                return Ok(Changed::LastOwner);
            }
            if !directory.accounts.is_free(&account) {
                return Err(taken(TAKEN));
            }
            account.kind = kept.kind;
            account.created_at = kept.created_at;
            account.created_by.clone_from(&kept.created_by);
            account.last_sign_in_at = kept.last_sign_in_at;
            account.version = kept.version.saturating_add(1);
            if let (Some(new), Some(old)) = (&mut account.totp, &kept.totp)
                && new.sealed_secret == old.sealed_secret
            {
                new.last_step = new.last_step.max(old.last_step);
            }
            directory.accounts.put(account);
        }
        self.carry(None);
        self.hub.tell(&change);
        Ok(Changed::Done)
    }

    async fn delete(&self, id: &UserId) -> Result<Changed, Error> {
        {
            let mut directory = write(&self.directory);
            if !directory.accounts.by_id.contains_key(id) {
                return Ok(Changed::Gone);
            }
            if directory.is_last_owner(id) {
                return Ok(Changed::LastOwner);
            }
            directory.remove_user(id);
            self.sessions.end_all(id, None);
        }
        self.carry(None);
        self.hub.tell(&Change::Everything);
        Ok(Changed::Done)
    }

    async fn take_totp_step(&self, id: &UserId, step: u64) -> Result<bool, Error> {
        let mut directory = write(&self.directory);
        let account = directory.accounts.by_id.get_mut(id);
        let totp = account.and_then(|account| account.totp.as_mut());
        let later = totp.filter(|totp| totp.last_step < step);
        Ok(later.map(|totp| totp.last_step = step).is_some())
    }

    async fn note_sign_in(&self, id: &UserId, at: Timestamp) -> Result<bool, Error> {
        let mut directory = write(&self.directory);
        let account = directory.accounts.by_id.get_mut(id);
        Ok(account
            .map(|account| account.last_sign_in_at = Some(at))
            .is_some())
    }
}

fn is_off(account: &AccountRecord) -> bool {
    account.status == AccountStatus::Disabled
}

fn fits(account: &AccountRecord, filter: &AccountFilter, search: Option<&str>) -> bool {
    let AccountFilter { kind, status, .. } = filter;
    let holds = |text: Option<&str>, part: &str| {
        text.is_some_and(|text| text.to_ascii_lowercase().contains(part))
    };
    kind.is_none_or(|kind| account.kind == kind)
        && status.is_none_or(|status| account.status == status)
        && search.is_none_or(|part| {
            holds(Some(account.id.as_str()), part)
                || holds(account.name.as_deref(), part)
                || holds(account.email.as_deref(), part)
        })
}
