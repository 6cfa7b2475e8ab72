use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry};

use async_trait::async_trait;
use ee_core::{
    AclSubject, Error, ErrorKind, GroupId, UserId,
    storage::{Change, Changed, Cursor, GroupRecord, GroupStore, Listed},
};

use super::{MemoryStore, after, one_more, read, taken, thing, write};

#[derive(Default)]
pub(super) struct Groups {
    by_id: BTreeMap<GroupId, Group>,
    by_user: HashMap<UserId, BTreeSet<GroupId>>,
}

struct Group {
    members: BTreeSet<UserId>,
    record: GroupRecord,
}

impl Groups {
    pub(super) fn remove_user(&mut self, user: &UserId) {
        for id in self.by_user.remove(user).unwrap_or_default() {
            if let Some(group) = self.by_id.get_mut(&id) {
                group.members.remove(user);
            }
        }
    }

    /// Notes that somebody is not in a group any more.
    fn leave(&mut self, id: &GroupId, user: &UserId) {
        if let Some(groups) = self.by_user.get_mut(user) {
            groups.remove(id);
            if groups.is_empty() {
                self.by_user.remove(user);
            }
        }
    }
}

#[async_trait]
impl GroupStore for MemoryStore {
    async fn create(&self, group: GroupRecord) -> Result<(), Error> {
        let made = thing("group", group.id.as_str(), &group.name);
        match write(&self.directory).groups.by_id.entry(group.id.clone()) {
            Entry::Occupied(_) => return Err(taken("a group with this id exists already")),
            Entry::Vacant(entry) => drop(entry.insert(Group {
                members: BTreeSet::new(),
                record: group,
            })),
        }
        self.carry(Some(&made));
        Ok(())
    }

    async fn find(&self, id: &GroupId) -> Result<Option<GroupRecord>, Error> {
        let directory = read(&self.directory);
        let group = directory.groups.by_id.get(id);
        Ok(group.map(|group| group.record.clone()))
    }

    async fn list(&self, cursor: &Cursor) -> Result<Listed<GroupRecord>, Error> {
        let directory = read(&self.directory);
        let groups = &directory.groups.by_id;
        let rows = groups
            .range::<str, _>(after(cursor))
            .take(one_more(cursor))
            .map(|(_, group)| group.record.clone());
        Ok(Listed::cut(rows.collect(), cursor.limit, |row| {
            row.id.to_string()
        }))
    }

    async fn update(&self, group: GroupRecord) -> Result<Changed, Error> {
        let changed = thing("group", group.id.as_str(), &group.name);
        {
            let mut directory = write(&self.directory);
            let Some(Group { record, .. }) = directory.groups.by_id.get_mut(&group.id) else {
                return Ok(Changed::Gone);
            };
            if record.version != group.version {
                return Ok(Changed::Stale);
            }
            record.description = group.description;
            record.name = group.name;
            record.updated_at = group.updated_at;
            record.version += 1;
        }
        self.carry(Some(&changed));
        Ok(Changed::Done)
    }

    async fn delete(&self, id: &GroupId) -> Result<bool, Error> {
        {
            let directory = &mut *write(&self.directory);
            let Some(group) = directory.groups.by_id.remove(id) else {
                return Ok(false);
            };
            for user in &group.members {
                directory.groups.leave(id, user);
            }
            let subject = AclSubject::Group(id.clone());
            directory.grants.remove_subject(&subject);
        }
        // Who was in the group is not told one by one.
        self.carry(None);
        self.hub.tell(&Change::Everything);
        Ok(true)
    }

    async fn add_member(&self, id: &GroupId, user: &UserId) -> Result<bool, Error> {
        {
            let groups = &mut write(&self.directory).groups;
            let Some(group) = groups.by_id.get_mut(id) else {
                let message = format!("there is no group `{id}`");
                return Err(Error::new(ErrorKind::NotFound, message));
            };
            if !group.members.insert(user.clone()) {
                return Ok(false);
            }
            let of_user = groups.by_user.entry(user.clone()).or_default();
            of_user.insert(id.clone());
        }
        self.carry(None);
        self.hub.tell(&Change::User(user.clone()));
        Ok(true)
    }

    async fn remove_member(&self, id: &GroupId, user: &UserId) -> Result<bool, Error> {
        {
            let groups = &mut write(&self.directory).groups;
            let group = groups.by_id.get_mut(id);
            if group.is_none_or(|group| !group.members.remove(user)) {
                return Ok(false);
            }
            groups.leave(id, user);
        }
        self.carry(None);
        self.hub.tell(&Change::User(user.clone()));
        Ok(true)
    }

    async fn members(&self, id: &GroupId, cursor: &Cursor) -> Result<Listed<UserId>, Error> {
        let directory = read(&self.directory);
        let group = directory.groups.by_id.get(id).into_iter();
        let rows = group
            .flat_map(|group| group.members.range::<str, _>(after(cursor)))
            .take(one_more(cursor));
        let rows = rows.cloned().collect();
        Ok(Listed::cut(rows, cursor.limit, ToString::to_string))
    }

    async fn groups_of(&self, user: &UserId) -> Result<Vec<GroupId>, Error> {
        let directory = read(&self.directory);
        let groups = directory.groups.by_user.get(user);
        Ok(groups.into_iter().flatten().cloned().collect())
    }
}
