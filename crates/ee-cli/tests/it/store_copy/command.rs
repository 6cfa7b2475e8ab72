//! The command, from outside.

use std::{
    fs,
    process::{Output, Stdio},
    time::Instant,
};

use ee::{
    sql::{Database as _, Statement, copy::TABLES},
    store_libsql::{SqliteConfig, SqliteFile},
};
use serde_json::Value;

use super::{
    databases::Place,
    fill::{a_little_of_everything, messages},
};
use crate::running::{PATIENCE, binary, text};

fn copy(from: &str, to: &str, more: &[&str]) -> Output {
    let args = ["store", "copy", "--from", from, "--to", to];
    binary().args(args).args(more).output().unwrap()
}

#[track_caller]
fn assert_refused(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = text(&output.stderr);
    assert!(error.contains(why), "{error}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_moves_and_the_report_says_what() {
    let (from, to) = (Place::file(), Place::pg().await);
    let source = from.open().await;
    a_little_of_everything(&source).await;
    drop(source);

    let output = copy(&from.url(), &to.url(), &["--json"]);

    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["isEqual"], true);
    assert_eq!(report["isResumed"], false);
    assert_eq!(report["from"], from.url());
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    let tables = report["tables"].as_array().unwrap();
    let names: Vec<&str> = tables
        .iter()
        .map(|it| it["table"].as_str().unwrap())
        .collect();
    let expected: Vec<&str> = TABLES.iter().map(|it| it.name).collect();
    assert_eq!(names, expected);
    let rows: u64 = tables.iter().map(|it| it["rows"].as_u64().unwrap()).sum();
    assert_eq!(report["rows"], rows);
    for table in tables {
        assert_eq!(table["digest"].as_str().unwrap().len(), 64);
        assert_eq!(table["digest"], table["target"]["digest"]);
        assert_eq!(table["rows"], table["target"]["rows"]);
    }

    // And back, for people.
    let back = Place::file();
    let output = copy(&to.url(), &back.url(), &[]);
    assert!(output.status.success(), "{output:?}");
    let report = text(&output.stdout);
    assert!(report.contains(&format!("{rows} rows in ")), "{report}");
    assert!(report.contains("both hold the same"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_again_and_again_is_finished_by_the_last_call() {
    const ROWS: i64 = 20_000;
    let (from, to) = (Place::file(), Place::pg().await);
    let source = from.open().await;
    messages(&source, ROWS as u64, "hello").await;
    drop(source);
    let Place::Pg(database) = &to else {
        unreachable!()
    };
    let count = "SELECT count(*) FROM ee_messages";

    let mut arrived = 0;
    for part in 1..=4 {
        let (source, target) = (from.url(), to.url());
        let mut child = binary()
            .args(["store", "copy", "--from", &source, "--to", &target])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + PATIENCE;
        while arrived < part * ROWS / 8 {
            arrived = database.query(count).await.unwrap().parse().unwrap();
            assert!(Instant::now() < end, "{arrived} rows have arrived");
        }
        child.kill().unwrap();
        assert!(
            !child.wait().unwrap().success(),
            "it ended before it was killed"
        );

        // No server works with half of the rules.
        let dir = tempfile::tempdir().unwrap();
        let served = binary()
            .args(["serve", "--listen", "127.0.0.1:0", "--store", &target])
            .arg("--data")
            .arg(dir.path())
            .output()
            .unwrap();
        assert!(!served.status.success());
        let error = text(&served.stderr);
        assert!(
            error.contains("the store is an unfinished copy of `sqlite:"),
            "{error}"
        );
    }
    let output = copy(&from.url(), &to.url(), &["--json"]);

    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["isEqual"], true);
    assert_eq!(report["isResumed"], true);
    let messages = report["tables"].as_array().unwrap().iter();
    let messages = messages
        .clone()
        .find(|it| it["table"] == "ee_messages")
        .unwrap();
    assert_eq!(messages["target"]["rows"], ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_differs_fails_and_names_the_table() {
    let (from, to) = (Place::file(), Place::file());
    let source = from.open().await;
    messages(&source, 5, "").await;
    drop(source);
    // Unfinished, by the name that the command gives to the source.
    let target = to.open().await;
    let name = format!(
        "copy of sqlite:{}",
        from.path().canonicalize().unwrap().display()
    );
    let mark = Statement::new("INSERT INTO ee_revisions (name, value) VALUES (?1, 0)").bind(name);
    target
        .database()
        .execute("test", mark.into())
        .await
        .unwrap();
    messages(&target, 4, "").await;
    drop(target);

    let output = copy(&from.url(), &to.url(), &["--json"]);

    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["isEqual"], false);
    let error = text(&output.stderr);
    assert!(
        error.contains("differ in `ee_threads`, `ee_messages`:"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_is_refused_and_nothing_is_created() {
    let (from, to) = (Place::file(), Place::file());
    let refused = |from: &str, to: &str, why: &str| assert_refused(&copy(from, to, &[]), why);

    refused(&from.url(), &to.url(), "`--from`: there is no database");
    refused("memory:", &to.url(), "`--from`: memory:");
    refused("mysql://x", &to.url(), "a store `mysql:` is not known");
    let empty = Place::Pg(ee_testkit::PgCluster::shared().database().await);
    refused(&empty.url(), &to.url(), "is an empty database");
    assert!(!from.path().exists() && !to.path().exists());

    let source = from.open().await;
    a_little_of_everything(&source).await;
    drop(source);
    refused(&from.url(), "memory:", "`--to`: memory:");
    refused(&from.url(), &from.url(), "are the same store");
    fs::hard_link(from.path(), to.path()).unwrap();
    refused(&from.url(), &to.url(), "are the same store");
    fs::remove_file(to.path()).unwrap();
    std::os::unix::fs::symlink(from.path(), to.path()).unwrap();
    refused(&from.url(), &to.url(), "are the same store");
    fs::remove_file(to.path()).unwrap();
    refused(
        &from.url(),
        "sqlite:/no/such/directory/ee.db",
        "there is no directory",
    );

    let kept = to.open().await;
    messages(&kept, 1, "").await;
    drop(kept);
    refused(
        &from.url(),
        &to.url(),
        "the target is not empty, `ee_threads` has rows",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_store_on_either_side_is_refused() {
    let (from, to) = (Place::file(), Place::pg().await);
    drop(from.open().await);
    let Place::Pg(database) = &to else {
        unreachable!()
    };
    let newer = "INSERT INTO ee_schema_history (version, name, applied_on, checksum) \
        VALUES (4711, 'later', '2030-01-01T00:00:00Z', '1')";
    database.query(newer).await;

    let output = copy(&from.url(), &to.url(), &[]);
    assert_refused(&output, "`--to`: postgresql:");
    assert_refused(&output, "was written by a newer version (schema 4711");
    let other = Place::file();
    let output = copy(&to.url(), &other.url(), &[]);
    assert_refused(&output, "`--from`: postgresql:");
    assert!(!other.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secrets_of_an_address_are_in_no_output() {
    let from = Place::file();
    drop(SqliteFile::open(SqliteConfig::new(from.path())).unwrap());
    let targets = [
        "postgres://ee:hunter2@127.0.0.1:1/ee?sslmode=disable",
        "http://127.0.0.1:1?authToken=hunter2",
        "hunter2",
    ];

    for target in targets {
        for output in [
            copy(&from.url(), target, &[]),
            copy(target, &from.url(), &["--json"]),
        ] {
            assert_eq!(output.status.code(), Some(1));
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
