//! From entropy-coded bytes to coefficients: unstuffing, bits, Huffman tables, blocks.
//!
//! What a scan is made of, and in which order blocks come, is the business of `sequential` and
//! `progressive`.

pub(crate) mod bits;
pub(crate) mod block;
pub(crate) mod huffman;
pub(crate) mod lookup;
pub(crate) mod restart;
pub(crate) mod standard;
pub(crate) mod stream;
