//! Randomness. Without a permission it is a function of the call's seed: two calls with the same seed
//! draw the same numbers, in any worker and after any other calls. With it, it is the system's.

use std::{
    fs::File,
    io::{self, Read},
};

use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

/// Bytes that may be drawn at once.
const MOST: u64 = 16 << 20;

/// What a hash map is seeded with. A runtime asks for it once and keeps it, so it must not depend on
/// the sample for which that happened to be.
const HASH_SEED: (u64, u64) = (0x5A45_4E49_5448_0002, 0x5A45_4E49_5448_0003);

/// The randomness of one instance.
pub(super) enum Random {
    /// One sequence for each interface.
    Seeded { secure: Sequence, insecure: Sequence },
    /// What the system gathers. Nothing of it is kept, so that a forked child draws its own.
    System,
}

impl Random {
    pub(super) fn new(real: bool, seed: u64) -> Self {
        if real { Self::System } else { Self::seeded(seed) }
    }

    /// Begins both sequences anew.
    pub(super) fn reseed(&mut self, seed: u64) {
        if let Self::Seeded { .. } = self {
            *self = Self::seeded(seed);
        }
    }

    fn seeded(seed: u64) -> Self {
        Self::Seeded { secure: Sequence(seed), insecure: Sequence(!seed) }
    }

    fn secure(&mut self, bytes: &mut [u8]) -> wasmtime::Result<()> {
        match self {
            Self::Seeded { secure, .. } => secure.fill(bytes),
            Self::System => gather(bytes)?,
        }
        Ok(())
    }

    fn insecure(&mut self, bytes: &mut [u8]) -> wasmtime::Result<()> {
        match self {
            Self::Seeded { insecure, .. } => insecure.fill(bytes),
            Self::System => gather(bytes)?,
        }
        Ok(())
    }
}

fn gather(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// So many bytes to fill, unless they are too many.
fn zeroes(count: u64) -> wasmtime::Result<Vec<u8>> {
    match usize::try_from(count) {
        Ok(length) if count <= MOST => Ok(vec![0; length]),
        _ => wasmtime::bail!("it asked for {count} random bytes, more than {MOST}"),
    }
}

/// Sebastiano Vigna's `SplitMix64`.
pub(super) struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
    }
}

impl random::Host for Random {
    fn get_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = zeroes(count)?;
        self.secure(&mut bytes)?;
        Ok(bytes)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        let mut bytes = [0; 8];
        self.secure(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

impl insecure::Host for Random {
    fn get_insecure_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = zeroes(count)?;
        self.insecure(&mut bytes)?;
        Ok(bytes)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        let mut bytes = [0; 8];
        self.insecure(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

impl insecure_seed::Host for Random {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        match self {
            Self::Seeded { .. } => Ok(HASH_SEED),
            Self::System => Ok((
                insecure::Host::get_insecure_random_u64(self)?,
                insecure::Host::get_insecure_random_u64(self)?,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(source: &mut Random) -> (Vec<u8>, Vec<u8>) {
        let secure = random::Host::get_random_bytes(source, 20).unwrap();
        (secure, insecure::Host::get_insecure_random_bytes(source, 20).unwrap())
    }

    #[test]
    fn a_seed_that_returns_begins_the_same_sequences() {
        let mut source = Random::new(false, 7);
        let first = draw(&mut source);
        assert_ne!(first.0, first.1);
        source.reseed(8);
        assert_ne!(draw(&mut source).0, first.0);
        source.reseed(7);
        assert_eq!(draw(&mut source), first);
        source.reseed(7);
        let number = random::Host::get_random_u64(&mut source).unwrap();
        assert_eq!(number.to_le_bytes(), first.0[..8]);
        assert_eq!(insecure_seed::Host::insecure_seed(&mut source).unwrap(), HASH_SEED);
    }

    #[test]
    fn the_systems_randomness_knows_no_seed() {
        let mut source = Random::new(true, 7);
        let first = draw(&mut source);
        source.reseed(7);
        assert_ne!(draw(&mut source), first);
        let seed = insecure_seed::Host::insecure_seed(&mut source).unwrap();
        assert_ne!(seed, insecure_seed::Host::insecure_seed(&mut source).unwrap());
    }

    #[test]
    fn bytes_are_not_made_without_bound() {
        let mut source = Random::new(false, 7);
        for count in [MOST + 1, u64::MAX] {
            assert!(random::Host::get_random_bytes(&mut source, count).is_err());
            assert!(insecure::Host::get_insecure_random_bytes(&mut source, count).is_err());
        }
    }
}
