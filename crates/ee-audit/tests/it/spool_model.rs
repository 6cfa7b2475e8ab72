//! A spool against a list, over restarts and crashes.

use std::fs;

use ee_audit::spool::{Spool, SpoolConfig};
use ee_core::storage::AuditRecord;
use proptest::{collection, prelude::*};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::spool::{acknowledge, config, left, open, record, segments};

#[derive(Clone, Debug)]
enum Act {
    Acknowledge(usize),
    Append(usize),
    AppendAll(usize),
    /// The process dies, and the machine with it: so many bytes at the end were not written yet.
    Crash(u64),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1..12_usize).prop_map(Act::Acknowledge),
        (1..6_usize).prop_map(Act::Append),
        (0..6_usize).prop_map(Act::AppendAll),
        prop_oneof![Just(0), 1..700_u64, 1..3_000_u64].prop_map(Act::Crash),
        Just(Act::Reopen),
    ]
}

struct Model {
    acknowledged: usize,
    config: SpoolConfig,
    dir: TempDir,
    made: usize,
    records: Vec<AuditRecord>,
    /// `None` between two.
    spool: Option<Spool>,
}

impl Model {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        config.segment_bytes = 2_000;
        Self {
            acknowledged: 0,
            spool: Some(open(config.clone()).0),
            config,
            dir,
            made: 0,
            records: Vec::new(),
        }
    }

    fn spool(&self) -> &Spool {
        self.spool.as_ref().unwrap()
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Acknowledge(count) => {
                let count = (*count).min(self.records.len() - self.acknowledged);
                acknowledge(self.spool(), count).await;
                self.acknowledged += count;
            }
            Act::Append(count) => {
                for record in self.make(*count) {
                    self.spool().append(&record).await.unwrap();
                }
            }
            Act::AppendAll(count) => {
                let records = self.make(*count);
                self.spool().append_all(&records).await.unwrap();
            }
            Act::Crash(cut) => self.crash(*cut).await,
            Act::Reopen => {
                self.spool = None;
                self.spool = Some(open(self.config.clone()).0);
            }
        }
        let left = left(self.spool()).await;
        assert_eq!(left, self.records[self.acknowledged..]);
        assert_eq!(self.spool().status().records, left.len() as u64);
    }

    fn make(&mut self, count: usize) -> Vec<AuditRecord> {
        let records: Vec<_> = (self.made..self.made + count).map(record).collect();
        self.made += count;
        self.records.extend_from_slice(&records);
        records
    }

    /// Goes on with the files as they are now, but for the end of the last one.
    async fn crash(&mut self, cut: u64) {
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            let to = dir.path().join(entry.file_name());
            if entry.file_name() == "reserve" {
                fs::hard_link(entry.path(), to).unwrap();
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
        self.lose(&dir, cut);
        self.config.dir = dir.path().into();
        self.spool = None;
        self.dir = dir;
        let (spool, recovery) = open(self.config.clone());
        assert!(recovery.damaged.is_empty(), "{recovery:?}");

        // Where it goes on may be older than what was acknowledged last.
        let left = left(&spool).await;
        let from = self.records.len().checked_sub(left.len()).unwrap();
        assert!(from <= self.acknowledged.min(self.records.len()));
        assert_eq!(left, self.records[from..]);
        self.acknowledged = from;
        self.spool = Some(spool);
    }

    /// Cuts the last segment, and forgets the events that were in there.
    fn lose(&mut self, dir: &TempDir, cut: u64) {
        let Some(last) = segments(dir.path()).pop() else {
            return;
        };
        let file = fs::File::options().write(true).open(last).unwrap();
        let whole = file.metadata().unwrap().len();
        let end = whole.saturating_sub(cut);
        file.set_len(end).unwrap();
        let mut lost = whole.saturating_sub(24).min(cut);
        while lost > 0 {
            let record = self.records.pop().unwrap();
            let personal = record.personal.as_ref().unwrap().len();
            let size = (8 + 4 + record.canonical.len() + personal) as u64;
            lost = lost.saturating_sub(size);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_spool_holds_what_a_list_would(acts in collection::vec(act(), 1..24)) {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new();
            for act in &acts {
                model.act(act).await;
            }
        });
    }
}
