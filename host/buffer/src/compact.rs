//! Removes rows from a field and closes the gaps. Safe code on plain bytes.

/// Moves the rows of `field` that `kept` names to the front, keeping their order. `field` holds
/// `kept.len()` rows of `place_bytes` each; what lies after the kept rows is left as it falls.
pub(crate) fn compact(field: &mut [u8], place_bytes: usize, kept: &[bool]) {
    let mut target = 0;
    let mut row = 0;
    while row < kept.len() {
        let run = kept[row..].iter().take_while(|keep| **keep == kept[row]).count();
        if kept[row] {
            if target != row {
                field.copy_within(row * place_bytes..(row + run) * place_bytes, target * place_bytes);
            }
            target += run;
        }
        row += run;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 8 } else { 256 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn kept_rows_stay_in_order_and_whole(
            place_bytes in 0_usize..9,
            kept in prop::collection::vec(any::<bool>(), 0..40),
            bytes in prop::collection::vec(any::<u8>(), 9 * 40),
        ) {
            let mut field = bytes[..place_bytes * kept.len()].to_vec();
            let expected: Vec<u8> = kept
                .iter()
                .enumerate()
                .filter(|(_, keep)| **keep)
                .flat_map(|(row, _)| &bytes[row * place_bytes..(row + 1) * place_bytes])
                .copied()
                .collect();
            compact(&mut field, place_bytes, &kept);
            prop_assert_eq!(&field[..expected.len()], &expected);
        }
    }
}
