//! How much a spool may take, of its own cap and of the disk.

use std::sync::Arc;

use rustix::fs::statvfs;

use super::{SpoolConfig, directory::Directory};

/// Bytes that are put aside for the event which says that the spool is full.
pub(super) const RESERVE_BYTES: u64 = 4 * 1_024 * 1_024;

/// However large the disk is, more than this need not stay free for others. What a spool takes is capped by `max_bytes`,
/// so keeping more free would not leave others more room: it would only refuse events, on a large disk that is nearly
/// full and has hundreds of times the room that they need.
const MAX_KEPT_BYTES: u64 = 1_024 * 1_024 * 1_024;

/// As many bytes as an event has at most.
const EVENT_BYTES: u64 = 64 * 1_024;

/// Whether an event may use what was put aside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Share {
    Plain,
    Reserved,
}

#[derive(Clone, Debug)]
pub(super) struct Room {
    directory: Arc<Directory>,
    keep_free_percent: u8,
    max_bytes: u64,
}

impl Room {
    pub(super) fn new(config: &SpoolConfig, directory: &Arc<Directory>) -> Self {
        Self {
            directory: Arc::clone(directory),
            keep_free_percent: config.keep_free_percent,
            max_bytes: config.max_bytes,
        }
    }

    /// Returns how many bytes more may be taken, when so many are held.
    pub(super) fn left(&self, held: u64, share: Share) -> u64 {
        match share {
            Share::Plain => self.max_bytes.saturating_sub(held).min(self.spare()),
            // As long as the disk takes it.
            Share::Reserved => (self.max_bytes.saturating_add(RESERVE_BYTES)).saturating_sub(held),
        }
    }

    /// Tells whether there is no room for another event, when so many bytes are held.
    pub(super) fn is_full(&self, held: u64) -> bool {
        self.left(held, Share::Plain) < EVENT_BYTES.min(self.max_bytes / 16)
    }

    /// Makes what was put aside free. False when there is nothing.
    pub(super) fn release_reserve(&self) -> bool {
        self.directory.release_reserve().is_ok()
    }

    pub(super) fn has_reserve(&self) -> bool {
        self.directory.reserve() == RESERVE_BYTES
    }

    /// Puts bytes aside if there is room for them. Without them a spool works as well, until the disk is full.
    pub(super) fn restore_reserve(&self) {
        if self.has_reserve() || self.spare() < RESERVE_BYTES {
            return;
        }
        let mut bytes = vec![0; usize::try_from(RESERVE_BYTES).unwrap_or_default()];
        // There are file systems on which zeros take no room.
        if ee_core::fill_random(&mut bytes).is_ok() {
            let _ = self.directory.put_reserve(&bytes);
        }
    }

    /// Returns how much of the disk may be taken. All of it when the system does not tell: the write will.
    fn spare(&self) -> u64 {
        statvfs(self.directory.path()).map_or(u64::MAX, |disk| {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let size = disk.f_blocks.saturating_mul(disk.f_frsize);
            free.saturating_sub(kept(size, self.keep_free_percent))
        })
    }
}

/// Returns how much of a disk of this size stays free.
fn kept(size: u64, percent: u8) -> u64 {
    (size / 100 * u64::from(percent)).min(MAX_KEPT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1_024 * 1_024 * 1_024;

    #[test]
    fn a_part_of_the_disk_stays_free_and_not_more_of_a_large_one() {
        for (size, percent, expected) in [
            (0, 10, 0),
            (50 * GIB, 0, 0),
            (5 * GIB, 10, GIB / 2),
            (5 * GIB, 20, GIB),
            (5 * GIB, 90, GIB),
            (4_000 * GIB, 10, GIB),
        ] {
            let kept = kept(size, percent);
            assert!(
                kept.abs_diff(expected) < 100,
                "{percent} % of {size}: {kept}"
            );
        }
    }

    #[test]
    fn what_is_kept_free_is_not_taken_but_by_what_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Arc::new(Directory::open(dir.path()).unwrap());
        let mut room = Room::new(&SpoolConfig::new(dir.path()), &directory);
        room.keep_free_percent = 0;
        room.max_bytes = u64::MAX;
        let spare = room.spare();
        assert!(spare > 0 && spare < u64::MAX);

        room.max_bytes = 1_000_000;
        assert_eq!(room.left(400_000, Share::Plain), 600_000.min(spare));
        assert_eq!(room.left(2_000_000, Share::Plain), 0);
        assert!(room.is_full(2_000_000) && room.is_full(990_000));
        let reserved = room.left(1_000_000, Share::Reserved);
        assert_eq!(reserved, RESERVE_BYTES);
    }
}
