//! The folder in which a user's keys lie: `NAME.key`, which only the user reads, and `NAME.pub`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use thiserror::Error;
use zenith_core::PackageName;

use super::{
    Password, PublicKey, PublicKeyError, SecretKey,
    secret::{is_protected, new_files},
};
use crate::{
    files::{self, FileError, Placed, Readers},
    folders,
};

/// A key file has a few hundred bytes.
const MOST: u64 = 4096;

/// The user's keys.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    path: PathBuf,
}

/// One key of the folder.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// What its user calls it.
    pub name: String,
    /// The key that others check with.
    pub public: PublicKey,
    /// Whether the secret half is protected by a password; `None` where that half is not there.
    pub protected: Option<bool>,
    /// The file of the public half.
    pub path: PathBuf,
}

/// Why a key could not be made, found or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The name is none.
    #[error("`{0}` is not a name for a key: write it in kebab case (`a` to `z`, `0` to `9`, single `-`)")]
    Name(String),
    /// There is one of that name.
    #[error("there is a key `{name}` already: `{}`", path.display())]
    Exists {
        /// The name.
        name: String,
        /// Its file.
        path: PathBuf,
    },
    /// There is none of that name.
    #[error("there is no key `{name}` in `{}`", folder.display())]
    Missing {
        /// The name.
        name: String,
        /// The folder.
        folder: PathBuf,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The file holds no secret key, or its password is another.
    #[error("`{}` cannot be used to sign: {reason}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file holds no public key.
    #[error("`{}` holds no public key: {cause}", path.display())]
    Public {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: PublicKeyError,
    },
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Make(String),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

impl KeyError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => Some("give the new one another name".to_owned()),
            Self::Missing { known, .. } if known.is_empty() => {
                Some("make one with: zenith key new".to_owned())
            }
            Self::Missing { known, .. } => Some(format!("there are: {}", known.join(", "))),
            Self::Secret { reason, .. } if reason.contains("password") => None,
            Self::Secret { path, .. } => Some(format!(
                "a key file is what `zenith key new` or `minisign -G` wrote, a comment line and a line of \
                 base64; restore `{}` from a copy",
                path.display()
            )),
            Self::Public { .. } => Some("a public key is the file `NAME.pub`, or its last line".to_owned()),
            Self::File(error) => error.hint(),
            Self::Name(_) | Self::Make(_) => None,
        }
    }
}

impl KeyFolder {
    /// The keys in a folder; it need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The user's: `zenith/keys` in the configuration folder, where one is known.
    pub fn of_user() -> Option<Self> {
        folders::user_config().map(|folder| Self::new(folder.join("keys")))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a new key. A name that is taken is refused, and no key is ever overwritten.
    pub fn make(&self, name: &str, password: &Password) -> Result<KeyFile, KeyError> {
        check_name(name)?;
        let (path, public_path) = (self.secret_path(name), self.public_path(name));
        // Before a password is asked for.
        if let Some(path) = [&path, &public_path].into_iter().find(|path| path.exists()) {
            return Err(KeyError::Exists { name: name.to_owned(), path: path.clone() });
        }
        let (secret, public) = new_files(password, name).map_err(KeyError::Make)?;
        match files::create(&path, secret.as_bytes(), Readers::Owner)? {
            Placed::New => {}
            Placed::Existed => return Err(KeyError::Exists { name: name.to_owned(), path }),
        }
        let placed = files::create(&public_path, public.as_bytes(), Readers::Everyone);
        if !matches!(placed, Ok(Placed::New)) {
            // Half a key is none.
            files::remove(&path)?;
        }
        match placed? {
            Placed::New => self.get(name),
            Placed::Existed => Err(KeyError::Exists { name: name.to_owned(), path: public_path }),
        }
    }

    /// The keys, by name.
    pub fn list(&self) -> Result<Vec<KeyFile>, KeyError> {
        self.names()?.iter().map(|name| self.get(name)).collect()
    }

    /// One key by its name.
    pub fn get(&self, name: &str) -> Result<KeyFile, KeyError> {
        check_name(name)?;
        let path = self.public_path(name);
        let Some(text) = files::read_short(&path, MOST)? else { return Err(self.missing(name)?) };
        let public = PublicKey::from_file_text(&text)
            .map_err(|cause| KeyError::Public { path: path.clone(), cause })?;
        let secret = files::read_short(&self.secret_path(name), MOST)?;
        let protected = secret.as_deref().map(is_protected);
        Ok(KeyFile { name: name.to_owned(), public, protected, path })
    }

    /// The key that signs, by its name.
    pub fn secret(&self, name: &str, password: &Password) -> Result<SecretKey, KeyError> {
        check_name(name)?;
        let path = self.secret_path(name);
        let Some(text) = files::read_short(&path, MOST)? else { return Err(self.missing(name)?) };
        SecretKey::from_file_text(&text, password).map_err(|reason| KeyError::Secret { path, reason })
    }

    fn secret_path(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.key"))
    }

    fn public_path(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.pub"))
    }

    fn names(&self) -> Result<Vec<String>, FileError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(cause) if files::absent(&cause) => return Ok(Vec::new()),
            Err(cause) => return Err(FileError::at("list", &self.path)(cause)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(FileError::at("list", &self.path))?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".pub"));
            names.extend(name.filter(|name| check_name(name).is_ok()).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    fn missing(&self, name: &str) -> Result<KeyError, FileError> {
        Ok(KeyError::Missing { name: name.to_owned(), folder: self.path.clone(), known: self.names()? })
    }
}

impl PublicKey {
    /// Reads a `.pub` file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = required(path)?;
        Self::from_file_text(&text).map_err(|cause| KeyError::Public { path: path.to_owned(), cause })
    }
}

impl SecretKey {
    /// Reads a key file.
    pub fn read(path: &Path, password: &Password) -> Result<Self, KeyError> {
        let text = required(path)?;
        Self::from_file_text(&text, password)
            .map_err(|reason| KeyError::Secret { path: path.to_owned(), reason })
    }
}

fn required(path: &Path) -> Result<String, FileError> {
    files::read_short(path, MOST)?
        .ok_or_else(|| FileError::at("read", path)(std::io::ErrorKind::NotFound.into()))
}

/// A name is a label as packages have it, which is also a safe file name.
fn check_name(name: &str) -> Result<(), KeyError> {
    match format!("key:{name}").parse::<PackageName>() {
        Ok(_) => Ok(()),
        Err(_) => Err(KeyError::Name(name.to_owned())),
    }
}
