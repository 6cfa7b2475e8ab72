use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use async_trait::async_trait;
use ee_core::{
    Error, UserId,
    storage::{ExternalIdentity, IdentityStore},
};
use jiff::Timestamp;

use super::{MemoryStore, read, taken, write};

/// Issuer and subject.
type Name = (String, String);

#[derive(Default)]
pub(super) struct Identities {
    by_name: HashMap<Name, UserId>,
    by_user: HashMap<UserId, BTreeMap<Name, Timestamp>>,
}

impl Identities {
    pub(super) fn remove_user(&mut self, user: &UserId) {
        for name in self.by_user.remove(user).unwrap_or_default().keys() {
            self.by_name.remove(name);
        }
    }
}

#[async_trait]
impl IdentityStore for MemoryStore {
    async fn link(&self, identity: ExternalIdentity) -> Result<(), Error> {
        let ExternalIdentity {
            issuer,
            linked_at,
            subject,
            user_id,
            ..
        } = identity;
        let name = (issuer, subject);
        let identities = &mut write(&self.directory).identities;
        match identities.by_name.entry(name.clone()) {
            Entry::Occupied(_) => Err(taken("this identity belongs to an account already")),
            Entry::Vacant(entry) => {
                entry.insert(user_id.clone());
                let links = identities.by_user.entry(user_id).or_default();
                links.insert(name, linked_at);
                Ok(())
            }
        }
    }

    async fn find_linked(&self, issuer: &str, subject: &str) -> Result<Option<UserId>, Error> {
        let name = (issuer.to_owned(), subject.to_owned());
        let directory = read(&self.directory);
        Ok(directory.identities.by_name.get(&name).cloned())
    }

    async fn links_of(&self, user: &UserId) -> Result<Vec<ExternalIdentity>, Error> {
        let directory = read(&self.directory);
        let links = directory.identities.by_user.get(user);
        let links = links
            .into_iter()
            .flatten()
            .map(|((issuer, subject), linked_at)| {
                let (issuer, subject) = (issuer.clone(), subject.clone());
                ExternalIdentity::new(issuer, subject, user.clone(), *linked_at)
            });
        Ok(links.collect())
    }

    async fn unlink(&self, issuer: &str, subject: &str) -> Result<bool, Error> {
        let name = (issuer.to_owned(), subject.to_owned());
        let identities = &mut write(&self.directory).identities;
        let Some(user) = identities.by_name.remove(&name) else {
            return Ok(false);
        };
        if let Entry::Occupied(mut links) = identities.by_user.entry(user) {
            links.get_mut().remove(&name);
            if links.get().is_empty() {
                links.remove();
            }
        }
        Ok(true)
    }
}
