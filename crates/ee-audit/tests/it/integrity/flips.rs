//! Every byte that is kept is changed in turn.

use ee_audit::integrity::{
    Claim, Link, LogRow, LogVerifier, Outcome, Payload, Report, Verdict, VerdictKind,
};
use ee_core::{
    AuditHash, AuditHead,
    storage::{AuditEntry, AuditStoredLink},
};

use super::memory::{PARTITION, Rows, evidence, key, log, signed_log, verify};

const SIZE: usize = 300;
/// So many rows behind the changed one are shown.
const MORE: usize = 4;

/// A log, and how far the verification is before each of its rows and behind the last.
struct Log {
    heads: Vec<AuditHead>,
    rows: Rows,
    verifiers: Vec<LogVerifier>,
}

impl Log {
    async fn new() -> Self {
        let rows = log(SIZE as u64).await.copy();
        let mut verifier = LogVerifier::new(PARTITION);
        // What is behind the changed row is shown without its event: that costs less.
        verifier.allow(&Claim::Pruned {
            from: 1,
            to: SIZE as u64,
        });
        let mut head = AuditHead::genesis(PARTITION);
        let (mut heads, mut verifiers) = (vec![head.clone()], vec![verifier.clone()]);
        for (link, entry) in rows.links.iter().zip(&rows.entries) {
            verifier.push(row(Some(link.clone()), Some(entry.clone())));
            verifiers.push(verifier.clone());
            head.push(link.leaf);
            heads.push(head.clone());
        }
        Self {
            heads,
            rows,
            verifiers,
        }
    }

    /// Verifies the log with another row in the place of this one, as far as it shows.
    fn verify(&self, at: usize, row: LogRow) -> Report {
        let mut verifier = self.verifiers[at].clone();
        verifier.push(row);
        let end = SIZE.min(at + 1 + MORE);
        for link in &self.rows.links[at + 1..end] {
            verifier.push(self::row(Some(link.clone()), None));
        }
        verifier.finish(Some(&self.heads[end]))
    }

    fn assert_found(&self, at: usize, row: LogRow, what: &str) {
        let seq = at as u64 + 1;
        let report = self.verify(at, row);
        let wrong: Vec<&Verdict> = wrong(&report).collect();
        let is_right = wrong.len() == 1 && (wrong[0].from, wrong[0].to) == (seq, seq);
        assert!(is_right, "{what} of {seq}\n{report}");
        assert_eq!(report.outcome, Outcome::Tampered);
    }
}

fn wrong(report: &Report) -> impl Iterator<Item = &Verdict> {
    report.verdicts.iter().filter(|it| it.kind.is_tampering())
}

fn row(link: Option<AuditStoredLink>, entry: Option<AuditEntry>) -> LogRow {
    let seq = link.as_ref().map_or(0, |it| it.seq);
    let link = link.map_or(Link::Absent, Link::Kept);
    LogRow::new(seq, link, entry.map_or(Payload::Absent, Payload::from))
}

fn flipped(hash: AuditHash, at: usize) -> AuditHash {
    let mut bytes = *hash.as_bytes();
    bytes[at] ^= 1 << (at % 8);
    AuditHash::new(bytes)
}

#[tokio::test]
async fn every_byte_of_every_event() {
    let log = Log::new().await;
    let mut count = 0;
    for at in 0..SIZE {
        let (link, entry) = (&log.rows.links[at], &log.rows.entries[at]);
        for byte in 0..entry.record.canonical.len() {
            let mut bytes = entry.record.canonical.clone().into_bytes();
            bytes[byte] ^= 1 << (byte % 7);
            let payload = Payload::Kept {
                is_filed: true,
                canonical: String::from_utf8(bytes).unwrap(),
                personal: entry.record.personal.clone(),
                projected: None,
            };
            let row = LogRow::new(link.seq, Link::Kept(link.clone()), payload);
            log.assert_found(at, row, "event");
            count += 1;
        }
    }
    assert!(count > 50_000, "{count}");
}

#[tokio::test]
async fn every_byte_of_every_hash_with_and_without_the_event() {
    let log = Log::new().await;
    for at in 0..SIZE {
        let (link, entry) = (&log.rows.links[at], &log.rows.entries[at]);
        for byte in 0..32 {
            for is_pruned in [false, true] {
                // The search for what else may have been done costs most where there is no event.
                if is_pruned && at % 8 != 0 {
                    continue;
                }
                let entry = (!is_pruned).then(|| entry.clone());
                let mut leaf = link.clone();
                leaf.leaf = flipped(leaf.leaf, byte);
                log.assert_found(at, row(Some(leaf), entry.clone()), "leaf");
                let mut chain = link.clone();
                chain.chain = flipped(chain.chain, byte);
                log.assert_found(at, row(Some(chain), entry), "chain");
            }
        }
    }
}

#[tokio::test]
async fn every_byte_of_the_head() {
    let log = Log::new().await;
    let (verifier, head) = (&log.verifiers[SIZE], &log.heads[SIZE]);
    let (chain, frontier) = (head.chain(), head.frontier());
    let report = verifier.clone().finish(Some(head));
    assert_eq!(wrong(&report).count(), 0, "{report}");
    let mut heads = Vec::new();
    for byte in 0..32 {
        let chain = flipped(chain, byte);
        heads.push(AuditHead::resume(PARTITION, SIZE as u64, chain, &frontier));
    }
    for byte in 0..frontier.len() {
        let mut frontier = frontier.clone();
        frontier[byte] ^= 1 << (byte % 8);
        heads.push(AuditHead::resume(PARTITION, SIZE as u64, chain, &frontier));
    }
    // Sizes whose trees are made of other numbers of subtrees are no heads: a store cannot read them.
    let sizes = (0..64).map(|bit| SIZE as u64 ^ (1 << bit));
    let swapped = (0..64)
        .map(|bit| (SIZE as u64).rotate_left(bit))
        .filter(|it| *it != SIZE as u64);
    for size in sizes.chain(swapped) {
        heads.push(AuditHead::resume(PARTITION, size, chain, &frontier));
    }
    let heads: Vec<AuditHead> = heads.into_iter().flatten().collect();
    assert!(heads.len() > 32 + 4 * 32, "{}", heads.len());
    for head in heads {
        let report = verifier.clone().finish(Some(&head));
        assert_eq!(
            report.outcome,
            Outcome::Tampered,
            "{}\n{report}",
            head.size()
        );
    }
}

#[tokio::test]
async fn every_byte_of_a_checkpoint() {
    let key = key();
    let memory = signed_log(20, &[10, 20], &key).await;
    let evidence = evidence(&key);
    let note = memory.rows().checkpoints[0].1.clone();
    for byte in 0..note.len() {
        for bit in [0x01, 0x04, 0x20] {
            let mut bytes = note.clone().into_bytes();
            bytes[byte] ^= bit;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            memory.rows().checkpoints[0].1 = changed.clone();
            let report = verify(&memory, &evidence).await;
            assert_ne!(report.outcome, Outcome::Ok, "{changed}\n{report}");
            let named = report
                .verdicts
                .iter()
                .filter(|it| it.kind.is_tampering() || it.kind == VerdictKind::UnknownKey);
            assert!(
                named.map(|it| (it.from, it.to)).all(|it| it == (10, 10)),
                "{report}"
            );
        }
    }
    memory.rows().checkpoints[0] = (11, note);
    let report = verify(&memory, &evidence).await;
    assert_eq!(report.outcome, Outcome::Tampered);
}

#[tokio::test]
async fn bytes_in_a_store_from_end_to_end() {
    let key = key();
    let evidence = evidence(&key);
    let memory = signed_log(30, &[10, 20, 30], &key).await;
    let clean = memory.copy();
    for at in 0..clean.links.len() {
        let seq = at as u64 + 1;
        for byte in (0..32).step_by(11) {
            let leaf = flipped(clean.links[at].leaf, byte);
            memory.rows().links[at].leaf = leaf;
            assert_named(&verify(&memory, &evidence).await, seq);
            *memory.rows() = clean.clone();
            let chain = flipped(clean.links[at].chain, byte);
            memory.rows().links[at].chain = chain;
            assert_named(&verify(&memory, &evidence).await, seq);
            *memory.rows() = clean.clone();
        }
        let length = clean.entries[at].record.canonical.len();
        for byte in (0..length).step_by(29) {
            let mut bytes = clean.entries[at].record.canonical.clone().into_bytes();
            bytes[byte] ^= 1;
            let canonical = String::from_utf8(bytes).unwrap();
            memory.rows().entries[at].record.canonical = canonical;
            assert_named(&verify(&memory, &evidence).await, seq);
            *memory.rows() = clean.clone();
        }
    }
    let report = verify(&memory, &evidence).await;
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
}

fn assert_named(report: &Report, seq: u64) {
    let wrong: Vec<(u64, u64)> = wrong(report).map(|it| (it.from, it.to)).collect();
    assert_eq!(wrong, [(seq, seq)], "{report}");
    assert_eq!(report.outcome, Outcome::Tampered);
    assert_eq!(report.covered, 30);
}
