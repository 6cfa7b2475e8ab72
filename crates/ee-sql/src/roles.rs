use std::collections::BTreeMap;

use async_trait::async_trait;
use ee_core::{
    AclSubject, Error, RoleId, UserId,
    storage::{
        AssignmentFilter, AssignmentRecord, AssignmentStore, Change, Changed, Cursor, Listed,
        OWNER_ROLE, RoleBook, RoleRecord, RoleStore,
    },
};

use crate::{
    Batch, Database, Json, Row, SqlStore, Statement,
    accounts::{NOT_THE_LAST_OWNER, OWNERS},
    store::{column, columns, place},
};

/// Moves the book on if it is still at this revision; otherwise the batch is undone.
fn turn(revision: u64) -> Statement {
    Statement::new("UPDATE ee_revisions SET value = value + 1 WHERE name = 'roles' AND value = ?1")
        .bind(revision)
        .must_change()
}

fn role(mut row: Row) -> Result<RoleRecord, Error> {
    let (Json(role), created_at) = (row.take::<Json<_>>()?, row.take()?);
    let mut record = RoleRecord::new(role, created_at);
    record.updated_at = row.take()?;
    record.updated_by = row.take()?;
    Ok(record)
}

fn mapped(mut row: Row) -> Result<(RoleId, Vec<RoleId>), Error> {
    Ok((row.take()?, row.take::<Json<_>>()?.0))
}

#[async_trait]
impl<D: Database> RoleStore for SqlStore<D> {
    async fn book(&self) -> Result<RoleBook, Error> {
        let queries = [
            "SELECT value FROM ee_revisions WHERE name = 'roles'",
            "SELECT definition, created_at, updated_at, updated_by FROM ee_roles ORDER BY id",
            "SELECT external_role, roles FROM ee_role_mapping",
        ];
        let queries = queries.map(Statement::new).into();
        let answers = self.database().query("read the roles", queries).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_default().into_iter();
        let mut book = RoleBook::default();
        if let Some(row) = next().next() {
            book.revision = column(row)?;
        }
        book.roles = next().map(role).collect::<Result<_, _>>()?;
        book.mapping = next().map(mapped).collect::<Result<_, _>>()?;
        Ok(book)
    }

    async fn put(&self, record: RoleRecord, revision: u64) -> Result<Changed, Error> {
        let upsert = Statement::new(
            "INSERT INTO ee_roles (id, definition, created_at, updated_at, updated_by) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET \
             definition = excluded.definition, updated_at = excluded.updated_at, \
             updated_by = excluded.updated_by",
        )
        .bind(&record.role.id)
        .bind(Json(&record.role).value()?)
        .bind(record.created_at)
        .bind(record.updated_at)
        .bind(record.updated_by);
        self.write_book("write a role", Batch::from(turn(revision)).then(upsert))
            .await
    }

    async fn delete(&self, role: &RoleId, revision: u64) -> Result<Changed, Error> {
        if role.as_str() == OWNER_ROLE {
            return Ok(Changed::LastOwner);
        }
        let delete = Statement::new("DELETE FROM ee_roles WHERE id = ?1").bind(role);
        let assignments = Statement::new("DELETE FROM ee_assignments WHERE role = ?1").bind(role);
        let grants = Statement::new("DELETE FROM ee_grants WHERE subject = ?1");
        let batch = Batch::from(turn(revision))
            .then(delete.must_change())
            .then(assignments)
            .then(grants.bind(AclSubject::Role(role.clone())))
            // Who had the role is not told one by one.
            .telling(Change::Everything);
        let changed = self.write_book("delete a role", batch).await?;
        if changed != Changed::Stale {
            return Ok(changed);
        }
        let query = Statement::new("SELECT value FROM ee_revisions WHERE name = 'roles'");
        let now: Option<u64> = self.find_by("read the roles", query, column).await?;
        Ok(if now == Some(revision) {
            Changed::Gone
        } else {
            Changed::Stale
        })
    }

    async fn set_mapping(
        &self,
        mapping: BTreeMap<RoleId, Vec<RoleId>>,
        revision: u64,
    ) -> Result<Changed, Error> {
        let mut batch =
            Batch::from(turn(revision)).then(Statement::new("DELETE FROM ee_role_mapping"));
        for (external, roles) in &mapping {
            let insert = Statement::new(
                "INSERT INTO ee_role_mapping (external_role, roles) VALUES (?1, ?2)",
            );
            batch = batch.then(insert.bind(external).bind(Json(roles).value()?));
        }
        self.write_book("write the mapping of roles", batch).await
    }
}

impl<D: Database> SqlStore<D> {
    async fn write_book(&self, operation: &'static str, batch: Batch) -> Result<Changed, Error> {
        let done = self.change(operation, batch.telling(Change::Roles)).await?;
        Ok(done.map_or(Changed::Stale, |_| Changed::Done))
    }
}

fn assignment(mut row: Row) -> Result<AssignmentRecord, Error> {
    let mut record = AssignmentRecord::new(row.take()?, row.take()?, row.take()?);
    record.assigned_by = row.take()?;
    Ok(record)
}

#[async_trait]
impl<D: Database> AssignmentStore for SqlStore<D> {
    async fn assign(&self, assignment: AssignmentRecord) -> Result<bool, Error> {
        let insert = Statement::new(
            "INSERT INTO ee_assignments (user_id, role, assigned_at, assigned_by) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (user_id, role) DO NOTHING",
        )
        .bind(&assignment.user_id)
        .bind(assignment.role)
        .bind(assignment.assigned_at)
        .bind(assignment.assigned_by);
        let batch = Batch::from(insert).telling(Change::User(assignment.user_id));
        Ok(self.change_rows("assign a role", batch).await? > 0)
    }

    async fn unassign(&self, user: &UserId, role: &RoleId) -> Result<Changed, Error> {
        let is_owner = role.as_str() == OWNER_ROLE;
        let rule = if is_owner {
            NOT_THE_LAST_OWNER
        } else {
            "1 = 1"
        };
        let delete = Statement::new(format!(
            "DELETE FROM ee_assignments WHERE user_id = ?1 AND role = ?2 AND {rule}"
        ));
        let mut batch = Batch::from(delete.bind(user).bind(role).must_change())
            .telling(Change::User(user.clone()));
        if is_owner {
            batch = batch.alone(OWNERS);
        }
        if self.change("take a role", batch).await?.is_some() {
            return Ok(Changed::Done);
        }
        let has = self.roles_of(user).await?.contains(role);
        Ok(if has && is_owner {
            Changed::LastOwner
        } else {
            Changed::Gone
        })
    }

    async fn roles_of(&self, user: &UserId) -> Result<Vec<RoleId>, Error> {
        let query =
            Statement::new("SELECT role FROM ee_assignments WHERE user_id = ?1 ORDER BY role");
        self.few("list the roles of a user", query.bind(user), column)
            .await
    }

    async fn list(
        &self,
        filter: &AssignmentFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AssignmentRecord>, Error> {
        let mut query = Statement::new(
            "SELECT user_id, role, assigned_at, assigned_by FROM ee_assignments WHERE 1 = 1",
        );
        if let Some(user) = &filter.user_id {
            query = query.and(" AND user_id = ?", [user]);
        }
        if let Some(role) = &filter.role {
            query = query.and(" AND role = ?", [role]);
        }
        if let Some(after) = &cursor.after {
            query = query.and(" AND (user_id, role) > (?, ?)", columns::<2>(after)?);
        }
        let query = query.and(" ORDER BY user_id, role LIMIT ?", [cursor.limit + 1]);
        let rows = self.rows("list assignments", query, assignment).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| {
            place(&[row.user_id.as_str(), row.role.as_str()])
        }))
    }
}
