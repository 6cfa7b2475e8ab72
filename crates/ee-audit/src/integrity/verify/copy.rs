//! The verification of a copy, which may be a choice of events of several logs.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read},
};

use ee_core::{AuditHash, Error, ErrorKind};

use super::{
    Evidence, Progress,
    report::{Report, Subject, Verdict, VerdictKind},
    row::{Link, LogRow, Payload},
    verifier::LogVerifier,
};
use crate::export::ExportLine;

/// How often the progress is told.
const STEP: u64 = 1 << 20;
/// Longest line that is read: an event of 64 KiB with everything twice, and escaped.
const LONGEST: u64 = 4 << 20;
/// What lines are counted for that cannot be read.
const UNREADABLE: &str = "(unreadable)";

/// Verifies a copy that was written with its evidence, line by line, log by log. Where it has all of a log from its first
/// event on, checkpoints among the anchors cover it; what else was left out only the signed manifest of the copy can
/// tell.
///
/// Fails with [`ErrorKind::Unavailable`] when the copy cannot be read from where it is, and with [`ErrorKind::Invalid`]
/// for one without evidence.
pub fn verify_copy(
    mut copy: impl BufRead,
    evidence: &Evidence,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<Report>, Error> {
    let mut verifiers: BTreeMap<String, LogVerifier> = BTreeMap::new();
    let mut line = Vec::new();
    let (mut done, mut told, mut number) = (0, 0, 0);
    while next_line(&mut copy, &mut line).map_err(unavailable)? {
        done += line.len() as u64;
        number += 1;
        let read = read_line(&line)?;
        let partition = read.as_ref().map_or(UNREADABLE, |(name, _)| name);
        if !verifiers.contains_key(partition) {
            let mut verifier = LogVerifier::sample(partition);
            evidence.show(&mut verifier, partition)?;
            verifiers.insert(partition.to_owned(), verifier);
        }
        if let Some(verifier) = verifiers.get_mut(partition) {
            match read {
                Some((_, row)) => verifier.push(row),
                None => verifier.report(unreadable(number)),
            }
        }
        if done - told >= STEP {
            told = done;
            progress(Progress { done, total: None });
        }
    }
    let reports = verifiers.into_values();
    Ok(reports.map(|it| it.finish(None)).collect())
}

/// Reads the next line. False when there is none.
fn next_line(copy: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Read::take(copy, LONGEST).read_until(b'\n', line)?;
    Ok(!line.is_empty())
}

/// Reads a line into its log and its row. `None` for what is no event.
fn read_line(line: &[u8]) -> Result<Option<(String, LogRow)>, Error> {
    let Ok(line) = serde_json::from_slice::<ExportLine>(line) else {
        return Ok(None);
    };
    let (Some(canonical), Some(leaf)) = (line.canonical, line.leaf) else {
        let message = "this copy was written without evidence: nothing can be verified";
        return Err(Error::new(ErrorKind::Invalid, message));
    };
    let payload = Payload::Kept {
        is_filed: true,
        canonical,
        personal: line.personal,
        projected: Some(Box::new(line.event)),
    };
    let link = match crate::integrity::hex::parse(&leaf) {
        Some(leaf) => Link::Leaf(leaf),
        // No event has this hash.
        None => Link::Leaf(AuditHash::new([0; 32])),
    };
    Ok(Some((line.partition, LogRow::new(line.seq, link, payload))))
}

fn unreadable(number: u64) -> Verdict {
    let detail = "the line is no event";
    let range = (number, number);
    Verdict::new(VerdictKind::HashMismatch, Subject::Event, range, detail)
}

fn unavailable(err: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the copy cannot be read").with_source(err)
}
