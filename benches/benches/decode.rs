//! Decoding photographs with `zenith:jpeg`, natively and as a component: whole, and the window that a
//! random-resized-crop reads in the mean. One iteration decodes one photograph of each class.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use zenith_benches::{Result, one_of_each, shipped};
use zenith_core::{DecodeRequest, Header, Limits, Output, Window};
use zenith_jpeg::Jpeg;
use zenith_plugin_sdk::{self as sdk, Decoder as _, parse_config};

/// The whole image, or half of its area from the middle.
fn wanted(header: &Header, part: &str) -> DecodeRequest {
    let (width, height) = (header.width, header.height);
    let window = match part {
        "whole" => Window::full(width, height),
        _ => Window { x: width / 7, y: height / 7, width: width * 5 / 7, height: height * 5 / 7 },
    };
    DecodeRequest { window, reduction: 1 }
}

fn decoding(criterion: &mut Criterion) -> Result<()> {
    let photographs = one_of_each()?;
    let mut component = shipped("zenith:jpeg")?.decoder("{}", &Limits::default())?;
    let mut twin = Jpeg::configure(parse_config("{}")?)?;
    let mut place = vec![0_u8; 500 * 500 * 3];
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(photographs.len() as u64));
    for part in ["whole", "half"] {
        group.bench_function(BenchmarkId::new("component", part), |bench| {
            bench.iter(|| {
                for data in &photographs {
                    let header = component.open(data)?;
                    let request = wanted(&header, part);
                    let (width, height) = request.size();
                    let mut output = Output::place(&mut place[..(width * height * 3) as usize]);
                    component.decode(data, request, &mut output)?;
                    output.finish()?;
                }
                Result::Ok(())
            });
        });
        group.bench_function(BenchmarkId::new("twin", part), |bench| {
            bench.iter(|| {
                for data in &photographs {
                    let header = twin.open(data)?;
                    let request = wanted(&header, part);
                    let (width, height) = request.size();
                    let output = Output::place(&mut place[..(width * height * 3) as usize]);
                    let mut output = sdk::Output::new(output);
                    twin.decode(data, request, &mut output)?;
                    output.into_inner().finish()?;
                }
                Result::Ok(())
            });
        });
    }
    group.finish();
    Ok(())
}

fn all(criterion: &mut Criterion) {
    decoding(criterion).unwrap_or_else(|error| panic!("{error}"));
}

criterion_group!(benches, all);
criterion_main!(benches);
