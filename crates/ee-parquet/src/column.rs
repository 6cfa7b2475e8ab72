//! The cells of one column that wait to be written.

use ee_core::{AuditCellKind, AuditColumn, Error, ErrorKind};
use jiff::Timestamp;
use parquet::{column::writer::ColumnWriter, data_type::ByteArray, errors::ParquetError};

/// Cells of a column.
#[derive(Debug)]
pub(crate) struct Column {
    kind: AuditCellKind,
    name: &'static str,
    /// 1 for a cell with a value, 0 for an empty one.
    levels: Vec<i16>,
    values: Values,
}

/// The cells that are not empty.
#[derive(Debug)]
enum Values {
    Numbers(Vec<i64>),
    Texts(Vec<ByteArray>),
}

impl Column {
    pub(crate) fn new(column: &AuditColumn) -> Self {
        let values = match column.kind {
            AuditCellKind::Number | AuditCellKind::Time => Values::Numbers(Vec::new()),
            _ => Values::Texts(Vec::new()),
        };
        Self {
            kind: column.kind,
            name: column.name,
            levels: Vec::new(),
            values,
        }
    }

    /// Adds a cell. Fails for a text that is not what the column says.
    pub(crate) fn push(&mut self, text: &str) -> Result<(), Error> {
        self.levels.push(i16::from(!text.is_empty()));
        if text.is_empty() {
            return Ok(());
        }
        match &mut self.values {
            Values::Texts(texts) => texts.push(text.into()),
            Values::Numbers(numbers) => {
                let number = match self.kind {
                    AuditCellKind::Time => text.parse().ok().map(Timestamp::as_microsecond),
                    _ => text.parse().ok(),
                };
                numbers.push(number.ok_or_else(|| {
                    let message = format!("column `{}` of the table has another type", self.name);
                    Error::new(ErrorKind::Internal, message)
                })?);
            }
        }
        Ok(())
    }

    /// Writes all cells, and forgets them.
    pub(crate) fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = Some(self.levels.as_slice());
        match (&mut self.values, writer) {
            (Values::Numbers(numbers), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(numbers, levels, None)?;
                numbers.clear();
            }
            (Values::Texts(texts), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(texts, levels, None)?;
                texts.clear();
            }
            _ => {
                return Err(ParquetError::General(
                    "a column has another type".to_owned(),
                ));
            }
        }
        self.levels.clear();
        Ok(())
    }
}
