//! What is asked about a package before it is used: is it pinned, does somebody vouch for it, was it
//! yanked. What signatures and policies are is known to the registry; here it is applied, and what a
//! user should know is said once.

use std::{
    collections::HashSet,
    env,
    sync::{LazyLock, Mutex, TryLockError},
};

use zenith_pipeline::CatalogError;
use zenith_registry::{Lock, Reference, Resolved, Trust, Verdict};

use crate::context::failed;

/// The variable that asks for what `--locked` and `locked=True` ask for.
pub const LOCKED_VARIABLE: &str = "ZENITH_LOCKED";

/// What to do about a lockfile that does not say what is needed.
pub(crate) const LOCK_ANEW: &str =
    "pin the plugins with `zenith lock` or `Pipeline.lock()`, and look at what that changes in the lockfile";

/// Whether the environment asks that nothing but what is pinned is used: the variable is set, to
/// anything but nothing and `0`.
pub fn locked_by_environment() -> bool {
    env::var_os(LOCKED_VARIABLE).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Refuses a reference that the lockfile does not answer.
pub(crate) fn pinned(reference: &Reference, lock: Option<&Lock>) -> Result<(), CatalogError> {
    let Some(lock) = lock else {
        let message = format!("`{reference}` is not pinned: there is no lockfile");
        return Err(failed(message, Some(LOCK_ANEW.to_owned())));
    };
    lock.require(reference).map_err(|error| failed(error.to_string(), Some(error.hint())))?;
    Ok(())
}

/// Refuses a package that the trust files refuse, and warns of one that nobody vouches for, or that was
/// yanked. What is shipped with Zenith is vouched for by the digest that Zenith knows of it.
pub(crate) fn vouched(resolved: &Resolved, trust: &Trust, shipped: bool) -> Result<(), CatalogError> {
    let identity = &resolved.identity;
    if !shipped {
        let verdict = trust
            .judge(identity, resolved.signature.as_ref())
            .map_err(|error| failed(error.to_string(), error.hint()))?;
        if let Verdict::Warning(doubt) = verdict {
            warn_once(&format!("{doubt}\nhint: {}", doubt.hint()));
        }
    }
    if let Some(yanked) = &resolved.yanked {
        warn_once(&format!(
            "`{identity}` is used although {yanked}\nhint: take another version, or leave the choice to a \
             requirement such as `{}@^{}`",
            identity.name, identity.version
        ));
    }
    Ok(())
}

/// Writes a warning to the log, unless this process did so before.
fn warn_once(message: &str) {
    static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let new = match SAID.try_lock() {
        Ok(mut said) => said.insert(message.to_owned()),
        // Not waited for: after a fork it may be held by a thread that this process does not have.
        // Saying something twice is the lesser harm.
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Poisoned(said)) => said.into_inner().insert(message.to_owned()),
    };
    if new {
        tracing::warn!("{message}");
    }
}
