//! A disk that is small enough to be filled.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const MIB: usize = 1_024 * 1_024;

/// Largest `/dev/shm` that is filled where nothing can be mounted, as containers have one.
const LARGEST_SHARED_MIB: u64 = 128;

/// A small disk in memory, for the servers of one installation. What fills it stands in a file that can be removed.
///
/// It is mounted by whoever may do so. In containers that may not, `/dev/shm` is small enough. Without either of them the
/// test fails and says so: nothing else is ever full.
#[derive(Debug)]
pub struct SmallDisk {
    dir: TempDir,
    is_mounted: bool,
}

impl SmallDisk {
    /// Makes one of so many MiB, or takes one that has about as many.
    pub fn new(mib: usize) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        let reason = match mount(dir.path(), mib) {
            Ok(()) => {
                let is_mounted = true;
                return Self { dir, is_mounted };
            }
            Err(reason) => reason,
        };
        assert!(
            shared_mib().is_some_and(|mib| mib <= LARGEST_SHARED_MIB),
            "this test fills a disk and needs a small one: run it as root with CAP_SYS_ADMIN, so that it can mount a \
             tmpfs ({reason}), or where /dev/shm is a tmpfs of at most {LARGEST_SHARED_MIB} MiB"
        );
        Self {
            dir: TempDir::new_in("/dev/shm").expect("/dev/shm can be written"),
            is_mounted: false,
        }
    }

    /// Returns where something on it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Fills it up to so many bytes.
    pub fn fill_but(&self, left: usize) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.ballast())
            .expect("the disk can be written");
        // Zeros would take as much room; other file systems than this one compress them.
        let piece: Vec<u8> = (0..=u8::MAX).cycle().take(MIB / 16).collect();
        while file.write_all(&piece).is_ok() {}
        let length = file.metadata().expect("it is open").len();
        let length = length.saturating_sub(left as u64);
        file.set_len(length).expect("a file can be made shorter");
    }

    /// Removes what fills it.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.path("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.is_mounted {
            // Also while something is still open there.
            let unmount = Command::new("umount")
                .arg("-l")
                .arg(self.dir.path())
                .status();
            drop(unmount);
        }
    }
}

fn mount(dir: &Path, mib: usize) -> Result<(), String> {
    let options = format!("size={mib}m,mode=0700");
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
        .arg(dir);
    let output = mount.output().map_err(|err| format!("`mount`: {err}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Returns how large `/dev/shm` is, if it is a tmpfs.
fn shared_mib() -> Option<u64> {
    let mounts = File::open("/proc/mounts")
        .and_then(io::read_to_string)
        .ok()?;
    let mut lines = mounts.lines().map(|line| line.split(' '));
    let mut fields = lines.find(|fields| fields.clone().nth(1) == Some("/dev/shm"))?;
    let (kind, options) = (fields.nth(2)?, fields.next()?);
    let mut options = options.split(',');
    let size = options.find_map(|it| it.strip_prefix("size=")?.strip_suffix('k'));
    let size: u64 = size.filter(|_| kind == "tmpfs")?.parse().ok()?;
    Some(size / 1_024)
}
