//! The part of an image that later operators will read.

use std::fmt;

/// A rectangle in pixels of the full image, from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Columns left of the window.
    pub x: u32,
    /// Rows above the window.
    pub y: u32,
    /// Columns in the window.
    pub width: u32,
    /// Rows in the window.
    pub height: u32,
}

impl Window {
    /// The whole of a `width` × `height` image.
    pub const fn full(width: u32, height: u32) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// Whether the window has pixels and lies inside a `width` × `height` image.
    pub fn lies_in(&self, width: u32, height: u32) -> bool {
        let fits = |start: u32, extent: u32, whole: u32| {
            extent > 0 && start.checked_add(extent).is_some_and(|end| end <= whole)
        };
        fits(self.x, self.width, width) && fits(self.y, self.height, height)
    }

    /// `inner`, a window of this window, as a window of the full image.
    #[must_use]
    pub fn then(&self, inner: Self) -> Self {
        Self { x: self.x + inner.x, y: self.y + inner.y, ..inner }
    }
}

impl fmt::Display for Window {
    /// As in `224×180+16+0`, the notation of X11 geometries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}+{}+{}", self.width, self.height, self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_must_have_pixels_and_lie_inside() {
        assert!(Window::full(5, 4).lies_in(5, 4));
        assert!(!Window { x: 1, ..Window::full(5, 4) }.lies_in(5, 4));
        assert!(!Window { width: 0, ..Window::full(5, 4) }.lies_in(5, 4));
        assert!(!Window { x: u32::MAX, y: 0, width: 2, height: 1 }.lies_in(5, 4));
    }

    #[test]
    fn a_window_of_a_window_counts_from_the_full_image() {
        let outer = Window { x: 10, y: 20, width: 100, height: 100 };
        let inner = Window { x: 1, y: 2, width: 3, height: 4 };
        assert_eq!(outer.then(inner), Window { x: 11, y: 22, width: 3, height: 4 });
    }
}
