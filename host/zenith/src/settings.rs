//! `zenith.toml` in a project's folder: what the project's user allows each plugin. What is made of it
//! lives in [`crate::allowance`].

use std::{collections::BTreeMap, fs, io, ops::Range, path::Path};

use serde::Deserialize;
use toml::Spanned;
use zenith_core::{Grant, Grants, Limits, PackageName};
use zenith_pipeline::LimitsSpec;

use crate::error::{Error, ErrorKind};

/// The name of a project's settings file.
pub const SETTINGS: &str = "zenith.toml";

/// What a project's user allows.
///
/// ```toml
/// # zenith.toml
/// [grants]
/// "acme:lut" = ["files:luts", "clock"]
///
/// [limits."acme:lut"]
/// memory = "512MiB"
/// time = "2s"
/// output = "64MiB"
/// instances = 8
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    grants: BTreeMap<PackageName, Grants>,
    limits: BTreeMap<PackageName, LimitsSpec>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    grants: BTreeMap<PackageName, Vec<Grant>>,
    #[serde(default)]
    limits: BTreeMap<PackageName, Spanned<LimitsSpec>>,
}

impl Settings {
    /// Reads a project's settings; without a file, nothing is allowed and no limit set.
    pub fn read(project: &Path) -> Result<Self, Error> {
        let path = project.join(SETTINGS);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, project).map_err(|(span, reason)| {
                let line = 1 + text.get(..span.start).unwrap_or_default().matches('\n').count();
                let message = format!("`{}` is wrong in line {line}: {reason}", path.display());
                Error::new(ErrorKind::Option, message, None)
            }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => {
                let message = format!("cannot read `{}`: {cause}", path.display());
                Err(Error::new(ErrorKind::Source, message, None))
            }
        }
    }

    /// What a plugin is allowed.
    pub fn grants(&self, name: &PackageName) -> Option<&Grants> {
        self.grants.get(name)
    }

    /// What a plugin's limits are set to.
    pub fn limits(&self, name: &PackageName) -> Option<&LimitsSpec> {
        self.limits.get(name)
    }

    fn parse(text: &str, project: &Path) -> Result<Self, (Range<usize>, String)> {
        let Content { grants, limits } = toml::from_str(text)
            .map_err(|error| (error.span().unwrap_or_default(), error.message().to_owned()))?;
        let within = |list: Vec<Grant>| list.into_iter().map(|grant| grant.within(project)).collect();
        let limits = limits
            .into_iter()
            .map(|(name, limits)| {
                let span = limits.span();
                let limits = limits.into_inner();
                match limits.resolve_over(&Limits::default()) {
                    Ok(_) => Ok((name, limits)),
                    Err(error) => Err((span, error.to_string())),
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { grants: grants.into_iter().map(|(name, list)| (name, within(list))).collect(), limits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(SETTINGS), text).unwrap();
        Settings::read(folder.path()).map_err(|error| error.message().to_owned())
    }

    fn name(text: &str) -> PackageName {
        text.parse().unwrap()
    }

    #[test]
    fn grants_and_limits_belong_to_a_plugin_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[grants]\n\"acme:lut\" = [\"files:luts\", \"clock\"]\n\n[limits.\"acme:lut\"]\n\
                    memory = \"512MiB\"\ntime = \"2s\"\noutput = 1000\ninstances = 8\n";
        fs::write(folder.path().join(SETTINGS), text).unwrap();
        let settings = Settings::read(folder.path()).unwrap();
        let grants = settings.grants(&name("acme:lut")).unwrap();
        assert_eq!(grants.to_string(), "clock, files:luts");
        assert!(grants.iter().any(|grant| matches!(
            grant,
            Grant::Files { folder: luts, .. } if *luts == folder.path().join("luts")
        )));
        let limits = settings.limits(&name("acme:lut")).unwrap();
        assert_eq!((limits.memory, limits.time), (Some(512 << 20), Some(2.0)));
        assert_eq!((limits.output, limits.instances), (Some(1000), Some(8)));
        assert_eq!(settings.grants(&name("acme:sepia")), None);
        assert_eq!(settings.limits(&name("acme:sepia")), None);
    }

    #[test]
    fn without_a_file_nothing_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Settings::read(folder.path()).unwrap(), Settings::default());
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, line, reason) in [
            ("[grants]\n\"acme:lut\" = [\"clock\",\n \"gpu\"]\n", 2, "`gpu` is no permission"),
            ("[grants]\n\"acme:lut\" = [\"files\"]\n", 2, "must say which folder"),
            ("[grants]\n\"acme:lut\" = [\"network\"]\n", 2, "`network` cannot be allowed"),
            ("[grants]\n\"Acme\" = [\"clock\"]\n", 2, "`Acme` is not a package name"),
            ("\n[limit]\n", 2, "unknown field `limit`"),
            ("[limits.\"acme:lut\"]\ncpu = 1\n", 2, "unknown field `cpu`"),
            ("[limits.\"acme:lut\"]\n\nmemory = \"much\"\n", 3, "`memory` is a number of bytes"),
            ("[limits.\"acme:lut\"]\ntime = 0\n", 1, "`limits.time` must be more than 0"),
            ("[limits\n", 1, ""),
        ] {
            let error = settings(text).unwrap_err();
            assert!(error.contains(&format!("zenith.toml` is wrong in line {line}: ")), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }
}
