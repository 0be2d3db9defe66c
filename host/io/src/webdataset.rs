//! Samples in tar shards, as WebDataset writes them: members that share a name up to the first dot of
//! its last part, one after the other, are one sample, and what follows the dot names the field.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use smallvec::{SmallVec, smallvec};
use zenith_core::{Bytes, FieldKind, FieldSpec, Reader, ReaderOptions, Sample, Source, SourceError, Value};

use crate::{
    braces::expand,
    engine::{Buffers, EngineChoice, EngineKind, Engines, Location, ReadError},
    grouping::{Fields, Found, Grouping},
    image_folder::{count, lossy, no_sample},
    names::{Fingerprint, Names},
    reader::{Catalogue, OrderedReader},
    tar_index::{Stop, Window, walk},
};

/// Shards that are kept open at once.
const OPEN_SHARDS: usize = 128;

/// How to open a [`WebDataset`].
#[derive(Clone, Debug)]
pub struct WebDatasetOptions {
    /// The endings of the member that is the image, in order of preference, with `;` between them.
    pub image: String,
    /// The same for the label, a whole number in ASCII digits; without it, samples have no label.
    pub label: Option<String>,
    /// How to read.
    pub engine: EngineChoice,
}

impl Default for WebDatasetOptions {
    fn default() -> Self {
        Self { image: "jpg;jpeg;png".to_owned(), label: Some("cls".to_owned()), engine: EngineChoice::Auto }
    }
}

/// Images, and labels if wanted, in tar shards.
///
/// Fields: `image`, the bytes of the member, and `label`. The index is made at opening, from the
/// shards' headers alone. A shard that is cut short or damaged has one sample more, which fails and
/// says where; the samples before it are sound. The same holds for a sample without an image or label.
pub struct WebDataset {
    index: Arc<Index>,
    fields: Vec<FieldSpec>,
    engines: Engines,
}

struct Index {
    pattern: String,
    shards: Vec<Shard>,
    open: Mutex<OpenShards>,
    keys: Names,
    places: Vec<Place>,
    labels: Option<Vec<i64>>,
    /// The samples that cannot be read, and why.
    broken: BTreeMap<u64, SourceError>,
    fingerprint: u64,
}

struct Shard {
    /// As the user wrote it.
    path: PathBuf,
    /// The same from the root folder, whatever becomes the working folder later.
    absolute: PathBuf,
    /// The index behind its last sample.
    end: u64,
}

#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    length: u64,
}

#[derive(Default)]
struct OpenShards {
    files: HashMap<usize, Arc<OwnedFd>>,
    order: VecDeque<usize>,
}

impl WebDataset {
    /// Opens the shards that `pattern` stands for (`shards/{000..009}.tar`, and `::` between several
    /// patterns) and finds their samples.
    ///
    /// # Errors
    ///
    /// Where the pattern is wrong, a shard is missing, unreadable or no tar archive, or there is not
    /// one sound sample.
    pub fn open(pattern: &str, options: &WebDatasetOptions) -> Result<Self, SourceError> {
        let engines = Engines::new(options.engine)?;
        let fields = Fields::new(&options.image, options.label.as_deref())?;
        let mut index = Index {
            pattern: pattern.to_owned(),
            shards: Vec::new(),
            open: Mutex::default(),
            keys: Names::default(),
            places: Vec::new(),
            labels: options.label.as_ref().map(|_| Vec::new()),
            broken: BTreeMap::new(),
            fingerprint: 0,
        };
        let mut fingerprint = Fingerprint::new();
        for pattern in pattern.split("::") {
            for path in expand(pattern)? {
                index.add_shard(PathBuf::from(path), &fields, &mut fingerprint)?;
            }
        }
        index.keys.finish();
        index.places.shrink_to_fit();
        index.fingerprint = fingerprint.finish();
        if index.broken.len() == index.places.len() {
            let nothing = || SourceError::Content {
                path: pattern.into(),
                reason: "has no sample\nhint: members are named `key.jpg` and `key.cls`".to_owned(),
            };
            return Err(index.broken.into_values().next().unwrap_or_else(nothing));
        }
        let mut specs = vec![FieldSpec { name: "image".to_owned(), kind: FieldKind::Bytes }];
        if options.label.is_some() {
            specs.push(FieldSpec { name: "label".to_owned(), kind: FieldKind::Int });
        }
        Ok(Self { index: Arc::new(index), fields: specs, engines })
    }

    /// The shards, in order.
    pub fn shards(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.index.shards.iter().map(|shard| shard.path.as_path())
    }

    /// How many samples are known to be unreadable.
    pub fn broken(&self) -> usize {
        self.index.broken.len()
    }

    /// How samples are read.
    pub fn engine(&self) -> EngineKind {
        self.engines.kind
    }
}

impl Index {
    fn add_shard(
        &mut self,
        path: PathBuf,
        fields: &Fields,
        fingerprint: &mut Fingerprint,
    ) -> Result<(), SourceError> {
        let refused =
            |cause: io::Error| SourceError::Io { action: "open", path: path.clone(), cause: Arc::new(cause) };
        let absolute = std::path::absolute(&path).map_err(refused)?;
        let file = open_shard(&absolute).map_err(refused)?;
        let metadata = fs::File::from(file.try_clone().map_err(refused)?).metadata().map_err(refused)?;
        if !metadata.is_file() {
            let reason = "is not a file\nhint: for a folder of images, use `read_images`".to_owned();
            return Err(SourceError::Content { path, reason });
        }
        // The headers are far apart: reading ahead of each would bring in the whole archive.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random);
        let mut window = Window::new(&file, metadata.len());
        let mut grouping = Grouping::new(fields);
        let mut samples = Vec::new();
        let walked = walk(&mut window, |window, member| {
            grouping.member(window, &member).map(|found| samples.extend(found))
        });
        match walked {
            Ok(()) => samples.extend(grouping.finish()),
            Err(Stop::System(cause)) => {
                return Err(SourceError::Io { action: "read", path, cause: Arc::new(cause) });
            }
            Err(Stop::Damage { offset: 0, reason, .. }) => {
                return Err(SourceError::Content { path, reason: no_tar(&mut window, reason) });
            }
            Err(Stop::Damage { member, offset, reason }) => {
                samples.extend(grouping.broken_off(member, offset, reason));
            }
        }
        fingerprint.bytes(path.as_os_str().as_encoded_bytes());
        fingerprint.number(metadata.len());
        for Found { key, image, label, problem } in samples {
            fingerprint.bytes(&key);
            fingerprint.number(image.map_or(u64::MAX, |image| image.0));
            if let Some(reason) = problem {
                let error = SourceError::Content { path: path.clone(), reason };
                self.broken.insert(self.places.len() as u64, error);
            }
            let (offset, length) = image.unwrap_or_default();
            self.keys.push(&[&key]);
            self.places.push(Place { offset, length });
            if let Some(labels) = &mut self.labels {
                fingerprint.number(label.cast_unsigned());
                labels.push(label);
            }
        }
        self.shards.push(Shard { path, absolute, end: self.places.len() as u64 });
        Ok(())
    }

    /// Which shard a sample is in.
    fn shard(&self, index: u64) -> usize {
        self.shards.partition_point(|shard| shard.end <= index)
    }

    /// An open shard. The lock is tried and never waited for: a forked child may find it held for
    /// ever, and opening a file once more is no harm.
    fn file(&self, number: usize, shard: &Shard) -> io::Result<Arc<OwnedFd>> {
        if let Ok(open) = self.open.try_lock()
            && let Some(file) = open.files.get(&number)
        {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(open_shard(&shard.absolute)?);
        if let Ok(mut open) = self.open.try_lock()
            && open.files.insert(number, Arc::clone(&file)).is_none()
        {
            open.order.push_back(number);
            if open.order.len() > OPEN_SHARDS
                && let Some(oldest) = open.order.pop_front()
            {
                open.files.remove(&oldest);
            }
        }
        Ok(file)
    }
}

fn open_shard(path: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let flags = crate::blocking::OPEN_FLAGS | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// The reason why a file is no archive, with a hint where its first bytes say what it is instead.
fn no_tar(window: &mut Window<&OwnedFd>, reason: String) -> String {
    let begins = window.at(0, 4).unwrap_or_default();
    let compression = match begins {
        [] => return "is empty".to_owned(),
        [0x1F, 0x8B, ..] => "gzip",
        [0x28, 0xB5, 0x2F, 0xFD] => "zstd",
        [b'B', b'Z', b'h', _] => "bzip2",
        _ => return reason,
    };
    format!(
        "is compressed with {compression}, and shards are read at random\nhint: decompress it; images are compressed already"
    )
}

impl Catalogue for Index {
    fn locate(&self, index: u64) -> Result<Location, SourceError> {
        let samples = self.places.len() as u64;
        if let Some(error) = self.broken.get(&index) {
            return Err(error.clone());
        }
        let place = usize::try_from(index).ok().and_then(|index| self.places.get(index));
        let place = *place.ok_or_else(|| no_sample(index, samples))?;
        let number = self.shard(index);
        let shard = self.shards.get(number).ok_or_else(|| no_sample(index, samples))?;
        let file = self.file(number, shard).map_err(|cause| SourceError::Io {
            action: "open",
            path: shard.path.clone(),
            cause: Arc::new(cause),
        })?;
        Ok(Location::Range { file, offset: place.offset, length: place.length })
    }

    fn blame(&self, index: u64, error: ReadError) -> SourceError {
        let path = self.shards.get(self.shard(index)).map(|shard| shard.path.clone()).unwrap_or_default();
        let place = usize::try_from(index).ok().and_then(|index| self.places.get(index));
        match (error, place) {
            (ReadError::Cut { read, wanted }, Some(place)) => SourceError::Content {
                path,
                reason: format!(
                    "is cut short: the image of its sample `{}` at offset {} has {wanted} bytes, of which {read} are there",
                    self.keys
                        .get(usize::try_from(index).unwrap_or(usize::MAX))
                        .map(lossy)
                        .unwrap_or_default(),
                    place.offset,
                ),
            },
            (error, _) => error.about(path),
        }
    }

    fn sample(&self, index: u64, bytes: Bytes) -> Sample {
        let mut values: SmallVec<[Value; 2]> = smallvec![Value::Bytes(bytes)];
        if let Some(labels) = &self.labels {
            let label = usize::try_from(index).ok().and_then(|index| labels.get(index));
            values.push(Value::Int(label.copied().unwrap_or_default()));
        }
        Sample { values }
    }
}

impl Source for WebDataset {
    fn len(&self) -> u64 {
        self.index.places.len() as u64
    }

    fn fields(&self) -> &[FieldSpec] {
        &self.fields
    }

    fn key(&self, index: u64) -> String {
        let key = usize::try_from(index).ok().and_then(|index| self.index.keys.get(index));
        match (key, self.index.shards.get(self.index.shard(index))) {
            (Some(key), Some(shard)) => {
                let shard = shard.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                format!("{shard}/{}", lossy(key))
            }
            _ => format!("sample {index}"),
        }
    }

    fn describe(&self) -> String {
        let Index { pattern, shards, places, broken, .. } = &*self.index;
        let broken = match broken.len() {
            0 => String::new(),
            number => format!(" ({number} unreadable)"),
        };
        format!(
            "webdataset {pattern}: {}{broken}, {}, read with {}",
            count(places.len(), "sample", "samples"),
            count(shards.len(), "shard", "shards"),
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

impl std::fmt::Debug for WebDataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebDataset({})", self.describe())
    }
}
