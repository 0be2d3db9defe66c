//! Ids, tensors, seeds, errors, and the traits that operators and sources implement.
//!
//! The ground floor: every other host crate imports this one, and it imports none of them. Nothing
//! here does I/O, starts a thread, or knows WebAssembly. The types to know first are
//! [`TensorType`], [`Output`], [`OperatorError`], [`Plugin`] and [`Source`].

#![forbid(unsafe_code)]

mod amount;
mod bytes;
mod current;
mod error;
mod identity;
mod operator;
mod output;
mod permission;
mod plugin;
mod policy;
mod seed;
mod sight;
mod source;
mod tensor;
mod window;

pub use amount::{AmountError, parse_bytes, parse_time};
pub use bytes::{Bytes, Recycle};
pub use current::{Current, Exchanged};
pub use error::OperatorError;
pub use identity::{Digest, IdentityError, PackageName};
pub use operator::{
    BatchEffect, BatchTransform, Decode, DecodeRequest, Effect, Format, Header, Population, Sampler,
    Transform,
};
pub use output::{Output, OutputError};
pub use permission::{Grant, GrantError, Grants, Permission, Permissions, UnknownPermission};
pub use plugin::{Engine, Identity, Kind, Limits, Plugin, PluginStats};
pub use policy::{
    Decision, Nodes, Placement, Policy, Reason, Round, RunningTasks, UnevenColumns, WaitingJobs,
};
pub use seed::{SEED_BITS, operator_seed};
pub use sight::{sample_at_hand, with_sample};
pub use source::{FieldKind, FieldSpec, Reader, ReaderOptions, Sample, Source, SourceError, Value};
pub use tensor::{DType, Extents, Shape, TensorType, TensorView};
pub use window::Window;
