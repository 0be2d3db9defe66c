//! What it costs to cross into a component and back: transforms that copy their input, one byte of
//! it and one whole photograph. The copy itself is the native line beside it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zenith_benches::Result;
use zenith_core::{DType, Limits, Output, TensorType, TensorView};
use zenith_plugin::{Host, HostOptions};
use zenith_test_artifacts::{TRANSFORM_ECHOES, component, identity};

fn calls(criterion: &mut Criterion) -> Result<()> {
    let bytes = component(TRANSFORM_ECHOES);
    let plugin = Host::new(HostOptions::default())?.load(identity(&bytes), &bytes)?;
    for (name, shape) in [("one byte", [1, 1, 1]), ("224 x 224 x 3", [224, 224, 3])] {
        let mut guest = plugin.transform("{}", &Limits::default())?;
        guest.plan(&TensorType::fixed(DType::Uint8, &shape))?;
        let data = vec![7_u8; shape.iter().map(|extent| *extent as usize).product()];
        let mut place = vec![0_u8; data.len()];
        let mut group = criterion.benchmark_group(format!("call/{name}"));
        group.throughput(Throughput::Bytes(data.len() as u64));
        let input = TensorView::new(DType::Uint8, &shape, &data).ok_or("the bytes do not fill the shape")?;
        group.bench_function("component", |bench| {
            bench.iter(|| {
                let mut output = Output::place(black_box(&mut place));
                guest.apply(black_box(input), 1, &mut output).and_then(|()| Ok(output.finish()?))
            });
        });
        group.bench_function("copy in and out", |bench| {
            let mut guest_memory = vec![0_u8; data.len()];
            bench.iter(|| {
                black_box(&mut guest_memory).copy_from_slice(black_box(&data));
                black_box(&mut place).copy_from_slice(black_box(&guest_memory));
            });
        });
        group.finish();
    }
    Ok(())
}

fn all(criterion: &mut Criterion) {
    calls(criterion).unwrap_or_else(|error| panic!("{error}"));
}

criterion_group!(benches, all);
criterion_main!(benches);
