//! The two transforms that cost most in the usual pipeline, natively and as components: from a window
//! of 357 × 267 pixels to 224 × 224, and from bytes to normalised floats.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use zenith_benches::{Result, shipped};
use zenith_core::{DType, Limits, Output, TensorType, TensorView};
use zenith_normalize::Normalize;
use zenith_plugin_sdk::{self as sdk, Transform, parse_config};
use zenith_random_resized_crop::RandomResizedCrop;

const MEAN_AND_STD: &str = r#"{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}"#;

/// One transform: its component's name and configuration, and the shape that it is given.
struct Case {
    package: &'static str,
    config: &'static str,
    shape: [u32; 3],
}

fn bench<T: Transform>(criterion: &mut Criterion, case: &Case) -> Result<()> {
    let mut component = shipped(case.package)?.transform(case.config, &Limits::default())?;
    let mut twin = T::configure(parse_config(case.config)?)?;
    let input_type = TensorType::fixed(DType::Uint8, &case.shape);
    let effect = component.plan(&input_type)?;
    let bytes = effect.output.byte_len().ok_or("the size of the output is open")?;
    // Not flat, so that no branch on a pixel's value is always the same.
    let length = case.shape.iter().map(|extent| *extent as usize).product();
    let data: Vec<u8> =
        (0_u32..).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).take(length).collect();
    let input = TensorView::new(DType::Uint8, &case.shape, &data).ok_or("the bytes do not fill the shape")?;
    let mut place = vec![0_u8; bytes];
    let mut group = criterion.benchmark_group("transform");
    group.bench_function(BenchmarkId::new("component", case.package), |bench| {
        bench.iter(|| {
            let mut output = Output::place(&mut place);
            component.apply(input, 1, &mut output).and_then(|()| Ok(output.finish()?))
        });
    });
    twin.plan(&input_type)?;
    group.bench_function(BenchmarkId::new("twin", case.package), |bench| {
        bench.iter(|| {
            let mut output = sdk::Output::new(Output::place(&mut place));
            twin.apply(input, 1, &mut output)?;
            Result::Ok(output.into_inner().finish()?)
        });
    });
    group.finish();
    Ok(())
}

fn transforms(criterion: &mut Criterion) -> Result<()> {
    let crop =
        Case { package: "zenith:random-resized-crop", config: r#"{"size": 224}"#, shape: [267, 357, 3] };
    bench::<RandomResizedCrop>(criterion, &crop)?;
    let normalise = Case { package: "zenith:normalize", config: MEAN_AND_STD, shape: [224, 224, 3] };
    bench::<Normalize>(criterion, &normalise)
}

fn all(criterion: &mut Criterion) {
    transforms(criterion).unwrap_or_else(|error| panic!("{error}"));
}

criterion_group!(benches, all);
criterion_main!(benches);
