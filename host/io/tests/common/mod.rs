//! What the tests of the sources share.

use zenith_core::{Reader, ReaderOptions, Source, Value};
use zenith_io::EngineChoice;

/// A sample's bytes and its number, if it has one; or the error's text.
pub(crate) type Read = Result<(Vec<u8>, Option<i64>), String>;

/// The engines that this system has.
pub(crate) fn engines() -> impl Iterator<Item = EngineChoice> {
    [EngineChoice::IoUring, EngineChoice::Threads, EngineChoice::Blocking]
        .into_iter()
        .filter(|engine| engine.resolve().is_ok())
}

pub(crate) fn next(reader: &mut dyn Reader) -> Option<(u64, Read)> {
    reader.next().map(|(index, sample)| {
        let sample = sample.map(|sample| match &sample.values[..] {
            [Value::Bytes(bytes), Value::Int(label)] => (bytes.to_vec(), Some(*label)),
            [Value::Bytes(bytes)] => (bytes.to_vec(), None),
            other => panic!("neither an image nor an image and a label: {other:?}"),
        });
        (index, sample.map_err(|error| error.to_string()))
    })
}

/// Reads a run of samples with a new reader.
pub(crate) fn read_all(source: &dyn Source, run: &[u64]) -> Vec<(u64, Read)> {
    let mut reader = source.reader(&ReaderOptions::default()).expect("the engine is available");
    reader.submit(run);
    std::iter::from_fn(|| next(&mut *reader)).collect()
}
