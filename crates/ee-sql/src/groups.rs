use async_trait::async_trait;
use ee_core::{
    AclSubject, Error, ErrorKind, GroupId, UserId,
    storage::{Change, Changed, Cursor, GroupRecord, GroupStore, Listed},
};

use crate::{Batch, Database, Row, SqlStore, Statement, store::column};

const COLUMNS: &str =
    "SELECT id, name, created_at, description, updated_at, version FROM ee_groups";

fn record(mut row: Row) -> Result<GroupRecord, Error> {
    let mut group = GroupRecord::new(row.take()?, row.take()?, row.take()?);
    group.description = row.take()?;
    group.updated_at = row.take()?;
    group.version = row.take()?;
    Ok(group)
}

#[async_trait]
impl<D: Database> GroupStore for SqlStore<D> {
    async fn create(&self, group: GroupRecord) -> Result<(), Error> {
        let insert = Statement::new(
            "INSERT INTO ee_groups (id, name, description, created_at, updated_at, version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(&group.id)
        .bind(&*group.name)
        .bind(group.description)
        .bind(group.created_at)
        .bind(group.updated_at)
        .bind(group.version);
        let insert = Batch::from(insert).about("group", group.id.as_str(), &group.name);
        let taken = "a group with this id exists already";
        self.insert("create a group", insert, taken).await
    }

    async fn find(&self, id: &GroupId) -> Result<Option<GroupRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE id = ?1")).bind(id);
        self.find_by("find a group", query, record).await
    }

    async fn list(&self, cursor: &Cursor) -> Result<Listed<GroupRecord>, Error> {
        let mut query = Statement::new(format!("{COLUMNS} WHERE 1 = 1"));
        if let Some(after) = &cursor.after {
            query = query.and(" AND id > ?", [after]);
        }
        let query = query.and(" ORDER BY id LIMIT ?", [cursor.limit + 1]);
        let rows = self.rows("list groups", query, record).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| row.id.to_string()))
    }

    async fn update(&self, group: GroupRecord) -> Result<Changed, Error> {
        let update = Statement::new(
            "UPDATE ee_groups SET name = ?2, description = ?3, updated_at = ?4, \
             version = version + 1 WHERE id = ?1 AND version = ?5",
        )
        .bind(&group.id)
        .bind(&*group.name)
        .bind(group.description)
        .bind(group.updated_at)
        .bind(group.version);
        let update = Batch::from(update).about("group", group.id.as_str(), &group.name);
        if self.change_rows("update a group", update).await? > 0 {
            return Ok(Changed::Done);
        }
        let found = GroupStore::find(self, &group.id).await?;
        Ok(found.map_or(Changed::Gone, |_| Changed::Stale))
    }

    async fn delete(&self, id: &GroupId) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_groups WHERE id = ?1").bind(id);
        let members = Statement::new("DELETE FROM ee_group_members WHERE group_id = ?1").bind(id);
        let grants = Statement::new("DELETE FROM ee_grants WHERE subject = ?1");
        let batch = Batch::from(delete.must_change())
            .then(members)
            .then(grants.bind(AclSubject::Group(id.clone())))
            // Who was in the group is not told one by one.
            .telling(Change::Everything);
        Ok(self.change("delete a group", batch).await?.is_some())
    }

    async fn add_member(&self, id: &GroupId, user: &UserId) -> Result<bool, Error> {
        // Changes nothing, and holds the group until the member is in it.
        let group = Statement::new("UPDATE ee_groups SET version = version WHERE id = ?1").bind(id);
        let insert = Statement::new(
            "INSERT INTO ee_group_members (group_id, user_id) VALUES (?1, ?2) \
             ON CONFLICT (group_id, user_id) DO NOTHING",
        );
        let batch = Batch::from(group.must_change())
            .then(insert.bind(id).bind(user))
            .telling(Change::User(user.clone()));
        let done = self.change("add a member", batch).await?;
        let last = done.and_then(|mut done| done.pop());
        last.map(|done| done.changed > 0)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no group `{id}`")))
    }

    async fn remove_member(&self, id: &GroupId, user: &UserId) -> Result<bool, Error> {
        let delete =
            Statement::new("DELETE FROM ee_group_members WHERE group_id = ?1 AND user_id = ?2");
        let batch = Batch::from(delete.bind(id).bind(user)).telling(Change::User(user.clone()));
        Ok(self.change_rows("remove a member", batch).await? > 0)
    }

    async fn members(&self, id: &GroupId, cursor: &Cursor) -> Result<Listed<UserId>, Error> {
        let query = Statement::new("SELECT user_id FROM ee_group_members WHERE group_id = ?1");
        let mut query = query.bind(id);
        if let Some(after) = &cursor.after {
            query = query.and(" AND user_id > ?", [after]);
        }
        let query = query.and(" ORDER BY user_id LIMIT ?", [cursor.limit + 1]);
        let rows: Vec<UserId> = self.rows("list members", query, column).await?;
        Ok(Listed::cut(rows, cursor.limit, ToString::to_string))
    }

    async fn groups_of(&self, user: &UserId) -> Result<Vec<GroupId>, Error> {
        let query = Statement::new(
            "SELECT group_id FROM ee_group_members WHERE user_id = ?1 ORDER BY group_id",
        );
        self.few("list the groups of a user", query.bind(user), column)
            .await
    }
}
