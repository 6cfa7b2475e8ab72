//! Looking through a spool without touching it.

use std::{io, path::Path};

use super::{
    SpoolDamage, SpoolDamageKind, SpoolOpenError,
    directory::{self, segment_path},
    frame,
    recovery::{missing, scan},
    segment::HEADER_BYTES,
};

/// What stands in a spool.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpoolReport {
    /// Bytes of all segments.
    pub bytes: u64,
    /// What is wrong.
    pub damaged: Vec<SpoolDamage>,
    /// Segments that were put aside because of damaged bytes.
    pub quarantined: u64,
    /// Whole events, acknowledged or not.
    pub records: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes at the end that look like a write which was not finished. There may be some while a process writes.
    pub torn_bytes: u64,
    /// Whole events that are not acknowledged, as far as the disk knows: up to a second late.
    pub unacknowledged: u64,
}

pub(super) fn verify(dir: &Path) -> Result<SpoolReport, SpoolOpenError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| SpoolOpenError::Io {
            action,
            path,
            source,
        }
    };
    let listing = directory::list(dir).map_err(failed("list", dir))?;
    let cursor = directory::cursor(dir).map_err(failed("read the cursor of", dir))?;
    let mut report = SpoolReport {
        quarantined: listing.quarantined.len() as u64,
        ..SpoolReport::default()
    };
    let last = listing.segments.last();
    for number in &listing.segments {
        let path = segment_path(dir, *number);
        let mut damaged = Vec::new();
        let mut note = |kind, start, end| {
            damaged.push(SpoolDamage {
                kind,
                segment: *number,
                start,
                end,
            });
        };
        let is_acknowledged = |at| cursor.is_some_and(|it| (*number, at) < (it.segment, it.offset));
        let scan = scan(&path, *number, HEADER_BYTES, |at, end, record| {
            report.records += 1;
            report.unacknowledged += u64::from(!is_acknowledged(at));
            match frame::decode(record).map(|it| it.broken_commitments()) {
                Some(Ok(broken)) if broken.is_empty() => {}
                Some(Ok(_)) => note(SpoolDamageKind::Commitment, at, end),
                Some(Err(_)) | None => note(SpoolDamageKind::Unreadable, at, end),
            }
        });
        let scan = match scan {
            Ok(scan) => scan,
            // Whoever owns the spool has given it up in the meantime.
            Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
            Err(err) => return Err(failed("read", &path)(err)),
        };
        if scan.is_newer {
            return Err(SpoolOpenError::Newer { path });
        }
        for (start, end) in scan.damaged {
            note(SpoolDamageKind::Checksum, start, end);
        }
        match scan.torn {
            Some(at) if Some(number) == last => report.torn_bytes += scan.end - at,
            Some(at) => note(SpoolDamageKind::Checksum, at, scan.end),
            None => {}
        }
        damaged.sort_by_key(|it| it.start);
        report.damaged.extend(damaged);
        report.bytes += scan.end;
        report.segments += 1;
    }
    report.damaged.extend(missing(&listing.segments));
    Ok(report)
}
