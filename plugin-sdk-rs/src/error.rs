//! Why a plugin did not do what it was asked.

use std::fmt;

use zenith_core::OperatorError;

/// A plugin's own error, as the interface has it. It spoils one sample, nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The configuration is wrong. Only `configure` answers this.
    Config {
        /// The key at fault, or empty for the configuration as a whole.
        key: String,
        /// A clause that goes on after the key: "must be between 0 and 1, but is 1.5".
        reason: String,
    },
    /// A tensor of this type is not taken; the text says which is.
    UnsupportedType(String),
    /// The sample's bytes are damaged; the text says where and how.
    InvalidData(String),
    /// The sample is sound, but of a form that is not handled.
    UnsupportedData(String),
    /// The sample is larger than the configuration allows.
    TooLarge(String),
    /// Saved state is not this plugin's, or of a version that it does not read.
    InvalidState(String),
}

impl Error {
    /// The error for a wrong value of a configuration key.
    pub fn config(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Config { key: key.into(), reason: reason.into() }
    }
}

impl From<Error> for OperatorError {
    fn from(error: Error) -> Self {
        match error {
            Error::Config { key, reason } => Self::Config { key, reason },
            Error::UnsupportedType(text) => Self::UnsupportedType(text),
            Error::InvalidData(text) => Self::InvalidData(text),
            Error::UnsupportedData(text) => Self::UnsupportedData(text),
            Error::TooLarge(text) => Self::TooLarge(text),
            Error::InvalidState(text) => Self::InvalidState(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OperatorError::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for Error {}
