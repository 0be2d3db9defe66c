//! What the tests share: one host without a cache, and the guests as operators.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use zenith_core::{DType, Limits, OperatorError, Output, Plugin, TensorView, Transform};
use zenith_plugin::{CacheOption, Host, HostOptions};
use zenith_test_artifacts::{component, identity};

/// The seed for which guests misbehave.
pub(crate) const BAD: u64 = 666;

/// A seed for which guests are well.
pub(crate) const GOOD: u64 = 1;

/// What transforms are given, as `uint8[8]`.
pub(crate) const INPUT: [u8; 8] = [1, 2, 3, 5, 8, 13, 21, 34];

pub(crate) fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::new(HostOptions { cache: CacheOption::Off }).unwrap())
}

pub(crate) fn load(module: &[u8]) -> Arc<dyn Plugin> {
    let bytes = component(module);
    host().load(identity(&bytes), &bytes).unwrap()
}

pub(crate) fn short() -> Limits {
    Limits { time: Duration::from_millis(50), ..Limits::default() }
}

pub(crate) fn apply(transform: &mut dyn Transform, seed: u64) -> Result<Vec<u8>, OperatorError> {
    let mut place = vec![0; INPUT.len()];
    let input = TensorView::new(DType::Uint8, &[8], &INPUT).unwrap();
    transform.apply(input, seed, &mut Output::place(&mut place))?;
    Ok(place)
}

/// Gives a transform a good sample, the bad one and a good one again; answers what the bad one gave.
/// The good ones must come out, and the instance must have been replaced in between.
pub(crate) fn fault(module: &[u8], limits: &Limits) -> OperatorError {
    let plugin = load(module);
    let mut transform = plugin.transform("{}", limits).unwrap();
    assert_eq!(apply(&mut *transform, GOOD).unwrap(), INPUT);
    let error = apply(&mut *transform, BAD).unwrap_err();
    assert!(error.is_fault(), "{error}");
    assert_eq!(apply(&mut *transform, GOOD).unwrap(), INPUT);
    let stats = plugin.stats();
    assert_eq!((stats.instances, stats.replaced), (2, 1));
    error
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that guests write to the log meanwhile.
pub(crate) fn guest_lines(run: impl FnOnce()) -> Vec<String> {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    text.lines().filter(|line| line.contains("zenith::guest")).map(|line| line.trim().to_owned()).collect()
}
