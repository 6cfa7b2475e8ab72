//! What the kernel asks of the disk.

use std::{
    ffi::{OsStr, OsString},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::{
    Power,
    file::FileImage,
    image::{Directory, Image, Kind, Node, Renaming},
};

/// How long the kernel need not ask again: nobody else changes what is on the disk.
const KNOWN: Duration = Duration::from_mins(1);
const BLOCK: u32 = 4_096;
/// As many are free as there are: who asks is told of 4 GiB.
const BLOCKS: u64 = 1 << 20;
const PERMISSIONS: u32 = 0o7777;

/// The disk as the kernel sees it.
#[derive(Debug)]
pub(super) struct Calls(pub(super) Power);

impl Calls {
    fn attributes(image: &Image, number: u64, request: &Request) -> Result<FileAttr, Errno> {
        let node = image.node(number).ok_or(Errno::ENOENT)?;
        let (kind, size, links) = match &node.kind {
            Kind::Directory(_) => (FileType::Directory, 0, 2),
            Kind::File(file) => {
                let size = file.bytes().len() as u64;
                (FileType::RegularFile, size, image.links(number))
            }
        };
        Ok(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm: u16::try_from(node.mode & PERMISSIONS).unwrap_or(0),
            nlink: u32::try_from(links).unwrap_or(u32::MAX),
            // Whoever asks is the owner: nobody else may.
            uid: request.uid(),
            gid: request.gid(),
            rdev: 0,
            blksize: BLOCK,
            flags: 0,
        })
    }

    fn create(
        &self,
        (directory, name): (INodeNo, &OsStr),
        mode: u32,
        kind: Kind,
        request: &Request,
    ) -> Result<FileAttr, Errno> {
        self.0.change(|image| {
            if image.find(directory.0, name).is_some() {
                return Err(Errno::EEXIST);
            }
            let number = image.create(directory.0, name, Node { kind, mode });
            Self::attributes(image, number, request)
        })
    }

    fn remove(&self, directory: INodeNo, name: &OsStr) -> Result<(), Errno> {
        self.0.change(|image| {
            let number = image.find(directory.0, name).ok_or(Errno::ENOENT)?;
            if image.names(number).next().is_some() {
                return Err(Errno::ENOTEMPTY);
            }
            image.rename(Renaming(vec![(directory.0, name.to_owned(), None)]));
            Ok(())
        })
    }
}

/// Answers with what there is to say, or with the error.
macro_rules! answer {
    ($reply:ident, $outcome:expr, $said:pat => $answer:expr) => {
        match $outcome {
            Ok($said) => $answer,
            Err(error) => $reply.error(error),
        }
    };
}

impl Filesystem for Calls {
    fn lookup(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.0.read(|image| {
            let number = image.find(parent.0, name).ok_or(Errno::ENOENT)?;
            Self::attributes(image, number, request)
        });
        answer!(reply, found, found => reply.entry(&KNOWN, &found, Generation(0)));
    }

    fn getattr(&self, request: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let found = self.0.read(|it| Self::attributes(it, ino.0, request));
        answer!(reply, found, found => reply.attr(&KNOWN, &found));
    }

    fn setattr(
        &self,
        request: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changed = self.0.change(|image| {
            if let Some(mode) = mode {
                image.node_mut(ino.0).ok_or(Errno::ENOENT)?.mode = mode;
            }
            if let Some(size) = size {
                let file = image.file_mut(ino.0).ok_or(Errno::EISDIR)?;
                file.set_length(usize::try_from(size).map_err(|_| Errno::EFBIG)?);
            }
            Self::attributes(image, ino.0, request)
        });
        answer!(reply, changed, changed => reply.attr(&KNOWN, &changed));
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let kind = Kind::Directory(Directory::default());
        let made = self.create((parent, name), mode & !umask, kind, request);
        answer!(reply, made, made => reply.entry(&KNOWN, &made, Generation(0)));
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let kind = Kind::File(FileImage::default());
        let made = self.create((parent, name), mode & !umask, kind, request);
        answer!(reply, made, made => {
            reply.created(&KNOWN, &made, Generation(0), FileHandle(0), FopenFlags::empty());
        });
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer!(reply, self.remove(parent, name), () => reply.ok());
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer!(reply, self.remove(parent, name), () => reply.ok());
    }

    fn link(
        &self,
        request: &Request,
        ino: INodeNo,
        parent: INodeNo,
        name: &OsStr,
        reply: ReplyEntry,
    ) {
        let linked = self.0.change(|image| {
            if image.find(parent.0, name).is_some() {
                return Err(Errno::EEXIST);
            }
            image.rename(Renaming(vec![(parent.0, name.to_owned(), Some(ino.0))]));
            Self::attributes(image, ino.0, request)
        });
        answer!(reply, linked, linked => reply.entry(&KNOWN, &linked, Generation(0)));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.0.change(|image| {
            if !flags.is_empty() {
                return Err(Errno::EINVAL);
            }
            let number = image.find(parent.0, name).ok_or(Errno::ENOENT)?;
            image.rename(Renaming(vec![
                (parent.0, name.to_owned(), None),
                (new_parent.0, new_name.to_owned(), Some(number)),
            ]));
            Ok(())
        });
        answer!(reply, renamed, () => reply.ok());
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let bytes = self.0.read(|image| {
            let Some(Kind::File(file)) = image.node(ino.0).map(|it| &it.kind) else {
                return Err(Errno::EISDIR);
            };
            let bytes = file.bytes();
            let from = usize::try_from(offset).map_or(bytes.len(), |it| it.min(bytes.len()));
            let length = (bytes.len() - from).min(size as usize);
            Ok(bytes[from..from + length].to_vec())
        });
        answer!(reply, bytes, bytes => reply.data(&bytes));
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.0.change(|image| {
            let file = image.file_mut(ino.0).ok_or(Errno::EISDIR)?;
            file.write(usize::try_from(offset).map_err(|_| Errno::EFBIG)?, data);
            u32::try_from(data.len()).map_err(|_| Errno::EINVAL)
        });
        answer!(reply, written, written => reply.written(written));
    }

    /// Closing a file forces nothing onto the disk.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let flushed = self.0.change(|image| {
            image.file_mut(ino.0).ok_or(Errno::EISDIR)?.flush();
            Ok(())
        });
        answer!(reply, flushed, () => reply.ok());
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let flushed = self.0.change(|image| {
            image.flush_names(ino.0);
            Ok(())
        });
        answer!(reply, flushed, () => reply.ok());
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let names = self.0.read(|image| {
            let names = image.names(ino.0).map(|(name, number)| {
                let is_file = matches!(image.node(number)?.kind, Kind::File(_));
                let kind = if is_file {
                    FileType::RegularFile
                } else {
                    FileType::Directory
                };
                Some((name.to_owned(), number, kind))
            });
            Ok(names.flatten().collect::<Vec<(OsString, u64, FileType)>>())
        });
        answer!(reply, names, names => {
            let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
            for (next, (name, number, kind)) in (1..).zip(names).skip(skipped) {
                if reply.add(INodeNo(number), next, kind, name) {
                    break;
                }
            }
            reply.ok();
        });
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCK, 255, BLOCK);
    }
}
