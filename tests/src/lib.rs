//! What whole-system tests share. The tests are in `tests/`, the hostile guests in `guests/`, what builds
//! them in `artifacts/`, and the tests of documentation and scripts in `python/`.

#![forbid(unsafe_code)]

pub mod wit_reference;
