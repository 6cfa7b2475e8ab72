//! How an event stands in a segment: `len u32 LE | crc32c u32 LE | record`, where the record is
//! `length of canonical u32 LE | canonical | personal`.
//!
//! The checksum covers the number of the segment, the length and the record: neither bytes that were moved nor zeros
//! pass for an event.

use ee_core::storage::AuditRecord;

use super::SpoolError;

/// Bytes in front of a record.
pub(super) const PREFIX_BYTES: usize = 8;

/// Largest record. An event is cut to 64 KiB long before it comes here. Much more would make the search for what is
/// whole behind damaged bytes slow, since each wrong length is followed so far.
pub(super) const MAX_RECORD_BYTES: usize = 1_024 * 1_024;

/// Smallest record: one without a single letter.
const MIN_RECORD_BYTES: usize = 4;

/// Writes an event as a record.
pub(super) fn encode(record: &AuditRecord) -> Result<Vec<u8>, SpoolError> {
    let canonical = record.canonical.as_bytes();
    let personal = record.personal.as_deref().unwrap_or_default().as_bytes();
    let bytes = MIN_RECORD_BYTES + canonical.len() + personal.len();
    let length = u32::try_from(canonical.len()).ok();
    let Some(length) = length.filter(|_| bytes <= MAX_RECORD_BYTES) else {
        return Err(SpoolError::TooLarge { bytes });
    };
    Ok([&length.to_le_bytes(), canonical, personal].concat())
}

/// Reads a record. `None` when no event stands there.
pub(super) fn decode(record: &[u8]) -> Option<AuditRecord> {
    let (length, texts) = record.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (canonical, personal) = texts.split_at_checked(length)?;
    let canonical = String::from_utf8(canonical.to_vec()).ok()?;
    let personal = String::from_utf8(personal.to_vec()).ok()?;
    let personal = (!personal.is_empty()).then_some(personal);
    AuditRecord::restore(canonical, personal).ok()
}

/// Adds a record with what stands in front of it.
pub(super) fn push(buffer: &mut Vec<u8>, segment: u64, record: &[u8]) {
    // Not longer than `MAX_RECORD_BYTES`.
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
    buffer.extend(length.to_le_bytes());
    buffer.extend(checksum(segment, length, record).to_le_bytes());
    buffer.extend(record);
}

/// What stands in front of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix {
    checksum: u32,
    length: u32,
}

impl Prefix {
    /// Reads what stands there. `None` when no record has such a length.
    pub(super) fn read(bytes: [u8; PREFIX_BYTES]) -> Option<Self> {
        let (&[length, checksum], _) = bytes.as_chunks() else {
            return None;
        };
        let length = u32::from_le_bytes(length);
        (MIN_RECORD_BYTES..=MAX_RECORD_BYTES)
            .contains(&usize::try_from(length).ok()?)
            .then_some(Self {
                checksum: u32::from_le_bytes(checksum),
                length,
            })
    }

    pub(super) fn length(self) -> u64 {
        u64::from(self.length)
    }

    pub(super) fn fits(self, segment: u64, record: &[u8]) -> bool {
        checksum(segment, self.length, record) == self.checksum
    }
}

fn checksum(segment: u64, length: u32, record: &[u8]) -> u32 {
    let checksum = crc32c::crc32c(&segment.to_le_bytes());
    let checksum = crc32c::crc32c_append(checksum, &length.to_le_bytes());
    crc32c::crc32c_append(checksum, record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::tests::record;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let with = record(1);
        let mut without = record(2);
        without.personal = None;
        let without = AuditRecord::restore(without.canonical, None).unwrap();
        assert!(with.personal.is_some());

        for record in [with, without] {
            assert_eq!(decode(&encode(&record).unwrap()), Some(record));
        }
    }

    #[test]
    fn an_event_that_is_too_large_is_refused() {
        let mut record = record(1);
        record.canonical = " ".repeat(MAX_RECORD_BYTES);
        assert!(matches!(
            encode(&record),
            Err(SpoolError::TooLarge { bytes }) if bytes > MAX_RECORD_BYTES
        ));
    }

    #[test]
    fn what_is_no_event_is_none() {
        for bytes in [
            &b""[..],
            b"\0\0\0",
            b"\0\0\0\0",
            b"\xff\xff\xff\xff{}",
            b"\x02\0\0\0{}",
            b"\x02\0\0\0\xff\xfe",
        ] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn zeros_and_bytes_of_another_segment_do_not_pass() {
        assert!(Prefix::read([0; PREFIX_BYTES]).is_none());
        let mut bytes = Vec::new();
        push(&mut bytes, 7, b"some record");
        let (prefix, record) = bytes.split_first_chunk().unwrap();
        let prefix = Prefix::read(*prefix).unwrap();
        assert_eq!(prefix.length(), 11);
        assert!(prefix.fits(7, record));
        assert!(!prefix.fits(8, record));
        assert!(!prefix.fits(7, b"some recorc"));
    }
}
