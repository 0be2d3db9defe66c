//! WASI 0.2 for guests whose language's runtime imports it: hermetic, so that such a plugin is as
//! deterministic as any other.
//!
//! What a guest finds: no arguments, no environment, no file, a closed standard input, sockets and name
//! look-up refused, clocks that stand still, and randomness that is a function of the call's seed. What
//! it prints goes to the host's log. `exit` ends the instance and nothing else.
//!
//! With a permission it finds more: real clocks, the system's randomness, folders to read from.
//!
//! The engine cannot interrupt a call of the host, so nothing here waits for longer than the call may
//! take: see [`blocking`]. No thread is started, so that forked children are as good as their parents.
//! What wasmtime's own implementation does well (command lines, files, sockets that are refused) is used
//! as it is.

mod blocking;
mod clock;
mod console;
mod files;
mod random;

use std::{sync::Arc, time::Duration};

use tokio::runtime::{Handle, Runtime};
use wasmtime::{
    StoreContextMut,
    component::{HasData, Linker, Resource, ResourceTable},
};
use wasmtime_wasi::{
    WasiCtx, WasiCtxView, WasiView,
    cli::{WasiCli, WasiCliView as _},
    filesystem::{WasiFilesystem, WasiFilesystemView as _},
    p2::{
        UdpSocket,
        bindings::{
            cli, clocks, filesystem as async_filesystem, random as random_interfaces,
            sockets::{
                self as async_sockets,
                network::{ErrorCode, IpAddressFamily},
            },
            sync::{filesystem, io, sockets},
        },
    },
    sockets::{WasiSockets, WasiSocketsView as _},
};
use zenith_core::{Grants, Permission};

use crate::state::{Log, State};

use blocking::HasBlocking;
use clock::Clock;
use console::Console;
use random::Random;

/// The seed of a call that has none of its own. Seeds of samples are below 2⁵³.
pub(crate) const NO_SEED: u64 = u64::MAX;

/// Handles that a guest may hold at once: to pollables, streams, descriptors.
const HANDLES: usize = 4096;

/// The interfaces that are served, without their versions, each of which is 0.2.
const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Whether an import is one of the interfaces that are served.
pub(crate) fn serves(import: &str) -> bool {
    import
        .split_once("@0.2.")
        .is_some_and(|(name, patch)| INTERFACES.contains(&name) && patch.parse::<u32>().is_ok())
}

/// What one instance has of WASI.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    clock: Arc<Clock>,
    random: Random,
    console: Console,
    /// What wasmtime runs the reading of files in. It has no thread.
    runtime: Option<Runtime>,
}

impl Wasi {
    /// What is granted, and otherwise nothing but a function of the seed.
    pub(crate) fn new(grants: &Grants) -> wasmtime::Result<Self> {
        let mut context = WasiCtx::builder();
        let runtime = files::open(grants, &mut context)?;
        Ok(Self {
            context: context.build(),
            clock: Arc::new(Clock::new(grants.has(Permission::Clock))),
            random: Random::new(grants.has(Permission::Entropy), NO_SEED),
            runtime,
            ..Self::hermetic()
        })
    }

    fn hermetic() -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            context: WasiCtx::builder().build(),
            table,
            clock: Arc::new(Clock::new(false)),
            random: Random::new(false, NO_SEED),
            console: Console::default(),
            runtime: None,
        }
    }

    /// Begins a call: what it finds here, unless it was granted, depends on its seed alone and not on
    /// the calls before it. A sleep ends after `time` at the latest.
    pub(crate) fn begin_call(&mut self, seed: u64, time: Duration) {
        self.clock.begin_call(time);
        self.random.reseed(seed);
    }

    /// What calls must be made in, where files are granted.
    pub(crate) fn runtime(&self) -> Option<Handle> {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone())
    }

    /// Ends a call: a line without an end is told as it is.
    pub(crate) fn end_call(&mut self, log: &mut Log) {
        self.console.finish(log);
    }
}

impl State {
    fn wasi(&mut self) -> &mut Wasi {
        self.wasi.get_or_insert_with(|| Box::new(Wasi::hermetic()))
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Wasi { context, table, .. } = self.wasi();
        WasiCtxView { ctx: context, table }
    }
}

/// Defines every interface of [`INTERFACES`].
pub(crate) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<State, HasBlocking>(linker, State::blocking)?;
    cli::stderr::add_to_linker::<State, HasBlocking>(linker, State::blocking)?;

    clocks::monotonic_clock::add_to_linker::<State, HasBlocking>(linker, State::blocking)?;
    clocks::wall_clock::add_to_linker::<State, HasBlocking>(linker, State::blocking)?;

    async_filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;

    wasmtime_wasi_io::bindings::wasi::io::error::add_to_linker::<State, HasTable>(linker, |state| {
        &mut state.wasi().table
    })?;
    io::poll::add_to_linker::<State, HasBlocking>(linker, State::blocking)?;
    io::streams::add_to_linker::<State, HasBlocking>(linker, State::blocking)?;

    let random: fn(&mut State) -> &mut Random = |state| &mut state.wasi().random;
    random_interfaces::random::add_to_linker::<State, HasRandom>(linker, random)?;
    random_interfaces::insecure::add_to_linker::<State, HasRandom>(linker, random)?;
    random_interfaces::insecure_seed::add_to_linker::<State, HasRandom>(linker, random)?;

    async_sockets::instance_network::add_to_linker::<State, WasiSockets>(linker, State::sockets)?;
    async_sockets::ip_name_lookup::add_to_linker::<State, WasiSockets>(linker, State::sockets)?;
    let options = async_sockets::network::LinkOptions::default();
    async_sockets::network::add_to_linker::<State, WasiSockets>(linker, &options, State::sockets)?;
    async_sockets::tcp_create_socket::add_to_linker::<State, WasiSockets>(linker, State::sockets)?;
    sockets::tcp::add_to_linker::<State, WasiSockets>(linker, State::sockets)?;
    sockets::udp::add_to_linker::<State, WasiSockets>(linker, State::sockets)?;
    refuse_udp(linker)?;

    files::guard(linker)
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

struct HasRandom;

impl HasData for HasRandom {
    type Data<'a> = &'a mut Random;
}

/// Refuses to make a UDP socket. wasmtime's own would, too, but would start a runtime to say so.
fn refuse_udp(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance(&versioned("wasi:sockets/udp-create-socket"))?.func_wrap(
        "create-udp-socket",
        |_: StoreContextMut<'_, State>, (_,): (IpAddressFamily,)| {
            Ok((Err::<Resource<UdpSocket>, _>(ErrorCode::AccessDenied),))
        },
    )
}

/// An interface under the version that wasmtime defines it in; guests of any 0.2 find it there.
fn versioned(interface: &str) -> String {
    format!("{interface}@0.2.12")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_interfaces_of_wasi_0_2_are_served() {
        for import in ["wasi:cli/exit@0.2.0", "wasi:io/poll@0.2.12", "wasi:sockets/tcp@0.2.99"] {
            assert!(serves(import), "{import}");
        }
        for import in [
            "wasi:http/types@0.2.0",
            "wasi:cli/exit",
            "wasi:cli/exit@0.3.0",
            "wasi:cli/exit@0.2.x",
            "wasi:cli/exits@0.2.0",
            "zenith:plugin/log@0.2.0",
        ] {
            assert!(!serves(import), "{import}");
        }
    }

    #[test]
    fn every_interface_is_defined() {
        let engine = crate::engine::engine().unwrap();
        let mut linker = Linker::new(&engine);
        define(&mut linker).unwrap();
        for interface in INTERFACES {
            let text = format!(r#"(component (import "{interface}@0.2.0" (instance)))"#);
            let component = wasmtime::component::Component::new(&engine, wat::parse_str(text).unwrap());
            linker.instantiate_pre(&component.unwrap()).unwrap();
        }
    }
}
