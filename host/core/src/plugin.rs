//! A resolved plugin, from which each worker makes its own operators.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    error::OperatorError,
    identity::{Digest, PackageName},
    operator::{BatchTransform, Decode, Sampler, Transform},
    permission::Permissions,
    policy::Policy,
};

/// What a plugin is for; each kind has a world in `wit/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// From encoded bytes to a tensor.
    Decoder,
    /// From one tensor to another.
    Transform,
    /// From the tensors of a batch to others.
    BatchTransform,
    /// The order of an epoch.
    Sampler,
    /// Which waiting job starts where.
    Policy,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decoder => "decoder",
            Self::Transform => "transform",
            Self::BatchTransform => "batch transform",
            Self::Sampler => "sampler",
            Self::Policy => "policy",
        })
    }
}

/// How an operator runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// As its WebAssembly component.
    Wasm,
    /// As the native twin of the shipped component.
    Native,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wasm => "wasm",
            Self::Native => "native",
        })
    }
}

/// Which plugin exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// `namespace:name`.
    pub name: PackageName,
    /// The semantic version, as published.
    pub version: String,
    /// The digest of the component.
    pub digest: Digest,
}

impl fmt::Display for Identity {
    /// As in `zenith:jpeg@0.1.0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// What one operator may use. A native twin is first-party code and only held to `output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory for each instance; 256 MiB unless set.
    pub memory: usize,
    /// Time for one call; 10 s unless set. It stops a guest that loops, not a slow host call.
    pub time: Duration,
    /// Bytes of output for one call; 1 GiB unless set.
    pub output: usize,
    /// Instances that the plugin may have at once, over all workers; 4096 unless set. Each takes up
    /// address space, whatever it uses.
    pub instances: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 256 << 20, time: Duration::from_secs(10), output: 1 << 30, instances: 4096 }
    }
}

/// What has become of a plugin's instances so far, over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginStats {
    /// Instances made.
    pub instances: u64,
    /// Instances thrown away after a trap or an overrun limit.
    pub replaced: u64,
    /// Instances that live now.
    pub alive: u64,
    /// Bytes of linear memory that live instances hold now.
    pub memory: u64,
}

/// A plugin at hand. Workers make their own operators from it; `config` is a JSON object.
pub trait Plugin: Send + Sync {
    /// Which plugin exactly.
    fn identity(&self) -> &Identity;

    /// What it is for.
    fn kind(&self) -> Kind;

    /// How its operators run.
    fn engine(&self) -> Engine;

    /// What has become of its instances.
    fn stats(&self) -> PluginStats;

    /// What it asks for beyond computing, and what it is given; nothing unless it says otherwise.
    fn permissions(&self) -> &Permissions {
        static NONE: Permissions = Permissions::NONE;
        &NONE
    }

    /// Makes a decoder.
    fn decoder(&self, config: &str, limits: &Limits) -> Result<Box<dyn Decode>, OperatorError> {
        let _ = (config, limits);
        Err(self.wrong_kind(Kind::Decoder))
    }

    /// Makes a transform.
    fn transform(&self, config: &str, limits: &Limits) -> Result<Box<dyn Transform>, OperatorError> {
        let _ = (config, limits);
        Err(self.wrong_kind(Kind::Transform))
    }

    /// Makes a batch transform.
    fn batch_transform(
        &self,
        config: &str,
        limits: &Limits,
    ) -> Result<Box<dyn BatchTransform>, OperatorError> {
        let _ = (config, limits);
        Err(self.wrong_kind(Kind::BatchTransform))
    }

    /// Makes a sampler.
    fn sampler(&self, config: &str, limits: &Limits) -> Result<Box<dyn Sampler>, OperatorError> {
        let _ = (config, limits);
        Err(self.wrong_kind(Kind::Sampler))
    }

    /// Makes a scheduling policy.
    fn policy(&self, config: &str, limits: &Limits) -> Result<Box<dyn Policy>, OperatorError> {
        let _ = (config, limits);
        Err(self.wrong_kind(Kind::Policy))
    }

    /// The error for a plugin put to a use that it is not for.
    fn wrong_kind(&self, wanted: Kind) -> OperatorError {
        OperatorError::Start(format!("it is a {}, not a {wanted}", self.kind()))
    }
}
