//! A loaded component as the host's [`Plugin`]: it makes an operator for each worker.

use std::sync::Arc;

use wasmtime::component::InstancePre;
use zenith_core::{
    BatchTransform, Decode, Engine, Identity, Kind, Limits, OperatorError, Permissions, Plugin, PluginStats,
    Policy, Sampler, Transform,
};

use crate::{
    batch_transform::WasmBatchTransform,
    bindings::exports::zenith::plugin as exports,
    decoder::WasmDecoder,
    instance::{Guest, Interface, Loaded},
    policy::WasmPolicy,
    sampler::WasmSampler,
    state::State,
    transform::WasmTransform,
};

/// Where the functions of a plugin's one interface are.
pub(crate) enum Exports {
    Decoder(exports::decoder::GuestIndices),
    Transform(exports::transform::GuestIndices),
    BatchTransform(exports::batch_transform::GuestIndices),
    Sampler(exports::sampler::GuestIndices),
    Policy(exports::policy::GuestIndices),
}

impl Exports {
    /// Looks up the functions of a plugin of this kind.
    pub(crate) fn find(kind: Kind, pre: &InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(match kind {
            Kind::Decoder => Self::Decoder(exports::decoder::Guest::find(pre)?),
            Kind::Transform => Self::Transform(exports::transform::Guest::find(pre)?),
            Kind::BatchTransform => Self::BatchTransform(exports::batch_transform::Guest::find(pre)?),
            Kind::Sampler => Self::Sampler(exports::sampler::Guest::find(pre)?),
            Kind::Policy => Self::Policy(exports::policy::Guest::find(pre)?),
        })
    }
}

/// A component, loaded.
pub(crate) struct WasmPlugin {
    identity: Identity,
    permissions: Permissions,
    loaded: Arc<Loaded>,
    exports: Exports,
}

impl WasmPlugin {
    pub(crate) fn new(
        identity: Identity,
        permissions: Permissions,
        loaded: Arc<Loaded>,
        exports: Exports,
    ) -> Self {
        Self { identity, permissions, loaded, exports }
    }
}

impl Plugin for WasmPlugin {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn kind(&self) -> Kind {
        match self.exports {
            Exports::Decoder(_) => Kind::Decoder,
            Exports::Transform(_) => Kind::Transform,
            Exports::BatchTransform(_) => Kind::BatchTransform,
            Exports::Sampler(_) => Kind::Sampler,
            Exports::Policy(_) => Kind::Policy,
        }
    }

    fn engine(&self) -> Engine {
        Engine::Wasm
    }

    fn stats(&self) -> PluginStats {
        self.loaded.counters.stats()
    }

    fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    fn decoder(&self, config: &str, limits: &Limits) -> Result<Box<dyn Decode>, OperatorError> {
        match &self.exports {
            Exports::Decoder(indices) => {
                Ok(Box::new(WasmDecoder::new(Guest::new(&self.loaded, indices, config, limits)?)))
            }
            _ => Err(self.wrong_kind(Kind::Decoder)),
        }
    }

    fn transform(&self, config: &str, limits: &Limits) -> Result<Box<dyn Transform>, OperatorError> {
        match &self.exports {
            Exports::Transform(indices) => {
                Ok(Box::new(WasmTransform::new(Guest::new(&self.loaded, indices, config, limits)?)))
            }
            _ => Err(self.wrong_kind(Kind::Transform)),
        }
    }

    fn batch_transform(
        &self,
        config: &str,
        limits: &Limits,
    ) -> Result<Box<dyn BatchTransform>, OperatorError> {
        match &self.exports {
            Exports::BatchTransform(indices) => {
                Ok(Box::new(WasmBatchTransform::new(Guest::new(&self.loaded, indices, config, limits)?)))
            }
            _ => Err(self.wrong_kind(Kind::BatchTransform)),
        }
    }

    fn sampler(&self, config: &str, limits: &Limits) -> Result<Box<dyn Sampler>, OperatorError> {
        match &self.exports {
            Exports::Sampler(indices) => {
                Ok(Box::new(WasmSampler::new(Guest::new(&self.loaded, indices, config, limits)?)))
            }
            _ => Err(self.wrong_kind(Kind::Sampler)),
        }
    }

    fn policy(&self, config: &str, limits: &Limits) -> Result<Box<dyn Policy>, OperatorError> {
        match &self.exports {
            Exports::Policy(indices) => {
                Ok(Box::new(WasmPolicy::new(Guest::new(&self.loaded, indices, config, limits)?)))
            }
            _ => Err(self.wrong_kind(Kind::Policy)),
        }
    }
}
