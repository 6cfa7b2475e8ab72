//! A server on a file is killed, again and again.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use processes::{Dice, Installation, Journal, Load, setting};
use rusqlite::Connection;
use tempfile::TempDir;

/// The longest time that a server writes until it is killed.
const LONGEST_MILLIS: u64 = 600;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_on_a_file_loses_nothing_acknowledged_and_revives_no_session() {
    let kills = setting("EE_KILLS", 20);
    let seed = setting("EE_SEED", seed_of_now());
    println!("{kills} kills, EE_SEED={seed}");
    let installation = Installation::new();
    let mut dice = Dice::new(seed);
    let (mut kept, mut latest) = <(Journal, Journal)>::default();

    for kill in 1..=kills {
        let when = format!("kill {kill} of EE_SEED={seed}");
        if dice.roll(4) == 0 {
            let mut starting = installation.launch("file");
            pause(dice.roll(60)).await;
            starting.kill();
        }
        let mut server = installation.start("file").await;
        latest.check(&server.api, &when).await;
        kept.extend(latest.without_running_sessions());

        let everybody = 0..Installation::WORKERS;
        let load = Load::start(&installation, &server.api, everybody, &mut dice);
        pause(dice.roll(LONGEST_MILLIS)).await;
        server.process.kill();
        latest = load.end().await;
        check_file(&server.database(), &when);
    }

    let server = installation.start("file").await;
    latest.check(&server.api, "at the end").await;
    kept.extend(latest.without_running_sessions());
    kept.check(&server.api, "at the end").await;
    println!(
        "{} acknowledged writes are all there, {} ended sessions stay ended",
        kept.count(),
        kept.ended_sessions()
    );
}

/// Looks at a copy of what the kill has left: whoever opens the file itself repairs it for the server.
fn check_file(file: &Path, when: &str) {
    let dir = TempDir::new().unwrap();
    let copy = dir.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let part = format!("{}{suffix}", file.display());
        if Path::new(&part).exists() {
            fs::copy(&part, format!("{}{suffix}", copy.display())).unwrap();
        }
    }
    let connection = Connection::open(&copy).unwrap();

    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    let mut dangling = connection.prepare("PRAGMA foreign_key_check").unwrap();

    assert_eq!(verdict, "ok", "{when}");
    assert!(!dangling.exists([]).unwrap(), "{when}: a reference dangles");
}

/// Lets a random moment come.
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn seed_of_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
