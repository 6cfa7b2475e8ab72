//! Somebody changes what is stored: the verification of the store finds it and says where.

mod rows;

use std::collections::BTreeSet;

use ee::{
    ErrorKind,
    audit::integrity::{Outcome, Report, VerdictKind},
};
use processes::{Dice, setting};

use self::rows::{Cell, Column, Kind, Stage, Tables};

/// How many events there are.
const SIZE: u64 = 2_000;
/// How many rows lie between two that are changed at once.
const APART: u64 = 10;
/// How many flips in a normal run.
const FLIPS: u64 = 2_000;

/// What is kept of events, by their numbers.
const OF_EVENTS: [Column; 13] = [
    column("ee_audit_bodies", "id", Kind::Bytes, "number"),
    column("ee_audit_bodies", "canonical", Kind::Text, "number"),
    column("ee_audit_bodies", "personal", Kind::Text, "number"),
    column("ee_audit_events", "id", Kind::Bytes, "number"),
    column("ee_audit_events", "ts", Kind::Number, "number"),
    column("ee_audit_events", "action", Kind::Text, "number"),
    column("ee_audit_events", "actor_id", Kind::Text, "number"),
    column("ee_audit_events", "category", Kind::Text, "number"),
    column("ee_audit_events", "outcome", Kind::Text, "number"),
    column("ee_audit_events", "stage", Kind::Text, "number"),
    column("ee_audit_links", "id", Kind::Bytes, "number"),
    column("ee_audit_links", "leaf", Kind::Bytes, "number"),
    column("ee_audit_links", "chain", Kind::Bytes, "number"),
];

/// The numbers of events, and what is kept of the log as a whole. A checkpoint under the name of another log is one that
/// is taken away, which is told by nothing but those events that no later one covers.
const OF_LOGS: [Column; 12] = [
    column("ee_audit_bodies", "number", Kind::Number, "number"),
    column("ee_audit_links", "number", Kind::Number, "number"),
    column("ee_audit_heads", "partition", Kind::Text, "log"),
    column("ee_audit_heads", "log", Kind::Number, "partition"),
    column("ee_audit_heads", "size", Kind::Number, "partition"),
    column("ee_audit_heads", "chain", Kind::Bytes, "partition"),
    column("ee_audit_heads", "frontier", Kind::Bytes, "partition"),
    column("ee_audit_nodes", "level", Kind::Number, NODE),
    column("ee_audit_nodes", "idx", Kind::Number, NODE),
    column("ee_audit_nodes", "hash", Kind::Bytes, NODE),
    column("ee_audit_checkpoints", "size", Kind::Number, "created_at"),
    column("ee_audit_checkpoints", "note", Kind::Text, "size"),
];

const NODE: &str = "log || '-' || level || '-' || idx";

const fn column(table: &'static str, name: &'static str, kind: Kind, key: &'static str) -> Column {
    Column {
        table,
        name,
        kind,
        key,
    }
}

fn wrong(report: &Report) -> BTreeSet<u64> {
    let wrong = report.verdicts.iter().filter(|it| it.kind.is_tampering());
    wrong.flat_map(|it| it.from..=it.to).collect()
}

fn kinds(report: &Report, seq: u64) -> Vec<VerdictKind> {
    let of = report
        .verdicts
        .iter()
        .filter(|it| (it.from..=it.to).contains(&seq));
    of.map(|it| it.kind).collect()
}

/// A log of so many events, signed in between and at its end.
async fn grown(stage: Stage) -> Stage {
    stage.grow(SIZE / 2).await;
    stage.grow(SIZE).await;
    let report = stage.verify().await.unwrap();
    assert_eq!(
        (report.outcome, report.covered),
        (Outcome::Ok, SIZE),
        "{report}"
    );
    stage
}

/// Changes bytes of several events at once. Fails the test unless exactly these events are named.
async fn flip_events(stage: &Stage, flips: &[(&Cell, usize, u64)]) {
    let tables = &stage.tables;
    let any = tables.takes_any_text();
    let changed = flips.iter().map(|(cell, at, bit)| {
        let bytes = cell.flipped(*at, *bit, any);
        tables.write(cell, &bytes)
    });
    let changed: String = changed.collect();
    tables.run(&changed).await;
    let report = stage.verify().await.unwrap();
    let expected: BTreeSet<u64> = flips.iter().map(|flip| flip.0.seq()).collect();
    let found = wrong(&report);
    let missed: Vec<_> = flips
        .iter()
        .filter(|flip| !found.contains(&flip.0.seq()))
        .map(|(cell, at, bit)| (cell.column.name, cell.seq(), at, bit))
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}\n{report}");
    assert_eq!(found, expected, "{report}");
    let restored: String = flips
        .iter()
        .map(|flip| tables.write(flip.0, &flip.0.bytes))
        .collect();
    tables.run(&restored).await;
}

/// Changes bytes of events, many at once in rows that are far apart: a sample, or each byte.
async fn flip_every_event(stage: &Stage) -> u64 {
    let mut cells = Vec::new();
    for column in OF_EVENTS {
        cells.push(stage.tables.cells(column).await);
    }
    let cell = |column: usize, seq: u64| cells[column].iter().find(|it| it.seq() == seq);
    let mut count = 0;
    if setting("EE_AUDIT_ALL_FLIPS", 0) == 0 {
        let mut dice = Dice::new(setting("EE_SEED", 1));
        while count < FLIPS {
            let first = 1 + dice.roll(APART);
            let mut flips = Vec::new();
            for seq in (first..=SIZE).step_by(10) {
                let column = usize::try_from(dice.roll(OF_EVENTS.len() as u64)).unwrap();
                let cell = cell(column, seq).unwrap();
                let at = usize::try_from(dice.roll(cell.bytes.len() as u64)).unwrap();
                flips.push((cell, at, dice.roll(8)));
            }
            flip_events(stage, &flips).await;
            count += flips.len() as u64;
        }
        return count;
    }
    for cells in &cells {
        let longest = cells.iter().map(|it| it.bytes.len()).max().unwrap();
        for at in 0..longest {
            for first in 0..APART {
                let rows = cells.iter().filter(|it| it.seq() % APART == first);
                let flips: Vec<_> = rows
                    .filter(|it| at < it.bytes.len())
                    .map(|it| (it, at, at as u64))
                    .collect();
                if !flips.is_empty() {
                    flip_events(stage, &flips).await;
                    count += flips.len() as u64;
                }
            }
        }
    }
    count
}

/// Changes bytes of what the log is held together by, one after the other: a sample, or each byte.
async fn flip_the_log(stage: &Stage) -> u64 {
    let is_all = setting("EE_AUDIT_ALL_FLIPS", 0) > 0;
    let (mut dice, mut count) = (Dice::new(setting("EE_SEED", 2)), 0);
    for column in OF_LOGS {
        let cells = stage.tables.cells(column).await;
        assert!(!cells.is_empty(), "{column:?}");
        for round in 0..if is_all { u64::MAX } else { 2 } {
            let bytes: u64 = cells.iter().map(|it| it.bytes.len() as u64).sum();
            let mut at = if is_all { round } else { dice.roll(bytes) };
            // The numbers of events are moved in a sample, since each of them is an event that is taken away.
            if at >= bytes || round > 64 && column.name == "number" {
                break;
            }
            let length = |cell: &&Cell| cell.bytes.len() as u64;
            let cell = cells.iter().find(|cell| {
                let is_here = at < length(cell);
                at -= if is_here { 0 } else { length(cell) };
                is_here
            });
            count += u64::from(flip_of_log(stage, cell.unwrap(), at, dice.roll(8)).await);
        }
    }
    count
}

async fn flip_of_log(stage: &Stage, cell: &Cell, at: u64, bit: u64) -> bool {
    let tables = &stage.tables;
    let at = usize::try_from(at).unwrap();
    let bytes = cell.flipped(at, bit, tables.takes_any_text());
    let Column { table, name, .. } = cell.column;
    // What tells rows apart may be what is changed: the row is put back as a whole.
    tables
        .run(&format!("CREATE TABLE kept AS SELECT * FROM {table}"))
        .await;
    tables.attempt(&tables.write(cell, &bytes)).await;
    let is_changed = !tables.is_same(table, "kept").await;
    if is_changed {
        let what = format!("{table}.{name} of {}, byte {at}, bit {bit}", cell.key);
        match stage.verify().await {
            Ok(report) => {
                assert_ne!(report.outcome, Outcome::Ok, "{what}\n{report}");
                let is_named = name != "number" || wrong(&report).contains(&cell.seq());
                assert!(is_named, "{what}\n{report}");
            }
            // Where the log is, or how much of it there is, cannot be told: so says the command as well.
            Err(err) => assert_eq!(err.kind(), ErrorKind::Internal, "{what}: {err}"),
        }
    }
    let restore =
        format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept");
    tables.run(&restore).await;
    is_changed
}

async fn check_flips(stage: Stage, name: &str) {
    let stage = grown(stage).await;
    let (events, log) = (flip_every_event(&stage).await, flip_the_log(&stage).await);
    let report = stage.verify().await.unwrap();
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    println!("{name}: {events} bytes of {SIZE} events and {log} of their log changed, all found");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_changed_byte_of_a_file_is_found_and_its_event_named() {
    check_flips(Stage::sqlite().await, "SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_changed_byte_on_postgresql_is_found_and_its_event_named() {
    check_flips(Stage::pg().await, "PostgreSQL").await;
}

/// The tables that a log is in.
const TABLES: [&str; 6] = ["heads", "links", "bodies", "events", "nodes", "checkpoints"];

async fn copy(tables: &Tables, name: &str) {
    for table in TABLES {
        let sql = format!("CREATE TABLE {name}_{table} AS SELECT * FROM ee_audit_{table}");
        tables.run(&sql).await;
    }
}

async fn restore(tables: &Tables, name: &str) {
    for table in TABLES {
        let sql = format!(
            "DELETE FROM ee_audit_{table}; INSERT INTO ee_audit_{table} SELECT * FROM {name}_{table}"
        );
        tables.run(&sql).await;
    }
}

const BASE: u64 = 1 << 40;

/// Fails the test unless this is what is said of this event.
async fn check(stage: &Stage, what: &str, sql: &str, expected: &[(u64, VerdictKind)]) {
    stage.tables.run(sql).await;
    let report = stage.verify().await.unwrap();
    assert_eq!(report.outcome, Outcome::Tampered, "{what}\n{report}");
    for (seq, kind) in expected {
        let said = kinds(&report, *seq);
        assert!(said.contains(kind), "{what}: {said:?} of {seq}\n{report}");
    }
    restore(&stage.tables, "whole").await;
}

async fn check_attacks(stage: Stage, name: &str) {
    let mut stage = stage;
    stage.grow(SIZE / 2).await;
    copy(&stage.tables, "old").await;
    stage.grow(SIZE).await;
    copy(&stage.tables, "whole").await;
    let (a, b) = (BASE + 700, BASE + 1_300);
    let body = |to: u64, from: u64| {
        format!(
            "UPDATE ee_audit_bodies SET canonical = (SELECT canonical FROM whole_bodies WHERE number = {from}), \
             personal = (SELECT personal FROM whole_bodies WHERE number = {from}) WHERE number = {to};"
        )
    };
    let gone = |table: &str, at: u64| format!("DELETE FROM ee_audit_{table} WHERE number = {at};");
    let cut = ["links", "bodies", "events"].map(|table| {
        format!(
            "DELETE FROM ee_audit_{table} WHERE number > {};",
            BASE + SIZE - 10
        )
    });
    let inserted = format!(
        "INSERT INTO ee_audit_links SELECT {}, {}, leaf, chain FROM whole_links WHERE number = {a};",
        BASE + SIZE + 1,
        stage.tables.blob("0198f3a07c2e7b1e9c4d2a6b8e1f0a35")
    );
    let all = ["links", "bodies", "events"]
        .map(|table| gone(table, a))
        .concat();
    let missing = VerdictKind::MissingSeq;
    check(
        &stage,
        "delete an event",
        &gone("bodies", a),
        &[(700, missing)],
    )
    .await;
    check(&stage, "delete everything of it", &all, &[(700, missing)]).await;
    let hidden = [(700, VerdictKind::ColumnDiffers)];
    check(&stage, "hide from searches", &gone("events", a), &hidden).await;
    let swapped = [(700, VerdictKind::Swapped), (1_300, VerdictKind::Swapped)];
    check(&stage, "swap", &(body(a, b) + &body(b, a)), &swapped).await;
    let duplicate = [(1_300, VerdictKind::Duplicate)];
    check(&stage, "duplicate", &body(b, a), &duplicate).await;
    let added = [(SIZE + 1, VerdictKind::Inserted)];
    check(&stage, "insert", &inserted, &added).await;
    check(&stage, "cut the tail", &cut.concat(), &[(SIZE, missing)]).await;
    // The store is as it was once: nothing in it says that there was more.
    restore(&stage.tables, "old").await;
    let alone = stage.verify().await.unwrap();
    assert_eq!(alone.outcome, Outcome::Ok, "{alone}");
    restore(&stage.tables, "whole").await;
    stage.pin().await;
    restore(&stage.tables, "old").await;
    let report = stage.verify().await.unwrap();
    let kinds: Vec<_> = report.verdicts.iter().map(|it| it.kind).collect();
    assert!(
        kinds.contains(&VerdictKind::Rollback),
        "old backup\n{report}"
    );
    restore(&stage.tables, "whole").await;
    let report = stage.verify().await.unwrap();
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
    println!("{name}: all attacks on {SIZE} events found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_moved_or_added_in_a_file_is_named() {
    check_attacks(Stage::sqlite().await, "SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_moved_or_added_on_postgresql_is_named() {
    check_attacks(Stage::pg().await, "PostgreSQL").await;
}
