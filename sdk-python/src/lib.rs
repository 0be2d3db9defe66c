//! The native half of the `zenith` Python package: thin classes over the facade.
//!
//! What a user sees is written in Python, in `python/zenith/`; `_native.pyi` is the contract between
//! the two halves. Here values change their language, errors become exceptions (`error`), and
//! tensors are lent without a copy (`dlpack`, the only module with unsafe code). Nothing is
//! decided here.

mod context;
mod dlpack;
mod epoch;
mod error;
mod loader;
mod log;
mod process;
mod stats;
mod tensor;

use std::path::PathBuf;

use pyo3::prelude::*;

use error::guard;

/// Runs the `zenith` command and answers its exit code.
#[pyfunction]
fn run_command(py: Python<'_>, arguments: Vec<String>, registry: Option<PathBuf>) -> PyResult<i32> {
    guard(py, || Ok(py.detach(move || zenith::command::main(arguments, registry.as_deref()))))
}

/// Reads a pipeline file; answers its JSON text, with paths taken from the file's folder.
#[pyfunction]
fn read_pipeline(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    guard(py, || {
        let spec =
            py.detach(move || zenith::read_pipeline(&path)).map_err(|error| error::raise(py, &error))?;
        serde_json::to_string(&spec).map_err(|error| error::internal(py, &error.to_string()))
    })
}

/// Panics, for the test that no panic leaves this module.
#[pyfunction]
#[expect(clippy::panic, reason = "what it is for")]
fn _panic_for_tests(py: Python<'_>) -> PyResult<()> {
    guard(py, || panic!("a panic on purpose"))
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{
        _panic_for_tests,
        context::{Context, files_of_context},
        epoch::Epoch,
        loader::Loader,
        log::listen_for,
        read_pipeline, run_command,
        tensor::Tensor,
    };
}
