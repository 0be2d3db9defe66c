//! The orientation in an EXIF segment; nothing else of EXIF is read.

/// The orientation, 1 to 8, that the content of an `APP1` segment tells, if it does.
pub(crate) fn orientation(body: &[u8]) -> Option<u8> {
    let tiff = body.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..4)? {
        b"II\x2A\0" => true,
        b"MM\0\x2A" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = *tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| -> Option<usize> {
        let bytes = *tiff.get(at..)?.first_chunk::<4>()?;
        usize::try_from(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    };
    let directory = long(4)?;
    let entries = short(directory)?;
    for entry in 0..usize::from(entries) {
        let at = directory.checked_add(2 + 12 * entry)?;
        // Tag 0x0112 of type SHORT.
        if short(at)? == 0x0112 && short(at + 2)? == 3 {
            let value = short(at + 8)?;
            return u8::try_from(value).ok().filter(|value| (1..=8).contains(value));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_are_read() {
        let little = b"Exif\0\0II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let big = b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0";
        assert_eq!(orientation(little), Some(6));
        assert_eq!(orientation(big), Some(8));
    }

    #[test]
    fn damage_is_no_orientation() {
        let whole = b"Exif\0\0II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0";
        assert_eq!(orientation(whole), None, "9 is no orientation");
        for length in 0..whole.len() {
            assert_eq!(orientation(&whole[..length]), None);
        }
        assert_eq!(orientation(b"Exif\0\0II\x2A\0\xFF\xFF\xFF\xFF"), None);
    }
}
