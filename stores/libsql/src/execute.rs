//! How statements run on a connection.

use ee_sql::{Batch, Done, Row, Rows, Statement, Value};
use rusqlite::{
    CachedStatement, Connection, ToSql,
    types::{Null, ToSqlOutput, Type, ValueRef},
};

struct Param<'a>(&'a Value);

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Integer(number) => (*number).into(),
            Value::Null => Null.into(),
            Value::Text(text) => text.as_str().into(),
        })
    }
}

/// Returns all rows.
pub(crate) fn query(conn: &Connection, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
    collect(&mut conn.prepare_cached(&statement.sql)?, statement)
}

/// Does a batch. Fails with [`rusqlite::Error::StatementChangedRows`] when a statement that must change something does
/// not.
pub(crate) fn batch(conn: &Connection, batch: &Batch) -> rusqlite::Result<Vec<Done>> {
    let statement = |statement: &Statement| {
        let done = run(conn, statement)?;
        if statement.must_change && done.changed == 0 {
            return Err(rusqlite::Error::StatementChangedRows(0));
        }
        Ok(done)
    };
    let done = batch.statements.iter().map(statement);
    let done = done.collect::<rusqlite::Result<_>>()?;
    for rows in &batch.rows {
        insert(conn, rows)?;
    }
    Ok(done)
}

/// Inserts rows with one statement, which is run for each.
fn insert(conn: &Connection, rows: &Rows) -> rusqlite::Result<()> {
    let mut prepared = conn.prepare_cached(&rows.insert(1))?;
    for row in rows.iter() {
        prepared.execute(rusqlite::params_from_iter(row.iter().map(Param)))?;
    }
    Ok(())
}

/// Runs one statement.
pub(crate) fn run(conn: &Connection, statement: &Statement) -> rusqlite::Result<Done> {
    let mut prepared = conn.prepare_cached(&statement.sql)?;
    if prepared.column_count() == 0 {
        let changed = prepared.execute(params(statement))?;
        return Ok(Done {
            changed: changed as u64,
            rows: Vec::new(),
        });
    }
    let rows = collect(&mut prepared, statement)?;
    Ok(Done {
        changed: rows.len() as u64,
        rows,
    })
}

fn collect(
    prepared: &mut CachedStatement<'_>,
    statement: &Statement,
) -> rusqlite::Result<Vec<Row>> {
    let columns = prepared.column_count();
    prepared
        .query_map(params(statement), |row| read(row, columns))?
        .collect()
}

fn params(statement: &Statement) -> impl rusqlite::Params + use<'_> {
    rusqlite::params_from_iter(statement.params.iter().map(Param))
}

fn read(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    let value = |index| {
        Ok(match row.get_ref(index)? {
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Null => Value::Null,
            // No column of ours holds one.
            ValueRef::Real(_) => {
                let name = "a number";
                return Err(rusqlite::Error::InvalidColumnType(
                    index,
                    name.to_owned(),
                    Type::Real,
                ));
            }
            text @ ValueRef::Text(_) => Value::Text(text.as_str()?.to_owned()),
        })
    };
    let values: rusqlite::Result<Vec<Value>> = (0..columns).map(value).collect();
    values.map(Row::from)
}
