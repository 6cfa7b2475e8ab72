use std::fmt;

const MAGIC: [u8; 8] = *b"EESPOOLC";

/// A place behind an event of a spool.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct SpoolPosition {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

impl SpoolPosition {
    pub(super) const fn new(segment: u64, offset: u64) -> Self {
        Self { segment, offset }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let place = [self.segment.to_le_bytes(), self.offset.to_le_bytes()].concat();
        let mut bytes = [&MAGIC, &*place].concat();
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written. `None` for anything else.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (bytes, checksum) = bytes.split_last_chunk()?;
        if crc32c::crc32c(bytes) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let place = bytes.strip_prefix(&MAGIC)?;
        let (segment, offset) = place.split_first_chunk()?;
        Some(Self {
            segment: u64::from_le_bytes(*segment),
            offset: u64::from_le_bytes(offset.try_into().ok()?),
        })
    }
}

impl fmt::Debug for SpoolPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_is_read() {
        let position = SpoolPosition::new(3, 1 << 40);
        let bytes = position.to_bytes();

        assert_eq!(SpoolPosition::from_bytes(&bytes), Some(position));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(SpoolPosition::from_bytes(&changed), None, "{at}");
            assert_eq!(SpoolPosition::from_bytes(&bytes[..at]), None, "{at}");
        }
    }
}
