//! Every operation against its plain meaning in `portable`.

use core::array::from_fn;

use super::{Baseline, Level, portable as plain};

fn numbers(state: &mut u64) -> [u8; 16] {
    from_fn(|_| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Extremes are where lanes saturate and wrap.
        match *state >> 60 {
            0 => 0,
            1 => 0x7F,
            2 => 0x80,
            3 => 0xFF,
            _ => (*state >> 40).to_le_bytes()[0],
        }
    })
}

fn bytes(v: super::V) -> [u8; 16] {
    let mut out = [0; 16];
    super::store8(&mut out, v);
    out
}

fn plain_bytes(v: plain::V) -> [u8; 16] {
    let mut out = [0; 16];
    plain::store8(&mut out, v);
    out
}

/// Holds operations on two vectors to their plain meaning.
macro_rules! same {
    ($a:expr, $b:expr; $($name:ident)*) => {
        $(
            let found = super::$name(super::load8(&$a), super::load8(&$b));
            let meant = plain::$name(plain::load8(&$a), plain::load8(&$b));
            assert_eq!(bytes(found), plain_bytes(meant), "{} of {:?} and {:?}", stringify!($name), $a, $b);
        )*
    };
}

/// Holds operations on one vector to their plain meaning.
macro_rules! same_of_one {
    ($a:expr; $($name:ident $(::<$n:literal>)?),*) => {
        $(
            let found = super::$name$(::<$n>)?(super::load8(&$a));
            let meant = plain::$name$(::<$n>)?(plain::load8(&$a));
            assert_eq!(bytes(found), plain_bytes(meant), "{} of {:?}", stringify!($name), $a);
        )*
    };
}

fn check<L: Level>() {
    let mut state = 1;
    for _ in 0..20_000 {
        let (a, b, c) = (numbers(&mut state), numbers(&mut state), numbers(&mut state));
        same!(a, b; add16 sub16 mul16 add32 sub32 dot16 narrow32 narrow16);
        same!(a, b; zip_low16 zip_high16 zip_low32 zip_high32 zip_low64 zip_high64);
        same_of_one!(a; sra32::<11>, sra32::<18>, widen_low16::<3>, widen_high16::<3>, widen_low8, widen_high8);
        assert_eq!(super::bytes_ff(super::load8(&a)), plain::bytes_ff(plain::load8(&a)));
        let (vector, factor) = (super::load8(&a), super::splat16(-7_471));
        let meant = plain::mul_q15::<L>(plain::load8(&a), plain::splat16(-7_471));
        assert_eq!(bytes(super::mul_q15::<L>(vector, factor)), plain_bytes(meant), "{a:?}");
        let (mut found, mut meant) = ([0; 48], [0; 48]);
        super::store_interleaved::<L>(&mut found, vector, super::load8(&b), super::load8(&c));
        plain::store_interleaved::<L>(&mut meant, plain::load8(&a), plain::load8(&b), plain::load8(&c));
        assert_eq!(found, meant);
        let lanes = a.as_chunks::<2>().0;
        let lanes: [i16; 8] = from_fn(|i| i16::from_le_bytes(lanes[i]));
        assert_eq!(bytes(super::load16(&lanes)), plain_bytes(plain::load16(&lanes)));
        let (mut low, mut high) = ([0; 8], [0; 8]);
        super::store_low(&mut low, vector);
        super::store_high(&mut high, vector);
        let (mut plain_low, mut plain_high) = ([0; 8], [0; 8]);
        plain::store_low(&mut plain_low, plain::load8(&a));
        plain::store_high(&mut plain_high, plain::load8(&a));
        assert_eq!((low, high), (plain_low, plain_high));
        assert_eq!(
            bytes(super::splat32(i32::from(lanes[0]) << 9)),
            plain_bytes(plain::splat32(i32::from(lanes[0]) << 9))
        );
    }
}

#[test]
fn the_baseline_means_what_plain_loops_mean() {
    check::<Baseline>();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx2_means_what_plain_loops_mean() {
    if is_x86_feature_detected!("avx2") {
        check::<super::Avx2>();
    }
}
