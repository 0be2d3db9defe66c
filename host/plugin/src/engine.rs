//! How components are compiled and run. Every choice here has its price in `docs/performance.md`.

use wasmtime::{Config, Engine, OptLevel, WasmBacktraceDetails};

/// Native stack that a guest may use. The thread that calls must have as much to spare; Rust's
/// threads have 2 MiB.
const WASM_STACK: usize = 512 << 10;

/// The engine that all components of a host share. It compiles for the CPU at hand.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        // Vectors are fast and deterministic; relaxed vectors differ from CPU to CPU.
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        // Instances start from a copy-on-write image, which makes them twenty times cheaper.
        .memory_init_cow(true)
        // Function names are kept for backtraces; a guest's DWARF is untrusted, and is not parsed.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .native_unwind_info(false);
    Engine::new(&config)
}
