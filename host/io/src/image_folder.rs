//! A folder of class folders, as torchvision's `ImageFolder` reads it: the same files in the same
//! order with the same labels.

use std::{
    ffi::CString,
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use smallvec::smallvec;
use zenith_core::{Bytes, FieldKind, FieldSpec, Reader, ReaderOptions, Sample, Source, SourceError, Value};

use crate::{
    engine::{Buffers, EngineChoice, EngineKind, Engines, Location, ReadError},
    names::{Fingerprint, Names, as_path},
    reader::{Catalogue, OrderedReader},
    walk::{class_files, class_folders},
};

/// The endings that torchvision takes for images, in its order; upper and lower case are alike.
pub const IMAGE_EXTENSIONS: [&str; 9] =
    [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"];

/// How to open an [`ImageFolder`].
#[derive(Clone, Debug)]
pub struct ImageFolderOptions {
    /// The endings of file names to take, compared without regard to ASCII case.
    pub extensions: Vec<String>,
    /// Whether a class folder may be without any image.
    pub allow_empty: bool,
    /// How to read.
    pub engine: EngineChoice,
}

impl Default for ImageFolderOptions {
    fn default() -> Self {
        Self {
            extensions: IMAGE_EXTENSIONS.map(str::to_owned).to_vec(),
            allow_empty: false,
            engine: EngineChoice::Auto,
        }
    }
}

/// Images in class folders. The class folders, sorted by name, are the labels from 0.
///
/// Fields: `image`, the bytes of the file, and `label`, the class. The list of files is that of the
/// moment of opening; a file that is gone when it is read spoils its sample only.
pub struct ImageFolder {
    index: Arc<Index>,
    fields: [FieldSpec; 2],
    engines: Engines,
}

struct Index {
    root: PathBuf,
    /// The last part of the root's name, in front of every key.
    name: String,
    folder: Arc<OwnedFd>,
    /// The paths of all files from the root.
    files: Names,
    classes: Vec<String>,
    /// For each class, the index behind its last file.
    ends: Vec<u64>,
    fingerprint: u64,
}

impl ImageFolder {
    /// Opens the folder and lists its files.
    ///
    /// # Errors
    ///
    /// Where a folder is missing or unreadable, there is no class folder, or, unless `allow_empty`, a
    /// class folder has no file with one of the extensions.
    pub fn open(path: impl AsRef<Path>, options: &ImageFolderOptions) -> Result<Self, SourceError> {
        let root = path.as_ref();
        let refused =
            |action| move |cause| SourceError::Io { action, path: root.to_owned(), cause: Arc::new(cause) };
        let engines = Engines::new(options.engine)?;
        let class_names = class_folders(root)?;
        if class_names.is_empty() {
            return Err(SourceError::Content {
                path: root.to_owned(),
                reason: "has no class folder\nhint: an image folder holds one folder for each class, as in `train/cat` and `train/dog`"
                    .to_owned(),
            });
        }
        let folder: OwnedFd = fs::File::open(root).map_err(refused("open"))?.into();
        let absolute = fs::canonicalize(root).map_err(refused("open"))?;
        let wanted = |name: &[u8]| options.extensions.iter().any(|ending| has_ending(name, ending));

        let mut files = Names::default();
        let mut ends = Vec::with_capacity(class_names.len());
        let mut empty = Vec::new();
        let mut fingerprint = Fingerprint::new();
        for class in &class_names {
            let before = files.len();
            for folder in class_files(root, class, &wanted)? {
                for file in &folder.files {
                    let parts = [&folder.path[..], b"/", &file[..]];
                    for part in parts {
                        fingerprint.bytes(part);
                    }
                    fingerprint.bytes(b"\0");
                    files.push(&parts);
                }
            }
            if files.len() == before {
                empty.push(format!("`{}`", lossy(class)));
            }
            fingerprint.number(files.len() as u64);
            ends.push(files.len() as u64);
        }
        if !empty.is_empty() && !options.allow_empty {
            return Err(SourceError::Content {
                path: root.to_owned(),
                reason: format!(
                    "has no image for the classes {} (extensions: {})\nhint: remove the empty folders, or allow them with `allow_empty`",
                    empty.join(", "),
                    options.extensions.join(", "),
                ),
            });
        }
        files.finish();
        let index = Index {
            name: absolute.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            root: root.to_owned(),
            folder: Arc::new(folder),
            files,
            classes: class_names.iter().map(|class| lossy(class)).collect(),
            ends,
            fingerprint: fingerprint.finish(),
        };
        Ok(Self {
            index: Arc::new(index),
            fields: [
                FieldSpec { name: "image".to_owned(), kind: FieldKind::Bytes },
                FieldSpec { name: "label".to_owned(), kind: FieldKind::Int },
            ],
            engines,
        })
    }

    /// The names of the classes; a class's position is its label.
    pub fn classes(&self) -> &[String] {
        &self.index.classes
    }

    /// The label of a class.
    pub fn class_to_idx(&self, class: &str) -> Option<usize> {
        self.index.classes.iter().position(|name| name == class)
    }

    /// The path of a sample's file, as opened from the path that the folder was opened by.
    pub fn path(&self, index: u64) -> Option<PathBuf> {
        self.index.file(index).map(|file| self.index.root.join(as_path(file)))
    }

    /// The label of a sample.
    pub fn label(&self, index: u64) -> Option<usize> {
        (index < self.len()).then(|| self.index.label(index))
    }

    /// How samples are read.
    pub fn engine(&self) -> EngineKind {
        self.engines.kind
    }
}

impl Index {
    fn file(&self, index: u64) -> Option<&[u8]> {
        self.files.get(usize::try_from(index).ok()?)
    }

    fn label(&self, index: u64) -> usize {
        self.ends.partition_point(|end| *end <= index)
    }
}

impl Catalogue for Index {
    fn locate(&self, index: u64) -> Result<Location, SourceError> {
        let file = self.file(index).ok_or_else(|| no_sample(index, self.files.len() as u64))?;
        let path = CString::new(file).map_err(|_| SourceError::Content {
            path: self.root.join(as_path(file)),
            reason: "has a zero byte in its name".to_owned(),
        })?;
        Ok(Location::File { folder: Arc::clone(&self.folder), path })
    }

    fn blame(&self, index: u64, error: ReadError) -> SourceError {
        error.about(self.root.join(as_path(self.file(index).unwrap_or_default())))
    }

    fn sample(&self, index: u64, bytes: Bytes) -> Sample {
        let label = i64::try_from(self.label(index)).unwrap_or(i64::MAX);
        Sample { values: smallvec![Value::Bytes(bytes), Value::Int(label)] }
    }
}

impl Source for ImageFolder {
    fn len(&self) -> u64 {
        self.index.files.len() as u64
    }

    fn fields(&self) -> &[FieldSpec] {
        &self.fields
    }

    fn key(&self, index: u64) -> String {
        match self.index.file(index) {
            Some(file) if self.index.name.is_empty() => lossy(file),
            Some(file) => format!("{}/{}", self.index.name, lossy(file)),
            None => format!("sample {index}"),
        }
    }

    fn describe(&self) -> String {
        let Index { root, files, classes, .. } = &*self.index;
        format!(
            "image folder {}: {}, {}, read with {}",
            root.display(),
            count(files.len(), "sample", "samples"),
            count(classes.len(), "class", "classes"),
            self.engines.kind,
        )
    }

    fn fingerprint(&self) -> u64 {
        self.index.fingerprint
    }

    fn reader(&self, options: &ReaderOptions) -> Result<Box<dyn Reader>, SourceError> {
        let engine = self.engines.engine(Buffers::new(options))?;
        Ok(Box::new(OrderedReader::new(Arc::clone(&self.index), engine)))
    }
}

impl std::fmt::Debug for ImageFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImageFolder({})", self.describe())
    }
}

/// Whether `name` ends in `ending`, as `name.lower().endswith(ending)` does in Python: no ending that
/// is ASCII can come from lowering anything else.
fn has_ending(name: &[u8], ending: &str) -> bool {
    name.len()
        .checked_sub(ending.len())
        .and_then(|begin| name.get(begin..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ending.as_bytes()))
}

/// The error for an index that is no sample's.
pub(crate) fn no_sample(index: u64, samples: u64) -> SourceError {
    SourceError::Option(format!("there is no sample {index}: the source has {samples}"))
}

pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

pub(crate) fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
