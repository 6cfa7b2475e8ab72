//! Events as they lie there, and whether they are found by what they are.

use ee_core::{
    Error,
    storage::{AuditKept, AuditRecord},
};

use super::{
    BASE, LAST,
    rows::{EVENT, searched},
    seq,
};
use crate::{Row, Statement, Value};

/// Asks for what is kept of the next events of a log. What is searched of no event is shown by no search.
pub(super) fn query(partition: &str, after: u64, limit: u32) -> Statement {
    let columns: Vec<String> = EVENT.iter().skip(1).map(|it| format!("e.{it}")).collect();
    let sql = format!(
        "SELECT b.number, b.canonical, b.personal, b.id, {} \
         FROM ee_audit_bodies AS b LEFT JOIN ee_audit_events AS e ON e.number = b.number \
         WHERE b.number > {BASE} + ?2 AND b.number <= {BASE} + 1099511627775 \
         ORDER BY b.number LIMIT ?3",
        columns.join(", ")
    );
    let after = after.min(LAST);
    Statement::new(sql).bind(partition).bind(after).bind(limit)
}

/// Reads a row of the answer.
pub(super) fn read(mut row: Row) -> Result<AuditKept, Error> {
    let number = row.take()?;
    let canonical: String = row.take()?;
    let personal: Option<String> = row.take()?;
    Ok(AuditKept {
        seq: seq(number),
        is_filed: is_filed(&canonical, personal.as_deref(), &row.into_values()),
        canonical,
        event: None,
        personal,
    })
}

/// Tells whether the id of an event and what is searched of it are those of the event. What a later version wrote may be
/// unreadable: then nobody can tell.
fn is_filed(canonical: &str, personal: Option<&str>, columns: &[Value]) -> bool {
    let (canonical, personal) = (canonical.to_owned(), personal.map(str::to_owned));
    let Ok(record) = AuditRecord::restore(canonical, personal) else {
        return true;
    };
    let Some((id, searchable)) = columns.split_first() else {
        return false;
    };
    *id == record.event.id.into() && *searchable == searched(&record.event)
}
