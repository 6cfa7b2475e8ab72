//! Brings rows to the target.

use super::{CopyError, Table, pages::Values};
use crate::{Statement, Value};

/// Most rows of one statement.
pub(super) const TOGETHER: usize = 50;

/// Writes rows. One that is there already stays, but for those that a new schema has.
pub(super) fn insert(table: &Table, rows: impl Iterator<Item = Values>) -> Statement {
    let columns: Vec<&str> = table.columns().collect();
    let begin = format!(
        "INSERT INTO {} ({}) VALUES ",
        table.name,
        columns.join(", ")
    );
    let mut statement = Statement::new(begin);
    for (at, row) in rows.enumerate() {
        if at > 0 {
            statement = statement.and(", ", None::<Value>);
        }
        statement = statement.list(row);
    }
    let then = if table.is_seeded() {
        let others = table.texts.iter().chain(table.rest);
        let others: Vec<String> = others.map(|it| format!("{it} = excluded.{it}")).collect();
        format!("UPDATE SET {}", others.join(", "))
    } else {
        "NOTHING".to_owned()
    };
    let end = if table.is_in_parts {
        // No index has its key alone everywhere.
        format!(" ON CONFLICT DO {then}")
    } else {
        format!(" ON CONFLICT ({}) DO {then}", table.key.join(", "))
    };
    statement.and(&end, None::<Value>)
}

/// Finds the first text that PostgreSQL does not keep.
pub(super) fn with_nul(table: &Table, rows: &[Values], before: u64) -> Option<CopyError> {
    let has_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    (before + 1..).zip(rows).find_map(|(number, row)| {
        let (column, _) = table.columns().zip(row).find(|(_, value)| has_nul(value))?;
        Some(CopyError::UnkeptText {
            column,
            row: number,
            table: table.name,
        })
    })
}
