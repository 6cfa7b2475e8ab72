//! Nothing of the schema is forgotten by a copy.

use ee_sql::copy::{DERIVED, TABLES, Table};

use crate::scratch::{migrated, open};

/// One line for each column: its table, its name, its place in the key or its kind, and whether the database numbers it.
fn listed(table: &Table) -> Vec<String> {
    let name = table.name;
    let parts = table.is_in_parts.then_some(&"id");
    let key = (1..).zip(table.key.iter().chain(parts));
    let key = key.map(|(place, column)| (column, format!("key {place}")));
    let texts = table.texts.iter();
    let texts = texts.map(|column| (column, "text".to_owned()));
    let rest = table.rest.iter();
    let rest = rest.filter(|column| Some(*column) != parts);
    let rest = rest.map(|column| (column, "other".to_owned()));
    let lines = key.chain(texts).chain(rest);
    let lines = lines.map(|(column, kind)| {
        let numbered = if table.numbered == Some(column) {
            " numbered"
        } else {
            ""
        };
        format!("{name} {column} {kind}{numbered}")
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_with_every_column_is_copied() {
    let database = migrated().await;
    let sql = "SELECT string_agg(format('%s %s %s%s', columns.table_name, columns.column_name, \
        CASE WHEN keys.ordinal_position IS NOT NULL THEN 'key ' || keys.ordinal_position \
        WHEN columns.data_type = 'text' THEN 'text' ELSE 'other' END, \
        CASE WHEN is_identity = 'YES' THEN ' numbered' ELSE '' END), E'\\n') \
        FROM information_schema.columns AS columns \
        LEFT JOIN (information_schema.key_column_usage AS keys \
        JOIN information_schema.table_constraints AS constraints \
        ON constraints.constraint_name = keys.constraint_name \
        AND constraints.table_schema = keys.table_schema \
        AND constraints.constraint_type = 'PRIMARY KEY') \
        ON keys.table_schema = columns.table_schema AND keys.table_name = columns.table_name \
        AND keys.column_name = columns.column_name \
        WHERE columns.table_schema = 'public' AND columns.table_name <> 'ee_schema_history' \
        AND columns.table_name NOT IN (SELECT relname FROM pg_class WHERE relispartition)";

    let found = database.query(sql).await.unwrap();
    let mut found: Vec<&str> = found.lines().collect();
    found.retain(|line| !DERIVED.iter().any(|table| line.starts_with(table)));
    found.sort_unstable();
    let mut copied: Vec<String> = TABLES.iter().flat_map(listed).collect();
    copied.sort();

    assert_eq!(copied, found, "`TABLES` in ee-sql is not what there is");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_go_on_behind_the_largest_one() {
    use ee_sql::Database as _;

    let database = migrated().await;
    let store = open(&database.url()).await;
    let insert = "INSERT INTO ee_threads (id, owner, resource_id, metadata, created_at, updated_at) \
        VALUES ('t', 'anna', '', '{}', 0, 0)";
    database.query(insert).await;
    let next = "INSERT INTO ee_messages (thread_id, id, role, text, created_at) \
        VALUES ('t', 'm', 'user', '', 0) RETURNING position";
    let given = "INSERT INTO ee_messages (position, thread_id, id, role, text, created_at) \
        VALUES (4711, 't', 'm', 'user', '', 0)";

    for expected in ["1", "4712", "4713"] {
        let done = store
            .database()
            .go_on_numbering("ee_messages", "position")
            .await;
        done.unwrap();
        assert_eq!(database.query(next).await.as_deref(), Some(expected));
        database
            .query(&format!("{given} ON CONFLICT DO NOTHING"))
            .await;
    }
}
