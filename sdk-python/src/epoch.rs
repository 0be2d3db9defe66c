//! `Epoch`: a running epoch, waited for without the GIL and in short pieces, so that Ctrl-C works.

use std::{
    process,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use pyo3::{exceptions::PyTimeoutError, prelude::*};
use zenith::{ErrorKind, Next, Standing};

use crate::{
    error::{guard, raise, refuse},
    log::hand_over,
    tensor::Tensor,
};

/// How long a wait lasts before Python looks for signals.
const PATIENCE: Duration = Duration::from_millis(50);

/// A running epoch.
#[pyclass(frozen, module = "zenith._native")]
pub(crate) struct Epoch {
    progress: Mutex<Progress>,
    process: u32,
}

/// An epoch that runs, or where it stood when it was closed.
enum Progress {
    Running(Box<zenith::Epoch>),
    Closed(Standing),
}

impl Epoch {
    pub(crate) fn new(epoch: zenith::Epoch) -> Self {
        Self { progress: Mutex::new(Progress::Running(Box::new(epoch))), process: process::id() }
    }

    /// Nothing of an epoch is touched in a forked child: its threads do not exist there, and its locks
    /// may be held for ever.
    fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.process == process::id() {
            return Ok(());
        }
        let message = format!(
            "this epoch was begun in process {}, and this is process {}",
            self.process,
            process::id()
        );
        Err(refuse(py, ErrorKind::System, &message, "call iter(loader) in the process that reads from it"))
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One short wait.
    fn step(&self) -> Result<Next, zenith::Error> {
        let mut progress = self.lock();
        let Progress::Running(epoch) = &mut *progress else { return Ok(Next::End) };
        let next = epoch.next(PATIENCE)?;
        if let Next::End = next {
            progress.close();
        }
        Ok(next)
    }
}

impl Progress {
    /// Stops the threads and frees what the epoch holds, except where it stands.
    fn close(&mut self) {
        if let Self::Running(epoch) = self {
            *self = Self::Closed(epoch.standing());
        }
    }
}

#[pymethods]
impl Epoch {
    /// The tensors of the next batch, or `None` at the end. After `timeout` seconds without a batch
    /// it raises `TimeoutError`, and may be asked again.
    #[pyo3(signature = (timeout=None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Vec<Tensor>>> {
        guard(py, || {
            self.check_process(py)?;
            let asked = Instant::now();
            loop {
                match py.detach(|| self.step()).map_err(|error| raise(py, &error))? {
                    Next::Batch(batch) => {
                        return Ok(Some(batch.into_tensors().into_iter().map(Tensor::new).collect()));
                    }
                    Next::End => return Ok(None),
                    Next::Pending => {
                        py.check_signals()?;
                        hand_over(py);
                    }
                }
                if timeout.is_some_and(|seconds| asked.elapsed().as_secs_f64() > seconds) {
                    return Err(PyTimeoutError::new_err("no batch in time"));
                }
            }
        })
    }

    /// Where it stands, behind the last batch that was handed over, as JSON.
    fn state(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            self.check_process(py)?;
            Ok(py.detach(|| match &*self.lock() {
                Progress::Running(epoch) => epoch.state().write(),
                Progress::Closed(standing) => standing.state().write(),
            }))
        })
    }

    /// Stops it: its threads are gone when this returns. It may be called twice.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            if self.process == process::id() {
                py.detach(|| self.lock().close());
            }
            Ok(())
        })
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        let progress = self.progress.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Progress::Running(epoch) = progress {
            let standing = epoch.standing();
            let running = std::mem::replace(progress, Progress::Closed(standing));
            if self.process == process::id() {
                // Without an interpreter to let go of, the closure ends the epoch as it is dropped.
                let _ = Python::try_attach(|py| py.detach(move || drop(running)));
            } else {
                std::mem::forget(running);
            }
        }
    }
}
