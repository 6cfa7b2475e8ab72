//! What is on the disk, and what would be left of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};

use crate::Dice;

use super::{
    Losses,
    file::{FileImage, Luck},
};

/// The number of the directory that everything is in.
pub(super) const ROOT: u64 = 1;

/// Files and directories by number.
///
/// A name is on the disk when its *directory* was flushed, and not before. File systems differ: ext4 keeps the name of a
/// new file when the file is flushed, POSIX promises nothing of the kind. What holds here holds everywhere. Names that
/// were not flushed are kept or lost one by one, a renaming as a whole. Permissions are kept at once.
#[derive(Debug)]
pub(super) struct Image {
    next: u64,
    nodes: BTreeMap<u64, Node>,
    pending: Vec<Renaming>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) mode: u32,
}

#[derive(Debug)]
pub(super) enum Kind {
    Directory(Directory),
    File(FileImage),
}

#[derive(Debug, Default)]
pub(super) struct Directory {
    flushed: Names,
    now: Names,
}

#[derive(Clone, Debug, Default)]
struct Names(BTreeMap<OsString, u64>);

impl Names {
    fn set(&mut self, name: &OsStr, node: Option<u64>) {
        match node {
            Some(node) => self.0.insert(name.to_owned(), node),
            None => self.0.remove(name),
        };
    }
}

/// Names that change together.
#[derive(Debug)]
pub(super) struct Renaming(pub(super) Vec<(u64, OsString, Option<u64>)>);

impl Image {
    pub(super) fn new() -> Self {
        let root = Node {
            kind: Kind::Directory(Directory::default()),
            mode: 0o700,
        };
        Self {
            next: ROOT + 1,
            nodes: BTreeMap::from([(ROOT, root)]),
            pending: Vec::new(),
        }
    }

    pub(super) fn node(&self, number: u64) -> Option<&Node> {
        self.nodes.get(&number)
    }

    pub(super) fn node_mut(&mut self, number: u64) -> Option<&mut Node> {
        self.nodes.get_mut(&number)
    }

    pub(super) fn file_mut(&mut self, number: u64) -> Option<&mut FileImage> {
        match &mut self.nodes.get_mut(&number)?.kind {
            Kind::File(file) => Some(file),
            Kind::Directory(_) => None,
        }
    }

    fn directory_mut(&mut self, number: u64) -> Option<&mut Directory> {
        match &mut self.nodes.get_mut(&number)?.kind {
            Kind::Directory(directory) => Some(directory),
            Kind::File(_) => None,
        }
    }

    /// Returns what is in a directory.
    pub(super) fn names(&self, directory: u64) -> impl Iterator<Item = (&OsStr, u64)> {
        let names = match self.nodes.get(&directory).map(|it| &it.kind) {
            Some(Kind::Directory(directory)) => Some(&directory.now.0),
            Some(Kind::File(_)) | None => None,
        };
        let names = names.into_iter().flatten();
        names.map(|(name, number)| (name.as_os_str(), *number))
    }

    pub(super) fn find(&self, directory: u64, name: &OsStr) -> Option<u64> {
        let mut names = self.names(directory);
        names.find(|(it, _)| *it == name).map(|(_, number)| number)
    }

    /// Returns how many names something has.
    pub(super) fn links(&self, number: u64) -> usize {
        let directories = self.nodes.keys();
        let names = directories.flat_map(|it| self.names(*it));
        names.filter(|(_, it)| *it == number).count()
    }

    pub(super) fn create(&mut self, directory: u64, name: &OsStr, node: Node) -> u64 {
        let number = self.next;
        self.next += 1;
        self.nodes.insert(number, node);
        self.rename(Renaming(vec![(directory, name.to_owned(), Some(number))]));
        number
    }

    pub(super) fn rename(&mut self, renaming: Renaming) {
        for (directory, name, node) in &renaming.0 {
            if let Some(directory) = self.directory_mut(*directory) {
                directory.now.set(name, *node);
            }
        }
        self.pending.push(renaming);
    }

    /// Forces the names in a directory onto the disk.
    pub(super) fn flush_names(&mut self, directory: u64) {
        let pending = std::mem::take(&mut self.pending);
        let is_here = |it: &Renaming| it.0.iter().any(|(number, ..)| *number == directory);
        let (here, elsewhere) = pending.into_iter().partition(is_here);
        self.pending = elsewhere;
        for renaming in here {
            self.keep(renaming);
        }
    }

    fn keep(&mut self, renaming: Renaming) {
        for (directory, name, node) in renaming.0 {
            if let Some(directory) = self.directory_mut(directory) {
                directory.flushed.set(&name, node);
            }
        }
    }

    /// Keeps what was flushed and any part of the rest.
    pub(super) fn lose(&mut self, dice: &mut Dice) -> Losses {
        let mut losses = Losses::default();
        let luck = Luck::of(dice);
        for renaming in std::mem::take(&mut self.pending) {
            if losses.note(luck.keeps(dice)) {
                self.keep(renaming);
            }
        }
        for node in self.nodes.values_mut() {
            match &mut node.kind {
                Kind::Directory(directory) => directory.now.clone_from(&directory.flushed),
                Kind::File(file) => file.lose(dice, &mut losses),
            }
        }
        let reachable = self.reachable();
        self.nodes.retain(|number, _| reachable.contains(number));
        losses
    }

    fn reachable(&self) -> BTreeSet<u64> {
        let (mut found, mut next) = (BTreeSet::new(), vec![ROOT]);
        while let Some(number) = next.pop() {
            if found.insert(number) {
                next.extend(self.names(number).map(|(_, number)| number));
            }
        }
        found
    }
}
