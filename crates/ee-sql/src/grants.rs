use std::collections::BTreeSet;

use async_trait::async_trait;
use ee_core::{
    AclSubject, Error, Resource, ResourceRef,
    storage::{Change, Cursor, Effect, GrantRecord, GrantStore, Listed},
};
use jiff::Timestamp;

use crate::{
    Batch, Database, Name, Row, SqlStore, Statement,
    store::{column, columns, place},
};

const COLUMNS: &str = "SELECT subject, kind, resource_id, action, granted_at, effect, expires_at, \
    granted_by FROM ee_grants";

fn whole(mut row: Row) -> Result<GrantRecord, Error> {
    let subject = row.take()?;
    let resource = ResourceRef {
        kind: row.take()?,
        id: row.take()?,
    };
    record(subject, resource, row)
}

/// Reads what stands behind the subject and the thing.
fn record(subject: AclSubject, resource: ResourceRef, mut row: Row) -> Result<GrantRecord, Error> {
    let mut grant = GrantRecord::new(subject, resource, row.take()?, row.take()?);
    grant.effect = row.take::<Name<_>>()?.0;
    grant.expires_at = row.take()?;
    grant.granted_by = row.take()?;
    Ok(grant)
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

impl Batch {
    /// Writes a grant, or other terms of one that is there.
    #[must_use]
    pub(crate) fn granting(self, grant: GrantRecord) -> Self {
        let upsert = Statement::new(
            "INSERT INTO ee_grants (kind, resource_id, subject, action, effect, expires_at, \
             granted_at, granted_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (kind, resource_id, subject, effect, action) DO UPDATE SET \
             expires_at = excluded.expires_at, granted_at = excluded.granted_at, \
             granted_by = excluded.granted_by",
        )
        .bind(grant.resource.kind)
        .bind(grant.resource.id)
        .bind(&grant.subject)
        .bind(grant.action)
        .bind(effect(grant.effect))
        .bind(grant.expires_at)
        .bind(grant.granted_at)
        .bind(grant.granted_by);
        let batch = self.then(upsert);
        let change = Change::Grants(grant.subject);
        if batch.tells.last() == Some(&change) {
            batch
        } else {
            batch.telling(change)
        }
    }
}

/// Takes back what is permitted with a thing.
pub(crate) fn disown(kind: Resource, id: &str) -> Statement {
    let delete = Statement::new(
        "DELETE FROM ee_grants WHERE kind = ?1 AND resource_id = ?2 AND effect = 'allow'",
    );
    delete.bind(kind.as_str()).bind(id)
}

#[async_trait]
impl<D: Database> GrantStore for SqlStore<D> {
    async fn put(&self, grants: Vec<GrantRecord>) -> Result<(), Error> {
        let mut batch = Batch::default();
        for grant in grants {
            batch = batch.granting(grant);
        }
        if batch.statements.is_empty() {
            return Ok(());
        }
        self.change_rows("write grants", batch).await.map(drop)
    }

    async fn remove(
        &self,
        subject: &AclSubject,
        resource: &ResourceRef,
        effect_: Effect,
        actions: &[String],
    ) -> Result<u64, Error> {
        let mut delete = Statement::new(
            "DELETE FROM ee_grants WHERE kind = ?1 AND resource_id = ?2 AND subject = ?3 \
             AND effect = ?4",
        )
        .bind(&resource.kind)
        .bind(&resource.id)
        .bind(subject)
        .bind(effect(effect_));
        if !actions.is_empty() {
            delete = delete.and(" AND action IN ", [""; 0]).list(actions);
        }
        let batch = Batch::from(delete).telling(Change::Grants(subject.clone()));
        self.change_rows("take back grants", batch).await
    }

    async fn remove_resource(&self, resource: &ResourceRef) -> Result<u64, Error> {
        let delete = Statement::new("DELETE FROM ee_grants WHERE kind = ?1 AND resource_id = ?2");
        let delete = delete.bind(&resource.kind).bind(&resource.id);
        // Whose they were is not told one by one.
        let batch = Batch::from(delete).telling(Change::Everything);
        self.run("take back the grants on a thing", batch).await
    }

    async fn matching(
        &self,
        subjects: &[AclSubject],
        resource: &ResourceRef,
    ) -> Result<Vec<GrantRecord>, Error> {
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let query = Statement::new(
            "SELECT subject, action, granted_at, effect, expires_at, granted_by FROM ee_grants \
             WHERE kind = ?1 AND resource_id = ?2 AND subject IN ",
        );
        let query = query.bind(&resource.kind).bind(&resource.id);
        let query = query.list(subjects);
        self.few("look for grants", query, |mut row| {
            let subject = row.take()?;
            record(subject, resource.clone(), row)
        })
        .await
    }

    async fn on_resource(
        &self,
        resource: &ResourceRef,
        cursor: &Cursor,
    ) -> Result<Listed<GrantRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE kind = ?1 AND resource_id = ?2"));
        let mut query = query.bind(&resource.kind).bind(&resource.id);
        if let Some(after) = &cursor.after {
            query = query.and(
                " AND (subject, effect, action) > (?, ?, ?)",
                columns::<3>(after)?,
            );
        }
        let query = query.and(
            " ORDER BY subject, effect, action LIMIT ?",
            [cursor.limit + 1],
        );
        let rows = self.rows("list grants", query, whole).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| {
            place(&[&row.subject.to_string(), effect(row.effect), &row.action])
        }))
    }

    async fn of_subject(
        &self,
        subject: &AclSubject,
        cursor: &Cursor,
    ) -> Result<Listed<GrantRecord>, Error> {
        let mut query = Statement::new(format!("{COLUMNS} WHERE subject = ?1")).bind(subject);
        if let Some(after) = &cursor.after {
            query = query.and(
                " AND (kind, resource_id, effect, action) > (?, ?, ?, ?)",
                columns::<4>(after)?,
            );
        }
        let query = query.and(
            " ORDER BY kind, resource_id, effect, action LIMIT ?",
            [cursor.limit + 1],
        );
        let rows = self.rows("list grants", query, whole).await?;
        Ok(Listed::cut(rows, cursor.limit, |row| {
            let ResourceRef { kind, id } = &row.resource;
            place(&[kind, id, effect(row.effect), &row.action])
        }))
    }

    async fn all_of_subject(
        &self,
        subject: &AclSubject,
        most: u32,
    ) -> Result<Option<Vec<GrantRecord>>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE subject = ?1 LIMIT ?2"));
        let query = query.bind(subject).bind(u64::from(most) + 1);
        let rows = self
            .rows("read the grants of somebody", query, whole)
            .await?;
        Ok((rows.len() <= most as usize).then_some(rows))
    }

    async fn accessible(
        &self,
        subjects: &[AclSubject],
        kind: &str,
        action: &str,
        now: Timestamp,
        cursor: &Cursor,
    ) -> Result<Listed<String>, Error> {
        let mut queries = Vec::with_capacity(subjects.len() * 2);
        for subject in subjects {
            for action_ in [action, GrantRecord::EVERY_ACTION] {
                let query = Statement::new(
                    "SELECT resource_id FROM ee_grants AS grants WHERE subject = ?1 AND kind = ?2 \
                     AND action = ?3 AND effect = 'allow' \
                     AND (expires_at IS NULL OR expires_at > ?4) \
                     AND NOT EXISTS (SELECT 1 FROM ee_grants AS denied WHERE denied.kind = ?2 \
                     AND denied.resource_id = grants.resource_id AND denied.effect = 'deny' \
                     AND denied.action IN (?5, '*') \
                     AND (denied.expires_at IS NULL OR denied.expires_at > ?4) \
                     AND denied.subject IN ",
                );
                let mut query = query
                    .bind(subject)
                    .bind(kind)
                    .bind(action_)
                    .bind(now)
                    .bind(action)
                    .list(subjects)
                    .and(")", [""; 0]);
                if let Some(after) = &cursor.after {
                    query = query.and(" AND resource_id > ?", [after]);
                }
                queries.push(query.and(" ORDER BY resource_id LIMIT ?", [cursor.limit + 1]));
            }
        }
        if queries.is_empty() {
            return Ok(Listed::cut(Vec::new(), cursor.limit, String::clone));
        }
        let operation = "list what somebody may use";
        let answers = self.database().query(operation, queries).await?;
        let ids: BTreeSet<String> = answers
            .into_iter()
            .flatten()
            .map(column)
            .collect::<Result<_, _>>()?;
        let first = ids.into_iter().take(cursor.limit as usize + 1).collect();
        Ok(Listed::cut(first, cursor.limit, String::clone))
    }

    async fn purge_grants(&self, now: Timestamp) -> Result<u64, Error> {
        let delete = Statement::new("DELETE FROM ee_grants WHERE expires_at <= ?1").bind(now);
        self.run("purge grants", delete).await
    }
}
