//! Text that a registry wrote, made fit to be shown.

/// How much of it is shown, in characters.
const LONGEST: usize = 300;

/// The text in one line, without control characters, and not too long.
pub(crate) fn tame(text: &str) -> String {
    let mut shown = String::new();
    for (count, word) in text.split(|mark: char| mark.is_whitespace() || mark.is_control()).enumerate() {
        if count > 0 && !word.is_empty() && !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
        if shown.len() > 4 * LONGEST {
            break;
        }
    }
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_is_one_short_line_without_control_characters() {
        assert_eq!(tame("a\n\tb \u{1b}[31mc\u{7}"), "a b [31mc");
        assert_eq!(tame(""), "");
        assert_eq!(tame(&"é".repeat(1000)).chars().count(), LONGEST + 1);
        assert!(tame(&"word ".repeat(100_000)).chars().count() <= LONGEST + 1);
    }
}
