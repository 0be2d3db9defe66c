//! Counters as Python sees them: a dictionary with the fields of `zenith.LoaderStats`, times in seconds.

use pyo3::{prelude::*, types::PyDict};
use zenith::{EpochStats, StageStats};

pub(crate) fn read<'py>(py: Python<'py>, stats: &EpochStats) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, count) in [
        ("batches", stats.batches),
        ("samples", stats.samples),
        ("skipped", stats.skipped),
        ("encoded_bytes", stats.encoded_bytes),
        ("slot_bytes", stats.slot_bytes),
        ("sample_bytes", stats.sample_bytes),
        ("guest_bytes", stats.guest_bytes),
        ("peak_bytes", stats.peak_bytes),
        ("replaced_instances", stats.replaced_instances),
    ] {
        dict.set_item(name, count)?;
    }
    for (name, time) in [
        ("read_wait", stats.read_wait),
        ("worker_wait", stats.worker_wait),
        ("caller_wait", stats.caller_wait),
    ] {
        dict.set_item(name, time.as_secs_f64())?;
    }
    let stages = stats.stages.iter().map(|stage| read_stage(py, stage)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("stages", stages)?;
    Ok(dict)
}

fn read_stage<'py>(py: Python<'py>, stage: &StageStats) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("operator", &stage.label)?;
    dict.set_item("calls", stage.calls)?;
    dict.set_item("busy", stage.busy.as_secs_f64())?;
    dict.set_item("bytes", stage.bytes)?;
    Ok(dict)
}
