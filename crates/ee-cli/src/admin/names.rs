//! Finds what a name on the command line means, and what was probably meant by one that nobody knows.

use anyhow::{Result, anyhow};
use ee::{
    AclSubject, GroupId, RoleId, UserId,
    server::access,
    storage::{AccountFilter, AccountRecord, Cursor},
};

use super::operator::Operator;

/// Most names that an error lists.
const MOST_NAMES: usize = 20;

impl Operator {
    /// Returns the account with this id or e-mail address.
    pub(super) async fn account(&self, text: &str) -> Result<AccountRecord> {
        match self.find_account(text).await? {
            Some(account) => Ok(account),
            None if self.is_configured(text).await? => Err(anyhow!(
                "`{text}` is a user of the configuration and has no account"
            )),
            None => Err(self.unknown_user(text).await?),
        }
    }

    /// Returns the user with this id, or the account with this e-mail address.
    pub(super) async fn user(&self, text: &str) -> Result<UserId> {
        if let Some(account) = self.find_account(text).await? {
            return Ok(account.id);
        }
        if self.is_configured(text).await? {
            return Ok(text.parse()?);
        }
        Err(self.unknown_user(text).await?)
    }

    /// Returns the user like [`user`](Self::user). Somebody whom nobody knows is taken for one who has been: what is left
    /// of him can be looked at and taken away.
    pub(super) async fn user_or_gone(&self, text: &str) -> Result<UserId> {
        match self.find_account(text).await? {
            Some(account) => Ok(account.id),
            None if text.contains('@') && !self.is_configured(text).await? => {
                Err(self.unknown_user(text).await?)
            }
            None => Ok(text.parse()?),
        }
    }

    pub(super) async fn users_named(&self, texts: &[String]) -> Result<Vec<UserId>> {
        let mut users = Vec::with_capacity(texts.len());
        for text in texts {
            users.push(self.user(text).await?);
        }
        Ok(users)
    }

    async fn find_account(&self, text: &str) -> Result<Option<AccountRecord>> {
        let accounts = &self.stores.accounts;
        if let Ok(id) = UserId::new(text)
            && let Some(account) = accounts.find(&id).await?
        {
            return Ok(Some(account));
        }
        if text.contains('@') {
            return Ok(accounts.find_by_email(text.trim()).await?);
        }
        Ok(None)
    }

    /// Tells whether the configuration has a user with this id.
    async fn is_configured(&self, text: &str) -> Result<bool> {
        let Ok(id) = UserId::new(text) else {
            return Ok(false);
        };
        Ok(self.access()?.users.find(&id).await?.is_some())
    }

    async fn unknown_user(&self, text: &str) -> Result<anyhow::Error> {
        let accounts = &self.stores.accounts;
        let mut containing = AccountFilter::default();
        containing.search = Some(text.to_owned()).filter(|text| !text.is_empty());
        let found = accounts.list(&containing, &Cursor::first(2)).await?.rows;
        let hint = if let [only] = &*found {
            Some(shown(only).to_owned())
        } else {
            let first = Cursor::first(Cursor::MAX_LIMIT);
            let some = accounts.list(&AccountFilter::default(), &first).await?.rows;
            let names = some.iter().flat_map(names);
            nearest(text, names).map(str::to_owned)
        };
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Ok(anyhow!("there is no user `{text}`{hint}"))
    }

    /// Fails with the roles that there are unless all of these are among them.
    pub(super) async fn check_roles(&self, roles: &[RoleId]) -> Result<()> {
        let known = access::list_roles(&self.cx).await?.roles;
        let known: Vec<&str> = known.iter().map(|it| it.role.id.as_str()).collect();
        let unknown = roles.iter().find(|role| !known.contains(&role.as_str()));
        match unknown {
            None => Ok(()),
            Some(role) => Err(self::unknown("role", role.as_str(), &known)),
        }
    }

    /// Fails with the groups that there are unless this is one of them.
    pub(super) async fn check_group(&self, group: &GroupId) -> Result<()> {
        let groups = &self.stores.groups;
        if groups.find(group).await?.is_some() {
            return Ok(());
        }
        let known = groups.list(&Cursor::first(Cursor::MAX_LIMIT)).await?.rows;
        let known: Vec<&str> = known.iter().map(|it| it.id.as_str()).collect();
        Err(unknown("group", group.as_str(), &known))
    }

    /// Reads `user:ID`, `user:EMAIL`, `role:ID` or `group:ID` of something that is there.
    pub(super) async fn subject(&self, text: &str) -> Result<AclSubject> {
        if let Some(user) = text.strip_prefix("user:") {
            return Ok(AclSubject::User(self.user(user).await?));
        }
        let subject = text.parse()?;
        match &subject {
            AclSubject::Group(group) => self.check_group(group).await?,
            AclSubject::Role(role) => self.check_roles(std::slice::from_ref(role)).await?,
            AclSubject::User(_) => {}
        }
        Ok(subject)
    }

    /// Reads a subject like [`subject`](Self::subject), also one that is gone.
    pub(super) async fn subject_or_gone(&self, text: &str) -> Result<AclSubject> {
        match text.strip_prefix("user:") {
            Some(user) => Ok(AclSubject::User(self.user_or_gone(user).await?)),
            None => Ok(text.parse()?),
        }
    }
}

/// Returns what an account can be named by.
fn names(account: &AccountRecord) -> impl Iterator<Item = &str> {
    let email = account.email.as_deref();
    email.into_iter().chain([account.id.as_str()])
}

fn shown(account: &AccountRecord) -> &str {
    account.email.as_deref().unwrap_or(account.id.as_str())
}

fn unknown(what: &str, name: &str, known: &[&str]) -> anyhow::Error {
    let near = nearest(name, known.iter().copied());
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let list = match known.get(..MOST_NAMES) {
        Some(first) => format!("{}, …", first.join(", ")),
        None if known.is_empty() => "none".to_owned(),
        None => known.join(", "),
    };
    anyhow!("there is no {what} `{name}`; known are: {list}{hint}")
}

/// Returns the name that was probably meant: the most similar one, if it is similar at all.
fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    names
        .map(|name| {
            (
                strsim::damerau_levenshtein(&typed, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= name.chars().count().div_ceil(4))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_those_that_there_are() {
        let known = ["owner", "viewer"];

        let close = unknown("role", "viewr", &known).to_string();
        let far = unknown("role", "zzz", &known).to_string();

        assert_eq!(
            close,
            "there is no role `viewr`; known are: owner, viewer; did you mean `viewer`?"
        );
        assert_eq!(far, "there is no role `zzz`; known are: owner, viewer");
    }

    #[test]
    fn a_long_list_is_cut() {
        let many: Vec<String> = (0..100).map(|n| format!("group-{n:03}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();

        let text = unknown("group", "x", &many).to_string();

        assert!(text.ends_with("group-019, …"), "{text}");
    }
}
