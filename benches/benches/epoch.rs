//! A whole epoch over the photographs, natively and through components, on two workers: read, decode,
//! random-resized-crop, flip, normalise, batches of 64.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zenith::{Context, ContextOptions, EngineChoice, LoadOptions, Loader, Next, Spec};
use zenith_benches::{Result, photographs, registry};

const OPERATORS: &str = r#"
[[operator]]
sample = "zenith:shuffle"
[[operator]]
decode = "zenith:jpeg"
[[operator]]
map = "zenith:random-resized-crop"
size = 224
[[operator]]
map = "zenith:horizontal-flip"
[[operator]]
map = "zenith:normalize"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
[batch]
size = 64
"#;

/// Takes one epoch; answers how many images it had.
fn epoch(loader: &Loader) -> Result<u64> {
    let mut epoch = loader.begin()?;
    let mut images = 0;
    loop {
        match epoch.next(Duration::from_secs(1))? {
            Next::Batch(batch) => images += batch.len() as u64,
            Next::Pending => {}
            Next::End => return Ok(images),
        }
    }
}

fn epochs(criterion: &mut Criterion) -> Result<()> {
    let folder = toml::Value::from(photographs()?.to_string_lossy().into_owned());
    let spec: Spec = toml::from_str(&format!("[source]\nkind = \"images\"\npath = {folder}\n{OPERATORS}"))?;
    let context = Context::new(ContextOptions {
        built_in: Some(registry()?),
        ignore_lock: true,
        ..ContextOptions::default()
    })?;
    let mut group = criterion.benchmark_group("epoch");
    group.sample_size(10);
    for (name, engine) in [("native", EngineChoice::Native), ("wasm", EngineChoice::Wasm)] {
        let mut options = LoadOptions { engine, ..LoadOptions::default() };
        options.run.num_workers = 2;
        let loader = Loader::new(&context, &spec, options)?;
        group.throughput(Throughput::Elements(epoch(&loader)?));
        group.bench_function(name, |bench| bench.iter(|| epoch(&loader)));
    }
    group.finish();
    Ok(())
}

fn all(criterion: &mut Criterion) {
    epochs(criterion).unwrap_or_else(|error| panic!("{error}"));
}

criterion_group!(benches, all);
criterion_main!(benches);
