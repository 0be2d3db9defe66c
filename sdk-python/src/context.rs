//! `Context`: where plugins are found. Loaders of one context share loaded plugins.

use std::path::PathBuf;

use pyo3::prelude::*;
use zenith::{ContextOptions, Error, ErrorKind, LOCKFILE, Spec};

use crate::{
    error::{guard, raise},
    process::Owned,
};

/// Finds and loads plugins.
#[pyclass(frozen, module = "zenith._native")]
pub(crate) struct Context {
    pub(crate) inner: Owned<zenith::Context>,
    project: PathBuf,
}

#[pymethods]
impl Context {
    /// `registry` is the folder of shipped plugins, `project` the folder whose `.zenith/registry` and
    /// `zenith.lock` count.
    #[new]
    #[pyo3(signature = (*, registry, project, ignore_lock=false))]
    fn new(py: Python<'_>, registry: PathBuf, project: PathBuf, ignore_lock: bool) -> PyResult<Self> {
        guard(py, || {
            let options = ContextOptions {
                project: project.clone(),
                built_in: Some(registry),
                ignore_lock,
                ..ContextOptions::default()
            };
            let inner = py.detach(|| zenith::Context::new(options)).map_err(|error| raise(py, &error))?;
            Ok(Self { inner: Owned::new(inner), project })
        })
    }

    /// Pins the plugins that a pipeline names in a lockfile, by default the project's; answers its path.
    #[pyo3(signature = (spec, path=None))]
    fn lock(&self, py: Python<'_>, spec: &str, path: Option<PathBuf>) -> PyResult<PathBuf> {
        guard(py, || {
            let path = path.unwrap_or_else(|| self.project.join(LOCKFILE));
            py.detach(|| {
                let spec = parse(spec)?;
                if zenith::locked_by_environment() {
                    return self.inner.pin_locked(&spec, &path).map(drop);
                }
                let lock = self.inner.pin(&spec)?;
                lock.write(&path)
                    .map_err(|error| Error::new(ErrorKind::Registry, error.to_string(), error.hint()))
            })
            .map_err(|error| raise(py, &error))?;
            Ok(path)
        })
    }
}

/// The files that a context of a project reads when it is made.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "an argument from Python comes owned")]
pub(crate) fn files_of_context(py: Python<'_>, project: PathBuf) -> PyResult<Vec<PathBuf>> {
    guard(py, || Ok(zenith::files_of_context(&project)))
}

/// A pipeline from its JSON text.
pub(crate) fn parse(spec: &str) -> Result<Spec, Error> {
    serde_json::from_str(spec).map_err(|error| {
        Error::new(ErrorKind::Pipeline, format!("the pipeline is declared wrongly: {error}"), None)
    })
}
