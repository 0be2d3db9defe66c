//! Text that a guest wrote, made fit to keep and to print.

/// Bytes of a guest's text that are kept.
const KEPT: usize = 4096;

/// The text, cut to a few kilobytes, its control characters (which could move a terminal's cursor or
/// forge a line of a log) replaced by spaces.
pub(crate) fn tame(text: &str) -> String {
    tame_to(text, KEPT)
}

/// The same, cut to `kept` bytes.
pub(crate) fn tame_to(text: &str, kept: usize) -> String {
    let end = text.floor_char_boundary(kept);
    let mut tame: String = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if end < text.len() {
        tame.push('…');
    }
    tame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_two_characters() {
        let text = "é".repeat(KEPT);
        let kept = tame(&text);
        assert_eq!(kept.chars().count(), KEPT / 2 + 1);
        assert!(kept.ends_with('…'));
        assert_eq!(tame("short"), "short");
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(tame("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }
}
