//! What became of a call that the engine cut off, told as an [`OperatorError`].

use std::fmt::Write as _;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use zenith_core::{Limits, OperatorError};

use crate::{state::State, text::tame};

/// Frames of a guest's stack that are told.
const FRAMES: usize = 32;

/// Why the engine cut a call off.
pub(crate) fn explain(error: &wasmtime::Error, state: &State, limits: &Limits) -> OperatorError {
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return OperatorError::TimeLimit { limit: limits.time };
    }
    // A guest that is refused memory mostly traps by itself, with an `unreachable` that says nothing.
    if state.memory.refused() {
        return OperatorError::MemoryLimit { limit: limits.memory };
    }
    let reason = match trap {
        Some(Trap::StackOverflow) => "its stack overflowed".to_owned(),
        Some(Trap::UnreachableCodeReached) => {
            last_words("it aborted", state).unwrap_or_else(|| "it aborted (`unreachable`)".to_owned())
        }
        Some(trap) => trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
        None => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(status)) => {
                let exited = format!("it exited with status {status}");
                last_words(&exited, state).unwrap_or(exited)
            }
            None => tame(&error.root_cause().to_string()),
        },
    };
    OperatorError::Trap { reason, backtrace: backtrace(error) }
}

fn last_words(what: &str, state: &State) -> Option<String> {
    state.log.last_words().map(|last| format!("{what}, after it logged: {last}"))
}

/// Why an instance could not be made at all.
pub(crate) fn explain_start(error: &wasmtime::Error, state: &State, limits: &Limits) -> OperatorError {
    if error.is::<Trap>() || error.is::<I32Exit>() || state.memory.refused() {
        explain(error, state, limits)
    } else {
        OperatorError::Start(tame(&format!("{error:#}")))
    }
}

/// One line for each frame, innermost first, with the function's name where the component has one.
fn backtrace(error: &wasmtime::Error) -> String {
    let mut lines = String::new();
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    for (position, frame) in frames.iter().take(FRAMES).enumerate() {
        let name = match frame.func_name() {
            // The alternate form leaves out the hash.
            Some(name) => tame(&format!("{:#}", rustc_demangle::demangle(name))),
            None => format!("function {}", frame.func_index()),
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(lines, "{position}: {name}");
    }
    if frames.len() > FRAMES {
        let _ = writeln!(lines, "… and {} more", frames.len() - FRAMES);
    }
    lines
}
