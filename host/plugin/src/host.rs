//! The host: one engine with its clock and its compile cache, from which plugins are loaded.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest as _, Sha256};
use wasmtime::{
    Engine,
    component::{Component, Linker},
};
use zenith_core::{Digest, Identity, Permissions, Plugin};

use crate::{
    artefact,
    cache::{Cache, CacheOption, CacheStats, Lookup},
    engine,
    error::{HostError, LoadError, Problem},
    fork, imports,
    inspect::{Inspected, inspect},
    instance::Loaded,
    plugin::{Exports, WasmPlugin},
    state::{Counters, State},
    text::tame,
    ticker::Ticker,
    wasi,
};

/// Bytes of WebAssembly that are compiled in a second, as a core of a few years ago does it.
const CODE_PER_SECOND: u64 = 500_000;

/// From how many seconds on a user is told before a plugin is compiled.
const WORTH_A_WORD: u64 = 5;

/// How a host is set up.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Where compiled components are kept.
    pub cache: CacheOption,
}

/// Loads components. Cheap to clone: clones share the engine, the clock and the compile cache.
///
/// It starts no thread. A thread that keeps time limits runs while operators exist.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    linker: Linker<State>,
    /// The same with WASI, made for the first component that imports it.
    wasi_linker: OnceLock<Linker<State>>,
    ticker: Arc<Ticker>,
    cache: Option<Cache>,
    compiled: AtomicU64,
    found: AtomicU64,
    damaged: AtomicU64,
}

impl Host {
    /// Sets the engine up and opens the compile cache.
    pub fn new(options: HostOptions) -> Result<Self, HostError> {
        let HostOptions { cache } = options;
        let refused = |error: wasmtime::Error| HostError::Engine(format!("{error:#}"));
        fork::watch().map_err(HostError::Fork)?;
        let engine = engine::engine().map_err(refused)?;
        let mut linker = Linker::new(&engine);
        imports::define(&mut linker).map_err(refused)?;
        let inner = Inner {
            ticker: Ticker::new(engine.clone()),
            cache: Cache::open(&cache, &engine),
            engine,
            linker,
            wasi_linker: OnceLock::new(),
            compiled: AtomicU64::new(0),
            found: AtomicU64::new(0),
            damaged: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Checks a component and compiles it, or takes its compiled form from the cache.
    ///
    /// `identity` is what the registry resolved: `bytes` must have its digest. Nothing of the
    /// component runs here.
    pub fn load(&self, identity: Identity, bytes: &[u8]) -> Result<Arc<dyn Plugin>, LoadError> {
        self.load_with(identity, bytes, Permissions::NONE)
    }

    /// The same, and what it asks for and is given besides. What it is not given it does without.
    pub fn load_with(
        &self,
        identity: Identity,
        bytes: &[u8],
        permissions: Permissions,
    ) -> Result<Arc<dyn Plugin>, LoadError> {
        match self.inner.load(&identity, bytes, &permissions) {
            Ok((loaded, exports)) => Ok(Arc::new(WasmPlugin::new(identity, permissions, loaded, exports))),
            Err(problem) => Err(LoadError { plugin: Box::new(identity), problem }),
        }
    }

    /// The directory of the compile cache; `None` where it is off, or was not trusted.
    pub fn cache_directory(&self) -> Option<&Path> {
        self.inner.cache.as_ref().map(Cache::path)
    }

    /// What the compile cache did so far.
    pub fn cache_stats(&self) -> CacheStats {
        CacheStats {
            compiled: self.inner.compiled.load(Ordering::Relaxed),
            found: self.inner.found.load(Ordering::Relaxed),
            damaged: self.inner.damaged.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("cache_directory", &self.cache_directory()).finish_non_exhaustive()
    }
}

impl Inner {
    fn load(
        &self,
        identity: &Identity,
        bytes: &[u8],
        permissions: &Permissions,
    ) -> Result<(Arc<Loaded>, Exports), Problem> {
        let found = Digest::from_bytes(Sha256::digest(bytes).into());
        if found != identity.digest {
            return Err(Problem::Digest { expected: identity.digest, found });
        }
        let Inspected { kind, wasi, code } = inspect(bytes)?;
        let component = self.compiled(identity, code, bytes)?;
        let interface = |error: wasmtime::Error| Problem::Interface { reason: tame(&format!("{error:#}")) };
        let linker = self.linker(wasi).map_err(interface)?;
        let pre = linker.instantiate_pre(&component).map_err(interface)?;
        let exports = Exports::find(kind, &pre).map_err(interface)?;
        let loaded = Loaded {
            pre,
            label: identity.to_string().into(),
            counters: Arc::new(Counters::default()),
            ticker: Arc::clone(&self.ticker),
            wasi: wasi.then(|| permissions.given.clone()),
        };
        Ok((Arc::new(loaded), exports))
    }

    fn linker(&self, wasi: bool) -> wasmtime::Result<&Linker<State>> {
        if !wasi {
            return Ok(&self.linker);
        }
        if let Some(linker) = self.wasi_linker.get() {
            return Ok(linker);
        }
        let mut linker = self.linker.clone();
        wasi::define(&mut linker)?;
        Ok(self.wasi_linker.get_or_init(|| linker))
    }

    fn compiled(&self, identity: &Identity, code: u64, bytes: &[u8]) -> Result<Component, Problem> {
        if let Some(cache) = &self.cache {
            let revived = match cache.load(&identity.digest) {
                Lookup::Found(entry) => artefact::revive(&self.engine, &entry).ok(),
                Lookup::Damaged => None,
                Lookup::Absent => return self.compile(identity, code, bytes),
            };
            if let Some(component) = revived {
                self.found.fetch_add(1, Ordering::Relaxed);
                return Ok(component);
            }
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        self.compile(identity, code, bytes)
    }

    fn compile(&self, identity: &Identity, code: u64, bytes: &[u8]) -> Result<Component, Problem> {
        self.announce(identity, code);
        let component = Component::from_binary(&self.engine, bytes)
            .map_err(|error| Problem::Invalid { reason: tame(&format!("{error:#}")) })?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        if let Some(cache) = &self.cache {
            match component.serialize() {
                Ok(code) => cache.store(&identity.digest, &code),
                Err(cause) => tracing::warn!("cannot keep a compiled plugin: {cause:#}"),
            }
        }
        Ok(component)
    }

    /// Says that the process is about to be busy, where that takes long enough to look like a hang: a
    /// plugin with an interpreter in it takes ten to thirty seconds. It is a warning, as many show nothing less,
    /// and `urgent`, as it is of no use afterwards.
    fn announce(&self, identity: &Identity, code: u64) {
        let seconds = code / CODE_PER_SECOND;
        if seconds < WORTH_A_WORD {
            return;
        }
        let kept = if self.cache.is_some() {
            "this is done once, and the result kept"
        } else {
            "this is done at every start, as there is no compile cache"
        };
        tracing::warn!(urgent = true, "compiling `{identity}` takes about {seconds} s: {kept}");
    }
}
