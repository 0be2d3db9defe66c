//! One function for each reader of untrusted bytes. It panics where the reader does, where an answer does
//! not hold together, and where an error is not fit to be read. Waits without end are for the caller to
//! notice.

use std::{fmt::Display, fs, sync::OnceLock, time::Duration};

use semver::Version;
use sha2::{Digest as _, Sha256};
use zenith::{Error, ErrorKind};
use zenith_core::{
    DType, Digest, Identity, Kind, Limits, Output, PackageName, ReaderOptions, Source, TensorType, TensorView,
};
use zenith_io::{EngineChoice, WebDataset, WebDatasetOptions};
use zenith_plugin::{CacheOption, Host, HostOptions};
use zenith_plugin_sdk::{DecodeRequest, Decoder, Window, parse_config, testing};
use zenith_registry::{Lock, PublicKey, Reference, Signature, package};
use zenith_registry_oci::{Place, artefact};

use crate::random::Random;

/// Longer messages are no help to anybody: lines of as many characters, and as many lines.
const LONGEST_MESSAGE: (usize, usize) = (1300, 110);

/// Checks that a person can read an error: some words, not too many, nothing that moves a cursor.
fn clear(error: &dyn Display) {
    // As every face shows it.
    let text = Error::new(ErrorKind::Registry, error.to_string(), None).to_string();
    assert!(!text.trim().is_empty(), "an error without a word");
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!(
        longest <= LONGEST_MESSAGE.0 && text.lines().count() <= LONGEST_MESSAGE.1,
        "an error of {} bytes: {text:.300}…",
        text.len()
    );
    let foul = text.chars().find(|mark| mark.is_control() && !matches!(mark, '\n' | '\t'));
    assert!(foul.is_none(), "an error with {foul:?} in it: {text:?}");
}

/// A component as the registry reads it: what it is, whether it is sound, its manifest taken out and put
/// in again.
pub fn component(data: &[u8]) {
    let encoded = package::encode(data);
    if let Err(error) = &encoded {
        clear(error);
    }
    if let Err(error) = package::validate(data) {
        clear(&error);
    }
    let info = match package::read(data) {
        Ok(info) => info,
        Err(error) => {
            clear(&error);
            error.hint().iter().for_each(|hint| clear(hint));
            return;
        }
    };
    assert_eq!(info.size, data.len());
    if let Some(manifest) = &info.manifest {
        let name = (manifest.name.clone(), manifest.version.clone());
        assert_eq!(info.naming(None).ok().as_ref(), Some(&name));
        match package::embed(data, manifest) {
            Ok(again) => {
                let again = package::read(&again).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(again.manifest.as_ref(), Some(manifest));
                assert_eq!((again.kind, again.imports), (info.kind, info.imports.clone()));
            }
            Err(error) => clear(&error),
        }
    }
    let (name, version) = info.naming(Some((sepia(), first()))).unwrap_or_else(|_| (sepia(), first()));
    let written = artefact::write(&name, &version, &info, data, Some("a signature"))
        .unwrap_or_else(|error| panic!("{error}"));
    let read = artefact::read(&written.manifest).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((read.layer, read.config), (info.digest, written.config_digest));
    artefact::check_config(&written.config, info.digest).unwrap_or_else(|error| panic!("{error}"));
}

fn sepia() -> PackageName {
    "acme:sepia".parse().unwrap_or_else(|error| panic!("{error}"))
}

fn first() -> Version {
    Version::new(1, 0, 0)
}

fn identity(data: &[u8]) -> Identity {
    Identity {
        name: sepia(),
        version: "1.0.0".to_owned(),
        digest: Digest::from_bytes(Sha256::digest(data).into()),
    }
}

/// A component as the host loads it: looked into, compiled, linked, and where it comes so far, run for a
/// moment within its limits.
pub fn load(data: &[u8]) {
    static HOST: OnceLock<Host> = OnceLock::new();
    let host = HOST.get_or_init(|| {
        Host::new(HostOptions { cache: CacheOption::Off }).unwrap_or_else(|error| panic!("{error}"))
    });
    let _ = zenith_plugin::manifest_of(data);
    let plugin = match host.load(identity(data), data) {
        Ok(plugin) => plugin,
        Err(error) => {
            clear(&error);
            error.hint().iter().for_each(|hint| clear(hint));
            return;
        }
    };
    let limits =
        Limits { memory: 64 << 20, time: Duration::from_millis(50), output: 1 << 20, ..Limits::default() };
    let input = [7_u8; 48];
    let pixels = TensorType::fixed(DType::Uint8, &[4, 4, 3]);
    let outcome = match plugin.kind() {
        Kind::Transform => plugin.transform("{}", &limits).and_then(|mut operator| {
            operator.plan(&pixels)?;
            let mut place = vec![0; 48];
            let Some(view) = TensorView::new(DType::Uint8, &[4, 4, 3], &input) else { return Ok(()) };
            operator.apply(view, 1, &mut Output::place(&mut place))
        }),
        Kind::Decoder => plugin.decoder("{}", &limits).and_then(|mut operator| {
            operator.formats()?;
            operator.plan()?;
            operator.open(&input).map(drop)
        }),
        _ => Ok(()),
    };
    if let Err(error) = outcome {
        clear(&error);
    }
}

/// `plugin.toml`, and the same as JSON inside a component.
pub fn manifest(data: &[u8]) {
    let _ = serde_json::from_slice::<package::Manifest>(data);
    let Ok(text) = str::from_utf8(data) else { return };
    match package::Manifest::from_toml(text) {
        Ok(manifest) => {
            let json = serde_json::to_string(&manifest).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(serde_json::from_str::<package::Manifest>(&json).ok().as_ref(), Some(&manifest));
        }
        Err(error) => clear(&error),
    }
}

/// `zenith.lock`.
pub fn lockfile(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Lock::parse(text, "zenith.lock".as_ref()) {
        Ok(lock) => {
            let again = Lock::parse(&lock.to_toml(), "zenith.lock".as_ref());
            assert_eq!(again.unwrap_or_else(|error| panic!("{error}: {}", lock.to_toml())), lock);
        }
        Err(error) => clear(&error),
    }
}

/// References, names, digests, and registries' places, as they stand on a command line.
pub fn reference(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match text.parse::<Reference>() {
        Ok(reference) => {
            let shown = reference.to_string();
            assert_eq!(shown.parse().as_ref(), Ok(&reference), "{shown}");
            for version in ["0.0.0", "1.2.3", "1.2.3-rc.1", "1.2.3+linux", "18446744073709551615.0.0"] {
                let version = version.parse().unwrap_or_else(|_| first());
                let _ = reference.admits(&version);
            }
        }
        Err(error) => {
            clear(&error);
            error.hint().iter().for_each(|hint| clear(hint));
        }
    }
    match text.parse::<Place>() {
        Ok(place) => {
            assert_eq!(place.to_string().parse().as_ref(), Ok(&place));
            assert!(!place.repository(&sepia()).contains(".."), "{place}");
        }
        Err(error) => {
            clear(&error);
            clear(&error.hint());
        }
    }
    match text.parse::<Digest>() {
        Ok(digest) => assert_eq!(digest.to_string().to_lowercase(), text.to_lowercase()),
        Err(error) => clear(&error),
    }
}

/// A signature in minisign's format, and a public key.
pub fn minisig(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Err(error) = text.trim().parse::<PublicKey>() {
        clear(&error);
    }
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".parse::<PublicKey>();
    let key = key.unwrap_or_else(|error| panic!("{error}"));
    match text.parse::<Signature>() {
        Ok(signature) => {
            let _ = signature.made_by(&key);
            let _ = signature.verify(&key, b"test");
        }
        Err(error) => clear(&error),
    }
}

/// A manifest and a configuration as an OCI registry sends them.
pub fn oci_manifest(data: &[u8]) {
    match artefact::read(data) {
        Ok(read) => assert!(read.signature.is_none_or(|text| text.len() <= 8192)),
        Err(error) => clear(&error),
    }
    if let Err(error) = artefact::check_config(data, package::digest(b"")) {
        clear(&error);
    }
}

/// A tar archive as a WebDataset's shard: its index, and the first samples.
pub fn tar(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let shard = folder.path().join("shard.tar");
    fs::write(&shard, data).unwrap_or_else(|error| panic!("{error}"));
    for label in [Some("cls".to_owned()), None] {
        let options =
            WebDatasetOptions { label, engine: EngineChoice::Blocking, ..WebDatasetOptions::default() };
        let dataset = match WebDataset::open(&shard.to_string_lossy(), &options) {
            Ok(dataset) => dataset,
            Err(error) => {
                clear(&error);
                continue;
            }
        };
        let run: Vec<u64> = (0..dataset.len().min(4)).collect();
        for index in &run {
            let _ = dataset.key(*index);
        }
        let mut reader = dataset.reader(&ReaderOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        reader.submit(&run);
        for _ in &run {
            match reader.next() {
                Some((_, Err(error))) => clear(&error),
                Some((_, Ok(_))) => {}
                None => panic!("a sample that was asked for did not come"),
            }
        }
    }
}

/// A PNG or JPEG, decoded natively: a window of it, at a reduction.
pub fn image(data: &[u8]) {
    let small = r#"{"max_pixels": 262144}"#;
    let sum = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
    let mut random = Random::new(data.iter().fold(0, sum));
    if data.starts_with(&[0x89]) {
        let config = parse_config(small).unwrap_or_else(|error| panic!("{error}"));
        decode(
            &mut zenith_png::Png::configure(config).unwrap_or_else(|error| panic!("{error}")),
            data,
            &mut random,
        );
    } else {
        let config = parse_config(small).unwrap_or_else(|error| panic!("{error}"));
        decode(
            &mut zenith_jpeg::Jpeg::configure(config).unwrap_or_else(|error| panic!("{error}")),
            data,
            &mut random,
        );
    }
}

fn decode<D: Decoder>(decoder: &mut D, data: &[u8], random: &mut Random) {
    let header = match decoder.open(data) {
        Ok(header) => header,
        Err(error) => return clear(&error),
    };
    let mut part = |of: u32| {
        let length = 1 + random.below(of as usize);
        let start = random.below(of as usize - length + 1);
        (u32::try_from(start).unwrap_or(0), u32::try_from(length).unwrap_or(1))
    };
    let ((x, width), (y, height)) = (part(header.width), part(header.height));
    let reduction = if header.reductions.is_empty() { 1 } else { 1 << random.below(4) };
    let request = DecodeRequest { window: Window { x, y, width, height }, reduction };
    if let Err(error) = testing::decode(decoder, data, request) {
        clear(&error);
    }
}
