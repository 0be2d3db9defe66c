//! The native half of the zenith Python package.
