//! What a signature beside a package says, and whether it is true. Whose signature is asked for is
//! decided in the module `trust`.
//!
//! A signature is a file in minisign's format, `<version>.wasm.minisig`. Its trusted comment, which is
//! signed too, is a [`Statement`]: it names the package, its version and its digest. So a signature
//! that is put beside another package, or another version, does not hold there. The digest is what a
//! package is known by anyway, so that a loaded package is checked by one short ed25519 verification,
//! however large it is; [`Signature::verify`] checks the whole file besides, as `minisign -V` does.

use std::{fmt, io::Cursor, str::FromStr};

use ct_codecs::{Base64, Decoder};
use minisign::{SignatureBones, SignatureBox};
use semver::Version;
use thiserror::Error;
use zenith_core::{Digest, PackageName};

use crate::key::{KeyId, PublicKey, SecretKey};

/// What is added to a package's file name for the name of its signature.
pub(crate) const SUFFIX: &str = ".minisig";

/// A signature has a few hundred bytes, and a trusted comment as long as its author likes.
pub(crate) const MOST: u64 = 8192;

/// What a signer states: these bytes are this version of this package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The package.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// The digest of its bytes.
    pub digest: Digest,
}

impl fmt::Display for Statement {
    /// As it stands in a trusted comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "package:{}@{}\tdigest:{}", self.name, self.version, self.digest)
    }
}

impl FromStr for Statement {
    type Err = Malformed;

    /// Reads a trusted comment. Fields that other tools add, such as `timestamp:`, are left alone.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let package = field(text, "package:")?;
        let (name, version) = package.split_once('@').ok_or(Malformed::Statement)?;
        Ok(Self {
            name: name.parse().map_err(|_| Malformed::Statement)?,
            version: Version::parse(version).map_err(|_| Malformed::Statement)?,
            digest: field(text, "digest:")?.parse().map_err(|_| Malformed::Statement)?,
        })
    }
}

/// The one word that begins so.
fn field<'a>(text: &'a str, begin: &str) -> Result<&'a str, Malformed> {
    let mut found = text.split_whitespace().filter_map(|word| word.strip_prefix(begin));
    match (found.next(), found.next()) {
        (Some(word), None) => Ok(word),
        _ => Err(Malformed::Statement),
    }
}

/// Why a text is no signature of a package.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It ends too early.
    #[error("it ends after line {0} of 4")]
    Short(usize),
    /// One of its lines is none of a signature.
    #[error("line {line} is not {what}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What it should be.
        what: &'static str,
    },
    /// Its trusted comment does not say what is signed.
    #[error("its trusted comment does not say `package:NAME@VERSION` and `digest:sha256:…`, once each")]
    Statement,
}

/// Why a signature does not hold for a package.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is for another package or version.
    #[error("it is for `{signed}`")]
    Other {
        /// What it is for.
        signed: String,
    },
    /// It is for other bytes.
    #[error("it is for other bytes: it signs {signed}, and these are {found}")]
    Bytes {
        /// The digest that it states.
        signed: Digest,
        /// The digest of what is there.
        found: Digest,
    },
    /// It was not made by the key whose number it carries.
    #[error("it was not made by the key {0}, whose number it carries")]
    Forged(KeyId),
    /// It was made by another key than the one it is checked with.
    #[error("it was made by the key {0}")]
    Key(KeyId),
}

/// A signature, read but not yet believed.
#[derive(Clone)]
pub struct Signature {
    text: String,
    parsed: SignatureBox,
    statement: Statement,
    /// The signature of the first signature and the trusted comment.
    over_statement: Vec<u8>,
    /// The key that the untrusted comment names, where it is one of the right number.
    named: Option<PublicKey>,
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} by {})", self.statement, self.key())
    }
}

/// Before the key in an untrusted comment. The key makes a signature checkable against damage by one
/// who does not know it yet; it is no reason to trust it.
const NAMES_KEY: &str = "signed with the zenith key ";

impl Signature {
    /// Signs a package.
    pub fn make(statement: &Statement, bytes: &[u8], key: &SecretKey) -> Result<Self, String> {
        let comment = statement.to_string();
        let named = format!("{NAMES_KEY}{}", key.public());
        let signed = minisign::sign(
            Some(&key.public().inner),
            &key.inner,
            Cursor::new(bytes),
            Some(&comment),
            Some(&named),
        );
        let text = signed.map_err(|error| error.to_string())?.into_string();
        text.parse().map_err(|error: Malformed| error.to_string())
    }

    /// What it states.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The number of the key that made it, as it says.
    pub fn key(&self) -> KeyId {
        KeyId::of(self.parsed.keynum())
    }

    /// The key that made it, where it says that whole. Anyone can write it there.
    pub fn named_key(&self) -> Option<&PublicKey> {
        self.named.as_ref()
    }

    /// The file's content.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Makes sure that it is about these bytes under this name. Who made it is not looked at.
    pub fn fits(&self, name: &PackageName, version: &str, digest: Digest) -> Result<(), Mismatch> {
        let Statement { name: signed, version: signed_version, digest: signed_digest } = &self.statement;
        if signed != name || signed_version.to_string() != version {
            return Err(Mismatch::Other { signed: format!("{signed}@{signed_version}") });
        }
        if *signed_digest != digest {
            return Err(Mismatch::Bytes { signed: *signed_digest, found: digest });
        }
        Ok(())
    }

    /// Makes sure that a key made the statement. This takes the same short time for any package.
    pub fn made_by(&self, key: &PublicKey) -> Result<(), Mismatch> {
        if self.key() != key.id() {
            return Err(Mismatch::Key(self.key()));
        }
        // The second signature of a minisign file is plain ed25519, of the first one and the comment.
        // The crate checks such a signature when it is told that it is one of its old format.
        let first = SignatureBones::from(self.parsed.clone()).to_bytes();
        let forged = || Mismatch::Forged(self.key());
        let comment = self.parsed.trusted_comment().map_err(|_| forged())?;
        let mut bones = Vec::with_capacity(SIGNATURE);
        bones.extend_from_slice(b"Ed");
        bones.extend_from_slice(&first[2..10]);
        bones.extend_from_slice(&self.over_statement);
        let bones = SignatureBones::from_bytes(&bones).map_err(|_| forged())?;
        let signed = [&first[10..], comment.as_bytes()].concat();
        minisign::verify(&key.inner, &bones.into(), Cursor::new(signed), true, false, true)
            .map_err(|_| forged())
    }

    /// Makes sure that a key signed these bytes and the statement. This reads all of the bytes.
    pub fn verify(&self, key: &PublicKey, bytes: &[u8]) -> Result<(), Mismatch> {
        self.made_by(key)?;
        minisign::verify(&key.inner, &self.parsed, Cursor::new(bytes), true, false, true)
            .map_err(|_| Mismatch::Forged(self.key()))
    }
}

/// Bytes of the first signature: algorithm, key number, ed25519.
const SIGNATURE: usize = 2 + 8 + 64;

impl FromStr for Signature {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let lines: Vec<_> = text.lines().take(4).collect();
        let &[comment, signature, trusted, over_statement] = lines.as_slice() else {
            return Err(Malformed::Short(lines.len()));
        };
        let line = |line, what| Malformed::Line { line, what };
        // The lengths before anything else: the crate takes them for granted.
        decoded(signature, SIGNATURE).ok_or(line(2, "a signature in base64"))?;
        let over_statement = decoded(over_statement, 64).ok_or(line(4, "a signature in base64"))?;
        if !comment.starts_with("untrusted comment: ") {
            return Err(line(1, "an untrusted comment"));
        }
        if !trusted.starts_with("trusted comment: ") {
            return Err(line(3, "a trusted comment"));
        }
        let parsed = SignatureBox::from_string(text).map_err(|_| line(2, "a signature of minisign's"))?;
        let statement = parsed.trusted_comment().map_err(|_| Malformed::Statement)?.parse()?;
        let named = comment.split_whitespace().next_back().and_then(|word| word.parse::<PublicKey>().ok());
        let named = named.filter(|key| key.inner.keynum() == parsed.keynum());
        Ok(Self { text: text.to_owned(), parsed, statement, over_statement, named })
    }
}

fn decoded(line: &str, bytes: usize) -> Option<Vec<u8>> {
    Base64::decode_to_vec(line.trim(), None).ok().filter(|decoded| decoded.len() == bytes)
}
