//! What was acknowledged survives the death of the process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use ee_core::{TokenHash, storage::SessionStore as _};
use ee_store_libsql::{SqliteConfig, SqliteFile};
use ee_testkit::in_parallel;

use crate::scratch::{Scratch, session};

/// Names the file for [`writes_until_it_is_killed`], in the process that is killed.
const VICTIM: &str = "EE_STORE_LIBSQL_TEST_VICTIM";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    for round in 1..=3 {
        let scratch = Scratch::new();

        let acknowledged = kill_a_writer(&scratch, round * 400);

        assert!(acknowledged.len() >= round * 400);
        let store = scratch.open();
        for secret in acknowledged {
            let kept = store.find(&TokenHash::of(&secret)).await.unwrap();
            assert_eq!(kept, Some(session(&secret)), "{secret} is lost");
        }
        store.create(session("after the crash")).await.unwrap();
    }
}

/// Starts this test program as a writer, kills it after so many acknowledgements and returns all
/// that it gave.
fn kill_a_writer(scratch: &Scratch, after: usize) -> Vec<String> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writes_until_it_is_killed", "--nocapture"])
        .env(VICTIM, scratch.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    for line in lines {
        if let Some(secret) = line.unwrap().strip_prefix("kept ") {
            acknowledged.push(secret.to_owned());
            if acknowledged.len() == after {
                victim.kill().unwrap();
            }
        }
    }
    assert!(!victim.wait().unwrap().success());
    acknowledged
}

/// Does nothing as a test of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::disallowed_methods,
    reason = "how the process that is killed learns that it is"
)]
async fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(VICTIM) else {
        return;
    };
    let store = SqliteFile::open(SqliteConfig::new(PathBuf::from(path))).unwrap();
    let store = Arc::new(store);
    in_parallel(16, |task| {
        let store = Arc::clone(&store);
        async move {
            for number in 0..u32::MAX {
                let secret = format!("{task}/{number}");
                store.create(session(&secret)).await.unwrap();
                // One write call for each line, past the capture of the test harness.
                let line = format!("kept {secret}\n");
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        }
    })
    .await;
}
