//! The languages that plugins are written in.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A language that a plugin can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Rust, with cargo and the SDK.
    Rust,
    /// Python, with componentize-py.
    Python,
    /// JavaScript, with an engine inside the component.
    JavaScript,
    /// C, with Zig's C compiler.
    C,
    /// C++, with the same compiler.
    Cpp,
    /// Go, with its own compiler.
    Go,
    /// Zig, with its own compiler.
    Zig,
}

/// A word that names no language.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{word}` is no language that plugins are written in: there are {}", words())]
pub struct UnknownLanguage {
    /// What was said.
    pub word: String,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rust, Self::Python, Self::JavaScript, Self::C, Self::Cpp, Self::Go, Self::Zig];

    /// The word for it on the command line, in `plugin.toml`, and among the templates.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Go => "go",
            Self::Zig => "zig",
        }
    }

    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Go => "Go",
            Self::Zig => "Zig",
        }
    }
}

fn words() -> String {
    Language::ALL.map(|language| format!("`{}`", language.word())).join(", ")
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(word: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL
            .into_iter()
            .find(|language| language.word() == word)
            .ok_or_else(|| UnknownLanguage { word: word.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_is_found_by_its_word() {
        for language in Language::ALL {
            assert_eq!(language.word().parse(), Ok(language));
        }
    }

    #[test]
    fn an_unknown_language_is_told_with_those_that_exist() {
        assert_eq!(
            "cobol".parse::<Language>().unwrap_err().to_string(),
            "`cobol` is no language that plugins are written in: there are `rust`, `python`, `js`, `c`, \
             `cpp`, `go`, `zig`"
        );
    }
}
