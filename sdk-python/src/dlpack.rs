//! DLPack by hand: a batch's elements, lent where they lie, to torch, numpy, JAX and others.
//!
//! After the specification's C header, version 1.0 (`dlpack.h`), in both of its forms: the legacy
//! `DLManagedTensor`, and the versioned one. This is the crate's only unsafe code. The rule that keeps
//! it sound: a [`Holder`] owns all that its managed tensor points at, and is freed exactly once: by
//! the consumer through `deleter`, or, if no consumer took the capsule, by the capsule's destructor.
//! A consumer says that it took it by renaming the capsule.

#![expect(unsafe_code, reason = "DLPack is a C interface")]

use std::{
    ffi::{CStr, c_void},
    process, ptr,
    ptr::NonNull,
};

use pyo3::{exceptions::PyBufferError, ffi, prelude::*, types::PyCapsule};
use zenith::{BatchTensor, DType};

/// Device type and number of main memory: `kDLCPU`.
pub(crate) const CPU: (i32, i32) = (1, 0);

const LEGACY: &CStr = c"dltensor";
const VERSIONED: &CStr = c"dltensor_versioned";

/// The elements are a copy that nobody else sees: `DLPACK_FLAG_BITMASK_IS_COPIED`.
const IS_COPIED: u64 = 1 << 1;

/// The alignment of a copy, as that of a batch's own memory.
const ALIGNMENT: usize = 64;

#[repr(C)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct Device {
    kind: i32,
    number: i32,
}

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: Device,
    rank: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Legacy {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Self)>,
}

#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Self)>,
    flags: u64,
    tensor: DlTensor,
}

/// A managed tensor, first so that its address is the holder's, and all that it points at.
#[repr(C)]
struct Holder<M> {
    managed: M,
    shape: Box<[i64]>,
    strides: Box<[i64]>,
    elements: Elements,
    process: u32,
}

/// Who owns the elements.
enum Elements {
    Lent(BatchTensor),
    Copied { bytes: Box<[u8]>, offset: usize },
}

impl Elements {
    fn new(tensor: &BatchTensor, copied: bool) -> PyResult<Self> {
        if !copied {
            return Ok(Self::Lent(tensor.clone()));
        }
        let length = tensor.byte_len();
        let mut bytes = vec![0_u8; length + ALIGNMENT].into_boxed_slice();
        let offset = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        let source = start(tensor)?;
        // SAFETY: `source` is the start of `length` bytes of the tensor's slot, which `tensor` keeps out,
        // and `bytes` was just made with room for `offset + length` of its own.
        unsafe { ptr::copy_nonoverlapping(source.as_ptr(), bytes[offset..].as_mut_ptr(), length) };
        Ok(Self::Copied { bytes, offset })
    }

    fn address(&mut self) -> PyResult<*mut c_void> {
        match self {
            Self::Lent(tensor) => Ok(start(tensor)?.as_ptr().cast()),
            Self::Copied { bytes, offset } => Ok(bytes[*offset..].as_mut_ptr().cast()),
        }
    }
}

fn start(tensor: &BatchTensor) -> PyResult<NonNull<u8>> {
    tensor
        .start()
        .ok_or_else(|| PyBufferError::new_err(format!("the field `{}` has no memory", tensor.name())))
}

/// A capsule of the legacy form, for consumers that name no version.
pub(crate) fn legacy<'py>(
    py: Python<'py>,
    tensor: &BatchTensor,
    copied: bool,
) -> PyResult<Bound<'py, PyCapsule>> {
    let holder =
        hold(tensor, copied, |tensor| Legacy { tensor, context: ptr::null_mut(), deleter: Some(free) })?;
    capsule(py, holder, LEGACY, destroy_legacy)
}

/// A capsule of the versioned form, for consumers that take version 1.
pub(crate) fn versioned<'py>(
    py: Python<'py>,
    tensor: &BatchTensor,
    copied: bool,
) -> PyResult<Bound<'py, PyCapsule>> {
    let holder = hold(tensor, copied, |tensor| Versioned {
        major: 1,
        minor: 0,
        context: ptr::null_mut(),
        deleter: Some(free),
        flags: if copied { IS_COPIED } else { 0 },
        tensor,
    })?;
    capsule(py, holder, VERSIONED, destroy_versioned)
}

fn hold<M>(
    tensor: &BatchTensor,
    copied: bool,
    manage: impl FnOnce(DlTensor) -> M,
) -> PyResult<Box<Holder<M>>> {
    let mut shape: Box<[i64]> = tensor.extents().iter().map(|extent| i64::from(*extent)).collect();
    let mut strides = contiguous(&shape);
    let mut elements = Elements::new(tensor, copied)?;
    let managed = manage(DlTensor {
        data: elements.address()?,
        device: Device { kind: CPU.0, number: CPU.1 },
        rank: i32::try_from(shape.len()).unwrap_or_default(),
        dtype: data_type(tensor.dtype()),
        shape: shape.as_mut_ptr(),
        strides: strides.as_mut_ptr(),
        byte_offset: 0,
    });
    // Moving the boxes moves no element: the pointers stay what they are.
    Ok(Box::new(Holder { managed, shape, strides, elements, process: process::id() }))
}

/// The strides of a row-major tensor, in elements.
fn contiguous(shape: &[i64]) -> Box<[i64]> {
    let mut strides: Vec<_> = shape
        .iter()
        .rev()
        .scan(1_i64, |stride, extent| {
            let own = *stride;
            *stride = own.saturating_mul(*extent);
            Some(own)
        })
        .collect();
    strides.reverse();
    strides.into()
}

fn data_type(dtype: DType) -> DataType {
    // `kDLInt`, `kDLUInt`, `kDLFloat`, `kDLBfloat` and `kDLBool` of `dlpack.h`.
    let code = match dtype {
        DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => 0,
        DType::Uint8 => 1,
        DType::Float16 | DType::Float32 | DType::Float64 => 2,
        DType::Bfloat16 => 4,
        DType::Bool => 6,
    };
    DataType { code, bits: u8::try_from(dtype.size() * 8).unwrap_or_default(), lanes: 1 }
}

fn capsule<'py, M>(
    py: Python<'py>,
    holder: Box<Holder<M>>,
    name: &'static CStr,
    destructor: ffi::PyCapsule_Destructor,
) -> PyResult<Bound<'py, PyCapsule>> {
    let pointer = NonNull::from(Box::leak(holder)).cast::<c_void>();
    // SAFETY: `pointer` is a `Holder<M>` that begins with its managed tensor `M`, the type that `name`
    // stands for, and lives until `free`; `destructor` is the one for `name`, and frees from any thread.
    let made = unsafe { PyCapsule::new_with_pointer_and_destructor(py, pointer, name, Some(destructor)) };
    if made.is_err() {
        // SAFETY: no capsule was made, so nobody else has the pointer, which `Box::leak` gave.
        unsafe { free(pointer.as_ptr().cast::<M>()) };
    }
    made
}

/// Frees a holder; what consumers call when they are done, from any thread, with or without the GIL.
///
/// # Safety
/// `managed` is the beginning of a `Holder<M>` that [`capsule`] leaked and that was not freed before.
unsafe extern "C" fn free<M>(managed: *mut M) {
    if managed.is_null() {
        return;
    }
    // SAFETY: the caller's promise; `repr(C)` puts `managed` at the holder's own address.
    let holder = unsafe { Box::from_raw(managed.cast::<Holder<M>>()) };
    // In a forked child the pool's locks may be held for ever by threads that do not exist there.
    if holder.process != process::id() {
        std::mem::forget(holder);
    }
}

unsafe extern "C" fn destroy_legacy(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this for a capsule that `legacy` made.
    unsafe { destroy::<Legacy>(capsule, LEGACY) };
}

unsafe extern "C" fn destroy_versioned(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this for a capsule that `versioned` made.
    unsafe { destroy::<Versioned>(capsule, VERSIONED) };
}

/// Frees the holder of a capsule that nobody took.
///
/// # Safety
/// `capsule` was made by [`capsule`] with `name` and a `Holder<M>`, and is being destroyed.
unsafe fn destroy<M>(capsule: *mut ffi::PyObject, name: &CStr) {
    // SAFETY: `capsule` is a capsule, by the caller's promise.
    let untaken = unsafe { ffi::PyCapsule_IsValid(capsule, name.as_ptr()) } == 1;
    if untaken {
        // SAFETY: the capsule is valid under `name`.
        let pointer = unsafe { ffi::PyCapsule_GetPointer(capsule, name.as_ptr()) };
        // SAFETY: the name is still ours, so no consumer took the holder; it is freed here only.
        unsafe { free(pointer.cast::<M>()) };
    }
}
