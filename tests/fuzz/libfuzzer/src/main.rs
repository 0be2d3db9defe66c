//! libFuzzer's entry. One program holds every body, so that the host is linked once; the variable
//! `ZENITH_FUZZ_BODY` says which of them is driven.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use zenith_fuzz::{Random, bodies, mutate};

/// A reader, and the damage that suits what it reads.
type Body = (fn(&[u8]), fn(&mut Vec<u8>, &mut Random));

static BODY: LazyLock<Body> = LazyLock::new(|| {
    let wasm: fn(&mut Vec<u8>, &mut Random) = |data, random| mutate::wasm(data, &[], random);
    match &*std::env::var("ZENITH_FUZZ_BODY").unwrap_or_default() {
        "component" => (bodies::component, wasm),
        "load" => (bodies::load, wasm),
        "manifest" => (bodies::manifest, mutate::text),
        "lockfile" => (bodies::lockfile, mutate::text),
        "reference" => (bodies::reference, mutate::text),
        "minisig" => (bodies::minisig, mutate::text),
        "oci_manifest" => (bodies::oci_manifest, mutate::text),
        "tar" => (bodies::tar, mutate::tar),
        "image" => (bodies::image, mutate::bytes),
        other => panic!("ZENITH_FUZZ_BODY names no body: `{other}`"),
    }
});

fuzz_target!(|data: &[u8]| BODY.0(data));

// Half of the time libFuzzer's own damage, which learns from what was covered; else ours, which knows
// what the bytes are made of.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(u64::from(seed));
    if random.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut damaged = data[..size].to_vec();
    BODY.1(&mut damaged, &mut random);
    damaged.truncate(max_size);
    data[..damaged.len()].copy_from_slice(&damaged);
    damaged.len()
});
