//! An operator's instance: made when needed, called within limits, replaced after a fault.
//!
//! Each operator has a store of its own, so that its memory, its deadline and its traps are its own.
//! What the calls mean lives with each kind of operator, not here.

use std::sync::{Arc, atomic::Ordering};

use tokio::runtime::Handle;
use wasmtime::{
    Store,
    component::{Instance, InstancePre, ResourceAny},
};
use zenith_core::{Grants, Limits, OperatorError, Output};

use crate::{
    bindings::{exports::zenith::plugin as exports, zenith::plugin::types::Error},
    convert, fault, lent,
    state::{Counters, State},
    ticker::{self, Ticker, Ticking},
    wasi::{NO_SEED, Wasi},
};

/// Bytes that an answer may bring along, other than an output: plans, formats, indices, states.
const ANSWER_BYTES: usize = 16 << 20;

/// The exported interface of one kind of plugin, as generated.
pub(crate) trait Interface: Sized + Send + 'static {
    /// Where its functions are, looked up once for each plugin.
    type Indices: Clone + Send + Sync + 'static;

    /// Looks its functions up.
    fn find(pre: &InstancePre<State>) -> wasmtime::Result<Self::Indices>;

    /// Takes its functions out of an instance, having checked their types.
    fn load(indices: &Self::Indices, store: &mut Store<State>, instance: &Instance)
    -> wasmtime::Result<Self>;

    /// Makes the resource that all other calls go to.
    fn configure(
        &self,
        store: &mut Store<State>,
        config: &str,
    ) -> wasmtime::Result<Result<ResourceAny, Error>>;
}

macro_rules! interfaces {
    ($($module:ident),*) => {$(
        impl Interface for exports::$module::Guest {
            type Indices = exports::$module::GuestIndices;

            fn find(pre: &InstancePre<State>) -> wasmtime::Result<Self::Indices> {
                exports::$module::GuestIndices::new(pre)
            }

            fn load(
                indices: &Self::Indices,
                store: &mut Store<State>,
                instance: &Instance,
            ) -> wasmtime::Result<Self> {
                indices.load(store, instance)
            }

            fn configure(
                &self,
                store: &mut Store<State>,
                config: &str,
            ) -> wasmtime::Result<Result<ResourceAny, Error>> {
                self.instance().call_configure(store, config)
            }
        }
    )*};
}
interfaces!(decoder, transform, batch_transform, sampler, policy);

/// A component, ready to be instantiated. Shared by all operators of a plugin.
pub(crate) struct Loaded {
    pub(crate) pre: InstancePre<State>,
    /// What the log calls the plugin.
    pub(crate) label: Arc<str>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) ticker: Arc<Ticker>,
    /// What it is granted, where it imports WASI.
    pub(crate) wasi: Option<Grants>,
}

/// The instance of one operator, with what it takes to make another.
pub(crate) struct Guest<I: Interface> {
    maker: Maker<I>,
    ticking: Ticking,
    live: Option<Live<I>>,
    /// Calls that the present instance has been given.
    calls: u64,
}

struct Maker<I: Interface> {
    loaded: Arc<Loaded>,
    indices: I::Indices,
    config: String,
    limits: Limits,
    ticks: u64,
    born: u64,
}

/// An instance that can be called.
pub(crate) struct Live<I> {
    pub(crate) store: Store<State>,
    pub(crate) interface: I,
    pub(crate) resource: ResourceAny,
}

/// What a call answers: a value or the plugin's own error, unless the engine cut it off.
pub(crate) type Answer<R> = wasmtime::Result<Result<R, Error>>;

impl<I: Interface> Guest<I> {
    /// Makes the first instance, so that a wrong configuration is told at once.
    pub(crate) fn new(
        loaded: &Arc<Loaded>,
        indices: &I::Indices,
        config: &str,
        limits: &Limits,
    ) -> Result<Self, OperatorError> {
        let ticking = loaded.ticker.start().map_err(|cause| no_clock(&cause))?;
        let mut maker = Maker {
            loaded: Arc::clone(loaded),
            indices: indices.clone(),
            config: config.to_owned(),
            limits: *limits,
            ticks: ticker::ticks(limits.time),
            born: 0,
        };
        let live = Some(maker.start()?);
        Ok(Self { maker, ticking, live, calls: 0 })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.maker.limits
    }

    /// Changes whenever the instance is replaced: what an earlier one was told is lost then.
    pub(crate) fn born(&self) -> u64 {
        self.maker.born
    }

    /// Whether the next call makes a new instance.
    pub(crate) fn is_gone(&self) -> bool {
        self.live.is_none()
    }

    /// Calls the guest, in a new instance where the last one was thrown away.
    pub(crate) fn call<R>(
        &mut self,
        call: impl FnOnce(&mut Live<I>) -> Answer<R>,
    ) -> Result<R, OperatorError> {
        self.call_within(NO_SEED, ANSWER_BYTES, call)
    }

    /// Calls the guest with a seed, which is all that its randomness depends on.
    pub(crate) fn call_seeded<R>(
        &mut self,
        seed: u64,
        call: impl FnOnce(&mut Live<I>) -> Answer<R>,
    ) -> Result<R, OperatorError> {
        self.call_within(seed, ANSWER_BYTES, call)
    }

    /// Calls the guest with outputs to fill, and checks that exactly the planned bytes arrived.
    pub(crate) fn call_into(
        &mut self,
        seed: u64,
        outputs: &mut [Output<'_>],
        call: impl FnOnce(&mut Live<I>) -> Answer<()>,
    ) -> Result<(), OperatorError> {
        // A piece of output is a view, so it may be as large as the guest's memory.
        let piece = self.maker.limits.memory.max(ANSWER_BYTES);
        lent::lend(outputs, || self.call_within(seed, piece, call))?;
        for output in outputs {
            let finished = output.finish().map_err(OperatorError::from);
            self.judge(finished)?;
        }
        self.renew();
        Ok(())
    }

    /// Lets an instance go that would soon be refused memory, before it costs a sample: the runtimes of
    /// some languages lose the bytes that they hand over. What writes an output keeps nothing from one call
    /// to the next that it could not be told again, so that another instance goes on in its place.
    fn renew(&mut self) {
        let runs_out = self.live.as_ref().is_some_and(|live| live.store.data().memory.runs_out());
        // An instance that was made for this very call would fare no better next time.
        if runs_out && self.calls > 1 {
            self.live = None;
        }
    }

    /// Throws the instance away if the answer turned out to be nonsense.
    pub(crate) fn judge<R>(&mut self, answer: Result<R, OperatorError>) -> Result<R, OperatorError> {
        if answer.as_ref().is_err_and(OperatorError::is_fault) {
            self.poison();
        }
        answer
    }

    #[inline]
    fn call_within<R>(
        &mut self,
        seed: u64,
        bytes: usize,
        call: impl FnOnce(&mut Live<I>) -> Answer<R>,
    ) -> Result<R, OperatorError> {
        self.ticking.follow_fork().map_err(|cause| no_clock(&cause))?;
        let live = match &mut self.live {
            Some(live) => live,
            gone => {
                self.calls = 0;
                gone.insert(self.maker.start()?)
            }
        };
        self.calls += 1;
        live.store.data_mut().begin_call(seed, self.maker.limits.time);
        live.store.set_epoch_deadline(self.maker.ticks);
        live.store.set_hostcall_fuel(bytes);
        let runtime = live.store.data().runtime();
        let entered = runtime.as_ref().map(Handle::enter);
        let answer = call(live);
        drop(entered);
        live.store.data_mut().end_call();
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(convert::error(error)),
            Err(cut_off) => {
                let error = fault::explain(&cut_off, live.store.data(), &self.maker.limits);
                self.poison();
                Err(error)
            }
        }
    }

    fn poison(&mut self) {
        if self.live.take().is_some() {
            self.maker.loaded.counters.replaced.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<I: Interface> Maker<I> {
    fn start(&mut self) -> Result<Live<I>, OperatorError> {
        let loaded = &*self.loaded;
        let limits = &self.limits;
        let place = loaded
            .counters
            .place(limits.instances)
            .ok_or(OperatorError::InstanceLimit { limit: limits.instances })?;
        let mut state = State::new(Arc::clone(&loaded.label), limits, place);
        if let Some(grants) = &loaded.wasi {
            let wasi = Wasi::new(grants).map_err(|error| OperatorError::Start(error.to_string()))?;
            state.wasi = Some(Box::new(wasi));
        }
        state.begin_call(NO_SEED, limits.time);
        let runtime = state.runtime();
        let _entered = runtime.as_ref().map(Handle::enter);
        let mut store = Store::new(loaded.pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(self.ticks);
        store.set_hostcall_fuel(ANSWER_BYTES);
        let made = loaded
            .pre
            .instantiate(&mut store)
            .and_then(|instance| I::load(&self.indices, &mut store, &instance));
        store.data_mut().end_call();
        let interface = made.map_err(|error| fault::explain_start(&error, store.data(), limits))?;
        loaded.counters.instances.fetch_add(1, Ordering::Relaxed);
        self.born += 1;
        let configured = interface.configure(&mut store, &self.config);
        store.data_mut().end_call();
        match configured {
            Ok(Ok(resource)) => Ok(Live { store, interface, resource }),
            Ok(Err(error)) => Err(convert::error(error)),
            Err(cut_off) => {
                loaded.counters.replaced.fetch_add(1, Ordering::Relaxed);
                Err(fault::explain(&cut_off, store.data(), limits))
            }
        }
    }
}

fn no_clock(cause: &std::io::Error) -> OperatorError {
    OperatorError::Start(format!("the thread that keeps its time limit did not start: {cause}"))
}
