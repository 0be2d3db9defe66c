//! What became of a call that the engine cut off, told as an [`OperatorError`].

use std::fmt::Write as _;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use zenith_core::{Limits, OperatorError};

use crate::{
    state::State,
    text::{tame, tame_to},
};

/// Frames of a guest's stack that are told.
const FRAMES: usize = 16;

/// Bytes of a function's name that are told.
const NAME: usize = 160;

/// What the names of functions begin with in which Rust's runtime panics.
const PANICKING: [&str; 9] = [
    "__rust",
    "abort",
    "core::option::",
    "core::panicking::",
    "core::result::",
    "rust_begin_unwind",
    "std::alloc::",
    "std::panicking::",
    "std::sys::",
];

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
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    let names: Vec<String> = frames
        .iter()
        .map(|frame| match frame.func_name() {
            // The alternate form leaves out the hash.
            Some(name) => tame_to(&format!("{:#}", rustc_demangle::demangle(name)), NAME),
            None => format!("function {}", frame.func_index()),
        })
        .collect();
    told(&names)
}

/// The frames that matter to a plugin's author: not those in which a language's runtime panics, and
/// not the whole of a deep stack.
fn told(names: &[String]) -> String {
    let runtime = |name: &&String| PANICKING.iter().any(|part| name.starts_with(part));
    let own = &names[names.iter().take_while(runtime).count()..];
    // A stack of nothing else is told as it is.
    let own = if own.is_empty() { names } else { own };
    let mut lines = String::new();
    for (position, name) in own.iter().take(FRAMES).enumerate() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(lines, "{position}: {name}");
    }
    if own.len() > FRAMES {
        let _ = writeln!(lines, "… and {} more", own.len() - FRAMES);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_begins_where_the_plugins_own_code_panicked() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let stack = names(&[
            "__rustc::rust_panic",
            "std::panicking::begin_panic",
            "sepia::tint",
            "core::panicking::x",
        ]);
        assert_eq!(told(&stack), "0: sepia::tint\n1: core::panicking::x\n");
        assert_eq!(told(&stack[..1]), "0: __rustc::rust_panic\n");
        assert_eq!(told(&[]), "");
        let deep = vec!["f".to_owned(); 1000];
        assert_eq!(told(&deep).lines().count(), FRAMES + 1);
        assert!(told(&deep).ends_with("… and 984 more\n"));
    }
}
