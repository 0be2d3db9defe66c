//! Finds the members of a tar archive without reading their content: POSIX ustar and pax, and GNU's
//! long names. Header fields are parsed by the crate `tar`; the walk is ours, because it must know
//! offsets, tell an archive that is cut short from one that ends, and trust no length.
//!
//! Which members carry data, and which extended headers win, is as in Python's `tarfile`, through
//! which WebDataset reads.

use std::{io, os::fd::AsFd};

use rustix::io::{Errno, pread};
use tar::{EntryType, Header};

const BLOCK: u64 = 512;
/// How much is read at once: most often two headers and a label between them.
const WINDOW: usize = 4096;
/// Extended headers above this size are refused: they hold names.
const LONGEST_EXTENSION: u64 = 1 << 20;

/// A member that is a file.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a [u8],
    /// Where its data begin, in bytes from the archive's start.
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Why a walk ended before the archive did.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The system refused to read.
    System(io::Error),
    /// The archive is damaged.
    Damage {
        /// The member that it happened in, where its name is known.
        member: Option<Vec<u8>>,
        /// Where the damage was noticed.
        offset: u64,
        /// A clause that goes on after the archive's name.
        reason: String,
    },
}

/// Reads small parts of a file through a window.
pub(crate) struct Window<F> {
    file: F,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<F: AsFd> Window<F> {
    /// A window on a file of `length` bytes.
    pub(crate) fn new(file: F, length: u64) -> Self {
        Self { file, length, start: 0, bytes: Vec::new() }
    }

    /// The `wanted` bytes at `offset`, or as many as there are.
    pub(crate) fn at(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        let inside = |start: u64, held: usize| {
            let begin = usize::try_from(offset.checked_sub(start)?).ok()?;
            (begin.checked_add(wanted)? <= held).then_some(begin)
        };
        if let Some(begin) = inside(self.start, self.bytes.len()) {
            return Ok(&self.bytes[begin..begin + wanted]);
        }
        self.bytes.resize(wanted.max(WINDOW), 0);
        self.start = offset;
        let mut held = 0;
        while held < wanted {
            match pread(&self.file, &mut self.bytes[held..], offset + held as u64) {
                Ok(0) => break,
                Ok(read) => held += read,
                Err(Errno::INTR) => {}
                Err(errno) => {
                    self.bytes.clear();
                    return Err(errno.into());
                }
            }
        }
        self.bytes.truncate(held);
        Ok(&self.bytes[..held.min(wanted)])
    }
}

/// What extended headers say about the member that follows them.
#[derive(Default)]
struct Extended {
    long_name: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

/// Calls `visit` for every file in the archive, in order, with the window to read from.
pub(crate) fn walk<F: AsFd>(
    window: &mut Window<F>,
    mut visit: impl FnMut(&mut Window<F>, Member<'_>) -> io::Result<()>,
) -> Result<(), Stop> {
    let archive = window.length;
    let mut extended = Extended::default();
    let mut at = 0_u64;
    loop {
        let damage = |member: Option<&[u8]>, reason: String| Stop::Damage {
            member: member.map(<[u8]>::to_vec),
            offset: at,
            reason,
        };
        let block = window.at(at, 512).map_err(Stop::System)?;
        if block.is_empty() && at > 0 {
            // Without the two blocks of zeros that should end it, as some writers leave it.
            return Ok(());
        }
        if block.len() < 512 {
            return Err(damage(
                None,
                format!("is cut short: its header at offset {at} has {} of 512 bytes", block.len()),
            ));
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        if !has_valid_checksum(&header) {
            return Err(damage(None, format!("has no valid tar header at offset {at}")));
        }
        let kind = header.entry_type();
        let stated = header
            .entry_size()
            .map_err(|_| damage(None, format!("has a tar header with a wrong size at offset {at}")))?;
        let carries_data = !matches!(
            kind,
            EntryType::Link
                | EntryType::Symlink
                | EntryType::Char
                | EntryType::Block
                | EntryType::Directory
                | EntryType::Fifo
        );
        let size = if !carries_data {
            0
        } else if is_extension(kind) {
            stated
        } else {
            extended.size.unwrap_or(stated)
        };
        let data = at + BLOCK;
        let end = data.checked_add(size);
        let next = end.and_then(|end| end.checked_next_multiple_of(BLOCK));
        let name = if is_extension(kind) { None } else { Some(extended.name(&header)) };
        let name = name.as_deref();
        let (Some(_), Some(next)) = (end.filter(|end| *end <= archive), next) else {
            let whose = name.map_or_else(
                || "an extended header".to_owned(),
                |name| format!("its member `{}`", String::from_utf8_lossy(name)),
            );
            return Err(damage(
                name,
                format!(
                    "is cut short: {whose} at offset {data} has {size} bytes, and the file has {archive} in all"
                ),
            ));
        };
        if is_extension(kind) {
            if size > LONGEST_EXTENSION {
                return Err(damage(None, format!("has an extended header of {size} bytes at offset {at}")));
            }
            let length = usize::try_from(size).unwrap_or(0);
            let content = window.at(data, length).map_err(Stop::System)?;
            extended
                .take(kind, content)
                .map_err(|reason| damage(None, format!("has {reason} at offset {at}")))?;
        } else {
            if let Some(name) = name
                && is_file(kind, name)
            {
                if extended.sparse || kind == EntryType::GNUSparse {
                    let reason = format!(
                        "holds `{}` as a sparse file at offset {at}, which is not read\nhint: write the archive without `--sparse`",
                        String::from_utf8_lossy(name)
                    );
                    return Err(damage(Some(name), reason));
                }
                visit(window, Member { name, offset: data, length: size }).map_err(Stop::System)?;
            }
            extended = Extended::default();
        }
        at = next;
    }
}

impl Extended {
    /// Takes what an extended header says.
    fn take(&mut self, kind: EntryType, content: &[u8]) -> Result<(), &'static str> {
        match kind {
            EntryType::GNULongName => {
                let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
                self.long_name = Some(content[..end].to_vec());
            }
            EntryType::XHeader => {
                let mut rest = content;
                while !rest.is_empty() && rest[0] != 0 {
                    let (key, value, after) = pax_record(rest).ok_or("a wrong pax record")?;
                    match key {
                        b"path" => self.path = Some(value.to_vec()),
                        b"size" => self.size = Some(number(value).ok_or("a wrong pax size")?),
                        _ => self.sparse |= key.starts_with(b"GNU.sparse."),
                    }
                    rest = after;
                }
            }
            // Long link names and global headers say nothing about where files are.
            _ => {}
        }
        Ok(())
    }

    fn name(&self, header: &Header) -> Vec<u8> {
        let name = self.path.clone().or_else(|| self.long_name.clone());
        name.unwrap_or_else(|| header.path_bytes().into_owned())
    }
}

/// The first record of a pax header, `<length> <key>=<value>\n`, and what follows it.
fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(number(&records[..space])?).ok()?;
    let record = records.get(..length)?.strip_suffix(b"\n")?.get(space + 1..)?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &records[length..]))
}

fn number(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether it describes the next member instead of being one.
fn is_extension(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader | EntryType::XGlobalHeader
    )
}

fn is_file(kind: EntryType, name: &[u8]) -> bool {
    match kind {
        // Archives older than ustar mark a folder by its name's end.
        EntryType::Regular => !name.ends_with(b"/"),
        EntryType::Continuous | EntryType::GNUSparse => true,
        _ => false,
    }
}

/// Whether the header's checksum is that of its bytes, added up with or, as some old writers did,
/// without sign.
fn has_valid_checksum(header: &Header) -> bool {
    let Ok(stated) = header.cksum() else { return false };
    let bytes = header.as_bytes();
    let counted = || bytes[..148].iter().chain(&[b' '; 8]).chain(&bytes[156..]);
    let unsigned: i64 = counted().map(|byte| i64::from(*byte)).sum();
    let signed: i64 = counted().map(|byte| i64::from(byte.cast_signed())).sum();
    [unsigned, signed].contains(&i64::from(stated))
}
