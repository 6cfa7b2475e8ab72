//! The power is cut while people act: what was acknowledged is in the record, once.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use ee::store_libsql::{SqliteConfig, SqliteFile};
use processes::{
    Actors, Dice, Done, Installation, Losses, LossyDisk, Record, patiently, setting, settle,
};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::block_in_place;

/// How many act.
const ACTORS: usize = 6;
/// One in so many cuts comes while the server starts, or soon after.
const EARLY: u64 = 3;
const EARLIEST: u64 = 400;
/// The most changes of the disk until a cut.
const LATEST: u64 = 2_000;
/// How often a first start is tried.
const FIRST_STARTS: u64 = 4;
const SERVER: &str = "server-0";
const DATABASE: &str = "mastra-ee.db";

/// Lets people act until the power is cut, at any change of the disk; also at one of the start.
async fn round(
    installation: &Installation,
    disk: &mut LossyDisk,
    dice: &mut Dice,
) -> (Done, Losses) {
    let is_early = dice.roll(EARLY) == 0;
    disk.cut_after(dice.roll(if is_early { EARLIEST } else { LATEST }));
    let mut done = Done::new();
    match installation.start_unless(SERVER, disk.until_cut()).await {
        Ok(mut server) => {
            let actors = Actors::start(&[server.api.clone()], &installation.owner(), ACTORS);
            patiently("the cut", disk.until_cut()).await;
            server.process.kill_before(|| disk.switch_off());
            done.extend(actors.stop().await);
        }
        Err(mut process) => process.kill_before(|| disk.switch_off()),
    }
    (done, block_in_place(|| disk.restart(dice)))
}

/// Asks the database of the disk whether it is whole, in a copy: who opens it changes it.
fn check_database(data: &Path, when: &str) {
    let copy = TempDir::new().unwrap();
    // With the journal of the first transaction, or the log of later ones.
    for name in ["", "-journal", "-wal"].map(|end| format!("{DATABASE}{end}")) {
        if data.join(&name).exists() {
            fs::copy(data.join(&name), copy.path().join(&name)).unwrap();
        }
    }
    let conn = Connection::open(copy.path().join(DATABASE)).unwrap();
    let said: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(said, "ok", "{when}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_each_power_cut_every_event_of_what_was_acknowledged_is_there() {
    let cuts = setting("EE_AUDIT_POWER_CUTS", 5);
    let mut dice = Dice::new(setting("EE_SEED", cuts));
    let mut disk = LossyDisk::new();
    let installation = Installation::new().keeping(disk.path("installation"));
    let data = disk.path("installation").join(SERVER);
    let (mut done, mut losses) = (Done::new(), Losses::default());
    for cut in 1..=cuts {
        let (acts, lost) = round(&installation, &mut disk, &mut dice).await;
        done.extend(acts);
        losses.add(lost);
        check_database(&data, &format!("after cut {cut}"));
    }

    // The last run tells which acts of those before have no end.
    let mut server = installation.start(SERVER).await;
    let actors = Actors::start(&[server.api.clone()], &installation.owner(), 1);
    actors.reach(20).await;
    done.extend(actors.stop().await);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(server.process.terminate().await.success());
    let (code, said) = installation.verify(SERVER, &[]);
    assert_eq!(code, 0, "{said}");

    check_database(&data, "at the end");
    let store = SqliteFile::open(SqliteConfig::new(data.join(DATABASE))).unwrap();
    settle(&store).await;
    let record = Record::read(&store, "at the end").await;
    record.check(&done, "at the end");
    record.check_intents("at the end");
    assert!(losses.lost > 0, "{losses:?}: nothing was tried");
    println!(
        "{cuts} power cuts, {} changes of the disk lost and {} of those that were not flushed kept: {} acts of {} events \
         are all there, once",
        losses.lost,
        losses.kept,
        done.len(),
        record.events().count()
    );
}

/// Reads the small files that a start makes: tokens, keys, who this is.
fn small_files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(data).unwrap().map(Result::unwrap);
    let names = entries.map(|it| it.file_name().into_string().unwrap());
    let names = names.filter(|name| !name.starts_with(DATABASE));
    let files = names.filter(|name| data.join(name).is_file());
    files
        .map(|name| (name.clone(), fs::read(data.join(name)).unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_takes_nothing_away_that_the_first_start_has_made() {
    for seed in 0..FIRST_STARTS {
        let mut disk = LossyDisk::new();
        let installation = Installation::empty().keeping(disk.path("installation"));
        let data = disk.path("installation").join(SERVER);
        let mut server = installation.start(SERVER).await;
        let made = small_files(&data);
        for name in ["audit-signing.key", "first-start.json", "instance-id"] {
            assert!(made.contains_key(name), "{made:?}");
        }

        server.process.kill();
        block_in_place(|| disk.restart(&mut Dice::new(seed)));

        assert_eq!(small_files(&data), made, "seed {seed}");
    }
}
