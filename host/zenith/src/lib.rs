//! The facade: one place that knows every part of Zenith and puts them together.
//!
//! A [`Context`] finds plugins (registry, WebAssembly host, native twins); a [`Loader`] runs a
//! declared pipeline ([`Spec`]) and yields batches epoch by epoch. The Python package and the
//! `zenith` command are thin faces over these two. No pixel is computed and no policy decided here.

#![forbid(unsafe_code)]

mod allowance;
mod context;
mod error;
mod file;
mod first_use;
mod loader;
mod settings;
mod source;
mod twins;
mod vet;

pub mod command;
pub mod log;

pub use allowance::Allowed;
pub use context::{
    Context, ContextOptions, EngineChoice, LOCKFILE, TRUST_FILE, files_of_context, user_trust_file,
};
pub use error::{Error, ErrorKind};
pub use file::read_pipeline;
pub use loader::{Epoch, LoadOptions, Loader};
pub use settings::{SETTINGS, Settings};
pub use vet::{LOCKED_VARIABLE, locked_by_environment};
pub use zenith_core::{DType, Digest, Engine, Grant, Grants, Identity, Kind, PackageName};
pub use zenith_pipeline::{
    Batch, BatchSpec, BatchTensor, EpochStats, Fidelity, LimitsSpec, LoaderState, Next, OnError,
    OperatorSpec, Optimisations, QuarantineEntry, Role, RunOptions, SourceSpec, Spec, StageStats, Standing,
    Swap, SwapError, SwappedOperator,
};
pub use zenith_plugin::{CacheOption, HostOptions};
pub use zenith_registry as registry;
