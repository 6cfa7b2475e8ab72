//! What is in one file, and what would be left of it.

use std::mem::take;

use crate::Dice;

use super::Losses;

/// What a disk writes as a whole or not at all.
const SECTOR: usize = 512;

/// The bytes of a file: as everybody sees them, and as they were when they were last forced onto the disk.
#[derive(Debug, Default)]
pub(super) struct FileImage {
    flushed: Vec<u8>,
    now: Vec<u8>,
    pending: Vec<Change>,
}

/// Something that is not on the disk yet.
#[derive(Debug)]
enum Change {
    Length(usize),
    Write { at: usize, bytes: Vec<u8> },
}

impl FileImage {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.now
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        put(&mut self.now, at, bytes);
        let bytes = bytes.to_vec();
        self.pending.push(Change::Write { at, bytes });
    }

    pub(super) fn set_length(&mut self, length: usize) {
        self.now.resize(length, 0);
        self.pending.push(Change::Length(length));
    }

    /// Forces everything onto the disk, as `fsync` and `fdatasync` do.
    pub(super) fn flush(&mut self) {
        for change in self.pending.drain(..) {
            match change {
                Change::Length(length) => self.flushed.resize(length, 0),
                Change::Write { at, bytes } => put(&mut self.flushed, at, &bytes),
            }
        }
    }

    /// Keeps what was flushed and any part of the rest: sectors one by one, and a new length also without what was to
    /// stand there.
    pub(super) fn lose(&mut self, dice: &mut Dice, losses: &mut Losses) {
        let luck = Luck::of(dice);
        let mut left = take(&mut self.flushed);
        for change in self.pending.drain(..) {
            match change {
                Change::Length(length) => {
                    if losses.note(luck.keeps(dice)) {
                        left.resize(length, 0);
                    }
                }
                Change::Write { at, bytes } => {
                    let end = at + bytes.len();
                    if left.len() < end && luck.keeps(dice) {
                        left.resize(end, 0);
                    }
                    for (at, sector) in sectors(at, &bytes) {
                        if losses.note(luck.keeps(dice)) {
                            put(&mut left, at, sector);
                        }
                    }
                }
            }
        }
        self.now.clone_from(&left);
        self.flushed = left;
    }
}

/// How likely something is to have reached the disk: never, always, or something between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Luck(u64);

impl Luck {
    const MOST: u64 = 4;

    pub(super) const fn of(dice: &mut Dice) -> Self {
        Self(dice.roll(Self::MOST + 1))
    }

    pub(super) const fn keeps(self, dice: &mut Dice) -> bool {
        dice.roll(Self::MOST) < self.0
    }
}

fn put(image: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[at..end].copy_from_slice(bytes);
}

/// Cuts what is written at a place where sectors end.
fn sectors(mut at: usize, mut bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        let length = (SECTOR - at % SECTOR).min(bytes.len());
        let (sector, rest) = bytes.split_at(length);
        let place = at;
        (at, bytes) = (at + length, rest);
        (!sector.is_empty()).then_some((place, sector))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: u64 = 200;

    #[test]
    fn what_was_flushed_is_kept_and_what_was_not_is_lost_sector_by_sector() {
        let (mut whole, mut torn, mut none) = (0, 0, 0);
        for seed in 0..SEEDS {
            let mut file = FileImage::default();
            file.write(0, &[1; 100]);
            file.flush();
            file.write(100, &[2; 1_000]);
            assert_eq!(file.bytes().len(), 1_100);

            file.lose(&mut Dice::new(seed), &mut Losses::default());

            assert_eq!(file.bytes()[..100], [1; 100], "seed {seed}");
            let kept: usize = file.bytes().iter().map(|it| usize::from(*it == 2)).sum();
            // 412 bytes to the end of the first sector, then 512, then 76.
            assert!([0, 412, 512, 76, 924, 488, 588, 1_000].contains(&kept));
            match kept {
                0 => none += 1,
                1_000 => whole += 1,
                _ => torn += 1,
            }
        }
        assert!(
            whole > 20 && torn > 20 && none > 20,
            "{whole} {torn} {none}"
        );
    }

    #[test]
    fn a_length_may_get_there_without_what_stands_there() {
        let lengths = |seed| {
            let mut file = FileImage::default();
            file.write(0, &[7; SECTOR]);
            file.lose(&mut Dice::new(seed), &mut Losses::default());
            (file.bytes().len(), file.bytes().contains(&7))
        };
        let seen: Vec<_> = (0..SEEDS).map(lengths).collect();
        for one in [(0, false), (SECTOR, false), (SECTOR, true)] {
            assert!(seen.contains(&one), "{one:?}");
        }
    }
}
