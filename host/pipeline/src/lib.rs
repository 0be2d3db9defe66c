//! From a declared pipeline to batches: resolve, check, optimise, execute, count.
