//! Versions of one fake plugin, of any kind and of several manners, for the tests that swap and shadow
//! them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use crate::support::{FakeCatalog, Memory};
use serde_json::Value as Json;
use zenith_core::{
    BatchEffect, BatchTransform, DType, Decode, DecodeRequest, Digest, Effect, Engine, Format, Header,
    Identity, Kind, Limits, OperatorError, Output, Plugin, PluginStats, Population, Sampler, TensorType,
    TensorView, Transform, Window,
};
use zenith_pipeline::{Catalog, CatalogError, Fidelity, Optimisations, Plan, PlanInput};

/// What a version does, apart from adding its number to every pixel.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Works,
    RefusesConfig,
    TrapsWhenPlanned,
    PanicsWhenPlanned,
    DoesNotStart,
    /// Only so many operators of it can be made.
    StartsTimes(u64),
    MakesInt16,
    Flattens,
    FailsOn3,
}

/// One version of a plugin `test:adds`, of any kind: version `1.0.N` adds N to every pixel.
pub(crate) struct Version {
    pub(crate) identity: Identity,
    pub(crate) kind: Kind,
    pub(crate) manner: Manner,
    pub(crate) number: u8,
    pub(crate) made: AtomicU64,
    pub(crate) alive: Arc<AtomicUsize>,
    /// Is called when it is planned.
    pub(crate) planned: Mutex<Box<dyn FnMut() + Send>>,
}

pub(crate) fn version(number: u8, kind: Kind, manner: Manner) -> Arc<Version> {
    Arc::new(Version {
        identity: Identity {
            name: "test:adds".parse().unwrap(),
            version: format!("1.0.{number}"),
            digest: Digest::from_bytes([number; 32]),
        },
        kind,
        manner,
        number,
        made: AtomicU64::new(0),
        alive: Arc::default(),
        planned: Mutex::new(Box::new(|| ())),
    })
}

pub(crate) fn adds(number: u8) -> Arc<Version> {
    version(number, Kind::Transform, Manner::Works)
}

impl Version {
    fn make(&self) -> Result<Adds, OperatorError> {
        let made = self.made.fetch_add(1, SeqCst) + 1;
        match self.manner {
            Manner::RefusesConfig => {
                Err(OperatorError::Config { key: "at".into(), reason: "is not known".into() })
            }
            Manner::DoesNotStart => Err(OperatorError::Start("it has no memory".into())),
            Manner::StartsTimes(times) if made > times => Err(OperatorError::InstanceLimit { limit: 2 }),
            manner => {
                self.alive.fetch_add(1, SeqCst);
                Ok(Adds { number: self.number, manner, alive: Arc::clone(&self.alive) })
            }
        }
    }

    fn plan<T>(&self, operator: T) -> T {
        (self.planned.lock().unwrap())();
        operator
    }
}

impl Plugin for Version {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn engine(&self) -> Engine {
        Engine::Wasm
    }

    fn stats(&self) -> PluginStats {
        let alive = self.alive.load(SeqCst) as u64;
        PluginStats { instances: self.made.load(SeqCst), replaced: 0, alive, memory: 1000 * alive }
    }

    fn decoder(&self, _: &str, _: &Limits) -> Result<Box<dyn Decode>, OperatorError> {
        Ok(Box::new(self.make()?))
    }

    fn transform(&self, _: &str, _: &Limits) -> Result<Box<dyn Transform>, OperatorError> {
        Ok(Box::new(self.plan(self.make()?)))
    }

    fn batch_transform(&self, _: &str, _: &Limits) -> Result<Box<dyn BatchTransform>, OperatorError> {
        Ok(Box::new(self.make()?))
    }

    fn sampler(&self, _: &str, _: &Limits) -> Result<Box<dyn Sampler>, OperatorError> {
        self.make()?;
        Ok(Box::new(Rotated {
            by: self.number.into(),
            traps: self.manner == Manner::TrapsWhenPlanned,
            length: 0,
            position: 0,
        }))
    }
}

struct Adds {
    number: u8,
    manner: Manner,
    alive: Arc<AtomicUsize>,
}

impl Drop for Adds {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, SeqCst);
    }
}

impl Adds {
    fn planned(&self, input: &TensorType) -> Result<TensorType, OperatorError> {
        match self.manner {
            Manner::TrapsWhenPlanned => {
                Err(OperatorError::Trap { reason: "unreachable".into(), backtrace: String::new() })
            }
            Manner::PanicsWhenPlanned => panic!("no plan"),
            Manner::MakesInt16 => Ok(TensorType { dtype: DType::Int16, shape: input.shape.clone() }),
            Manner::Flattens => {
                let pixels = input.shape.iter().copied().product::<Option<u32>>();
                Ok(TensorType { dtype: input.dtype, shape: [pixels].into_iter().collect() })
            }
            _ => Ok(input.clone()),
        }
    }

    fn write(&self, data: &[u8], output: &mut Output<'_>) {
        output.write(&data.iter().map(|pixel| pixel.wrapping_add(self.number)).collect::<Vec<_>>());
    }
}

impl Transform for Adds {
    fn plan(&mut self, input: &TensorType) -> Result<Effect, OperatorError> {
        let output = self.planned(input)?;
        Ok(Effect { output, seeded: false, windowed: false, crop_only: false, reducible: false })
    }

    fn window(&mut self, width: u32, height: u32, _: u64) -> Result<Window, OperatorError> {
        Ok(Window::full(width, height))
    }

    fn apply(&mut self, input: TensorView<'_>, _: u64, output: &mut Output<'_>) -> Result<(), OperatorError> {
        if self.manner == Manner::FailsOn3 && input.data()[0] % 10 == 3 {
            return Err(OperatorError::InvalidData("its first pixel ends in 3".to_owned()));
        }
        self.write(input.data(), output);
        Ok(())
    }
}

impl BatchTransform for Adds {
    fn plan(&mut self, inputs: &[TensorType]) -> Result<BatchEffect, OperatorError> {
        let mut outputs = inputs.to_vec();
        outputs[0] = self.planned(&inputs[0])?;
        Ok(BatchEffect { outputs, seeded: false })
    }

    fn apply(
        &mut self,
        inputs: &[TensorView<'_>],
        _: u64,
        outputs: &mut [Output<'_>],
    ) -> Result<(), OperatorError> {
        self.write(inputs[0].data(), &mut outputs[0]);
        outputs[1].write(inputs[1].data());
        Ok(())
    }
}

impl Decode for Adds {
    fn formats(&mut self) -> Result<Vec<Format>, OperatorError> {
        Ok(vec![Format { media_type: "image/raw".into(), extensions: vec!["raw".into()], magic: vec![4] }])
    }

    fn plan(&mut self) -> Result<TensorType, OperatorError> {
        self.planned(&TensorType { dtype: DType::Uint8, shape: [None, None, Some(1)].into_iter().collect() })
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, OperatorError> {
        Ok(Header { width: data[0].into(), height: data[1].into(), orientation: 1, reductions: Vec::new() })
    }

    fn decode(
        &mut self,
        data: &[u8],
        request: DecodeRequest,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        let (width, height) = request.size();
        self.write(&vec![data[2]; (width * height) as usize], output);
        Ok(())
    }
}

/// Yields all indices, beginning with its number.
struct Rotated {
    by: u64,
    traps: bool,
    length: u64,
    position: u64,
}

impl Sampler for Rotated {
    fn start(&mut self, population: Population) -> Result<u64, OperatorError> {
        if self.traps {
            return Err(OperatorError::Trap { reason: "unreachable".into(), backtrace: String::new() });
        }
        self.length = population.length;
        self.position = 0;
        Ok(self.length)
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), OperatorError> {
        let end = self.length.min(self.position + u64::from(limit));
        run.extend((self.position..end).map(|position| (position + self.by) % self.length));
        self.position = end;
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, OperatorError> {
        Ok(self.position.to_string().into_bytes())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError> {
        self.position = String::from_utf8_lossy(state).parse().unwrap();
        Ok(())
    }
}

/// The fakes of all tests, and one version of `test:adds`.
pub(crate) struct With(pub(crate) Arc<Version>);

impl Catalog for With {
    fn resolve(&self, reference: &str) -> Result<Arc<dyn Plugin>, CatalogError> {
        if reference == "test:adds" {
            return Ok(Arc::clone(&self.0) as Arc<dyn Plugin>);
        }
        FakeCatalog::new().resolve(reference)
    }

    fn decoders(&self) -> Result<Vec<Arc<dyn Plugin>>, CatalogError> {
        FakeCatalog::new().decoders()
    }
}

/// A plan over images of 4×3 pixels, in which `test:adds` is `first`; four samples a batch.
pub(crate) fn plan(first: &Arc<Version>, operators: &[Json], samples: u8) -> Plan {
    let input = PlanInput {
        spec: &crate::support::spec(operators, 4),
        source: Memory::counting(samples),
        catalog: &With(Arc::clone(first)),
        fidelity: Fidelity::Exact,
        optimisations: Optimisations::default(),
    };
    Plan::new(&input).unwrap()
}
