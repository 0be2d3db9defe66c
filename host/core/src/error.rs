//! Why an operator did not do what it was asked. Who it was, and on which sample, is added above.

use std::time::Duration;

use thiserror::Error;

use crate::output::OutputError;

/// The failure of one operator. An error of the first group is the plugin's own answer and spoils
/// one sample; of the second, the host had to stop the plugin, whose instance is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// The configuration is wrong.
    #[error("{}{reason}", if key.is_empty() { "its configuration ".to_owned() } else { format!("`{key}` ") })]
    Config {
        /// The key at fault, or empty for the configuration as a whole.
        key: String,
        /// A clause such as "must be between 0 and 1, but is 1.5".
        reason: String,
    },
    /// A tensor of this type is not taken.
    #[error("{0}")]
    UnsupportedType(String),
    /// The sample's bytes are damaged.
    #[error("{0}")]
    InvalidData(String),
    /// The sample is sound, but of a form that is not handled.
    #[error("{0}")]
    UnsupportedData(String),
    /// The sample is larger than a limit.
    #[error("{0}")]
    TooLarge(String),
    /// The memory limit leaves no room for a tensor at present, which is no fault of the sample.
    #[error("the memory limit leaves no room for {wanted} bytes")]
    NoRoom {
        /// Bytes that the tensor takes.
        wanted: usize,
    },
    /// Saved state is not this operator's.
    #[error("{0}")]
    InvalidState(String),

    /// The plugin trapped.
    #[error("the plugin trapped: {reason}{}", indented(backtrace))]
    Trap {
        /// What kind of trap, as the engine names it.
        reason: String,
        /// The guest's stack, innermost frame first and a line for each, with names where the component
        /// has them. The host keeps it short.
        backtrace: String,
    },
    /// The plugin ran longer than its time limit.
    #[error("the plugin ran longer than its time limit of {limit:?}")]
    TimeLimit {
        /// The limit.
        limit: Duration,
    },
    /// The plugin asked for more memory than its limit.
    #[error("the plugin asked for more memory than its limit of {limit} bytes")]
    MemoryLimit {
        /// The limit in bytes.
        limit: usize,
    },
    /// The plugin's output is not what it planned.
    #[error("the plugin's answer is wrong: {0}")]
    Output(#[from] OutputError),
    /// The plugin answered something that makes no sense, such as a window outside the image.
    #[error("the plugin's answer is wrong: {0}")]
    Answer(String),
    /// The plugin has as many instances as it may have.
    #[error("the plugin has {limit} instances already, as many as its limit allows")]
    InstanceLimit {
        /// The limit.
        limit: usize,
    },
    /// The plugin could not be started at all.
    #[error("the plugin could not be started: {0}")]
    Start(String),
}

impl OperatorError {
    /// Whether the host had to stop the plugin, rather than the plugin declining the sample.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Trap { .. }
                | Self::TimeLimit { .. }
                | Self::MemoryLimit { .. }
                | Self::InstanceLimit { .. }
                | Self::Output(_)
                | Self::Answer(_)
                | Self::Start(_)
        )
    }

    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TimeLimit { .. } => Some("raise the operator's `limits.time`, if the plugin is only slow"),
            Self::MemoryLimit { .. } => Some("raise the operator's `limits.memory`, if the sample is large"),
            Self::InstanceLimit { .. } => {
                Some("each worker has its own: lower `num_workers`, or raise the plugin's `limits.instances`")
            }
            Self::Trap { .. } | Self::Output(_) | Self::Answer(_) => {
                Some("this is a fault of the plugin: report it to its author, with the sample")
            }
            _ => None,
        }
    }
}

fn indented(lines: &str) -> String {
    lines.lines().fold(String::new(), |text, line| text + "\n  " + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trap_shows_the_plugins_stack() {
        let error = OperatorError::Trap {
            reason: "it aborted".into(),
            backtrace: "0: sepia::tint\n1: sepia::apply\n".into(),
        };
        assert_eq!(error.to_string(), "the plugin trapped: it aborted\n  0: sepia::tint\n  1: sepia::apply");
    }

    #[test]
    fn a_configuration_error_names_its_key() {
        let error =
            OperatorError::Config { key: "p".into(), reason: "must be between 0 and 1, but is 1.5".into() };
        assert_eq!(error.to_string(), "`p` must be between 0 and 1, but is 1.5");
        let error = OperatorError::Config { key: String::new(), reason: "is not a JSON object".into() };
        assert_eq!(error.to_string(), "its configuration is not a JSON object");
    }
}
