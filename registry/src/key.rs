//! Keys: whose signature it is. They are minisign's, so that `minisign` and `rsign` read them.
//!
//! Where a user's keys lie is in [`folder`]; what is signed, in the module `signature`.

mod folder;
mod secret;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

pub use folder::{KeyError, KeyFile, KeyFolder};
pub use secret::{Password, SecretKey};

/// The number by which minisign tells keys apart. It is no proof: anyone can make a key of any number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    pub(crate) fn of(number: &[u8]) -> Self {
        let mut id = [0; 8];
        for (byte, given) in id.iter_mut().zip(number) {
            *byte = *given;
        }
        Self(id)
    }
}

impl fmt::Display for KeyId {
    /// As minisign writes it: 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The key that others check a signature with, as 56 characters that begin with `RW`.
#[derive(Clone)]
pub struct PublicKey {
    pub(crate) inner: minisign::PublicKey,
    text: String,
}

/// The text is no public key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a public key: it is 56 characters that begin with `RW`")]
pub struct PublicKeyError(String);

impl PublicKey {
    pub(crate) fn new(inner: minisign::PublicKey) -> Self {
        Self { text: inner.to_base64(), inner }
    }

    /// The number by which minisign tells it apart.
    pub fn id(&self) -> KeyId {
        KeyId::of(self.inner.keynum())
    }

    /// Its 56 characters.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads the content of a `.pub` file: a comment line and the key, or the key alone.
    pub fn from_file_text(text: &str) -> Result<Self, PublicKeyError> {
        let mut lines = text.lines().map(str::trim);
        let key = lines.rfind(|line| !line.is_empty() && !line.starts_with("untrusted comment:"));
        key.unwrap_or_default().parse()
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let text = text.trim();
        // An `Ed` in front, as base64: minisign has no other algorithm.
        let wrong = || PublicKeyError(text.chars().take(80).collect());
        if !text.starts_with("RW") {
            return Err(wrong());
        }
        minisign::PublicKey::from_base64(text).map(Self::new).map_err(|_| wrong())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PublicKey {}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
