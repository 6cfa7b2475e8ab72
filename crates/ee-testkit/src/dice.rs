//! Chance that is the same in every run.

use jiff::Timestamp;

use crate::samples::{TICK, at};

/// Numbers that look random and are the same in every run (`SplitMix64`).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.bits() % sides as u64).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        of.get(self.roll(of.len())).unwrap()
    }

    pub(crate) fn moment(&mut self) -> Timestamp {
        let tick = TICK * i32::try_from(self.roll(3)).unwrap();
        at(i64::try_from(self.roll(8)).unwrap()) + tick
    }

    pub(crate) fn some<T: Clone>(&mut self, of: &[T], most: usize) -> Vec<T> {
        let count = self.roll(most + 1);
        (0..count).map(|_| self.pick(of).clone()).collect()
    }
}
