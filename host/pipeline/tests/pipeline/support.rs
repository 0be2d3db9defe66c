//! Plain Rust operators and a source in memory, so that the executor is tested without WebAssembly.
//!
//! An encoded "image" is three bytes, width, height and a value; its pixels are
//! `[height, width, 1]`, where the pixel at (x, y) is `value + x + 10 * y` (wrapping).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::{Value as Json, json};
use zenith_core::{
    BatchEffect, BatchTransform, DType, Decode, DecodeRequest, Digest, Effect, Engine, FieldKind, FieldSpec,
    Format, Header, Identity, Kind, Limits, OperatorError, Output, Plugin, PluginStats, Population, Reader,
    ReaderOptions, Sample, Sampler, Source, SourceError, TensorType, TensorView, Transform, Value, Window,
};
use zenith_pipeline::{
    Batch, Catalog, CatalogError, Epoch, Fidelity, LoadError, LoaderState, Next, Optimisations, Plan,
    PlanErrors, PlanInput, RunOptions, Runner, Spec,
};

/// What the fake decoder was asked for, in order.
pub(crate) static REQUESTS: Mutex<Vec<DecodeRequest>> = Mutex::new(Vec::new());

pub(crate) struct Memory {
    pub(crate) images: Vec<Vec<u8>>,
    fields: Vec<FieldSpec>,
}

impl Memory {
    pub(crate) fn new(images: Vec<Vec<u8>>) -> Arc<Self> {
        let field = |name: &str, kind| FieldSpec { name: name.to_owned(), kind };
        Arc::new(Self {
            images,
            fields: vec![field("image", FieldKind::Bytes), field("label", FieldKind::Int)],
        })
    }

    /// `count` images of 4×3 pixels; the value of an image is its index.
    pub(crate) fn counting(count: u8) -> Arc<Self> {
        Self::new((0..count).map(|value| vec![4, 3, value]).collect())
    }
}

impl Source for Memory {
    fn len(&self) -> u64 {
        self.images.len() as u64
    }

    fn fields(&self) -> &[FieldSpec] {
        &self.fields
    }

    fn key(&self, index: u64) -> String {
        format!("memory/{index:03}")
    }

    fn describe(&self) -> String {
        format!("memory: {} samples", self.images.len())
    }

    fn fingerprint(&self) -> u64 {
        7
    }

    fn reader(&self, _: &ReaderOptions) -> Result<Box<dyn Reader>, SourceError> {
        Ok(Box::new(MemoryReader { images: self.images.clone(), asked: Vec::new() }))
    }
}

struct MemoryReader {
    images: Vec<Vec<u8>>,
    asked: Vec<u64>,
}

impl Reader for MemoryReader {
    fn submit(&mut self, run: &[u64]) {
        self.asked.extend(run);
    }

    fn next(&mut self) -> Option<(u64, Result<Sample, SourceError>)> {
        if self.asked.is_empty() {
            return None;
        }
        let index = self.asked.remove(0);
        let image = self.images[usize::try_from(index).unwrap()].clone();
        if image == b"gone" {
            let reason = "was removed".to_owned();
            return Some((
                index,
                Err(SourceError::Content { path: format!("memory/{index:03}").into(), reason }),
            ));
        }
        let label = i64::try_from(index).unwrap() * 100;
        Some((
            index,
            Ok(Sample { values: [Value::Bytes(image.into()), Value::Int(label)].into_iter().collect() }),
        ))
    }
}

/// A plugin that makes its operators with closures.
pub(crate) struct Fake {
    identity: Identity,
    kind: Kind,
    instances: AtomicU64,
}

impl Fake {
    fn plugin(name: &str, kind: Kind) -> Arc<dyn Plugin> {
        let identity = Identity {
            name: name.parse().unwrap(),
            version: "1.0.0".to_owned(),
            digest: Digest::from_bytes([u8::try_from(name.len()).unwrap(); 32]),
        };
        Arc::new(Self { identity, kind, instances: AtomicU64::new(0) })
    }
}

impl Plugin for Fake {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn engine(&self) -> Engine {
        Engine::Native
    }

    fn stats(&self) -> PluginStats {
        PluginStats { instances: self.instances.load(Relaxed), replaced: 1, alive: 0, memory: 64 }
    }

    fn decoder(&self, _: &str, _: &Limits) -> Result<Box<dyn Decode>, OperatorError> {
        Ok(Box::new(Raw))
    }

    fn transform(&self, config: &str, _: &Limits) -> Result<Box<dyn Transform>, OperatorError> {
        self.instances.fetch_add(1, Relaxed);
        let config: Json = serde_json::from_str(config).unwrap();
        let name = self.identity.name.name().to_owned();
        if let Some(key) =
            config.as_object().unwrap().keys().find(|key| !["size", "at", "by"].contains(&key.as_str()))
        {
            return Err(OperatorError::Config { key: key.clone(), reason: "is not known".to_owned() });
        }
        let number = |key: &str| u32::try_from(config[key].as_u64().unwrap_or(2)).unwrap();
        Ok(Box::new(Step { name, size: number("size"), at: number("at") }))
    }

    fn batch_transform(&self, _: &str, _: &Limits) -> Result<Box<dyn BatchTransform>, OperatorError> {
        Ok(Box::new(Widen))
    }

    fn sampler(&self, _: &str, _: &Limits) -> Result<Box<dyn Sampler>, OperatorError> {
        Ok(Box::new(Order { backwards: self.identity.name.name() == "backwards", ..Order::default() }))
    }
}

struct Raw;

impl Decode for Raw {
    fn formats(&mut self) -> Result<Vec<Format>, OperatorError> {
        Ok(vec![Format { media_type: "image/raw".into(), extensions: vec!["raw".into()], magic: vec![4] }])
    }

    fn plan(&mut self) -> Result<TensorType, OperatorError> {
        Ok(TensorType { dtype: DType::Uint8, shape: [None, None, Some(1)].into_iter().collect() })
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, OperatorError> {
        let [width, height, _] = data[..] else {
            return Err(OperatorError::InvalidData(format!("it has {} bytes instead of 3", data.len())));
        };
        Ok(Header { width: width.into(), height: height.into(), orientation: 1, reductions: vec![2] })
    }

    fn decode(
        &mut self,
        data: &[u8],
        request: DecodeRequest,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        REQUESTS.lock().unwrap().push(request);
        let (window, step) = (request.window, request.reduction as usize);
        for y in (window.y..window.y + window.height).step_by(step) {
            for x in (window.x..window.x + window.width).step_by(step) {
                output.write(&[data[2].wrapping_add(u8::try_from(x + 10 * y).unwrap())]);
            }
        }
        Ok(())
    }
}

/// All fake transforms, told apart by name.
struct Step {
    name: String,
    size: u32,
    at: u32,
}

impl Transform for Step {
    fn plan(&mut self, input: &TensorType) -> Result<Effect, OperatorError> {
        if input.shape.len() != 3 {
            return Err(OperatorError::UnsupportedType(format!(
                "it takes [height, width, channels], not {input}"
            )));
        }
        let square = [Some(self.size), Some(self.size), input.shape[2]].into_iter().collect();
        let plain = Effect {
            output: input.clone(),
            seeded: false,
            windowed: false,
            crop_only: false,
            reducible: false,
        };
        let squared = Effect { output: TensorType { dtype: input.dtype, shape: square }, ..plain.clone() };
        Ok(match self.name.as_str() {
            "crop" => Effect { windowed: true, crop_only: true, ..squared },
            "shrink" => Effect { windowed: true, reducible: true, ..squared },
            "flatten" => Effect {
                output: TensorType { shape: [Some(1)].into_iter().collect(), ..squared.output },
                ..plain
            },
            "noise" => Effect { seeded: true, ..plain },
            "grow" => {
                Effect { output: TensorType { shape: [None].into_iter().collect(), ..plain.output }, ..plain }
            }
            _ => plain,
        })
    }

    fn window(&mut self, width: u32, height: u32, _: u64) -> Result<Window, OperatorError> {
        Ok(match self.name.as_str() {
            "crop" => Window { x: self.at, y: 0, width: self.size, height: self.size },
            _ => Window::full(width, height),
        })
    }

    fn apply(
        &mut self,
        input: TensorView<'_>,
        seed: u64,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        let data = input.data();
        match self.name.as_str() {
            "shrink" => {
                let (height, width) = (input.extents()[0], input.extents()[1]);
                for y in 0..self.size {
                    for x in 0..self.size {
                        output.write(&[
                            data[(y * height / self.size * width + x * width / self.size) as usize]
                        ]);
                    }
                }
            }
            "noise" => {
                output.write(&data.iter().map(|value| value ^ seed.to_le_bytes()[0]).collect::<Vec<_>>());
            }
            "flatten" => output.write(&data[..1]),
            "short" => output.write(&data[1..]),
            "grow" => {
                let length = u32::from(data[0]) + 1;
                output.set_shape(&[length]);
                output.write(&vec![9; length as usize]);
            }
            "fails-on-3" if data[0] % 10 == 3 => {
                return Err(OperatorError::InvalidData("its first pixel ends in 3".to_owned()));
            }
            "panics-on-5" => {
                assert!(data[0] != 5, "five");
                output.write(data);
            }
            _ => output.write(data),
        }
        Ok(())
    }
}

/// Doubles the width of every element: `uint8` becomes `int16`; other fields stay.
struct Widen;

impl BatchTransform for Widen {
    fn plan(&mut self, inputs: &[TensorType]) -> Result<BatchEffect, OperatorError> {
        let outputs = inputs
            .iter()
            .map(|input| match input.dtype {
                DType::Uint8 => TensorType { dtype: DType::Int16, shape: input.shape.clone() },
                _ => input.clone(),
            })
            .collect();
        Ok(BatchEffect { outputs, seeded: false })
    }

    fn apply(
        &mut self,
        inputs: &[TensorView<'_>],
        _: u64,
        outputs: &mut [Output<'_>],
    ) -> Result<(), OperatorError> {
        for (input, output) in inputs.iter().zip(outputs) {
            match input.dtype() {
                DType::Uint8 => output.write(
                    &input
                        .data()
                        .iter()
                        .flat_map(|value| i16::from(*value).to_le_bytes())
                        .collect::<Vec<_>>(),
                ),
                _ => output.write(input.data()),
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Order {
    backwards: bool,
    length: u64,
    position: u64,
}

impl Sampler for Order {
    fn start(&mut self, population: Population) -> Result<u64, OperatorError> {
        self.length = population.length;
        self.position = 0;
        Ok(population.length)
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), OperatorError> {
        // Short runs, as a sampler may give.
        let end = self.length.min(self.position + u64::from(limit.min(3)));
        run.extend(
            (self.position..end)
                .map(|position| if self.backwards { self.length - 1 - position } else { position }),
        );
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

pub(crate) struct FakeCatalog {
    plugins: HashMap<String, Arc<dyn Plugin>>,
}

impl FakeCatalog {
    pub(crate) fn new() -> Self {
        let transforms =
            ["crop", "shrink", "flatten", "noise", "grow", "short", "fails-on-3", "panics-on-5", "same"]
                .map(|name| (format!("test:{name}"), Kind::Transform));
        let others = [
            ("zenith:sequential".to_owned(), Kind::Sampler),
            ("test:backwards".to_owned(), Kind::Sampler),
            ("test:raw".to_owned(), Kind::Decoder),
            ("test:widen".to_owned(), Kind::BatchTransform),
        ];
        let plugins = transforms
            .into_iter()
            .chain(others)
            .map(|(name, kind)| (name.clone(), Fake::plugin(&name, kind)))
            .collect();
        Self { plugins }
    }
}

impl Catalog for FakeCatalog {
    fn resolve(&self, reference: &str) -> Result<Arc<dyn Plugin>, CatalogError> {
        self.plugins.get(reference).cloned().ok_or_else(|| CatalogError {
            message: format!("there is no package `{reference}`"),
            hint: Some("zenith registry list".to_owned()),
        })
    }

    fn decoders(&self) -> Result<Vec<Arc<dyn Plugin>>, CatalogError> {
        self.resolve("test:raw").map(|plugin| vec![plugin])
    }
}

/// A spec from operator tables, over a source that the test opens itself.
pub(crate) fn spec(operators: &[Json], batch: u32) -> Spec {
    serde_json::from_value(json!({
        "source": {"kind": "images", "path": "memory"},
        "operator": operators,
        "batch": {"size": batch},
    }))
    .unwrap()
}

pub(crate) fn plan_with(
    source: Arc<Memory>,
    spec: &Spec,
    fidelity: Fidelity,
    push: bool,
) -> Result<Plan, PlanErrors> {
    Plan::new(&PlanInput {
        spec,
        source,
        catalog: &FakeCatalog::new(),
        fidelity,
        optimisations: Optimisations { window_push_down: push },
    })
}

pub(crate) fn plan(source: Arc<Memory>, spec: &Spec) -> Result<Plan, PlanErrors> {
    plan_with(source, spec, Fidelity::Exact, true)
}

pub(crate) fn runner(source: Arc<Memory>, spec: &Spec, options: RunOptions) -> Runner {
    Runner::new(Arc::new(plan(source, spec).unwrap()), options)
}

pub(crate) fn start(runner: &Runner, epoch: u64) -> Epoch {
    runner.epoch(&LoaderState::at_start(runner.plan().digest(), epoch, runner.options().seed)).unwrap()
}

/// The next batch, error or `None` at the end; never waits for long.
pub(crate) fn next(epoch: &mut Epoch) -> Result<Option<Batch>, LoadError> {
    loop {
        match epoch.next(Duration::from_millis(100))? {
            Next::Batch(batch) => return Ok(Some(batch)),
            Next::End => return Ok(None),
            Next::Pending => {}
        }
    }
}

pub(crate) fn all(epoch: &mut Epoch) -> Vec<Result<Batch, LoadError>> {
    std::iter::from_fn(|| next(epoch).transpose()).collect()
}

/// Every batch as its first tensor's bytes.
pub(crate) fn pixels(epoch: &mut Epoch) -> Vec<Vec<u8>> {
    all(epoch).into_iter().map(|batch| batch.unwrap().tensors()[0].data().to_vec()).collect()
}
