//! Tables, read by somebody else's reader.

use ee_audit::{
    export::{ExportFormat, ExportOptions},
    query::hostile_values,
};
use ee_core::storage::AuditEntry;

use crate::{
    export::copy,
    export_samples::{entry, full_event, plain_event},
};

/// What makes a cell a formula, and what tools are known to drop before it.
const FORMULAS: [&str; 20] = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tx",
    "\rx",
    " =1",
    "\"=1",
    "\"\"=1",
    "\",=1",
    "\",\"=1",
    "'=1",
    "\u{feff}=1",
    "\u{a0}=1",
    "\u{200b}=1",
    "\u{ff1d}1",
    "\u{0}=1",
];

fn read(options: ExportOptions, entries: &[AuditEntry]) -> Vec<csv::StringRecord> {
    let (bytes, _) = copy(options, entries);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(bytes.as_slice());
    reader.records().map(Result::unwrap).collect()
}

/// Tells whether a program that drops blanks and quotes would begin with a sign of formulas.
fn is_harmful(cell: &str) -> bool {
    let is_dropped =
        |c: char| c.is_whitespace() || c.is_control() || "\"\u{feff}\u{200b}".contains(c);
    cell.starts_with(['\t', '\r', '\n'])
        || cell
            .trim_start_matches(is_dropped)
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[test]
fn the_table_of_mastra_is_written_to_the_letter() {
    let mut event = full_event("=a\"b,c");
    event.actor.id = "u1".to_owned();
    let entries = [
        entry(event, "default", 1),
        entry(plain_event(), "default", 2),
    ];
    let options = ExportOptions::new(ExportFormat::MastraCsv);

    let (bytes, _) = copy(options, &entries);

    let [first, second] = [&entries[0], &entries[1]].map(|it| it.record.event.id);
    let head = "id,timestamp,actorType,actorId,actorEmail,action,resourceType,resourceId,outcome,duration\r\n";
    let cell = "\"'=a\"\"b,c\"";
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        format!(
            "{head}\"{first}\",\"2026-01-02T03:04:05.678Z\",\"user\",\"u1\",{cell},\"agents.update\",{cell},{cell},\"denied\",\"12\"\r\n\
             \"{second}\",\"2026-01-02T03:04:05.000Z\",\"system\",\"system\",\"\",\"server.start\",\"\",\"\",\"success\",\"\"\r\n"
        )
    );
    assert_eq!(copy(options, &[]).0, head.as_bytes());
}

#[test]
fn the_full_table_has_everything() {
    let mut options = ExportOptions::new(ExportFormat::Csv);
    options.content = true;
    let entries = [entry(full_event("x"), "org_1", 7)];

    let rows = read(options, &entries);

    let cell = |name: &str| {
        let at = rows[0]
            .iter()
            .position(|it| it == name)
            .unwrap_or_else(|| panic!("{name}"));
        rows[1][at].to_owned()
    };
    for (name, value) in [
        ("timestamp", "2026-01-02T03:04:05.678901Z"),
        ("receivedAt", "2026-01-02T03:04:06Z"),
        ("partition", "org_1"),
        ("seq", "7"),
        ("code", "MA-2002W"),
        ("category", "agents"),
        ("crud", "u"),
        ("severity", "6"),
        ("stage", "result"),
        ("actor.kind", "human"),
        ("actor.ip", "192.0.2.7"),
        ("actor.roles", r#"["x","owner"]"#),
        ("onBehalfOf.type", "apikey"),
        ("context.status", "403"),
        ("ai.promptTokens", "3"),
        ("ai.input", r#""x""#),
        ("metadata", r#"{"x":["x"]}"#),
        ("changes", r#"[{"path":"/name","before":"x"}]"#),
        ("redactions", ""),
    ] {
        assert_eq!(cell(name), value, "{name}");
    }
    // Whatever somebody wrote stands in a column: 33 of them are plain texts.
    assert_eq!(rows[1].iter().filter(|cell| *cell == "x").count(), 33);
}

#[test]
fn no_cell_of_any_field_is_a_formula() {
    let hostile = hostile_values();
    let values = FORMULAS
        .iter()
        .copied()
        .chain(hostile.iter().map(String::as_str));
    for value in values.filter(|value| value.len() <= 2_000) {
        let entries = [entry(full_event(value), "default", 1)];
        for format in [ExportFormat::Csv, ExportFormat::MastraCsv] {
            let mut options = ExportOptions::new(format);
            options.content = true;

            let rows = read(options, &entries);

            assert_eq!(rows.len(), 2, "{value:?}");
            let mut found = 0;
            for cell in &rows[1] {
                assert!(!is_harmful(cell), "{value:?} {cell:?}");
                let told = cell.strip_prefix('\'').filter(|rest| *rest == value);
                found += usize::from(cell == value || told.is_some());
            }
            let least = if format == ExportFormat::Csv { 33 } else { 4 };
            assert!(found >= least, "{value:?} {found}");
        }
    }
}

#[test]
fn the_byte_order_mark_is_for_tables_alone() {
    for (format, is_there) in [
        (ExportFormat::Csv, true),
        (ExportFormat::MastraCsv, true),
        (ExportFormat::MastraJson, false),
        (ExportFormat::Ndjson, false),
    ] {
        let mut options = ExportOptions::new(format);
        assert!(!copy(options, &[]).0.starts_with("\u{feff}".as_bytes()));
        options.byte_order_mark = true;

        let (bytes, manifest) = copy(options, &[]);

        assert_eq!(bytes.starts_with("\u{feff}".as_bytes()), is_there);
        assert!(manifest.is_of(bytes.as_slice()).unwrap());
    }
}
