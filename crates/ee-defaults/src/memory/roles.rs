use std::collections::BTreeMap;

use async_trait::async_trait;
use ee_core::{
    AclSubject, Error, RoleId,
    storage::{Change, Changed, OWNER_ROLE, RoleBook, RoleRecord, RoleStore},
};

use super::{MemoryStore, directory::Directory, read, write};

#[async_trait]
impl RoleStore for MemoryStore {
    async fn book(&self) -> Result<RoleBook, Error> {
        Ok(read(&self.directory).roles.clone())
    }

    async fn put(&self, mut role: RoleRecord, revision: u64) -> Result<Changed, Error> {
        let changed = self.write_book(revision, &Change::Roles, |directory| {
            let roles = &mut directory.roles.roles;
            match at(roles, &role.role.id) {
                Ok((kept, _)) => {
                    role.created_at = kept.created_at;
                    *kept = role;
                }
                Err(place) => roles.insert(place, role),
            }
            Changed::Done
        });
        Ok(changed)
    }

    async fn delete(&self, role: &RoleId, revision: u64) -> Result<Changed, Error> {
        if role.as_str() == OWNER_ROLE {
            return Ok(Changed::LastOwner);
        }
        // Who had the role is not told one by one.
        let changed = self.write_book(revision, &Change::Everything, |directory| {
            let roles = &mut directory.roles.roles;
            let Ok((_, place)) = at(roles, role) else {
                return Changed::Gone;
            };
            roles.remove(place);
            directory.assignments.remove_role(role);
            let subject = AclSubject::Role(role.clone());
            directory.grants.remove_subject(&subject);
            Changed::Done
        });
        Ok(changed)
    }

    async fn set_mapping(
        &self,
        mapping: BTreeMap<RoleId, Vec<RoleId>>,
        revision: u64,
    ) -> Result<Changed, Error> {
        let changed = self.write_book(revision, &Change::Roles, |directory| {
            directory.roles.mapping = mapping;
            Changed::Done
        });
        Ok(changed)
    }
}

impl MemoryStore {
    /// Changes the book if it is still at this revision, and moves it on if it was changed.
    fn write_book(
        &self,
        revision: u64,
        tells: &Change,
        change: impl FnOnce(&mut Directory) -> Changed,
    ) -> Changed {
        {
            let mut directory = write(&self.directory);
            if directory.roles.revision != revision {
                return Changed::Stale;
            }
            let changed = change(&mut directory);
            if changed != Changed::Done {
                return changed;
            }
            directory.roles.revision += 1;
        }
        self.carry(None);
        self.hub.tell(tells);
        Changed::Done
    }
}

/// Finds a role and where it stands, or where it belongs: the roles are sorted by id.
fn at<'a>(roles: &'a mut [RoleRecord], id: &RoleId) -> Result<(&'a mut RoleRecord, usize), usize> {
    let place = roles.binary_search_by(|kept| kept.role.id.cmp(id))?;
    roles.get_mut(place).map(|kept| (kept, place)).ok_or(place)
}
