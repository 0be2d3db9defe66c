//! Damage, by what the bytes are made of. The same random numbers give the same damage.

use crate::{
    random::Random,
    wasm::{self, PREAMBLE, Section},
};

/// Numbers at which readers tend to break.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

/// What texts are spoilt with.
const WORDS: [&str; 24] = [
    "",
    "\0",
    "\u{1b}[2J",
    "\u{202e}",
    "é",
    "\u{10ffff}",
    "\r\n",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    "-1",
    "99999999999999999999",
    "1e999",
    "nan",
    "true",
    "../../",
    "@",
    ":",
];

/// Damages anything: bits, bytes, numbers, repetitions, cuts.
pub fn bytes(data: &mut Vec<u8>, random: &mut Random) {
    if data.is_empty() {
        data.push(random.byte());
        return;
    }
    match random.below(8) {
        0 | 1 => {
            for _ in 0..=random.below(4) {
                let at = random.below(data.len());
                data[at] ^= 1 << random.below(8);
            }
        }
        2 => {
            let at = random.below(data.len());
            data[at] = random.byte();
        }
        3 => {
            let edge = EDGES[random.below(EDGES.len())];
            let (little, big) = (edge.to_le_bytes(), edge.to_be_bytes());
            let width = 1 << random.below(4);
            let number = if random.below(2) == 0 { &little[..width] } else { &big[8 - width..] };
            let at = random.below(data.len());
            let end = (at + width).min(data.len());
            data[at..end].copy_from_slice(&number[..end - at]);
        }
        4 => data.truncate(random.below(data.len())),
        5 => drop(data.drain(random.part(data.len(), 64))),
        6 => {
            let copy = data[random.part(data.len(), 64)].to_vec();
            let at = random.below(data.len());
            data.splice(at..at, copy);
        }
        _ => {
            let part = random.part(data.len(), 32);
            let with = random.byte();
            data[part].fill(with);
        }
    }
}

/// Damages a text: words, numbers, lines. It stays a text.
pub fn text(data: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<String> = String::from_utf8_lossy(data).split('\n').map(str::to_owned).collect();
    let at = random.below(lines.len());
    match random.below(7) {
        0 => drop(lines.remove(at)),
        1 => {
            let line = lines[random.below(lines.len())].clone();
            lines.insert(at, line);
        }
        2 => {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }
        3 => {
            let times = random.below(200).min(65_536 / (1 + lines[at].len()));
            lines[at] = lines[at].repeat(times);
        }
        _ => {
            let line: Vec<char> = lines[at].chars().collect();
            let part = random.part(line.len(), 12);
            let mut changed: String = line[..part.start].iter().collect();
            if random.below(4) == 0 {
                changed.extend(line[part.clone()].iter().rev());
            } else {
                changed.push_str(WORDS[random.below(WORDS.len())]);
            }
            changed.extend(&line[part.end..]);
            lines[at] = changed;
        }
    }
    *data = lines.join("\n").into_bytes();
}

/// Damages WebAssembly, often in such a way that all around the damage stays sound. `donors` are others
/// that parts may come from.
pub fn wasm(data: &mut Vec<u8>, donors: &[&[u8]], random: &mut Random) {
    let sections = wasm::sections(data);
    if sections.is_empty() || data.len() < PREAMBLE || random.below(6) == 0 {
        return bytes(data, random);
    }
    let section = &sections[random.below(sections.len())];
    match random.below(8) {
        // Inside, with the size mended: what is there is reached.
        0..=2 => *data = wasm::with_body(data, section, &inside(data, section, donors, random)),
        3 => blow_up(data, section, random),
        4 => {
            let copy = data[section.whole.clone()].to_vec();
            let at = sections[random.below(sections.len())].whole.start;
            data.splice(at..at, copy);
        }
        5 => drop(data.drain(section.whole.clone())),
        6 => {
            let other = &sections[random.below(sections.len())];
            let (first, second) =
                if section.whole.start < other.whole.start { (section, other) } else { (other, section) };
            let mut swapped = data[..first.whole.start].to_vec();
            if first.whole.start < second.whole.start {
                swapped.extend_from_slice(&data[second.whole.clone()]);
                swapped.extend_from_slice(&data[first.whole.end..second.whole.start]);
            }
            swapped.extend_from_slice(&data[first.whole.clone()]);
            swapped.extend_from_slice(&data[second.whole.end..]);
            *data = swapped;
        }
        _ => {
            let own: &[u8] = data;
            let donor = if donors.is_empty() { own } else { random.one(donors) };
            let theirs = wasm::sections(donor);
            if let Some(given) = theirs.get(random.below(theirs.len())) {
                let given = donor[given.whole.clone()].to_vec();
                let place = if random.below(2) == 0 {
                    section.whole.clone()
                } else {
                    section.whole.end..section.whole.end
                };
                data.splice(place, given);
            }
        }
    }
}

/// A section's content, damaged. Modules and components inside are damaged as such.
fn inside(data: &[u8], section: &Section, donors: &[&[u8]], random: &mut Random) -> Vec<u8> {
    let mut body = data[section.body.clone()].to_vec();
    if body.starts_with(b"\0asm") && random.below(5) > 0 {
        wasm(&mut body, donors, random);
    } else if section.id == 0 && random.below(2) == 0 {
        text(&mut body, random);
    } else {
        bytes(&mut body, random);
    }
    body
}

/// A size or a count that is absurd, or written in more bytes than it needs.
fn blow_up(data: &mut Vec<u8>, section: &Section, random: &mut Random) {
    let edge = usize::try_from(EDGES[random.below(EDGES.len())]).unwrap_or(usize::MAX);
    let mut number = wasm::leb128(edge);
    if random.below(3) == 0 {
        // The same number with zeros in front, as far as the format allows and further.
        if let Some(last) = number.last_mut() {
            *last |= 0x80;
        }
        number.extend(std::iter::repeat_n(0x80, random.below(6)));
        number.push(0);
    }
    if random.below(2) == 0 {
        data.splice(section.size.clone(), number);
    } else {
        // The first number of most sections says how many things follow.
        let mut body = data[section.body.clone()].to_vec();
        let end = body.len().min(1);
        body.splice(..end, number);
        *data = wasm::with_body(data, section, &body);
    }
}

/// Damages a tar archive: fields of its headers, with the checksum mended, or anything.
pub fn tar(data: &mut Vec<u8>, random: &mut Random) {
    const BLOCK: usize = 512;
    let blocks = data.len() / BLOCK;
    if blocks == 0 || random.below(4) == 0 {
        return bytes(data, random);
    }
    let at = BLOCK * random.below(blocks);
    match random.below(3) {
        0 => {
            let copy = data[at..at + BLOCK].to_vec();
            let to = BLOCK * random.below(blocks);
            data.splice(to..to, copy);
        }
        1 => drop(data.drain(at..at + BLOCK)),
        _ => {
            let header = &mut data[at..at + BLOCK];
            // Name, size, kind, link name, magic, the rest of the name.
            let fields = [0..100, 124..136, 156..157, 157..257, 257..265, 345..500];
            let field = fields[random.below(fields.len())].clone();
            let kind = b"01234567xgLKS\0"[random.below(14)];
            match field.len() {
                1 => header[field].fill(kind),
                12 => {
                    let size = EDGES[random.below(EDGES.len())];
                    let digits = if random.below(2) == 0 {
                        format!("{:011o}\0", size & 0o77_777_777_777)
                    } else {
                        format!("{:>12}", random.below(5000))
                    };
                    header[field].copy_from_slice(&digits.as_bytes()[..12]);
                }
                _ => {
                    let mut name = header[field.clone()].to_vec();
                    bytes(&mut name, random);
                    name.resize(field.len(), 0);
                    header[field].copy_from_slice(&name);
                }
            }
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}
