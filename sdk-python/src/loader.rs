//! `Loader`: a planned pipeline, and the options it is run with.

use std::collections::BTreeMap;

use pyo3::{prelude::*, types::PyDict};
use zenith::{
    Allowed, EngineChoice, Error, ErrorKind, Fidelity, Grant, LoadOptions, OnError, Optimisations,
    PackageName, RunOptions,
};

use crate::{
    context::{Context, parse},
    epoch::Epoch,
    error::{guard, raise},
    process::Owned,
    stats,
};

/// A pipeline, planned and ready to run.
#[pyclass(frozen, module = "zenith._native")]
pub(crate) struct Loader {
    inner: Owned<zenith::Loader>,
}

/// The options as they come from Python, where types and ranges were checked.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    engine: String,
    fidelity: String,
    locked: Option<bool>,
    window_push_down: bool,
    num_workers: usize,
    prefetch: usize,
    memory_limit: Option<u64>,
    on_error: String,
    seed: u64,
    rank: u32,
    world_size: u32,
    grants: BTreeMap<String, Vec<String>>,
}

impl Options {
    fn read(self) -> Result<LoadOptions, Error> {
        let engines =
            [("auto", EngineChoice::Auto), ("wasm", EngineChoice::Wasm), ("native", EngineChoice::Native)];
        let fidelities = [("exact", Fidelity::Exact), ("fast", Fidelity::Fast)];
        let answers = [("raise", OnError::Raise), ("skip", OnError::Skip)];
        Ok(LoadOptions {
            engine: choose("engine", &self.engine, &engines)?,
            fidelity: choose("fidelity", &self.fidelity, &fidelities)?,
            locked: self.locked.unwrap_or_else(zenith::locked_by_environment),
            optimisations: Optimisations { window_push_down: self.window_push_down },
            run: RunOptions {
                num_workers: self.num_workers,
                prefetch: self.prefetch,
                memory_limit: self.memory_limit,
                on_error: choose("on_error", &self.on_error, &answers)?,
                seed: self.seed,
                rank: self.rank,
                world_size: self.world_size,
            },
            grants: allowed(&self.grants)?,
        })
    }
}

/// What plugins are allowed, from names and texts.
fn allowed(grants: &BTreeMap<String, Vec<String>>) -> Result<Allowed, Error> {
    let wrong = |reason: String| Error::new(ErrorKind::Option, format!("`grants` is wrong: {reason}"), None);
    grants
        .iter()
        .map(|(name, list)| {
            let name: PackageName = name.parse().map_err(|error| wrong(format!("{error}")))?;
            let grants = list
                .iter()
                .map(|text| text.parse::<Grant>().map_err(|error| wrong(format!("for `{name}`, {error}"))))
                .collect::<Result<_, _>>()?;
            Ok((name, grants))
        })
        .collect()
}

/// A sample that was left out: key, index, epoch, operator, error.
type LeftOut = (String, u64, u64, String, String);

/// What a swap did: the plugin's name and version now, the operators that were another version of it,
/// by position and version.
type Swapped = (String, String, Vec<(u32, String)>);

/// The value of an option that is one of a few words.
fn choose<T: Copy>(option: &str, word: &str, choices: &[(&str, T)]) -> Result<T, Error> {
    choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let message = format!("`{option}` is one of {}, but is \"{word}\"", names.join(", "));
        Error::new(ErrorKind::Option, message, None)
    })
}

#[pymethods]
impl Loader {
    /// Opens the source, finds every plugin, and checks and plans the pipeline.
    #[new]
    fn new(py: Python<'_>, context: &Bound<'_, Context>, spec: &str, options: Options) -> PyResult<Self> {
        guard(py, || {
            let context = context.get();
            let inner = py
                .detach(|| zenith::Loader::new(&context.inner, &parse(spec)?, options.read()?))
                .map_err(|error| raise(py, &error))?;
            Ok(Self { inner: Owned::new(inner) })
        })
    }

    /// Batches in the next epoch.
    fn batches(&self, py: Python<'_>) -> PyResult<u64> {
        guard(py, || py.detach(|| self.inner.batches()).map_err(|error| raise(py, &error)))
    }

    /// Begins the next epoch; its threads, if it has any, start here.
    fn begin(&self, py: Python<'_>) -> PyResult<Epoch> {
        guard(py, || {
            let epoch = py.detach(|| self.inner.begin()).map_err(|error| raise(py, &error))?;
            Ok(Epoch::new(epoch))
        })
    }

    /// Sets the number of the next epoch.
    fn set_epoch(&self, py: Python<'_>, epoch: u64) -> PyResult<()> {
        guard(py, || {
            py.detach(|| self.inner.set_epoch(epoch));
            Ok(())
        })
    }

    /// Where the next epoch begins, as JSON.
    fn next_state(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(py.detach(|| self.inner.next_state()).write()))
    }

    /// Restores a state from its JSON text.
    fn restore(&self, py: Python<'_>, state: &str) -> PyResult<()> {
        guard(py, || py.detach(|| self.inner.restore(state)).map_err(|error| raise(py, &error)))
    }

    /// Puts another version of a plugin in place between two batches, while epochs run.
    fn swap(
        &self,
        py: Python<'_>,
        context: &Bound<'_, Context>,
        name: &str,
        version: &str,
    ) -> PyResult<Swapped> {
        guard(py, || {
            let context = context.get();
            let swap = py
                .detach(|| self.inner.swap(&context.inner, name, version))
                .map_err(|error| raise(py, &error))?;
            let operators = swap.operators.into_iter();
            Ok((
                swap.plugin.name.to_string(),
                swap.plugin.version,
                operators.map(|operator| (operator.position, operator.before.version)).collect(),
            ))
        })
    }

    /// The plan as text; with `analyze`, what each step cost so far.
    fn explain(&self, py: Python<'_>, analyze: bool) -> PyResult<String> {
        guard(py, || Ok(py.detach(|| self.inner.explain(analyze))))
    }

    /// What has been done and waited for so far.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guard(py, || stats::read(py, &py.detach(|| self.inner.stats())))
    }

    /// The samples that were left out so far.
    fn quarantine(&self, py: Python<'_>) -> PyResult<Vec<LeftOut>> {
        guard(py, || {
            let entries = py.detach(|| self.inner.quarantine()).into_iter();
            Ok(entries
                .map(|entry| (entry.key, entry.index, entry.epoch, entry.operator, entry.error))
                .collect())
        })
    }
}
