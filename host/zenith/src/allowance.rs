//! What a plugin may have: what its manifest asks for, what the user allows, and what comes of both.
//!
//! Two keys turn for a **permission**: the manifest asks, and the user allows, for one loader
//! ([`crate::LoadOptions::grants`]) or for the project (`zenith.toml`). Where a loader names a plugin,
//! its word replaces the project's. What is asked for and not allowed the plugin does without: the world
//! that it finds is the hermetic one, in which it works or says what it misses.
//!
//! A **limit** is what the pipeline says of the operator, else what `zenith.toml` says of the plugin,
//! else what the manifest wishes where that is below the default, else the default. So no author raises
//! a limit; only a user does.

use std::{collections::BTreeMap, num::NonZero, time::Duration};

use zenith_core::{Grants, Identity, Limits, PackageName, Permission, Permissions};
use zenith_registry::package::{self, Manifest, ReadError, RequestedLimits};

/// What plugins are allowed, by name.
pub type Allowed = BTreeMap<PackageName, Grants>;

/// What a plugin's manifest asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) permissions: Vec<Permission>,
    pub(crate) limits: RequestedLimits,
}

impl Wishes {
    /// Reads them out of a component. A component without a manifest has none; what is wrong with one
    /// otherwise is the WebAssembly host's to tell.
    pub(crate) fn of(component: &[u8]) -> Result<Self, ReadError> {
        match package::read(component) {
            Ok(info) => Ok(info.manifest.map(Self::from).unwrap_or_default()),
            Err(error @ (ReadError::Manifest(_) | ReadError::Kind { .. })) => Err(error),
            Err(_) => Ok(Self::default()),
        }
    }

    /// The limits of a plugin of which no user says anything.
    pub(crate) fn limits(&self) -> Limits {
        let default = Limits::default();
        let RequestedLimits { memory_bytes, time_ms, output_bytes, instances } = self.limits;
        let below = |wish: Option<NonZero<u64>>, default: usize| {
            wish.and_then(|wish| usize::try_from(wish.get()).ok()).map_or(default, |wish| wish.min(default))
        };
        Limits {
            memory: below(memory_bytes, default.memory),
            time: time_ms.map_or(default.time, |wish| Duration::from_millis(wish.get()).min(default.time)),
            output: below(output_bytes, default.output),
            instances: below(instances, default.instances),
        }
    }

    /// What it wishes above these limits, as lines of `zenith.toml`.
    pub(crate) fn beyond(&self, limits: &Limits) -> Vec<String> {
        let RequestedLimits { memory_bytes, time_ms, output_bytes, instances } = self.limits;
        let above = |wish: Option<NonZero<u64>>, limit: usize| {
            wish.map(NonZero::get).filter(|wish| *wish > limit as u64)
        };
        let bytes = |key: &str, wish: u64| match wish {
            wish if wish % (1 << 20) == 0 => format!("{key} = \"{}MiB\"", wish >> 20),
            wish => format!("{key} = {wish}"),
        };
        [
            above(memory_bytes, limits.memory).map(|wish| bytes("memory", wish)),
            time_ms
                .map(NonZero::get)
                .filter(|wish| Duration::from_millis(*wish) > limits.time)
                .map(|wish| format!("time = \"{wish}ms\"")),
            above(output_bytes, limits.output).map(|wish| bytes("output", wish)),
            above(instances, limits.instances).map(|wish| format!("instances = {wish}")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What is asked for and what comes of it; nothing where a user need not know.
    pub(crate) fn told(&self, plugin: &Identity, permissions: &Permissions, limits: &Limits) -> String {
        let mut told = String::new();
        if !self.permissions.is_empty() {
            let asked: Vec<_> = self.permissions.iter().map(|permission| permission.word()).collect();
            told = format!("`{plugin}` asks for {}, and is given {}", asked.join(", "), permissions.given);
        }
        let beyond = self.beyond(limits);
        if !beyond.is_empty() {
            let wished = format!("wishes {}, and does without", beyond.join(", "));
            told =
                if told.is_empty() { format!("`{plugin}` {wished}") } else { format!("{told}; it {wished}") };
        }
        told
    }

    /// How a user would allow what was not given, if there is any.
    pub(crate) fn hint(
        &self,
        plugin: &Identity,
        permissions: &Permissions,
        limits: &Limits,
    ) -> Option<String> {
        let name = &plugin.name;
        let can_be_allowed: Vec<_> = permissions
            .refused()
            .filter_map(|permission| match permission {
                Permission::Clock | Permission::Entropy => Some(format!("\"{permission}\"")),
                Permission::Files => Some("\"files:FOLDER\"".to_owned()),
                Permission::Network => None,
            })
            .collect();
        let mut tables = Vec::new();
        if !can_be_allowed.is_empty() {
            tables.push(format!("`\"{name}\" = [{}]` under `[grants]`", can_be_allowed.join(", ")));
        }
        let beyond = self.beyond(limits);
        if !beyond.is_empty() {
            tables.push(format!("`{}` under `[limits.\"{name}\"]`", beyond.join("`, `")));
        }
        (!tables.is_empty()).then(|| format!("`zenith.toml` allows it with {}", tables.join(" and ")))
    }
}

impl From<Manifest> for Wishes {
    fn from(manifest: Manifest) -> Self {
        let mut permissions = manifest.permissions;
        permissions.sort();
        permissions.dedup();
        Self { permissions, limits: manifest.limits }
    }
}

#[cfg(test)]
mod tests {
    use zenith_core::{Digest, Grant};

    use super::*;

    fn wishes(lines: &str) -> Wishes {
        let start = "name = \"acme:lut\"\nversion = \"1.0.0\"\nkind = \"transform\"\n";
        Manifest::from_toml(&format!("{start}{lines}")).unwrap().into()
    }

    fn plugin() -> Identity {
        Identity {
            name: "acme:lut".parse().unwrap(),
            version: "1.0.0".into(),
            digest: Digest::from_bytes([0; 32]),
        }
    }

    #[test]
    fn a_wish_lowers_a_limit_and_never_raises_one() {
        let limits = wishes("limits = { memory_bytes = 1048576, time_ms = 60000, instances = 2 }").limits();
        let expected = Limits { memory: 1 << 20, instances: 2, ..Limits::default() };
        assert_eq!(limits, expected);
        let most = u64::MAX / 2;
        let limits = wishes(&format!("limits = {{ memory_bytes = {most}, output_bytes = {most} }}")).limits();
        assert_eq!(limits, Limits::default());
    }

    #[test]
    fn what_is_asked_and_what_is_given_is_told_with_a_way_to_allow_the_rest() {
        let wishes = wishes(
            "permissions = [\"files\", \"clock\", \"clock\"]\nlimits = { memory_bytes = 1073741824, time_ms = 20000 }",
        );
        let allowed: Grants = ["clock".parse::<Grant>().unwrap()].into_iter().collect();
        let permissions = Permissions::new(wishes.permissions.clone(), &allowed);
        let limits = wishes.limits();
        assert_eq!(
            wishes.told(&plugin(), &permissions, &limits),
            "`acme:lut@1.0.0` asks for clock, files, and is given clock; it wishes memory = \"1024MiB\", time = \
             \"20000ms\", and does without"
        );
        assert_eq!(
            wishes.hint(&plugin(), &permissions, &limits).unwrap(),
            "`zenith.toml` allows it with `\"acme:lut\" = [\"files:FOLDER\"]` under `[grants]` and `memory = \
             \"1024MiB\"`, `time = \"20000ms\"` under `[limits.\"acme:lut\"]`"
        );
        let raised = Limits { memory: 1 << 30, time: Duration::from_secs(20), ..Limits::default() };
        assert!(wishes.beyond(&raised).is_empty());
    }

    #[test]
    fn a_plugin_that_asks_for_nothing_is_not_talked_about() {
        let told = |wishes: &Wishes| {
            let permissions = Permissions::new(wishes.permissions.clone(), &Grants::default());
            wishes.told(&plugin(), &permissions, &Limits::default())
        };
        assert_eq!(told(&Wishes::default()), "");
        assert_eq!(told(&wishes("limits = { memory_bytes = 1048576 }")), "");
        assert!(told(&wishes("limits = { memory_bytes = 1073741824 }")).contains("wishes memory"));
        assert!(told(&wishes("permissions = [\"network\"]")).contains("asks for network"));
        let wishes = wishes("permissions = [\"network\"]");
        let permissions = Permissions::new(wishes.permissions.clone(), &Grants::default());
        assert_eq!(wishes.hint(&plugin(), &permissions, &Limits::default()), None, "nothing can allow it");
    }
}
