//! A disk whose power can be cut.

mod calls;
mod file;
mod image;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use fuser::{BackgroundSession, Config, Errno, MountOption};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::Dice;

use calls::Calls;
use image::Image;

/// A disk in memory that has forgotten, when its power was cut, what nobody forced onto it.
///
/// A file keeps what was written until its last `fsync` or `fdatasync`, and any part of what came later, sectors of 512
/// bytes one by one. A name is kept when its directory was flushed. From the moment of the cut on, whoever asks it for
/// anything waits, as everything stands still when there is no power, until it is [switched off](Self::switch_off).
///
/// It is mounted through FUSE by whoever may do so. Without that the test fails and says so.
#[derive(Debug)]
pub struct LossyDisk {
    dir: TempDir,
    power: Power,
    session: Option<BackgroundSession>,
}

/// How many changes that were not flushed were kept when the power was cut, and how many were lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses {
    /// Those that are there.
    pub kept: u64,
    /// Those that are not.
    pub lost: u64,
}

impl Losses {
    fn note(&mut self, is_kept: bool) -> bool {
        let count = if is_kept {
            &mut self.kept
        } else {
            &mut self.lost
        };
        *count += 1;
        is_kept
    }

    /// Adds those of another cut.
    pub fn add(&mut self, other: Self) {
        self.kept += other.kept;
        self.lost += other.lost;
    }
}

impl LossyDisk {
    /// Makes an empty one.
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let power = Power::new();
        let session = Some(mount(dir.path(), &power));
        Self {
            dir,
            power,
            session,
        }
    }

    /// Returns where something on it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Cuts the power when so many more changes were made, at least one. Flushing is one of them.
    pub fn cut_after(&self, changes: u64) {
        self.power.lock().supply = Supply::Until(changes.max(1));
    }

    /// Ends the waiting: from now on, everything fails.
    pub fn switch_off(&self) {
        self.power.lock().supply = Supply::Off;
        self.power.0.changed.notify_all();
    }

    /// Waits until the power is cut.
    pub async fn until_cut(&self) {
        let mut is_cut = self.power.0.is_cut.subscribe();
        let waited = is_cut.wait_for(|it| *it).await;
        waited.expect("the sender lives as long as the disk");
    }

    /// Switches the power on again. What the dice say is gone. Nobody may have anything open here.
    pub fn restart(&mut self, dice: &mut Dice) -> Losses {
        // So that the kernel remembers nothing either.
        self.unmount().expect("the disk can be unmounted");
        let losses = self.power.restart(dice);
        self.session = Some(mount(self.dir.path(), &self.power));
        losses
    }
}

impl LossyDisk {
    fn unmount(&mut self) -> std::io::Result<()> {
        self.switch_off();
        let session = self.session.take();
        session.map_or(Ok(()), BackgroundSession::umount_and_join)
    }
}

impl Drop for LossyDisk {
    fn drop(&mut self) {
        // Before its directory is removed. Where a test fails, something may be open there still, and wait.
        self.switch_off();
        drop(self.session.take());
    }
}

impl Default for LossyDisk {
    fn default() -> Self {
        Self::new()
    }
}

fn mount(dir: &Path, power: &Power) -> BackgroundSession {
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("lossy".to_owned())];
    let session = fuser::spawn_mount(Calls(power.clone()), dir, &config);
    session.unwrap_or_else(|err| {
        panic!(
            "this test cuts the power of a disk of its own and cannot mount one ({err}): run it where /dev/fuse is, as \
             root with CAP_SYS_ADMIN, or install `fusermount3` (package fuse3)"
        )
    })
}

/// What is on the disk, and when its power is cut.
#[derive(Clone, Debug)]
struct Power(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    changed: Condvar,
    is_cut: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    image: Image,
    supply: Supply,
}

/// What power there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Supply {
    /// It does not end.
    Mains,
    /// Everything fails.
    Off,
    /// It ends when so many more changes were made.
    Until(u64),
}

impl Power {
    fn new() -> Self {
        let state = State {
            image: Image::new(),
            supply: Supply::Mains,
        };
        Self(Arc::new(Shared {
            changed: Condvar::new(),
            is_cut: watch::Sender::new(false),
            state: Mutex::new(state),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the disk as soon as there is power, or fails when it is switched off.
    fn powered(&self) -> Result<MutexGuard<'_, State>, Errno> {
        let is_cut = |state: &mut State| state.supply == Supply::Until(0);
        let state = self.0.changed.wait_while(self.lock(), is_cut);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        match state.supply {
            Supply::Off => Err(Errno::EIO),
            Supply::Mains | Supply::Until(_) => Ok(state),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Image) -> Result<T, Errno>) -> Result<T, Errno> {
        look(&self.powered()?.image)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Image) -> Result<T, Errno>) -> Result<T, Errno> {
        let mut state = self.powered()?;
        let changed = change(&mut state.image);
        if let Supply::Until(left) = &mut state.supply {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.is_cut.send_replace(true);
            }
        }
        changed
    }

    fn restart(&self, dice: &mut Dice) -> Losses {
        let mut state = self.lock();
        state.supply = Supply::Mains;
        self.0.is_cut.send_replace(false);
        state.image.lose(dice)
    }
}
