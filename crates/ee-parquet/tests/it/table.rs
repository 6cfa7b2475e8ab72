//! Files are read again by the reader of the Parquet project.

use std::borrow::Cow;

use bytes::Bytes;
use ee_core::{AuditCellKind, AuditColumn, AuditTableFormat as _, ErrorKind};
use ee_parquet::Parquet;
use parquet::{
    basic::{Compression, LogicalType},
    file::reader::{FileReader as _, SerializedFileReader},
    record::RowAccessor as _,
};

const COLUMNS: [AuditColumn; 4] = [
    AuditColumn::new("seq", AuditCellKind::Number),
    AuditColumn::new("timestamp", AuditCellKind::Time),
    AuditColumn::new("actor.id", AuditCellKind::Text),
    AuditColumn::new("metadata", AuditCellKind::Json),
];

/// Writes so many rows, and returns the file as the pieces that were handed out.
fn pieces(count: u64) -> Vec<Vec<u8>> {
    let mut table = Parquet.begin(&COLUMNS).unwrap();
    let mut pieces = Vec::new();
    for number in 0..count {
        let mut out = Vec::new();
        // Every third has no actor.
        let actor = if number % 3 == 0 {
            String::new()
        } else {
            format!("ada {number} ✓")
        };
        let row: [Cow<'_, str>; 4] = [
            number.to_string().into(),
            "2026-01-02T03:04:05.000006Z".into(),
            actor.into(),
            r#"{"a":1}"#.into(),
        ];
        table.push(&row, &mut out).unwrap();
        if !out.is_empty() {
            pieces.push(out);
        }
    }
    let mut out = Vec::new();
    table.finish(&mut out).unwrap();
    pieces.push(out);
    pieces
}

fn read(pieces: &[Vec<u8>]) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(pieces.concat())).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let reader = read(&pieces(10_000));

    let mut count = 0;
    for (row, number) in reader.get_row_iter(None).unwrap().zip(0..) {
        let row = row.unwrap();
        assert_eq!(row.get_long(0).unwrap(), number);
        assert_eq!(row.get_timestamp_micros(1).unwrap(), 1_767_323_045_000_006);
        let actor = row.get_string(2).ok().cloned();
        let expected = (number % 3 != 0).then(|| format!("ada {number} ✓"));
        assert_eq!(actor, expected);
        count += 1;
    }
    assert_eq!(count, 10_000);
}

#[test]
fn columns_have_types_and_groups_have_their_times() {
    let reader = read(&pieces(5_000));

    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let names: Vec<&str> = schema.columns().iter().map(|it| it.name()).collect();
    assert_eq!(names, ["seq", "timestamp", "actor_id", "metadata"]);
    assert_eq!(
        schema.column(3).logical_type_ref(),
        Some(&LogicalType::Json)
    );
    assert_eq!(metadata.num_row_groups(), 2);
    let times = metadata.row_group(0).column(1);
    assert!(times.statistics().is_some());
    assert!(matches!(times.compression(), Compression::ZSTD(_)));
}

#[test]
fn rows_are_handed_out_while_others_follow() {
    let pieces = pieces(20_000);

    assert!(pieces.len() > 4, "{}", pieces.len());
}

#[test]
fn a_table_without_rows_is_a_file() {
    let reader = read(&pieces(0));

    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn a_cell_of_another_type_is_an_error_that_names_the_column() {
    let mut table = Parquet.begin(&COLUMNS).unwrap();
    let row = ["one", "2026-01-02T03:04:05Z", "ada", ""].map(Cow::from);

    let err = table.push(&row, &mut Vec::new()).unwrap_err();

    assert_eq!(err.kind(), ErrorKind::Internal);
    assert!(err.message().contains("`seq`"), "{err}");
}

#[test]
fn a_row_of_another_length_is_an_error() {
    let mut table = Parquet.begin(&COLUMNS).unwrap();

    assert!(table.push(&["1".into()], &mut Vec::new()).is_err());
}
