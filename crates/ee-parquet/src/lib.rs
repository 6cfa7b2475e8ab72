#![doc = include_str!("../README.md")]

mod column;
mod schema;

use std::{borrow::Cow, mem, sync::Arc};

use ee_core::{AuditColumn, AuditTable, AuditTableFormat, Error, ErrorKind};
use parquet::{
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
};

use column::Column;

/// So many rows are kept until they are written: a few megabytes.
const GROUP: usize = 4_096;

/// The format of Apache Parquet.
///
/// Dots in the names of columns become underlines: `actor.id` is `actor_id`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parquet;

impl AuditTableFormat for Parquet {
    fn begin(&self, columns: &[AuditColumn]) -> Result<Box<dyn AuditTable>, Error> {
        let schema = schema::of(columns).map_err(unwritable)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("ee-parquet ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties));
        Ok(Box::new(Table {
            columns: columns.iter().map(Column::new).collect(),
            rows: 0,
            writer: writer.map_err(unwritable)?,
        }))
    }
}

struct Table {
    columns: Vec<Column>,
    /// How many rows were not written yet.
    rows: usize,
    writer: SerializedFileWriter<Vec<u8>>,
}

impl Table {
    fn write(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            write(&mut group, column)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Hands out what is written so far.
    fn take(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let flushed = self.writer.flush();
        flushed.map_err(|err| unwritable(err.into()))?;
        out.append(&mut mem::take(self.writer.inner_mut()));
        Ok(())
    }
}

impl AuditTable for Table {
    fn push(&mut self, cells: &[Cow<'_, str>], out: &mut Vec<u8>) -> Result<(), Error> {
        if cells.len() != self.columns.len() {
            let message = "a row has not as many cells as the table has columns";
            return Err(Error::new(ErrorKind::Internal, message));
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell)?;
        }
        self.rows += 1;
        if self.rows == GROUP {
            self.write().map_err(unwritable)?;
            self.take(out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.rows > 0 {
            self.write().map_err(unwritable)?;
        }
        self.writer.finish().map_err(unwritable)?;
        self.take(out)
    }
}

/// Writes the next column of a group.
fn write(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: &mut Column,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("a column is missing".to_owned()));
    };
    column.write(writer.untyped())?;
    writer.close()
}

fn unwritable(err: ParquetError) -> Error {
    Error::new(ErrorKind::Internal, "the table cannot be written").with_source(err)
}
