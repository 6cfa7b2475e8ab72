//! How statements run on a connection.

use ee_core::Error;
use ee_sql::{Batch, Done, Look, Row, Rows, Statement, Value};
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
    let value = |index| value(row, index).map(Value::from);
    let values: rusqlite::Result<Vec<Value>> = (0..columns).map(value).collect();
    values.map(Row::from)
}

fn value<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> rusqlite::Result<ee_sql::ValueRef<'a>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Blob(bytes) => ee_sql::ValueRef::Blob(bytes),
        ValueRef::Integer(number) => ee_sql::ValueRef::Integer(number),
        ValueRef::Null => ee_sql::ValueRef::Null,
        // No column of ours holds one.
        ValueRef::Real(_) => {
            let name = "a number";
            return Err(rusqlite::Error::InvalidColumnType(
                index,
                name.to_owned(),
                Type::Real,
            ));
        }
        text @ ValueRef::Text(_) => ee_sql::ValueRef::Text(text.as_str()?),
    })
}

/// Looks at all rows where they lie. What the look at one fails with ends it.
pub(crate) fn look<T>(
    conn: &Connection,
    statement: &Statement,
    look: Look<T>,
) -> rusqlite::Result<Result<Vec<T>, Error>> {
    let mut prepared = conn.prepare_cached(&statement.sql)?;
    let columns = prepared.column_count();
    let mut rows = prepared.query(params(statement))?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next()? {
        let values: rusqlite::Result<Vec<_>> = (0..columns).map(|at| value(row, at)).collect();
        match look(&values?) {
            Ok(one) => seen.push(one),
            Err(err) => return Ok(Err(err)),
        }
    }
    Ok(Ok(seen))
}
