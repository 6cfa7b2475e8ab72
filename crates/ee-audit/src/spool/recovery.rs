//! What an earlier process has left.

use std::{io, path::Path};

use super::{
    SpoolOpenError, SpoolPosition,
    directory::{self, Directory},
    segment::{HEADER_BYTES, Header, SegmentReader, Step},
    state::{Segment, State},
};

/// Why bytes of a spool are no event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SpoolDamageKind {
    /// Their checksum is another one, or nothing tells where events begin and end.
    Checksum,
    /// A value is kept that is not the one of its commitment. Only [`Spool::verify`](super::Spool::verify) looks.
    Commitment,
    /// Segments are gone between others, from this one on.
    Missing,
    /// They are as they were written, and no event that this program can read.
    Unreadable,
}

/// Bytes of a spool that should have been events.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpoolDamage {
    /// What is wrong.
    pub kind: SpoolDamageKind,
    /// Number of the segment.
    pub segment: u64,
    /// Where in its file they begin.
    pub start: u64,
    /// Where they end.
    pub end: u64,
}

/// What was found when a spool was opened.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpoolRecovery {
    /// Damaged bytes that are not acknowledged. Their segments are kept beside the spool as `*.quarantine` once
    /// everything else in them is acknowledged.
    pub damaged: Vec<SpoolDamage>,
    /// Events that are not acknowledged.
    pub records: u64,
    /// Segments with such events, or damaged bytes.
    pub segments: u64,
    /// Bytes of a write that was never finished, and so never acknowledged. They were cut off.
    pub torn_bytes: u64,
}

/// What stands in a segment.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Ranges that cannot be read, from the place on that was asked for.
    pub(super) damaged: Vec<(u64, u64)>,
    pub(super) end: u64,
    /// Whether the place that was asked for is one between events.
    pub(super) has_place: bool,
    pub(super) is_newer: bool,
    /// Events from that place on.
    pub(super) records: u64,
    /// From here on, it is a write that was not finished.
    pub(super) torn: Option<u64>,
}

/// Reads a segment to its end. `each` is given every whole record from the place on, with where it begins and ends.
pub(super) fn scan(
    path: &Path,
    number: u64,
    place: u64,
    mut each: impl FnMut(u64, u64, &[u8]),
) -> io::Result<Scan> {
    let mut reader = SegmentReader::open(path, number)?;
    let mut scan = Scan {
        end: reader.end(),
        ..Scan::default()
    };
    match reader.header()? {
        Header::Newer => {
            scan.is_newer = true;
            return Ok(scan);
        }
        Header::Short => {
            scan.torn = Some(0);
            return Ok(scan);
        }
        Header::Damaged if reader.is_zero(0)? => {
            scan.torn = Some(0);
            return Ok(scan);
        }
        Header::Damaged => scan.damaged.push((0, HEADER_BYTES)),
        Header::Whole => {}
    }
    let mut at = HEADER_BYTES;
    scan.has_place = place == at;
    while let Some(step) = reader.step(at)? {
        let is_asked = at >= place;
        let (Step::Damage { end, .. } | Step::Record { end }) = step;
        match step {
            Step::Damage { is_torn: true, .. } => scan.torn = Some(at),
            Step::Damage { .. } if end > place => scan.damaged.push((at, end)),
            Step::Record { .. } if is_asked => {
                scan.records += 1;
                each(at, end, reader.record(at, end)?);
            }
            Step::Damage { .. } | Step::Record { .. } => {}
        }
        at = end;
        scan.has_place |= place == at;
    }
    Ok(scan)
}

/// Finds out where to go on, cuts off what was not finished, and gives up what is done with.
pub(super) fn recover(
    directory: &Directory,
) -> Result<(State, u64, SpoolRecovery), SpoolOpenError> {
    let dir = directory.path();
    let failed = |action| {
        move |source| SpoolOpenError::Io {
            action,
            path: dir.to_owned(),
            source,
        }
    };
    let listing = directory::list(dir).map_err(failed("list"))?;
    let saved = directory::cursor(dir).map_err(failed("read the cursor of"))?;
    let mut cursor = saved.unwrap_or(SpoolPosition::new(0, HEADER_BYTES));
    let mut recovery = SpoolRecovery::default();
    let mut segments: Vec<Segment> = Vec::new();
    let last = listing.segments.last();
    for number in &listing.segments {
        let mut segment = Segment::empty(*number);
        if segment.number < cursor.segment {
            directory.retire(&[segment]);
            continue;
        }
        let scan = scan_from(directory, segment.number, &mut cursor)?;
        segment.end = scan.end;
        let mut damaged = scan.damaged;
        match scan.torn {
            Some(at) if Some(number) == last => {
                let cut = directory.cut(segment.number, at).map_err(failed("cut"));
                cut?;
                recovery.torn_bytes += scan.end - at;
                segment.end = at;
            }
            // Others have been written since: it was whole once.
            Some(at) => damaged.push((at, scan.end)),
            None => {}
        }
        segment.is_damaged = !damaged.is_empty();
        recovery
            .damaged
            .extend(damaged.into_iter().map(|(start, end)| SpoolDamage {
                kind: SpoolDamageKind::Checksum,
                segment: segment.number,
                start,
                end,
            }));
        recovery.records += scan.records;
        segments.push(segment);
    }
    // Nothing was ever written to them. Their numbers are used again, so that none is missing.
    while let Some(empty) = segments.pop_if(|it| it.end <= HEADER_BYTES && !it.is_damaged) {
        directory.retire(&[empty]);
    }
    let left: Vec<_> = segments.iter().map(|it| it.number).collect();
    recovery.damaged.extend(missing(&left));
    recovery.segments = segments.len() as u64;
    let numbers = [
        segments.last().map(|it| it.number),
        listing.quarantined.last().copied(),
        saved.map(|it| it.segment),
    ];
    let next = numbers.into_iter().flatten().max().unwrap_or_default() + 1;
    let first = segments.first().map_or(next, |it| it.number);
    let state = State {
        cursor: cursor.max(SpoolPosition::new(first, HEADER_BYTES)),
        groups: 0,
        is_failing: false,
        oldest: None,
        records: recovery.records,
        refused: 0,
        segments: segments.into(),
    };
    Ok((state, next, recovery))
}

/// Reads a segment from the cursor on. A cursor that is not between events is none: everything is handed out again.
fn scan_from(
    directory: &Directory,
    number: u64,
    cursor: &mut SpoolPosition,
) -> Result<Scan, SpoolOpenError> {
    let path = directory.segment(number);
    let read = |place| match scan(&path, number, place, |_, _, _| {}) {
        Ok(scan) if scan.is_newer => Err(SpoolOpenError::Newer { path: path.clone() }),
        Ok(scan) => Ok(scan),
        Err(source) => Err(SpoolOpenError::Io {
            action: "read",
            path: path.clone(),
            source,
        }),
    };
    if cursor.segment != number {
        return read(HEADER_BYTES);
    }
    let scan = read(cursor.offset)?;
    if scan.has_place {
        return Ok(scan);
    }
    cursor.offset = HEADER_BYTES;
    read(HEADER_BYTES)
}

/// Finds the gaps between the numbers of segments.
pub(super) fn missing(numbers: &[u64]) -> impl Iterator<Item = SpoolDamage> {
    let pairs = numbers.iter().zip(numbers.iter().skip(1));
    let gaps = pairs.filter(|(one, other)| *one + 1 < **other);
    gaps.map(|(one, _)| SpoolDamage {
        kind: SpoolDamageKind::Missing,
        segment: one + 1,
        start: 0,
        end: 0,
    })
}
