//! What a plugin's author does: make a plugin from a template, build it in whatever language it is
//! written in, test it, measure it, look into it.
//!
//! Publishing and trust live in `zenith-registry`; the command line in `zenith`.

#![forbid(unsafe_code)]

pub mod bench;
pub mod conformance;
pub mod inspect;
