//! From a declared pipeline to batches: declare, resolve, check, optimise, execute, count.
//!
//! This crate knows the traits of `zenith-core` and never WebAssembly, so that all of it runs in
//! tests with plain Rust operators. The five types to know: [`Spec`] is what a user declared;
//! [`Plan`] is a spec resolved, checked and optimised; [`Epoch`] runs a plan and yields [`Batch`]es;
//! [`LoadError`] is what it yields instead.

#![forbid(unsafe_code)]

mod batch;
mod catalog;
mod error;
mod options;
mod plan;
mod run;
mod spec;
mod state;

pub use batch::{Batch, BatchTensor};
pub use catalog::{Catalog, CatalogError};
pub use error::{LoadError, PlanError, PlanErrors, SampleError, SampleFailure};
pub use options::{Fidelity, OnError, Optimisations, RunOptions};
pub use plan::{DEFAULT_SAMPLER, OperatorStep, Plan, PlanInput, SwapError, SwappedOperator};
pub use run::{
    Distance, Epoch, EpochStats, Example, Failure, Next, QuarantineEntry, Runner, ShadowError, ShadowInput,
    ShadowReport, SideReport, StageStats, Standing, Swap, shadow,
};
pub use spec::{BatchSpec, LimitsSpec, OperatorSpec, Role, SourceSpec, Spec, SpecError};
pub use state::{LoaderState, StateError};
