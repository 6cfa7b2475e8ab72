//! Ten thousand events with secrets in every place, on their way through everything that keeps or sends them.

use std::{fs, path::Path, sync::Arc};

use aho_corasick::AhoCorasick;
use ee::{
    AuditFilter, AuditLogger as _, Clock, SystemClock,
    audit::{
        delivery::{OnFull, Recorder, RecorderParts},
        export::{ExportFormat, ExportOptions, Exporter},
        format::Product,
        policy::Policy,
        redact::{RedactionConfig, Redactor},
        sink::{AuditSink as _, EventFormat, FileConfig, FileSink},
        spool::{Spool, SpoolConfig},
    },
    storage::{AuditEntry, AuditIndex as _, AuditStore as _},
    store_libsql::{SqliteConfig, SqliteFile},
};
use ee_testkit::audit_secrets::{Payload, payloads};
use server_tests::LogCapture;

const COUNT: usize = 10_000;
/// So many have a spool, a store and sinks of their own: what is searched for in what stays small.
const TOGETHER: usize = 250;
const LOG: &str = "default";

/// Finds the secrets of some events.
struct Secrets(AhoCorasick);

impl Secrets {
    fn of(payloads: &[Payload]) -> Self {
        let all = payloads.iter().flat_map(Payload::spellings);
        Self(AhoCorasick::new(all).unwrap())
    }

    /// Fails the test when a secret is in one of the files, whatever it is.
    fn check_files(&self, directory: &Path, what: &str) {
        for file in fs::read_dir(directory).unwrap() {
            let file = file.unwrap().path();
            if file.is_file() {
                self.check(&fs::read(&file).unwrap(), what);
            }
        }
    }

    fn check(&self, bytes: &[u8], what: &str) {
        let found = self.0.find(bytes).map(|it| &bytes[it.range()]);
        assert_eq!(found.map(String::from_utf8_lossy), None, "{what}");
    }
}

/// Takes events all the way: spool, store with its indexes, sinks, exports.
async fn all_the_way(payloads: &[Payload]) {
    let (logs, secrets) = (LogCapture::start(), Secrets::of(payloads));
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (spool_dir, store_dir) = (dir.path().join("spool"), dir.path().join("store"));
    fs::create_dir(&store_dir).unwrap();
    let (spool, _) = Spool::open(SpoolConfig::new(&spool_dir)).unwrap();
    let store = SqliteFile::open(SqliteConfig::new(store_dir.join("ee.db"))).unwrap();
    let store = Arc::new(store);
    let (recorder, writer) = Recorder::new(RecorderParts {
        clock: Arc::clone(&clock),
        console: None,
        instance: None,
        on_full: OnFull::Reject,
        partition: LOG.to_owned(),
        policy: Policy::default(),
        redactor: Redactor::new(RedactionConfig::default(), None).unwrap(),
        spool: Some(Arc::new(spool)),
        store: Arc::clone(&store) as _,
    });
    let logged = payloads.iter().map(|it| recorder.log(it.event.clone()));
    for logged in futures_util::future::join_all(logged).await {
        logged.unwrap();
    }
    secrets.check_files(&spool_dir, "the spool");

    while writer.turn().await.unwrap() > 0 {}
    while store.index_events(1_000).await.unwrap() > 0 {}
    let entries = store.feed(LOG, 0, 1_000).await.unwrap();
    assert_eq!(entries.len(), payloads.len());
    secrets.check_files(&store_dir, "the store");

    deliver(dir.path(), &entries, &clock, &secrets).await;
    export(&entries, &secrets);
    secrets.check(logs.text().as_bytes(), "the log");
}

async fn deliver(dir: &Path, entries: &[AuditEntry], clock: &Arc<dyn Clock>, secrets: &Secrets) {
    let sinks = dir.join("sinks");
    fs::create_dir(&sinks).unwrap();
    for format in [EventFormat::Native, EventFormat::Ocsf, EventFormat::Cef] {
        let mut config = FileConfig::new(sinks.join(format!("{format:?}.log")));
        config.format = format;
        let sink = FileSink::new(config, Product::default(), Arc::clone(clock)).unwrap();
        sink.deliver(entries).await.unwrap();
    }
    secrets.check_files(&sinks, "a sink");
}

fn export(entries: &[AuditEntry], secrets: &Secrets) {
    for format in [
        ExportFormat::Cef,
        ExportFormat::Csv,
        ExportFormat::MastraCsv,
        ExportFormat::MastraJson,
        ExportFormat::Ndjson,
        ExportFormat::Ocsf,
    ] {
        let mut options = ExportOptions::new(format);
        (options.content, options.evidence) = (true, true);
        let mut exporter = Exporter::new(options);
        let mut text = Vec::new();
        for entry in entries {
            text.extend(exporter.push(entry).unwrap().unwrap_or_default());
        }
        let now = SystemClock.now();
        text.extend(exporter.finish(&AuditFilter::EVERYTHING, now).unwrap().0);
        secrets.check(&text, "a copy");
    }
}

/// Looks at a quarter of all events.
async fn quarter(number: usize) {
    let quarter = COUNT / 4;
    let all = payloads(20_261_122, COUNT).skip(number * quarter);
    let all: Vec<Payload> = all.take(quarter).collect();
    assert!(all.iter().map(|it| it.secrets.len()).sum::<usize>() > quarter);

    for together in all.chunks(TOGETHER) {
        all_the_way(together).await;
    }
}

#[tokio::test]
async fn no_secret_of_the_first_quarter_is_kept_or_sent_anywhere() {
    quarter(0).await;
}

#[tokio::test]
async fn no_secret_of_the_second_quarter_is_kept_or_sent_anywhere() {
    quarter(1).await;
}

#[tokio::test]
async fn no_secret_of_the_third_quarter_is_kept_or_sent_anywhere() {
    quarter(2).await;
}

#[tokio::test]
async fn no_secret_of_the_last_quarter_is_kept_or_sent_anywhere() {
    quarter(3).await;
}
