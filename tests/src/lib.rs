//! Whole-system tests: hostile guests, pipelines over WebAssembly, the command line.
