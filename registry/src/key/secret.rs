//! The half of a key that signs.

use std::fmt;

use ct_codecs::{Base64, Decoder};
use minisign::{KeyPair, PublicKey as Public, SecretKeyBox};

use super::PublicKey;

/// What protects a key on disk.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// Nothing but the file's mode.
    None,
    /// A password, asked for at the terminal.
    Ask,
    /// This password.
    Given(String),
}

impl fmt::Debug for Password {
    /// Never the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Ask => "Ask",
            Self::Given(_) => "Given(…)",
        })
    }
}

/// A key that signs. Nothing prints it.
#[derive(Clone)]
pub struct SecretKey {
    pub(crate) inner: minisign::SecretKey,
    public: PublicKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public.id())
    }
}

impl SecretKey {
    /// A new key, unprotected, in memory.
    pub fn generate() -> Result<Self, String> {
        let KeyPair { pk, sk } =
            KeyPair::generate_unencrypted_keypair().map_err(|error| error.to_string())?;
        Ok(Self { inner: sk, public: PublicKey::new(pk) })
    }

    /// The key that others check its signatures with.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Reads the content of a key file. A password is used only where the file is protected by one.
    pub fn from_file_text(text: &str, password: &Password) -> Result<Self, String> {
        let content = SecretKeyBox::from(text.to_owned());
        let inner = if is_protected(text) {
            let password = match password {
                Password::Given(password) => Some(password.clone()),
                Password::None | Password::Ask => None,
            };
            content.into_secret_key(password)
        } else {
            content.into_unencrypted_secret_key()
        };
        let inner = match inner {
            Ok(inner) => inner,
            Err(error) => without_checksum(text).ok_or_else(|| error.to_string())?,
        };
        let public = Public::from_secret_key(&inner).map_err(|error| error.to_string())?;
        Ok(Self { inner, public: PublicKey::new(public) })
    }
}

/// A new pair as the texts of its two files: the secret one, then the public one.
pub(super) fn new_files(password: &Password, name: &str) -> Result<(String, String), String> {
    let pair = match password {
        Password::None => KeyPair::generate_unencrypted_keypair(),
        Password::Ask => KeyPair::generate_encrypted_keypair(None),
        Password::Given(password) => KeyPair::generate_encrypted_keypair(Some(password.clone())),
    };
    let KeyPair { pk, sk } = pair.map_err(|error| error.to_string())?;
    let comment = format!("zenith secret key {name}");
    let secret = sk.to_box(Some(&comment)).map_err(|error| error.to_string())?;
    let public = pk.to_box().map_err(|error| error.to_string())?;
    Ok((secret.to_string(), public.to_string()))
}

/// The unprotected key of a file whose checksum is left out, as `minisign -G -W` leaves it. One whose
/// halves do not belong together is found out when it signs.
fn without_checksum(text: &str) -> Option<minisign::SecretKey> {
    const LENGTH: usize = 158;
    let bytes = Base64::decode_to_vec(text.lines().nth(1)?.trim(), None).ok()?;
    let (key, checksum) = bytes.split_at_checked(LENGTH - 32)?;
    let bare = bytes.len() == LENGTH && key.starts_with(b"Ed\0\0") && checksum.iter().all(|byte| *byte == 0);
    bare.then(|| minisign::SecretKey::from_bytes(&bytes).ok())?
}

/// Whether a secret key's text is protected by a password. Its first four bytes are the algorithms of
/// signing and of the password, `Ed` and `Sc`; here they are in base64.
pub(super) fn is_protected(text: &str) -> bool {
    text.lines().nth(1).is_some_and(|line| line.trim_start().starts_with("RWRTY"))
}
