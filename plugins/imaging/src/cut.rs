//! Cutting a window out of an image, which may reach beyond its edges.

use crate::layout::Image;

/// Writes the `height` × `width` window whose top left corner is at row `top` and column `left` of
/// `image` to `place`. What lies beyond the image is zero.
pub fn cut(image: Image<'_>, (top, left): (i64, i64), (height, width): (usize, usize), place: &mut [u8]) {
    assert_eq!(place.len(), height * width * image.pixel(), "the place holds the result");
    let Some((from, to, columns)) = overlap(left, width, image.width()) else {
        return place.fill(0);
    };
    let pixel = image.pixel();
    let mut rows = place.chunks_exact_mut(width * pixel);
    let (first, skipped, count) = overlap(top, height, image.height()).unwrap_or((0, height, 0));
    for row in rows.by_ref().take(skipped) {
        row.fill(0);
    }
    for (output, input) in rows.by_ref().take(count).zip(image.rows().skip(first)) {
        let (before, rest) = output.split_at_mut(to * pixel);
        let (middle, after) = rest.split_at_mut(columns * pixel);
        before.fill(0);
        middle.copy_from_slice(&input[from * pixel..][..columns * pixel]);
        after.fill(0);
    }
    for row in rows {
        row.fill(0);
    }
}

/// Along one axis, where the window and the image overlap: from where in the image, to where in the
/// window, and how many pixels.
fn overlap(start: i64, window: usize, image: usize) -> Option<(usize, usize, usize)> {
    let distance = usize::try_from(start.unsigned_abs()).ok()?;
    let (from, to) = if start < 0 { (0, distance) } else { (distance, 0) };
    let count = image.checked_sub(from)?.min(window.checked_sub(to)?);
    (count > 0).then_some((from, to, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_of_four(top: i64, left: i64, height: usize, width: usize) -> Vec<u8> {
        let image = Image::new(&[1, 2, 3, 4], 2, 2, 1).unwrap();
        let mut place = vec![9; height * width];
        cut(image, (top, left), (height, width), &mut place);
        place
    }

    #[test]
    fn a_window_inside_is_copied() {
        assert_eq!(cut_of_four(0, 0, 2, 2), [1, 2, 3, 4]);
        assert_eq!(cut_of_four(1, 0, 1, 2), [3, 4]);
        assert_eq!(cut_of_four(0, 1, 2, 1), [2, 4]);
    }

    #[test]
    fn beyond_each_edge_there_are_zeros() {
        assert_eq!(cut_of_four(-1, -1, 4, 4), [0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0]);
        assert_eq!(cut_of_four(-1, 1, 2, 2), [0, 0, 2, 0]);
        assert_eq!(cut_of_four(1, -1, 2, 2), [0, 3, 0, 0]);
    }

    #[test]
    fn a_window_that_misses_the_image_is_all_zeros() {
        for (top, left) in [(5, 0), (0, 5), (-5, 0), (0, -5), (i64::MIN, i64::MAX)] {
            assert_eq!(cut_of_four(top, left, 2, 2), [0; 4]);
        }
    }
}
