//! Many paths in little memory, and the order in which Python sorts them.

use std::{cmp::Ordering, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

/// Byte strings, one after the other in one allocation: eight bytes of bookkeeping each.
#[derive(Debug, Default)]
pub(crate) struct Names {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

impl Names {
    /// Appends a name made of parts.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.ends.push(self.bytes.len() as u64);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The name at `index`, or `None` where there is none.
    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let position = |end: u64| usize::try_from(end).ok();
        let begin = index.checked_sub(1).map_or(Some(0), |before| position(*self.ends.get(before)?))?;
        self.bytes.get(begin..position(*self.ends.get(index)?)?)
    }

    /// Gives back memory that was set aside for more names.
    pub(crate) fn finish(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// A name as a path.
pub(crate) fn as_path(name: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(name))
}

/// How Python's `sorted` orders two file names: by code points, where a byte that is not UTF-8 counts
/// as the lone surrogate that `os.fsdecode` makes of it. For valid UTF-8 this is the order of the bytes.
pub(crate) fn python_order(a: &[u8], b: &[u8]) -> Ordering {
    if str::from_utf8(a).is_ok() && str::from_utf8(b).is_ok() {
        return a.cmp(b);
    }
    code_points(a).cmp(code_points(b))
}

fn code_points(name: &[u8]) -> impl Iterator<Item = u32> {
    name.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(u32::from);
        valid.chain(chunk.invalid().iter().map(|byte| 0xDC00 + u32::from(*byte)))
    })
}

/// A running 64-bit FNV-1a hash (Fowler, Noll and Vo; the constants are those of RFC 9923). It tells
/// indexes apart; it is no defence against someone who wants two to collide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went_in() {
        let mut names = Names::default();
        names.push(&[b"cat", b"/", b"1.jpg"]);
        names.push(&[]);
        names.push(&[b"\xFF"]);
        names.finish();
        let all: Vec<_> = (0..4).map(|index| names.get(index)).collect();
        assert_eq!(all, [Some(&b"cat/1.jpg"[..]), Some(b""), Some(b"\xFF"), None]);
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn undecodable_bytes_sort_as_pythons_surrogates() {
        // sorted(map(os.fsdecode, …)) puts U+DCFF between U+4E2D and U+1F600, which the bytes do not.
        let mut names: Vec<&[u8]> = vec!["😀".as_bytes(), b"\xFF", "中".as_bytes(), b"z", b"a\xFF", b"a"];
        names.sort_by(|a, b| python_order(a, b));
        let expected: [&[u8]; 6] = [b"a", b"a\xFF", b"z", "中".as_bytes(), b"\xFF", "😀".as_bytes()];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_fingerprint_is_fnv_1a() {
        let mut fingerprint = Fingerprint::new();
        fingerprint.bytes(b"foobar");
        assert_eq!(fingerprint.finish(), 0x8594_4171_F739_67E8);
    }
}
