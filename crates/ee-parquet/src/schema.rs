//! The columns as a schema of Parquet.

use std::sync::Arc;

use ee_core::{AuditCellKind, AuditColumn};
use parquet::{
    basic::{LogicalType, Repetition, TimeUnit, Type as Physical},
    errors::ParquetError,
    schema::types::Type,
};

/// Returns the schema of a table in which every cell may be empty.
pub(crate) fn of(columns: &[AuditColumn]) -> Result<Type, ParquetError> {
    let fields: Result<Vec<_>, _> = columns.iter().map(field).collect();
    Type::group_type_builder("audit")
        .with_fields(fields?)
        .build()
}

fn field(column: &AuditColumn) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        AuditCellKind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        AuditCellKind::Number => (Physical::INT64, None),
        AuditCellKind::Time => {
            let logical = LogicalType::timestamp(true, TimeUnit::MICROS);
            (Physical::INT64, Some(logical))
        }
        _ => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    // Those of most query languages read a dot as a step into a structure.
    let name = column.name.replace('.', "_");
    let field = Type::primitive_type_builder(&name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(field))
}
