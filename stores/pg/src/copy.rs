//! Many rows at once.

use std::pin::pin;

use deadpool_postgres::ClientWrapper;
use ee_sql::Rows;
use tokio_postgres::{Error, binary_copy::BinaryCopyInWriter, types::Type};

use crate::{
    pipeline::{self, Request},
    values::Param,
};

/// Fewer rows go as statements: a copy takes two round trips.
const FEW: usize = 8;

/// Inserts rows within a transaction.
pub(crate) async fn insert(client: &ClientWrapper, rows: &Rows) -> Result<(), Error> {
    if rows.iter().len() < FEW {
        let sql = rows.insert(1).replace('?', "$");
        let prepared = client.prepare_cached(&sql).await?;
        let requests = rows.iter().map(|row| Request::Prepared(&prepared, row));
        let requests: Vec<Request<'_>> = requests.collect();
        return pipeline::run(client, &requests).await.done.map(drop);
    }
    let (table, columns) = (rows.table, rows.columns.join(", "));
    let types = format!("SELECT {columns} FROM {table}");
    let types = client.prepare_cached(&types).await?;
    let types: Vec<Type> = types
        .columns()
        .iter()
        .map(|it| it.type_().clone())
        .collect();
    let copy = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
    let copy = client.prepare_cached(&copy).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(
        client.copy_in(&copy).await?,
        &types
    ));
    for row in rows.iter() {
        let values: Vec<Param<'_>> = row.iter().map(Param).collect();
        writer.as_mut().write_raw(values).await?;
    }
    writer.finish().await.map(drop)
}
