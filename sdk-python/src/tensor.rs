//! `Tensor`: one field of a batch, for any library that speaks DLPack.

use pyo3::{
    exceptions::PyBufferError,
    prelude::*,
    types::{PyCapsule, PyTuple},
};
use zenith::BatchTensor;

use crate::{
    dlpack::{self, CPU},
    error::guard,
    process::Owned,
};

/// One field of a batch. While it or anything made from it lives, the batch's memory stays out.
#[pyclass(frozen, module = "zenith._native")]
pub(crate) struct Tensor {
    inner: Owned<BatchTensor>,
}

impl Tensor {
    pub(crate) fn new(inner: BatchTensor) -> Self {
        Self { inner: Owned::new(inner) }
    }
}

#[pymethods]
impl Tensor {
    /// The field's name.
    #[getter]
    fn name(&self) -> &str {
        self.inner.name()
    }

    /// The element type, by torch's and numpy's name.
    #[getter]
    fn dtype(&self) -> &'static str {
        self.inner.dtype().name()
    }

    /// The extents, the batch's first.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.extents())
    }

    /// The DLPack device: the CPU.
    #[expect(clippy::unused_self, reason = "the protocol asks an object")]
    fn __dlpack_device__(&self) -> (i32, i32) {
        CPU
    }

    /// A DLPack capsule. It lends the elements where they lie, writable; only with `copy=True` it
    /// holds a copy.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<&Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        guard(py, || {
            if stream.is_some() {
                return Err(PyBufferError::new_err("a tensor on the CPU has no stream: leave `stream` out"));
            }
            if dl_device.is_some_and(|device| device != CPU) {
                return Err(PyBufferError::new_err(
                    "the tensor lies on the CPU, and is not moved by `dl_device`",
                ));
            }
            let copied = copy == Some(true);
            if max_version.is_some_and(|(major, _)| major >= 1) {
                dlpack::versioned(py, &self.inner, copied)
            } else {
                dlpack::legacy(py, &self.inner, copied)
            }
        })
    }

    fn __repr__(&self) -> String {
        format!("<zenith tensor `{}`: {}{:?}>", self.inner.name(), self.inner.dtype(), self.inner.extents())
    }
}
