//! From errors and panics to the exceptions of `zenith.errors`.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict},
};
use zenith::{Error, ErrorKind};

use crate::log;

/// Runs an entry from Python, and hands over what was logged until its end. A panic becomes `zenith.InternalError`: pyo3's own `PanicException` is
/// no `Exception`, and ends programs that handle errors with care.
pub(crate) fn guard<T>(py: Python<'_>, entry: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // What an entry changes is behind a mutex whose content stays whole between two statements, or
    // belongs to the entry alone.
    let answer = catch_unwind(AssertUnwindSafe(entry))
        .unwrap_or_else(|panic| Err(internal(py, &reason(panic.as_ref()))));
    log::hand_over(py);
    answer
}

/// The exception for an error.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, class(error.kind()), error.message(), error.hint(), error.sample())
        .unwrap_or_else(|failed| failed)
}

/// An exception of an error's class that arises in this crate.
pub(crate) fn refuse(py: Python<'_>, kind: ErrorKind, message: &str, hint: &str) -> PyErr {
    raise(py, &Error::new(kind, message, Some(hint.to_owned())))
}

/// `zenith.InternalError`.
pub(crate) fn internal(py: Python<'_>, reason: &str) -> PyErr {
    let message = format!("an internal error in Zenith: {reason}");
    refuse(py, ErrorKind::Internal, &message, "please report this, with the pipeline and the traceback")
}

/// What an error is called in `zenith.errors`.
fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Pipeline => "PipelineError",
        ErrorKind::Registry => "RegistryError",
        ErrorKind::Sample => "SampleError",
        ErrorKind::Plugin => "PluginError",
        ErrorKind::Source => "SourceError",
        ErrorKind::Memory => "MemoryLimitError",
        ErrorKind::State => "StateError",
        ErrorKind::Option => "OptionError",
        ErrorKind::System => "ResourceError",
        ErrorKind::Internal => "InternalError",
    }
}

fn exception(
    py: Python<'_>,
    class: &str,
    message: &str,
    hint: Option<&str>,
    sample: Option<(&str, u64)>,
) -> PyResult<PyErr> {
    let keywords: Bound<'_, PyDict> =
        [("hint", hint), ("key", sample.map(|(key, _)| key))].into_py_dict(py)?;
    keywords.set_item("index", sample.map(|(_, index)| index))?;
    let class = py.import("zenith.errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call((message,), Some(&keywords))?))
}

fn reason(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
