//! What is done to a large record. `EE_AUDIT_EVENTS` says how large.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use processes::{Installation, Server, patiently, setting};

use super::deployment::{Deployment, append, resource};

/// How many events are added at once.
const BATCH: u64 = 8_192;
const DAY: Duration = Duration::from_hours(24);
/// How many days ago what is a year old is over: events stay for 400 days.
const OVER_DAYS: u64 = 420;
/// How many archives are verified alone.
const ARCHIVES: usize = 20;
const PAGE: u64 = 1_000;
/// How much more memory a server may have while it writes a copy.
const MORE_KIB: u64 = 64 * 1_024;
/// How many pieces of a copy are read until the memory is looked at again.
const PIECES: usize = 64;
/// Longer than the end of an answer with the manifest.
const END: u64 = 256 * 1_024;

fn events() -> u64 {
    setting("EE_AUDIT_EVENTS", 10_000)
}

/// Parts the numbers up to the last one.
fn batches(numbers: RangeInclusive<u64>) -> impl Iterator<Item = RangeInclusive<u64>> {
    let (first, last) = numbers.into_inner();
    let starts = (first..=last).step_by(usize::try_from(BATCH).unwrap());
    starts.map(move |start| start..=last.min(start + BATCH - 1))
}

/// Makes a record of so many events, those of a year that is over first, and tells how many these are.
async fn aged(count: u64) -> (Deployment, u64) {
    let deployment = Deployment::with(0).await;
    let old = count * 9 / 10;
    for numbers in batches(1..=old) {
        let days = 365 * (old - numbers.start()) / old + OVER_DAYS;
        let age = DAY * u32::try_from(days).unwrap();
        deployment.add_aged(numbers, age).await;
    }
    for numbers in batches(old + 1..=count) {
        deployment.add(numbers).await;
    }
    (deployment, old)
}

async fn recent(count: u64) -> Deployment {
    let deployment = Deployment::with(0).await;
    for numbers in batches(1..=count) {
        deployment.add(numbers).await;
    }
    deployment
}

#[tokio::test]
async fn a_year_is_pruned_but_for_what_is_held_and_what_was_proved_stays_so() {
    let begun = Instant::now();
    let (deployment, old) = aged(events()).await;
    let seeded = begun.elapsed();
    let hold = ["hold", "create", "case", "--reason", "r", "--owner", "o"];
    let filter = ["--filter", "actor:u1@example.com outcome:denied"];
    deployment.ok(&[&hold[..], &filter].concat());
    // `u1` has acted in every fourth of them, and every third one was a refusal: the ninth, and every twelfth from there.
    let held = (9..=old).step_by(12).count();
    let proofs = [2, 9, old, events()].map(|number| {
        let file = deployment.path(&format!("proof-{number}"));
        let file = file.to_str().unwrap().to_owned();
        deployment.ok(&["proof", &number.to_string(), "--out", &file]);
        file
    });

    let begun = Instant::now();
    let pruned = deployment.ok(&["prune", "--json"]).json();
    let took = begun.elapsed();

    let log = &pruned["logs"]["default"];
    let gone = old - held as u64;
    assert_eq!((&log["pruned"], &log["held"]), (&gone.into(), &held.into()));
    let begun = Instant::now();
    let verified = deployment.ok(&["verify"]);
    let verifying = begun.elapsed();
    assert!(
        verified.out.contains("payload pruned by policy"),
        "{verified:?}"
    );
    for proof in &proofs {
        deployment.ok(&["verify-proof", proof]);
    }
    deployment.ok(&["show", "9"]);
    deployment.ok(&["show", &(old + 1).to_string()]);
    let missing = deployment.run(&["show", "2"]);
    assert!(missing.err.contains("not there any more"), "{missing:?}");
    let files = log["files"].as_array().unwrap();
    for file in files.iter().step_by(files.len().div_ceil(ARCHIVES)) {
        let path = file["path"].as_str().unwrap();
        let archive = deployment.ok(&["verify", "--export", path, "--json"]);
        assert_eq!(archive.json()["outcome"], "ok");
    }
    println!(
        "{} events (made in {seeded:.0?}): {gone} pruned into {} archives in {took:.1?}, {held} held, verified in \
         {verifying:.1?}",
        events(),
        files.len()
    );
}

/// Returns the files in which a text stands, byte by byte.
fn files_with(text: &str, dir: &Path) -> Vec<String> {
    let mut grep = Command::new("grep");
    let output = grep.args(["-rlaF", text]).arg(dir).output().unwrap();
    // 1: nowhere. Anything else is no answer.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn of_a_person_who_is_erased_no_byte_is_left() {
    let begun = Instant::now();
    let count = events();
    let deployment = recent(count).await;
    let seeded = begun.elapsed();
    // Whoever reads or writes the file at the moment keeps what is in its log from the file itself.
    let installation = Installation::new().keeping(deployment.path(""));
    let mut server = installation.start("data").await;
    let (email, data) = ("u1@example.com", deployment.data());
    assert!(!files_with(email, &data).is_empty());

    let begun = Instant::now();
    deployment.ok(&["erase", "--user", "u1", "--email", email, "--yes"]);
    let took = begun.elapsed();
    assert!(server.process.terminate().await.success());

    assert_eq!(files_with(email, &data), Vec::<String>::new());
    assert!(!files_with("u2@example.com", &data).is_empty());
    let verified = deployment.ok(&["verify"]);
    assert!(verified.out.contains("payload erased"), "{verified:?}");
    println!(
        "{count} events (made in {seeded:.0?}): who acted in {} of them is erased in {took:.1?}",
        count.div_ceil(4)
    );
}

/// Starts a server on the data of a deployment.
async fn served(deployment: &Deployment) -> (Installation, Server) {
    let installation = Installation::new().keeping(deployment.path(""));
    let server = installation.start("data").await;
    (installation, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_page_by_page_while_others_write_sees_everything_once() {
    let count = events();
    let deployment = recent(count).await;
    let (installation, server) = served(&deployment).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, is_over) = (deployment.store(), Arc::clone(&is_over));
        async move {
            // Some of them are older than everything: events that came late.
            let (mut next, ages) = (count + 1, [Duration::ZERO, DAY]);
            for age in ages.into_iter().cycle() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                append(&store, next..=next + 4, age).await;
                next += 5;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            store.database().close().await;
            next - 1 - count
        }
    });

    let mut seen = vec![0_u8; usize::try_from(count).unwrap()];
    let (mut pages, mut first) = (0, Duration::ZERO);
    let mut cursor: Option<String> = None;
    let last = loop {
        let limit = PAGE.to_string();
        let mut parameters = vec![("action", "agents.update"), ("limit", limit.as_str())];
        parameters.extend(cursor.as_deref().map(|it| ("cursor", it)));
        let ask = server
            .api
            .get("/api/audit/events")
            .by(&installation.owner());
        let answer = ask.query(&parameters).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if pages == 0 {
            first = answer.took;
        }
        pages += 1;
        let page = answer.json();
        for event in page["events"].as_array().unwrap() {
            let id = event["resource"]["id"].as_str().unwrap();
            let number: usize = id.strip_prefix("agent-").unwrap().parse().unwrap();
            if let Some(seen) = seen.get_mut(number - 1) {
                *seen += 1;
            }
        }
        let Some(next) = page["nextCursor"].as_str() else {
            break answer.took;
        };
        cursor = Some(next.to_owned());
        assert!(pages <= 2 * count.div_ceil(PAGE) + 2, "it has no end");
    };
    is_over.store(true, Ordering::Relaxed);
    let added = writing.await.unwrap();

    let wrong = seen.iter().position(|it| *it != 1);
    let wrong = wrong.map(|at| (resource(at as u64 + 1), seen[at]));
    assert_eq!(wrong, None, "so often");
    assert!(added > 0);
    println!(
        "{count} events on {pages} pages, each once, while {added} were added; first page {first:.1?}, last {last:.1?}"
    );
}

/// A copy that a server has sent, and how.
struct Sent {
    bytes: u64,
    more_kib: u64,
    took: Duration,
}

fn export(server: &Server, installation: &Installation, format: &str) -> processes::Ask {
    let ask = server.api.get("/api/audit/export");
    let parameters = [
        ("action", "agents.update"),
        (
            "evidence",
            if format == "ndjson" { "true" } else { "false" },
        ),
        ("format", format),
        ("manifest", "true"),
        ("order", "asc"),
    ];
    ask.by(&installation.owner()).query(&parameters)
}

/// Fetches a copy with its manifest into a file, as it comes.
async fn fetch(server: &Server, ask: processes::Ask, file: &Path) -> Sent {
    let before = server.process.figure("VmRSS:");
    let begun = Instant::now();
    let mut answer = ask.open().await;
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    let boundary = kind.strip_prefix("multipart/mixed; boundary=").unwrap();
    let boundary = boundary.to_owned();
    let mut whole = File::create(file).unwrap();
    let (mut bytes, mut most) = (0, before);
    for number in 0.. {
        let Some(piece) = answer.chunk().await.unwrap() else {
            break;
        };
        whole.write_all(&piece).unwrap();
        bytes += piece.len() as u64;
        if number % PIECES == 0 {
            most = most.max(server.process.figure("VmRSS:"));
        }
    }
    most = most.max(server.process.figure("VmRSS:"));
    drop(whole);
    let took = begun.elapsed();
    take_apart(file, &boundary);
    Sent {
        bytes,
        more_kib: most - before,
        took,
    }
}

/// Makes the copy and its manifest files of their own.
fn take_apart(file: &Path, boundary: &str) {
    let length = fs::metadata(file).unwrap().len();
    let part = |from: u64, bytes: u64| {
        let mut text = Vec::new();
        let mut whole = File::open(file).unwrap();
        whole.seek(SeekFrom::Start(from)).unwrap();
        whole.take(bytes).read_to_end(&mut text).unwrap();
        text
    };
    let find = |hay: &[u8], what: &str| {
        let found = hay
            .windows(what.len())
            .rposition(|it| it == what.as_bytes());
        found.unwrap()
    };
    let head = part(0, 1_024);
    let head = head.windows(4).position(|it| it == b"\r\n\r\n").unwrap() as u64 + 4;
    let tail_at = length.saturating_sub(END);
    let tail = part(tail_at, END);
    let close = find(&tail, &format!("\r\n--{boundary}--"));
    let middle = find(&tail[..close], &format!("\r\n--{boundary}"));
    let note = find(&tail[middle..close], "\r\n\r\n") + middle + 4;
    fs::write(named(file, ".manifest"), &tail[note..close]).unwrap();

    let copy = named(file, ".part");
    let mut from = File::open(file).unwrap();
    from.seek(SeekFrom::Start(head)).unwrap();
    let mut rest = from.take(tail_at + middle as u64 - head);
    std::io::copy(&mut rest, &mut File::create(&copy).unwrap()).unwrap();
    fs::rename(copy, file).unwrap();
}

fn named(file: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", file.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_everything_takes_no_memory_and_who_goes_away_leaves_nothing_behind() {
    let count = events();
    let deployment = recent(count).await;
    let (installation, server) = served(&deployment).await;
    // The first requests of a server make what later ones find.
    let ask = server
        .api
        .get("/api/audit/events")
        .by(&installation.owner());
    assert_eq!(ask.send().await.status, 200);

    for format in ["ndjson", "csv", "parquet"] {
        let file = deployment.path(format);
        let sent = fetch(&server, export(&server, &installation, format), &file).await;
        println!(
            "{format}: {count} events, {} MiB in {:.1?} ({}/s), {} KiB more memory",
            sent.bytes >> 20,
            sent.took,
            u128::from(count) * 1_000 / sent.took.as_millis().max(1),
            sent.more_kib
        );
        assert!(sent.more_kib < MORE_KIB, "{format}: {} KiB", sent.more_kib);
        let verified = deployment.ok(&["verify", "--export", file.to_str().unwrap(), "--json"]);
        assert_eq!(verified.json()["outcome"], "ok", "{format}: {verified:?}");
        fs::remove_file(file).unwrap();
    }

    let (files, memory) = (server.process.open_files(), server.process.figure("VmRSS:"));
    for format in ["ndjson", "csv", "parquet"] {
        let mut answer = export(&server, &installation, format).open().await;
        assert!(answer.chunk().await.unwrap().is_some());
    }
    let aborted = "/api/audit/events?action=audit.export&outcome=failure";
    patiently("the record of copies that nobody has fetched", async {
        loop {
            let ask = server.api.get(aborted).by(&installation.owner());
            let told = ask.done().await;
            if told["events"].as_array().unwrap().len() == 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    patiently("what aborted copies had open", async {
        while server.process.open_files() > files {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let more = server.process.figure("VmRSS:").saturating_sub(memory);
    assert!(more < MORE_KIB, "{more} KiB");
}
