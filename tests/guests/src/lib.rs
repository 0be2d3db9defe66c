//! What the guests share. Each guest is named after its case and misbehaves in one way only; the host
//! tests of the same names say what must come of it.

#![forbid(unsafe_code)]

/// Guests misbehave for this seed and are well for every other, so that a test can see that the next
/// sample is none the worse.
pub const BAD_SEED: u64 = 666;
