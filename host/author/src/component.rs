//! From what a compiler leaves to a package: a component, checked against its manifest.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use zenith_registry::package::{self, EncodeError, Manifest, PackError, Packed};

/// Makes a package of a core module or a component. A module whose runtime imports WASI's first preview, as
/// Go's does, gets the adapter to the second, which the host serves hermetically.
pub(crate) fn pack(wasm: &[u8], manifest: &Manifest) -> Result<Packed, PackError> {
    let clock = wat::parse_str(FROZEN_CLOCK).map_err(|error| EncodeError::Component(error.to_string()))?;
    let adapters = [
        (WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER),
        (FROZEN_CLOCK_NAME, &clock),
    ];
    package::pack(wasm, &adapters, manifest)
}

/// The module that answers `clock_time_get` where [`freeze_clock`] asked for it.
const FROZEN_CLOCK: &str = include_str!("build/frozen_clock.wat");

/// Its name, as long as the name of WASI's module.
const FROZEN_CLOCK_NAME: &str = "zenith_frozen_clock_p1";

/// Lets a core module read the time from inside its component instead of from the host.
///
/// While the host hands a list to a component it calls the component's allocator, and until that returns
/// the component may call nothing outside of itself. Go's allocator may collect garbage, and its collector
/// reads the clock: the call was forbidden, and a large image was a trap. A plugin has no clock but one that
/// stands still, so that nothing is lost by one of its own.
pub(crate) fn freeze_clock(wasm: &mut [u8]) {
    // As an import is written: the length and the letters of its module's name, then those of its own.
    let import = |module: &str| [&[22], module.as_bytes(), &[14], b"clock_time_get"].concat();
    let (from, to) = (import(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME), import(FROZEN_CLOCK_NAME));
    debug_assert_eq!(from.len(), to.len(), "nothing may move");
    if let Some(place) = wasm.windows(from.len()).position(|bytes| bytes == from) {
        wasm[place..place + to.len()].copy_from_slice(&to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clock_is_taken_from_inside() {
        let module = |clock: &str| {
            wat::parse_str(format!(
                r#"(module
                    (import "{clock}" "clock_time_get" (func (param i32 i64 i32) (result i32)))
                    (import "wasi_snapshot_preview1" "clock_res_get" (func (param i32 i32) (result i32))))"#
            ))
            .unwrap()
        };
        let mut wasm = module("wasi_snapshot_preview1");
        freeze_clock(&mut wasm);
        assert_eq!(wasm, module(FROZEN_CLOCK_NAME));
        let before = wasm.clone();
        freeze_clock(&mut wasm);
        assert_eq!(wasm, before);
    }

    fn manifest() -> Manifest {
        Manifest::from_toml("name = \"acme:echo\"\nversion = \"0.1.0\"\nkind = \"transform\"\n").unwrap()
    }

    #[test]
    fn what_is_no_webassembly_is_no_package() {
        let error = pack(b"not wasm", &manifest()).unwrap_err();
        assert!(matches!(error, PackError::Encode(EncodeError::NotWasm)), "{error}");
    }

    /// A compiler that was stopped left half a module, and the encoder, which believes the lengths that
    /// it reads, panicked on it: the registry checked modules first, and the languages' builds did not.
    #[test]
    fn a_module_that_is_cut_short_is_an_error_and_no_panic() {
        let whole = zenith_test_artifacts::TRANSFORM_ECHOES;
        pack(whole, &manifest()).unwrap();
        for part in 1..40 {
            let cut = &whole[..whole.len() * part / 40];
            let error = pack(cut, &manifest()).unwrap_err();
            assert!(matches!(error, PackError::Encode(EncodeError::Damaged(_))), "{part}: {error}");
        }
    }
}
