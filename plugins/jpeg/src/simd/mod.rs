//! One 128-bit vector, the same on every machine. Each operation has exactly one meaning, so that the
//! component and its native twin give the same bytes.
//!
//! x86-64 uses SSE2, which every such machine has (and SSSE3 for one shuffle, where the caller has
//! found it); WebAssembly uses simd128; anything else runs plain loops, which are also the reference
//! that the tests hold the others to. Names follow one pattern: what is done, then the lane width.
//! Algorithms do not live here.

#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
pub(crate) use portable::*;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use wasm::*;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::*;

/// What the running machine has beyond its architecture's baseline. A level other than [`Baseline`]
/// may be named only behind a check that the machine has what it promises.
pub(crate) trait Level: Copy {
    /// Whether SSSE3 is there.
    #[cfg(target_arch = "x86_64")]
    const SSSE3: bool;
}

/// Nothing but the architecture itself.
#[derive(Clone, Copy)]
pub(crate) struct Baseline;

impl Level for Baseline {
    #[cfg(target_arch = "x86_64")]
    const SSSE3: bool = cfg!(target_feature = "ssse3");
}

/// AVX2 and BMI2, and so SSSE3: x86-64 machines since 2013 and 2017.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Level for Avx2 {
    const SSSE3: bool = true;
}

/// Work that is compiled once for each level.
pub(crate) trait Work {
    /// What it answers.
    type Output;

    /// Does it, by the means of `L`. The implementation is `#[inline(always)]`, and so is everything
    /// hot that it calls.
    fn run<L: Level>(self) -> Self::Output;
}

/// Does some work by the best means that the running machine has. The result is the same by all.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn at_best_level<W: Work>(work: W) -> W::Output {
    work.run::<Baseline>()
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::at_best_level;

#[cfg(test)]
mod tests;
