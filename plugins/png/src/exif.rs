//! The orientation in a block of EXIF metadata (CIPA DC-008, section 4.6: a TIFF header, then
//! directories of tagged entries). Nothing else of EXIF is read.

/// The tag of the orientation.
const ORIENTATION: u16 = 0x0112;

/// The type of a 16-bit number.
const SHORT: u16 = 3;

/// The orientation, 1 to 8, where the first directory has a sound one.
pub(crate) fn orientation(block: &[u8]) -> Option<u8> {
    // JPEG's marker does not belong into a PNG's chunk, but some writers leave it there.
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let little = match block.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |bytes: &[u8]| {
        let bytes = *bytes.first_chunk()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |bytes: &[u8]| {
        let bytes = *bytes.first_chunk()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = block.get(usize::try_from(long(block.get(4..)?)?).ok()?..)?;
    let count = usize::from(short(directory)?);
    let entries = directory.get(2..)?.as_chunks::<12>().0.iter().take(count);
    for entry in entries {
        if short(entry)? == ORIENTATION && short(&entry[2..])? == SHORT {
            return u8::try_from(short(&entry[8..])?).ok().filter(|value| (1..=8).contains(value));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(value: u16) -> Vec<u8> {
        let mut block = b"MM\0*\0\0\0\x08\0\x02".to_vec();
        block.extend([0x01, 0x0F, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0]);
        block.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1]);
        block.extend(value.to_be_bytes());
        block.extend([0; 6]);
        block
    }

    #[test]
    fn the_orientation_is_found_in_either_byte_order() {
        assert_eq!(orientation(&block(6)), Some(6));
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0";
        assert_eq!(orientation(little), Some(8));
        assert_eq!(orientation(&[b"Exif\0\0", &block(3)[..]].concat()), Some(3));
    }

    #[test]
    fn senseless_orientations_are_none() {
        for value in [0, 9, 255, 256] {
            assert_eq!(orientation(&block(value)), None);
        }
    }

    #[test]
    fn no_block_is_too_short_or_too_wrong() {
        let whole = block(6);
        for length in 0..whole.len() {
            let _ = orientation(&whole[..length]);
            for byte in [0, 0x7F, 0xFF] {
                let mut wrong = whole.clone();
                wrong[length] = byte;
                let _ = orientation(&wrong);
            }
        }
        assert_eq!(orientation(b"MM\0*\xFF\xFF\xFF\xFF"), None);
        assert_eq!(orientation(b""), None);
    }
}
