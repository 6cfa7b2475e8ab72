//! A file of a spool: what stands at its beginning, and reading it.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use super::frame::{MAX_RECORD_BYTES, PREFIX_BYTES, Prefix};

const MAGIC: [u8; 8] = *b"EESPOOLS";
const VERSION: u32 = 1;

/// Bytes in front of the first record: magic, version, number of the segment, checksum.
pub(super) const HEADER_BYTES: u64 = 24;

/// How much is read at once. Twice the largest record, so that searching damaged bytes for one does not read the same
/// bytes again and again.
const WINDOW_BYTES: u64 = 2 * MAX_RECORD_BYTES as u64;

pub(super) fn header(number: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// What stands at the beginning of a segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Header {
    Damaged,
    Newer,
    /// The file ends before.
    Short,
    Whole,
}

/// What stands at a place of a segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Nothing that could be read, up to where a whole record begins again or the segment ends.
    Damage {
        end: u64,
        /// It looks like a write that was not finished: the end of the file cuts a record, or all is zero.
        is_torn: bool,
    },
    /// A whole record.
    Record { end: u64 },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    Cut,
    Nothing,
    Record { end: u64 },
}

/// Reads a segment through a window.
#[derive(Debug)]
pub(super) struct SegmentReader {
    end: u64,
    file: File,
    number: u64,
    /// Where the window begins.
    start: u64,
    window: Vec<u8>,
}

impl SegmentReader {
    /// Opens a segment, to be read to the end of the file.
    pub(super) fn open(path: &Path, number: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self {
            end: file.metadata()?.len(),
            file,
            number,
            start: 0,
            window: Vec::new(),
        })
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Says up to where it may be read: behind that, somebody may be writing.
    pub(super) const fn set_end(&mut self, end: u64) {
        self.end = end;
    }

    pub(super) fn header(&mut self) -> io::Result<Header> {
        let number = self.number;
        let bytes = self.bytes(0, HEADER_BYTES)?;
        if bytes == header(number) {
            return Ok(Header::Whole);
        }
        let Some((rest, checksum)) = bytes.split_last_chunk() else {
            return Ok(Header::Short);
        };
        Ok(if bytes.len() as u64 != HEADER_BYTES {
            Header::Short
        } else if crc32c::crc32c(rest) == u32::from_le_bytes(*checksum)
            && rest.starts_with(&MAGIC)
            && rest.ends_with(&number.to_le_bytes())
        {
            Header::Newer
        } else {
            Header::Damaged
        })
    }

    /// Tells what stands at a place. `None` at the end.
    pub(super) fn step(&mut self, at: u64) -> io::Result<Option<Step>> {
        if at >= self.end {
            return Ok(None);
        }
        let found = self.look(at)?;
        if let Found::Record { end } = found {
            return Ok(Some(Step::Record { end }));
        }
        for next in at + 1..self.end {
            if let Found::Record { .. } = self.look(next)? {
                return Ok(Some(Step::Damage {
                    end: next,
                    is_torn: false,
                }));
            }
        }
        Ok(Some(Step::Damage {
            end: self.end,
            is_torn: found == Found::Cut || self.is_zero(at)?,
        }))
    }

    /// Returns the record that ends at `end`, of which `at` is the place.
    pub(super) fn record(&mut self, at: u64, end: u64) -> io::Result<&[u8]> {
        let at = at + PREFIX_BYTES as u64;
        self.bytes(at, end.saturating_sub(at))
    }

    /// Tells whether nothing but zeros follows.
    pub(super) fn is_zero(&mut self, mut at: u64) -> io::Result<bool> {
        while at < self.end {
            let bytes = self.bytes(at, WINDOW_BYTES)?;
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            at += (bytes.len() as u64).max(1);
        }
        Ok(true)
    }

    fn look(&mut self, at: u64) -> io::Result<Found> {
        let number = self.number;
        let Some(prefix) = self.bytes(at, PREFIX_BYTES as u64)?.first_chunk() else {
            return Ok(Found::Cut);
        };
        let Some(prefix) = Prefix::read(*prefix) else {
            return Ok(Found::Nothing);
        };
        let start = at + PREFIX_BYTES as u64;
        let record = self.bytes(start, prefix.length())?;
        Ok(if (record.len() as u64) < prefix.length() {
            Found::Cut
        } else if prefix.fits(number, record) {
            Found::Record {
                end: start + prefix.length(),
            }
        } else {
            Found::Nothing
        })
    }

    /// Returns so many bytes from there on, fewer where the segment ends.
    fn bytes(&mut self, at: u64, count: u64) -> io::Result<&[u8]> {
        let end = self.end.min(at.saturating_add(count)).max(at);
        if at < self.start || end > self.start + self.window.len() as u64 {
            self.fill(at, end - at)?;
        }
        let from = to_usize(at - self.start);
        let to = to_usize(end - self.start).min(self.window.len());
        Ok(self.window.get(from..to).unwrap_or_default())
    }

    fn fill(&mut self, at: u64, count: u64) -> io::Result<()> {
        let wanted = count.max(WINDOW_BYTES.min(self.end.saturating_sub(at)));
        self.window.clear();
        self.window.resize(to_usize(wanted), 0);
        self.start = at;
        let mut filled = 0;
        while let Some(rest) = self.window.get_mut(filled..).filter(|it| !it.is_empty()) {
            match self.file.read_at(rest, at + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => {
                    self.window.clear();
                    return Err(err);
                }
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::frame;

    const NUMBER: u64 = 5;

    /// Writes a segment with these bytes behind its header.
    fn reader(bytes: &[u8]) -> SegmentReader {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("segment");
        std::fs::write(&path, [&header(NUMBER), bytes].concat()).unwrap();
        SegmentReader::open(&path, NUMBER).unwrap()
    }

    fn steps(bytes: &[u8]) -> Vec<Step> {
        let mut reader = reader(bytes);
        let mut steps = Vec::new();
        let mut at = HEADER_BYTES;
        while let Some(step) = reader.step(at).unwrap() {
            let (Step::Damage { end, .. } | Step::Record { end }) = step;
            assert!(end > at);
            at = end;
            steps.push(step);
        }
        steps
    }

    fn records(records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in records {
            frame::push(&mut bytes, NUMBER, record);
        }
        bytes
    }

    #[test]
    fn what_is_whole_behind_damaged_bytes_is_found() {
        // 24 + 8 + 5, + 8 + 6, + 8 + 5
        let good = records(&[b"first", b"second", b"third"]);
        let all = [37, 51, 64].map(|end| Step::Record { end });
        assert_eq!(steps(&good), all);

        for at in 13..27 {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            let damage = Step::Damage {
                end: 51,
                is_torn: false,
            };
            assert_eq!(steps(&bad), [all[0], damage, all[2]], "{at}");
        }
    }

    #[test]
    fn an_end_that_was_cut_or_is_zero_looks_torn_and_another_does_not() {
        let good = records(&[b"first", b"second"]);
        for end in 14..good.len() {
            let damage = Step::Damage {
                end: HEADER_BYTES + end as u64,
                is_torn: true,
            };
            assert_eq!(steps(&good[..end])[1], damage, "{end}");
        }
        for (tail, is_torn) in [
            (vec![0; 5], true),
            (vec![0; 5_000], true),
            (vec![7; 5], true),
            (vec![7; 5_000], false),
            // As long as it says, with a wrong checksum.
            (b"\x04\0\0\0\0\0\0\0abcd".to_vec(), false),
        ] {
            let last = *steps(&[&good, &*tail].concat()).last().unwrap();
            let end = HEADER_BYTES + (good.len() + tail.len()) as u64;
            assert_eq!(last, Step::Damage { end, is_torn }, "{tail:?}");
        }
    }

    #[test]
    fn records_larger_than_half_a_window_are_read() {
        let large: Vec<u8> = (0..MAX_RECORD_BYTES)
            .map(|at| at.to_le_bytes()[0])
            .collect();
        let mut reader = reader(&records(&[b"first", &large, &large, &large, b"last"]));
        let mut at = HEADER_BYTES;
        let mut lengths = Vec::new();
        while let Some(Step::Record { end }) = reader.step(at).unwrap() {
            let record = reader.record(at, end).unwrap();
            assert!(record.len() < 10 || record == large);
            lengths.push(record.len());
            at = end;
        }
        let large = MAX_RECORD_BYTES;
        assert_eq!(lengths, [5, large, large, large, 4]);
    }

    #[test]
    fn a_header_is_told_from_another() {
        assert_eq!(reader(b"").header().unwrap(), Header::Whole);
        for (number, header) in [(NUMBER, Header::Whole), (NUMBER + 1, Header::Damaged)] {
            let mut reader = reader(b"");
            reader.number = number;
            assert_eq!(reader.header().unwrap(), header);
        }
        let mut newer = [&MAGIC[..], &9_u32.to_le_bytes(), &NUMBER.to_le_bytes()].concat();
        newer.extend(crc32c::crc32c(&newer).to_le_bytes());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("segment");
        for (bytes, header) in [
            (&newer[..], Header::Newer),
            (&newer[..23], Header::Short),
            (b"", Header::Short),
            (&[1; 24], Header::Damaged),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let mut reader = SegmentReader::open(&path, NUMBER).unwrap();
            assert_eq!(reader.header().unwrap(), header);
        }
    }
}
