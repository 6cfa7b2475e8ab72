//! Which actions there are.

use ee_core::{AuditField, AuditFilter, AuditTest, Error};

use crate::{Database, SqlStore, Statement, store::column};

/// Tells whether a filter looks at the action alone.
pub(super) fn is_of_action(filter: &AuditFilter) -> bool {
    match filter {
        AuditFilter::Any(any) => !any.is_empty() && any.iter().all(is_of_action),
        AuditFilter::Field(AuditField::Action | AuditField::Category, _) => true,
        _ => false,
    }
}

/// Tells whether a filter of which [`is_of_action`] is true fits an action.
fn fits(filter: &AuditFilter, action: &str) -> bool {
    match filter {
        AuditFilter::Any(any) => any.iter().any(|filter| fits(filter, action)),
        AuditFilter::Field(AuditField::Category, test) => {
            let category = action.split('.').next().unwrap_or_default();
            is_so(test, category)
        }
        AuditFilter::Field(_, test) => is_so(test, action),
        _ => false,
    }
}

fn is_so(test: &AuditTest, value: &str) -> bool {
    match test {
        AuditTest::EndsWith(end) => value.ends_with(&**end),
        AuditTest::Is(whole) => value == whole,
        AuditTest::StartsWith(start) => value.starts_with(&**start),
    }
}

impl<D: Database> SqlStore<D> {
    /// Returns every action of the record that a filter fits, of which [`is_of_action`] is true.
    pub(super) async fn actions(&self, filter: &AuditFilter) -> Result<Vec<String>, Error> {
        let query = Statement::new("SELECT name FROM ee_audit_actions ORDER BY name");
        let mut names: Vec<String> = self.few("list actions", query, column).await?;
        names.retain(|name| fits(filter, name));
        Ok(names)
    }
}
