//! Brace expansion, as the shell and WebDataset's `braceexpand` do it: `{a,b}`, `{000..009}`,
//! `{1..9..2}`, `{a..e}`, nested, with `\` before a character that is meant as such. No globbing.

use std::ops::Range;

use zenith_core::SourceError;

/// A pattern that stands for more shards than this is taken for a mistake.
const MOST: usize = 1_000_000;

/// All that `pattern` stands for, in order.
pub(crate) fn expand(pattern: &str) -> Result<Vec<String>, SourceError> {
    let texts = alternatives(pattern).map_err(|reason| {
        SourceError::Option(format!(
            "the pattern `{pattern}` {reason}\nhint: write `shards/{{000..009}}.tar` or `{{train,extra}}.tar`, and `\\{{` for a brace that is part of the name"
        ))
    })?;
    Ok(texts.iter().map(|text| unescape(text)).collect())
}

/// What a pattern stands for, backslashes still in it.
fn alternatives(pattern: &str) -> Result<Vec<String>, &'static str> {
    let Some(Braces { inside, commas }) = first_braces(pattern)? else {
        return Ok(vec![pattern.to_owned()]);
    };
    let before = &pattern[..inside.start - 1];
    let after = alternatives(&pattern[inside.end + 1..])?;
    let inner = &pattern[inside.clone()];
    let mut middle = Vec::new();
    if !commas.is_empty() {
        let mut begin = inside.start;
        for end in commas.into_iter().chain([inside.end]) {
            middle.extend(alternatives(&pattern[begin..end])?);
            begin = end + 1;
        }
    } else if let Some(sequence) = sequence(inner)? {
        middle = sequence;
    } else {
        // Braces around neither a list nor a sequence stand for themselves.
        middle = alternatives(inner)?.into_iter().map(|inner| format!("\\{{{inner}\\}}")).collect();
    }
    if middle.len().saturating_mul(after.len()) > MOST {
        return Err("stands for more than a million names");
    }
    Ok(middle
        .iter()
        .flat_map(|middle| after.iter().map(move |after| format!("{before}{middle}{after}")))
        .collect())
}

struct Braces {
    /// What is between the first brace and the one that closes it.
    inside: Range<usize>,
    /// The commas at the top level of it.
    commas: Vec<usize>,
}

fn first_braces(pattern: &str) -> Result<Option<Braces>, &'static str> {
    let (mut depth, mut begin, mut commas) = (0_usize, 0, Vec::new());
    let mut characters = pattern.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '{' => {
                if depth == 0 {
                    begin = at + 1;
                }
                depth += 1;
            }
            ',' if depth == 1 => commas.push(at),
            '}' => match depth {
                0 => return Err("has a `}` without its `{`"),
                1 => return Ok(Some(Braces { inside: begin..at, commas })),
                _ => depth -= 1,
            },
            _ => {}
        }
    }
    if depth == 0 { Ok(None) } else { Err("has a `{` without its `}`") }
}

/// What `first..last` or `first..last..step` stands for, of whole numbers or single letters.
fn sequence(text: &str) -> Result<Option<Vec<String>>, &'static str> {
    let parts: Vec<&str> = text.split("..").collect();
    let (first, last, step) = match parts[..] {
        [first, last] => (first, last, 1),
        [first, last, step] => match step.parse::<i64>() {
            Ok(step) => (first, last, step.unsigned_abs().max(1)),
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    let digits = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let ([first], [last]) = (first.as_bytes(), last.as_bytes())
        && first.is_ascii_alphabetic()
        && last.is_ascii_alphabetic()
    {
        let letters = steps(i64::from(*first), i64::from(*last), step)?;
        let letter =
            |code: i64| u8::try_from(code).map_or_else(|_| String::new(), |code| char::from(code).into());
        return Ok(Some(letters.into_iter().map(letter).map(|letter| escape(&letter)).collect()));
    }
    if !digits(first) || !digits(last) {
        return Ok(None);
    }
    let (Ok(from), Ok(to)) = (first.parse::<i64>(), last.parse::<i64>()) else {
        return Err("has a number that is too large");
    };
    let padded =
        |text: &str| text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0');
    let width = if padded(first) || padded(last) { first.len().max(last.len()) } else { 0 };
    Ok(Some(steps(from, to, step)?.into_iter().map(|number| format!("{number:0width$}")).collect()))
}

fn steps(from: i64, to: i64, step: u64) -> Result<Vec<i64>, &'static str> {
    let count = from.abs_diff(to) / step;
    if count >= MOST as u64 {
        return Err("stands for more than a million names");
    }
    // In wide numbers, so that neither direction can wrap.
    let (start, step) = (i128::from(from), i128::from(step) * if to < from { -1 } else { 1 });
    Ok((0..=i128::from(count)).filter_map(|at| i64::try_from(start + at * step).ok()).collect())
}

/// Letters between `Z` and `a` include a backslash and no brace.
fn escape(letter: &str) -> String {
    if letter == "\\" { "\\\\".to_owned() } else { letter.to_owned() }
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        plain.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_and_sequences_expand_as_the_shell_does() {
        for (pattern, expected) in [
            ("plain.tar", "plain.tar"),
            ("{000..003}.tar", "000.tar 001.tar 002.tar 003.tar"),
            ("s-{8..11}", "s-8 s-9 s-10 s-11"),
            ("{08..11}", "08 09 10 11"),
            ("{3..1}", "3 2 1"),
            ("{-1..1}", "-1 0 1"),
            ("{-01..1}", "-01 000 001"),
            ("{1..9..4}", "1 5 9"),
            ("{9..1..-4}", "9 5 1"),
            ("{1..3..0}", "1 2 3"),
            ("{a..e..2}", "a c e"),
            ("{a,b}{0..1}", "a0 a1 b0 b1"),
            ("x{a,{1..2},}y", "xay x1y x2y xy"),
            ("{train,val}/{0,1}.tar", "train/0.tar train/1.tar val/0.tar val/1.tar"),
            ("{a}{b..}{}{1..x}", "{a}{b..}{}{1..x}"),
            ("{a{b,c}}", "{ab} {ac}"),
            (r"\{a,b\}", "{a,b}"),
            (r"{a\,b,c}", "a,b c"),
            ("é{1,2}ü", "é1ü é2ü"),
        ] {
            assert_eq!(expand(pattern).unwrap().join(" "), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_meant_is_an_error_that_quotes_it() {
        for (pattern, reason) in [
            ("a{b", "has a `{` without its `}`"),
            ("a}b", "has a `}` without its `{`"),
            ("{0..9999999}", "stands for more than a million names"),
            ("{0..9999}{0..9999}", "stands for more than a million names"),
            ("{0..99999999999999999999}", "has a number that is too large"),
            ("{-9223372036854775808..9223372036854775807}", "stands for more than a million names"),
        ] {
            let error = expand(pattern).unwrap_err().to_string();
            assert!(error.starts_with(&format!("the pattern `{pattern}` {reason}\nhint: ")), "{error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_pattern_panics(pattern in r"[{},.\\a0-9é-]{0,24}") {
            let _ = expand(&pattern);
        }
    }
}
