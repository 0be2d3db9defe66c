//! Packages on disk: resolve, lock, verify, and build them.
