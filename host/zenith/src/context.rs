//! Where plugins are found and as what they run: the registry's folders, the lockfile, the
//! WebAssembly host, and the native twins. Whether they may run at all is asked in [`vet`].
//!
//! [`vet`]: crate::vet

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use zenith_core::{Digest, Engine, Grants, Identity, Kind, Limits, PackageName, Permissions, Plugin};
use zenith_pipeline::{Catalog, CatalogError, DEFAULT_SAMPLER, Role, Spec};
use zenith_plugin::{Host, HostOptions};
use zenith_registry::{Lock, Locked, Reference, Registry, Resolved, RootKind, Trust, package};

use crate::{
    allowance::{Allowed, Wishes},
    error::{Error, ErrorKind},
    first_use,
    settings::{SETTINGS, Settings},
    twins, vet,
};

/// The name of a lockfile.
pub const LOCKFILE: &str = "zenith.lock";

/// The name of a project's trust file.
pub const TRUST_FILE: &str = "zenith-trust.toml";

/// The user's trust file, where a folder for it is known.
pub fn user_trust_file() -> Option<PathBuf> {
    zenith_registry::user_config().map(|folder| folder.join("trust.toml"))
}

/// The files that a context of a project reads when it is made. Where one of them changes, the next
/// context may find other plugins.
pub fn files_of_context(project: &Path) -> Vec<PathBuf> {
    let project = [project.join(LOCKFILE), project.join(TRUST_FILE), project.join(SETTINGS)];
    project.into_iter().chain(user_trust_file()).collect()
}

/// As what plugins run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EngineChoice {
    /// A first-party plugin as its native twin, where the resolved digest is the shipped one; all
    /// others as WebAssembly.
    #[default]
    Auto,
    /// All as WebAssembly.
    Wasm,
    /// All as native twins; a plugin that has none is refused.
    Native,
}

/// Where a context looks.
#[derive(Clone, Debug, Default)]
pub struct ContextOptions {
    /// The project's folder, whose `.zenith/registry`, `zenith.lock`, `zenith-trust.toml` and
    /// `zenith.toml` count; the current folder where it is empty.
    pub project: PathBuf,
    /// The registry folder that is shipped with Zenith.
    pub built_in: Option<PathBuf>,
    /// Whether a lockfile in the project's folder is ignored.
    pub ignore_lock: bool,
    /// How the WebAssembly host is set up.
    pub host: HostOptions,
}

/// Finds and loads plugins. Plugins that were loaded once are shared by all loaders of a context.
pub struct Context {
    registry: Registry,
    lock: Option<Lock>,
    /// What the native twins equal.
    shipped: Lock,
    trust: Trust,
    host_options: HostOptions,
    host: OnceLock<Host>,
    project: PathBuf,
    settings: Settings,
    loaded: Mutex<HashMap<LoadedKey, Arc<dyn Plugin>>>,
    /// What the manifests of loaded components ask for.
    wishes: Mutex<HashMap<Digest, Arc<Wishes>>>,
}

/// What makes two uses of a plugin one: the same version and bytes, run alike, and given the same.
type LoadedKey = (Identity, Engine, Grants);

impl Context {
    /// Reads the lockfiles, the trust files and the settings. Nothing is loaded yet.
    pub fn new(options: ContextOptions) -> Result<Self, Error> {
        let lock_error = |error: zenith_registry::LockError| {
            Error::new(ErrorKind::Registry, error.to_string(), error.hint())
        };
        let shipped = match &options.built_in {
            Some(folder) => Lock::read(&folder.join(LOCKFILE)).map_err(lock_error)?.unwrap_or_default(),
            None => Lock::default(),
        };
        let lock = if options.ignore_lock {
            None
        } else {
            Lock::read(&options.project.join(LOCKFILE)).map_err(lock_error)?
        };
        let trust = Trust::read(user_trust_file().as_deref(), Some(&options.project.join(TRUST_FILE)))
            .map_err(|error| Error::new(ErrorKind::Registry, error.to_string(), error.hint()))?;
        Ok(Self {
            registry: Registry::standard(&options.project, options.built_in),
            lock,
            shipped,
            trust,
            host_options: options.host,
            host: OnceLock::new(),
            settings: Settings::read(&options.project)?,
            project: options.project,
            loaded: Mutex::default(),
            wishes: Mutex::default(),
        })
    }

    /// What the project's `zenith.toml` says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The registry's folders.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The project's lockfile, where there is one.
    pub fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()
    }

    /// Whose signatures are required.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Pins every plugin that a pipeline uses, and adds what the project's lockfile pins besides. One
    /// that chooses its decoder by content pins all that it may choose from, and one without a sampler
    /// the one that it gets.
    pub fn pin(&self, spec: &Spec) -> Result<Lock, Error> {
        let mut lock = self.lock.clone().unwrap_or_default();
        for reference in self.references(spec)? {
            let (reference, resolved) = self.find(&reference, false).map_err(registry_error)?;
            let version = resolved.identity.version.parse().map_err(|error| {
                let message = format!("the version of `{}` is wrong: {error}", resolved.identity);
                Error::new(ErrorKind::Registry, message, None)
            })?;
            lock.pin(Locked {
                name: resolved.identity.name,
                requirement: reference.requirement_text(),
                version,
                digest: resolved.identity.digest,
            });
        }
        Ok(lock)
    }

    /// Every plugin that a pipeline uses, whether it names it or not.
    fn references(&self, spec: &Spec) -> Result<Vec<String>, Error> {
        let mut references: Vec<_> =
            spec.operators.iter().filter_map(|operator| operator.plugin.clone()).collect();
        if spec.operators.iter().any(|operator| operator.plugin.is_none()) {
            let decoders = self.shipped_decoders().map_err(registry_error)?;
            references.extend(decoders.iter().map(PackageName::to_string));
        }
        if spec.operators.iter().all(|operator| operator.role != Role::Sample) {
            references.push(DEFAULT_SAMPLER.to_owned());
        }
        Ok(references)
    }

    /// As [`Context::pin`], where a lockfile at that path must say the same already.
    pub fn pin_locked(&self, spec: &Spec, path: &Path) -> Result<Lock, Error> {
        let pinned = self.pin(spec)?;
        let written = Lock::read(path)
            .map_err(|error| Error::new(ErrorKind::Registry, error.to_string(), error.hint()))?;
        let hint = Some(vet::LOCK_ANEW.to_owned());
        let Some(written) = written else {
            let message = format!("there is no lockfile `{}`", path.display());
            return Err(Error::new(ErrorKind::Registry, message, hint));
        };
        let changes = written.changes(&pinned);
        if changes.is_empty() {
            return Ok(pinned);
        }
        let message = format!("`{}` would change: {}", path.display(), changes.join("; "));
        Err(Error::new(ErrorKind::Registry, message, hint))
    }

    /// The plugins, run as chosen; those that `allowed` names are allowed what it says, and no more;
    /// with `locked`, those that the lockfile pins and no others.
    pub(crate) fn catalog<'a>(
        &'a self,
        engine: EngineChoice,
        allowed: &'a Allowed,
        locked: bool,
    ) -> EngineCatalog<'a> {
        EngineCatalog { context: self, engine, allowed, locked }
    }

    fn find(&self, reference: &str, locked: bool) -> Result<(Reference, Resolved), CatalogError> {
        let reference: Reference = reference
            .parse()
            .map_err(|error: zenith_registry::ReferenceError| failed(error.to_string(), error.hint()))?;
        if locked {
            vet::pinned(&reference, self.lock.as_ref())?;
        }
        let resolved = self
            .registry
            .resolve(&reference, self.lock.as_ref())
            .map_err(|error| failed(error.to_string(), error.hint()))?;
        vet::vouched(&resolved, &self.trust, self.is_shipped(&resolved.identity))?;
        Ok((reference, resolved))
    }

    /// Whether these are the bytes that came with Zenith.
    pub(crate) fn is_shipped(&self, identity: &Identity) -> bool {
        let version = identity.version.parse().ok();
        version
            .and_then(|version| self.shipped.get(&identity.name, &version))
            .is_some_and(|shipped| shipped.digest == identity.digest)
    }

    /// The decoders that came with Zenith, by name.
    fn shipped_decoders(&self) -> Result<Vec<PackageName>, CatalogError> {
        let Some(root) = self.registry.root(RootKind::BuiltIn) else { return Ok(Vec::new()) };
        let mut decoders = Vec::new();
        let entries = root.list().map_err(|error| failed(error.to_string(), error.hint()))?;
        for entry in entries {
            let bytes = root
                .get(&entry.name, &entry.version)
                .map_err(|error| failed(error.to_string(), error.hint()))?
                .0;
            let info = package::read(&bytes).map_err(|error| {
                failed(format!("`{}@{}`: {error}", entry.name, entry.version), error.hint())
            })?;
            if info.kind == Kind::Decoder {
                decoders.push(entry.name);
            }
        }
        if decoders.is_empty() {
            let message = format!("the registry folder `{}` has no decoder", root.path().display());
            return Err(failed(message, Some("build the shipped plugins with `make setup`".to_owned())));
        }
        decoders.dedup();
        Ok(decoders)
    }

    fn plugin(
        &self,
        resolved: &Resolved,
        choice: EngineChoice,
        allowed: &Allowed,
    ) -> Result<Arc<dyn Plugin>, CatalogError> {
        let identity = &resolved.identity;
        let shipped = self.is_shipped(identity);
        let twin = || if shipped { twins::of(identity) } else { None };
        let engine = match choice {
            EngineChoice::Native => Engine::Native,
            EngineChoice::Auto if twin().is_some() => Engine::Native,
            EngineChoice::Wasm | EngineChoice::Auto => Engine::Wasm,
        };
        let (wishes, permissions) = match engine {
            // A twin is first-party code, and asks for nothing.
            Engine::Native => (Arc::default(), Permissions::NONE),
            Engine::Wasm => self.permitted(identity, &resolved.bytes, allowed)?,
        };
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (identity.clone(), engine, permissions.given.clone());
        if let Some(plugin) = loaded.get(&key) {
            return Ok(Arc::clone(plugin));
        }
        let plugin = match engine {
            Engine::Native => twin().ok_or_else(|| {
                failed(
                    format!("`{identity}` has no native twin"),
                    Some(
                        "choose engine=\"auto\" or engine=\"wasm\": third-party plugins run as WebAssembly"
                            .into(),
                    ),
                )
            })?,
            Engine::Wasm => self
                .host()?
                .load_with(identity.clone(), &resolved.bytes, permissions)
                .map_err(|error| failed(error.to_string(), error.hint().map(str::to_owned)))?,
        };
        self.tell(&wishes, identity, plugin.permissions());
        loaded.insert(key, Arc::clone(&plugin));
        Ok(plugin)
    }

    /// Loads a component from its bytes, as WebAssembly, with what it asks for and the user allows.
    pub(crate) fn load(
        &self,
        identity: &Identity,
        bytes: &[u8],
        allowed: &Allowed,
    ) -> Result<Arc<dyn Plugin>, Error> {
        let (wishes, permissions) = self.permitted(identity, bytes, allowed).map_err(registry_error)?;
        let host = self.host().map_err(registry_error)?;
        let plugin = host.load_with(identity.clone(), bytes, permissions).map_err(|error| {
            Error::new(ErrorKind::Registry, error.to_string(), error.hint().map(str::to_owned))
        })?;
        self.tell(&wishes, identity, plugin.permissions());
        Ok(plugin)
    }

    /// What a component is given that is loaded elsewhere, told to the user as it is here.
    pub(crate) fn permit(
        &self,
        identity: &Identity,
        bytes: &[u8],
        allowed: &Allowed,
    ) -> Result<Permissions, Error> {
        let (wishes, permissions) = self.permitted(identity, bytes, allowed).map_err(registry_error)?;
        self.tell(&wishes, identity, &permissions);
        Ok(permissions)
    }

    /// What a component asks for, and what the user allows of that.
    pub(crate) fn permissions(
        &self,
        identity: &Identity,
        bytes: &[u8],
        allowed: &Allowed,
    ) -> Result<Permissions, Error> {
        self.permitted(identity, bytes, allowed).map(|(_, permissions)| permissions).map_err(registry_error)
    }

    /// How the WebAssembly host is set up.
    pub(crate) fn host_options(&self) -> &HostOptions {
        &self.host_options
    }

    /// Finds a package.
    pub(crate) fn resolve(&self, reference: &str) -> Result<Resolved, Error> {
        self.find(reference, false).map(|(_, resolved)| resolved).map_err(registry_error)
    }

    fn permitted(
        &self,
        identity: &Identity,
        bytes: &[u8],
        allowed: &Allowed,
    ) -> Result<(Arc<Wishes>, Permissions), CatalogError> {
        let wishes = self.wishes(identity, bytes)?;
        let permissions = Permissions::new(wishes.permissions.clone(), &self.allowed(identity, allowed));
        Ok((wishes, permissions))
    }

    /// What a component asks for.
    fn wishes(&self, identity: &Identity, bytes: &[u8]) -> Result<Arc<Wishes>, CatalogError> {
        let mut known = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wishes) = known.get(&identity.digest) {
            return Ok(Arc::clone(wishes));
        }
        let wishes = Wishes::of(bytes)
            .map_err(|error| failed(format!("the plugin `{identity}` is refused: {error}"), error.hint()))?;
        let wishes = Arc::new(wishes);
        known.insert(identity.digest, Arc::clone(&wishes));
        Ok(wishes)
    }

    /// What the user allows a plugin: what a loader says of it goes before what the project says.
    fn allowed(&self, identity: &Identity, allowed: &Allowed) -> Grants {
        match allowed.get(&identity.name) {
            Some(grants) => grants.iter().cloned().map(|grant| grant.within(&self.project)).collect(),
            None => self.settings.grants(&identity.name).cloned().unwrap_or_default(),
        }
    }

    /// Tells the user what a plugin asks for and is given: at its first use in a way that cannot be
    /// missed, and afterwards where it does without something.
    fn tell(&self, wishes: &Wishes, identity: &Identity, permissions: &Permissions) {
        let limits = self.limits_of(identity);
        let told = wishes.told(identity, permissions, &limits);
        if told.is_empty() {
            return;
        }
        let hint = wishes.hint(identity, permissions, &limits);
        let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        if first_use::is_first(&identity.digest, &told) {
            tracing::warn!("first use: {told}{hint}");
        } else if !hint.is_empty() {
            tracing::info!("{told}{hint}");
        }
    }

    /// What a plugin may use where its operator does not say.
    pub(crate) fn limits(&self, plugin: &dyn Plugin) -> Limits {
        self.limits_of(plugin.identity())
    }

    /// The same, by the name and digest of a component whose manifest was read.
    pub(crate) fn limits_of(&self, plugin: &Identity) -> Limits {
        let known = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        let wished = known.get(&plugin.digest).map_or_else(Limits::default, |wishes| wishes.limits());
        match self.settings.limits(&plugin.name) {
            // That these are limits was checked when they were read.
            Some(set) => set.resolve_over(&wished).unwrap_or(wished),
            None => wished,
        }
    }

    fn host(&self) -> Result<&Host, CatalogError> {
        if let Some(host) = self.host.get() {
            return Ok(host);
        }
        let host = Host::new(self.host_options.clone()).map_err(|error| failed(error.to_string(), None))?;
        Ok(self.host.get_or_init(|| host))
    }
}

/// A context's plugins, run as chosen.
pub(crate) struct EngineCatalog<'a> {
    context: &'a Context,
    engine: EngineChoice,
    allowed: &'a Allowed,
    locked: bool,
}

impl Catalog for EngineCatalog<'_> {
    fn resolve(&self, reference: &str) -> Result<Arc<dyn Plugin>, CatalogError> {
        let (_, resolved) = self.context.find(reference, self.locked)?;
        self.context.plugin(&resolved, self.engine, self.allowed)
    }

    fn limits(&self, plugin: &dyn Plugin) -> Limits {
        self.context.limits(plugin)
    }

    /// The decoders that are shipped with Zenith. Others are used where they are named, so that a
    /// package that someone adds to a registry does not change what an existing pipeline does.
    fn decoders(&self) -> Result<Vec<Arc<dyn Plugin>>, CatalogError> {
        let names = self.context.shipped_decoders()?;
        names.iter().map(|name| self.resolve(name.as_str())).collect()
    }
}

pub(crate) fn failed(message: String, hint: Option<String>) -> CatalogError {
    CatalogError { message, hint }
}

fn registry_error(error: CatalogError) -> Error {
    Error::new(ErrorKind::Registry, error.message, error.hint)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use zenith_plugin::CacheOption;
    use zenith_test_artifacts as guests;

    use super::*;

    /// A loader that was swapped to and fro between two versions with the same bytes compiled at each swap,
    /// and kept what it had compiled for good: each version took the other's place among what is loaded.
    #[test]
    fn two_versions_with_the_same_bytes_are_both_kept() {
        let project = tempfile::tempdir().unwrap();
        let folder = project.path().join(".zenith/registry/acme/echo");
        fs::create_dir_all(&folder).unwrap();
        for version in ["1.0.0", "1.1.0"] {
            let bytes = guests::component(guests::TRANSFORM_ECHOES);
            fs::write(folder.join(format!("{version}.wasm")), bytes).unwrap();
        }
        let options = ContextOptions {
            project: project.path().to_owned(),
            host: HostOptions { cache: CacheOption::Off },
            ..ContextOptions::default()
        };
        let context = Context::new(options).unwrap();
        let allowed = Allowed::default();
        let catalog = context.catalog(EngineChoice::Wasm, &allowed, false);
        let load = |version: &str| catalog.resolve(&format!("acme:echo@{version}")).ok().unwrap();
        let (one, other) = (load("1.0.0"), load("1.1.0"));
        assert_eq!((one.identity().version.as_str(), other.identity().version.as_str()), ("1.0.0", "1.1.0"));
        assert!(Arc::ptr_eq(&one, &load("1.0.0")) && Arc::ptr_eq(&other, &load("1.1.0")));
    }
}
