//! WebAssembly as a list of sections, sound or not: just enough of it to damage one and keep the rest.

use std::ops::Range;

/// The magic bytes, the version and the layer.
pub(crate) const PREAMBLE: usize = 8;

/// Where a section is.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its number: 0 a custom section, 1 and 4 in a component a module and a component inside.
    pub(crate) id: u8,
    /// From its number to its end.
    pub(crate) whole: Range<usize>,
    /// Its size as it stands there.
    pub(crate) size: Range<usize>,
    /// Its content.
    pub(crate) body: Range<usize>,
}

/// The sections of a module or component, as far as they can be told apart.
pub(crate) fn sections(wasm: &[u8]) -> Vec<Section> {
    let mut found = Vec::new();
    let mut at = PREAMBLE;
    while let Some(&id) = wasm.get(at) {
        let Some((size, digits)) = number(&wasm[at + 1..]) else { break };
        let start = at + 1 + digits;
        let Some(end) = start.checked_add(size).filter(|end| *end <= wasm.len()) else { break };
        found.push(Section { id, whole: at..end, size: at + 1..start, body: start..end });
        at = end;
    }
    found
}

/// A number in LEB128, and how many bytes it takes.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (digit, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * digit);
        if byte & 0x80 == 0 {
            return Some((value, digit + 1));
        }
    }
    None
}

/// A number in LEB128.
pub(crate) fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = number.to_le_bytes()[0] & 0x7F;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The whole with another content in a section, and its size mended.
pub(crate) fn with_body(wasm: &[u8], section: &Section, body: &[u8]) -> Vec<u8> {
    let mut result = wasm[..=section.whole.start].to_vec();
    result.extend(leb128(body.len()));
    result.extend_from_slice(body);
    result.extend_from_slice(&wasm[section.whole.end..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_and_put_back() {
        let wasm = wat::parse_str("(component (core module (@custom \"x\" \"y\")) (component))").unwrap();
        let found = sections(&wasm);
        assert_eq!(found.iter().map(|section| section.id).collect::<Vec<_>>(), [1, 4]);
        for section in &found {
            assert_eq!(with_body(&wasm, section, &wasm[section.body.clone()]), wasm);
        }
        let longer = with_body(&wasm, &found[0], &[0; 300]);
        assert_eq!(sections(&longer)[0].body.len(), 300);
        assert_eq!(sections(&longer)[0].size.len(), 2);
    }
}
