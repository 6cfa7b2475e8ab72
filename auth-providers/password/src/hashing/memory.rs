//! The memory that runs take.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use argon2::Block;

/// Memory of the runs that have ended, for those that follow: the one that was used last is still near the processor,
/// and fresh memory would cost a tenth of a run. There is as much of it as runs at once.
#[derive(Default)]
pub(super) struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    /// Lends some, and wipes it afterwards.
    pub(super) fn lend<T>(&self, run: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let mut memory = self.all().pop().unwrap_or_default();
        let output = run(&mut memory);
        // It is used again, so these writes cannot be left out.
        memory.fill(Block::new());
        self.all().push(memory);
        output
    }

    fn all(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_used_again_and_wiped() {
        let memory = Memory::default();
        let first = memory.lend(|memory| {
            memory.resize(8, Block::new());
            for block in memory.iter_mut() {
                block.as_mut().fill(7);
            }
            memory.as_ptr()
        });

        let second = memory.lend(|memory| {
            let is_wiped = |block: &Block| block.as_ref().iter().all(|word| *word == 0);
            assert!(memory.len() == 8 && memory.iter().all(is_wiped));
            memory.as_ptr()
        });

        assert_eq!(first, second);
    }
}
