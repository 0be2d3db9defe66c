//! One error for the faces: what kind it is, what happened, and what to do. Each face maps the kinds
//! exhaustively (Python to exceptions, the command to exit codes).

use std::fmt;

use zenith_core::SourceError;
use zenith_pipeline::{LoadError, PlanErrors, SampleFailure, SpecError, StateError, SwapError};

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The pipeline, as declared, cannot run.
    Pipeline,
    /// A package could not be found, verified or loaded.
    Registry,
    /// A sample failed.
    Sample,
    /// A plugin failed outside any sample.
    Plugin,
    /// A file or folder could not be read.
    Source,
    /// The memory limit is reached.
    Memory,
    /// A saved state does not fit.
    State,
    /// An option makes no sense.
    Option,
    /// The system refused something.
    System,
    /// A fault of Zenith's own.
    Internal,
}

/// Why something could not be done.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    /// The key and index of the sample at fault, where there is one.
    sample: Option<(String, u64)>,
}

impl Error {
    /// An error of a kind; `hint` says what to do about it.
    pub fn new(kind: ErrorKind, message: impl Into<String>, hint: Option<String>) -> Self {
        let hint = hint.map(|hint| shown(&hint));
        Self { kind, message: shown(&message.into()), hint, sample: None }
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, to which thing, and why.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The key and index of the sample at fault, where there is one.
    pub fn sample(&self) -> Option<(&str, u64)> {
        self.sample.as_ref().map(|(key, index)| (key.as_str(), *index))
    }
}

/// Longer lines are shortened, in characters.
const LONGEST_LINE: usize = 1200;

/// As many lines are shown.
const MOST_LINES: usize = 100;

/// A text whose every mark can be seen, without lines that have no end. Names and values from files,
/// packages and registries stand in messages as they were found; one that holds an escape sequence is not
/// to move a terminal's cursor, and a damaged one not to fill its screen.
fn shown(text: &str) -> String {
    let mut lines: Vec<_> = text.split('\n').take(MOST_LINES).map(shown_line).collect();
    let more = text.split('\n').skip(MOST_LINES).count();
    if more > 0 {
        lines.push(format!("[… and {more} more lines]"));
    }
    lines.join("\n")
}

fn shown_line(line: &str) -> String {
    let hidden = |mark: char| {
        // Those that turn the direction of writing hide as well as a control character does.
        (mark.is_control() && mark != '\t')
            || matches!(mark, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(line.len());
    for mark in line.chars() {
        if hidden(mark) { shown.extend(mark.escape_unicode()) } else { shown.push(mark) }
    }
    let length = shown.chars().count();
    if length <= LONGEST_LINE {
        return shown;
    }
    let marks = |from: usize, count: usize| shown.chars().skip(from).take(count).collect::<String>();
    format!("{} […] {}", marks(0, LONGEST_LINE - 300), marks(length - 300, 300))
}

impl fmt::Display for Error {
    /// The message, and the hint on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<PlanErrors> for Error {
    fn from(errors: PlanErrors) -> Self {
        // The text of several errors carries their hints already.
        Self::new(ErrorKind::Pipeline, errors.to_string(), None)
    }
}

impl From<SpecError> for Error {
    fn from(error: SpecError) -> Self {
        Self::new(ErrorKind::Pipeline, error.to_string(), None)
    }
}

impl From<SwapError> for Error {
    fn from(error: SwapError) -> Self {
        let hint = error.hint();
        Self::new(ErrorKind::Pipeline, format!("nothing is swapped: {error}"), hint)
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let kind =
            if matches!(error, SourceError::Option(_)) { ErrorKind::Option } else { ErrorKind::Source };
        Self::new(kind, error.to_string(), None)
    }
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        let hint = matches!(error, StateError::Plan { .. }).then(|| {
            "restore it with the pipeline that it was saved with, or begin anew without it".to_owned()
        });
        Self::new(ErrorKind::State, error.to_string(), hint)
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        let kind = match &error {
            LoadError::Sample(sample) => match sample.failure {
                SampleFailure::Source(_) => ErrorKind::Source,
                _ => ErrorKind::Sample,
            },
            LoadError::Operator { .. } => ErrorKind::Plugin,
            LoadError::Source(_) => ErrorKind::Source,
            LoadError::MemoryHeld { .. } | LoadError::MemoryTooSmall { .. } => ErrorKind::Memory,
            LoadError::System { .. } | LoadError::Forked { .. } => ErrorKind::System,
            _ => ErrorKind::Internal,
        };
        let sample = match &error {
            LoadError::Sample(sample) => Some((sample.key.clone(), sample.index)),
            _ => None,
        };
        Self { sample, ..Self::new(kind, error.to_string(), error.hint()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by damaged lockfiles: a digest with an escape sequence in it was printed as it stood, so that
    /// a file from elsewhere could clear the screen or write over the message that named it.
    #[test]
    fn what_stands_in_a_message_cannot_move_the_cursor() {
        let hint = Some("`a\u{202e}b`\r".to_owned());
        let error = Error::new(ErrorKind::Registry, "`\u{1b}[2Jx\0\u{7f}` is wrong:\n\té", hint);
        assert_eq!(error.message(), "`\\u{1b}[2Jx\\u{0}\\u{7f}` is wrong:\n\té");
        assert_eq!(error.hint(), Some("`a\\u{202e}b`\\u{d}"));
    }

    /// Found by damaged references: one of 64 KiB was quoted whole.
    #[test]
    fn a_line_without_end_is_shortened() {
        let error =
            Error::new(ErrorKind::Registry, format!("`{}` is wrong\nas is é", "é".repeat(70_000)), None);
        let lines: Vec<_> = error.message().lines().collect();
        assert_eq!(lines[0].chars().count(), LONGEST_LINE + 5);
        assert!(lines[0].ends_with("é` is wrong"), "{}", lines[0]);
        assert_eq!(lines[1], "as is é");
    }

    #[test]
    fn lines_without_end_are_counted() {
        let error = Error::new(ErrorKind::Registry, "a\n".repeat(1000), None);
        assert_eq!(error.message().lines().count(), MOST_LINES + 1);
        assert!(error.message().ends_with("\n[… and 901 more lines]"), "{}", error.message());
    }
}
