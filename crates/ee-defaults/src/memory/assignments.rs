use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    ops::Bound,
};

use async_trait::async_trait;
use ee_core::{
    Error, RoleId, UserId,
    storage::{
        AssignmentFilter, AssignmentRecord, AssignmentStore, Change, Changed, Cursor, Listed,
        OWNER_ROLE,
    },
};
use jiff::Timestamp;

use super::{MemoryStore, columns, one_more, place, read, write};

#[derive(Default)]
pub(super) struct Assignments {
    by_role: HashMap<RoleId, BTreeSet<UserId>>,
    by_user: BTreeMap<UserId, BTreeMap<RoleId, Terms>>,
}

/// Since when, and from whom.
type Terms = (Timestamp, Option<UserId>);

impl Assignments {
    /// Returns who has a role.
    pub(super) fn holders(&self, role: &str) -> impl Iterator<Item = &UserId> {
        self.by_role.get(role).into_iter().flatten()
    }

    pub(super) fn remove_role(&mut self, role: &RoleId) {
        for user in self.by_role.remove(role).unwrap_or_default() {
            self.remove(&user, role);
        }
    }

    pub(super) fn remove_user(&mut self, user: &UserId) {
        for role in self.by_user.remove(user).unwrap_or_default().keys() {
            if let Some(holders) = self.by_role.get_mut(role) {
                holders.remove(user);
            }
        }
    }

    /// Takes a role; false when the user has not got it.
    fn remove(&mut self, user: &UserId, role: &RoleId) -> bool {
        let Some(roles) = self.by_user.get_mut(user) else {
            return false;
        };
        let had = roles.remove(role).is_some();
        if roles.is_empty() {
            self.by_user.remove(user);
        }
        if let Some(holders) = self.by_role.get_mut(role) {
            holders.remove(user);
        }
        had
    }

    /// Returns the assignments from a user on, in their order.
    fn from<'a>(
        &'a self,
        user: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a UserId, &'a RoleId, &'a Terms)> {
        let from = user.map_or(Bound::Unbounded, Bound::Included);
        let users = self.by_user.range::<str, _>((from, Bound::Unbounded));
        users.flat_map(|(user, roles)| roles.iter().map(move |(role, terms)| (user, role, terms)))
    }
}

#[async_trait]
impl AssignmentStore for MemoryStore {
    async fn assign(&self, assignment: AssignmentRecord) -> Result<bool, Error> {
        let AssignmentRecord {
            assigned_at,
            assigned_by,
            role,
            user_id,
            ..
        } = assignment;
        let change = Change::User(user_id.clone());
        {
            let assignments = &mut write(&self.directory).assignments;
            let roles = assignments.by_user.entry(user_id.clone()).or_default();
            match roles.entry(role.clone()) {
                Entry::Occupied(_) => return Ok(false),
                Entry::Vacant(entry) => drop(entry.insert((assigned_at, assigned_by))),
            }
            let holders = assignments.by_role.entry(role).or_default();
            holders.insert(user_id);
        }
        self.carry(None);
        self.hub.tell(&change);
        Ok(true)
    }

    async fn unassign(&self, user: &UserId, role: &RoleId) -> Result<Changed, Error> {
        {
            let mut directory = write(&self.directory);
            if role.as_str() == OWNER_ROLE && directory.is_last_owner(user) {
                return Ok(Changed::LastOwner);
            }
            if !directory.assignments.remove(user, role) {
                return Ok(Changed::Gone);
            }
        }
        self.carry(None);
        self.hub.tell(&Change::User(user.clone()));
        Ok(Changed::Done)
    }

    async fn roles_of(&self, user: &UserId) -> Result<Vec<RoleId>, Error> {
        let directory = read(&self.directory);
        let roles = directory.assignments.by_user.get(user);
        Ok(roles
            .into_iter()
            .flat_map(BTreeMap::keys)
            .cloned()
            .collect())
    }

    async fn list(
        &self,
        filter: &AssignmentFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AssignmentRecord>, Error> {
        let after = columns::<2>(cursor)?;
        let after = after.as_ref().map(|[user, role]| (&**user, &**role));
        let directory = read(&self.directory);
        let rows = directory
            .assignments
            .from(after.map(|(user, _)| user))
            .filter(|(user, role, _)| {
                after.is_none_or(|after| (user.as_str(), role.as_str()) > after)
                    && filter.user_id.as_ref().is_none_or(|wanted| *user == wanted)
                    && filter.role.as_ref().is_none_or(|wanted| *role == wanted)
            })
            .take(one_more(cursor))
            .map(|(user, role, (assigned_at, assigned_by))| {
                let mut record = AssignmentRecord::new(user.clone(), role.clone(), *assigned_at);
                record.assigned_by.clone_from(assigned_by);
                record
            });
        Ok(Listed::cut(rows.collect(), cursor.limit, |row| {
            place(&[row.user_id.as_str(), row.role.as_str()])
        }))
    }
}
