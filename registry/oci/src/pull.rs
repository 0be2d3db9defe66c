//! From a registry to bytes in memory, each digest on the way checked. Where they are put is decided by
//! whoever asked.

use std::collections::BTreeSet;

use oci_client::RegistryOperation;
use semver::Version;
use zenith_core::{Digest, PackageName};
use zenith_registry::{Reference, Requirement, package};

use crate::{
    artefact::{self, Artefact},
    error::RemoteError,
    remote::{Progress, Remote, Session},
    wire::{self, Sink, Trouble},
};

/// Larger configurations are none.
const LARGEST_CONFIG: u64 = 4 << 20;
/// As many tags are asked for at once. Registries may give fewer, most give all.
const PAGE: usize = 100;
/// After as many pages a registry is taken not to come to an end.
const MOST_PAGES: usize = 1000;

/// The one version that will do, with the digest of its bytes: what a lockfile pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The version.
    pub version: Version,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// What was pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The component.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// The signature that travelled with it, where one did. It has not been verified.
    pub signature: Option<String>,
}

impl Remote {
    /// The versions of a package that the registry has, from the lowest. Tags that are no versions are
    /// left out. A package that it does not have is an error.
    pub fn versions(&self, name: &PackageName) -> Result<Vec<Version>, RemoteError> {
        self.converse(name, RegistryOperation::Pull, async |session| session.versions(name).await)
    }

    /// Pulls the highest version that a reference admits, or the pinned one. What comes is a plugin of
    /// that name and version, or an error.
    pub fn pull(
        &self,
        reference: &Reference,
        pin: Option<&Pin>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Pulled, RemoteError> {
        let name = &reference.name;
        self.converse(name, RegistryOperation::Pull, async |session| {
            let version = match (pin, &reference.requirement) {
                (Some(pin), _) => pin.version.clone(),
                (None, Requirement::Exact(version)) => version.clone(),
                (None, _) => session.highest(reference).await?,
            };
            session.fetch(name, version, pin, progress).await
        })
    }
}

impl Session<'_> {
    async fn versions(&self, name: &PackageName) -> Result<Vec<Version>, RemoteError> {
        let image = self.image("latest".to_owned());
        let mut tags = BTreeSet::new();
        let mut last: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let question = self.client.list_tags(&image, &self.auth, Some(PAGE), last.as_deref());
            let patience = self.remote.options.question_timeout;
            let page = match tokio::time::timeout(patience, question).await {
                Ok(Ok(page)) => page.tags,
                Ok(Err(error)) if wire::trouble(&error) == Some(Trouble::Missing) => {
                    return Err(self.unknown(name));
                }
                Ok(Err(error)) => return Err(self.explain(error)),
                Err(_) => {
                    let place = self.remote.place.to_string();
                    return Err(RemoteError::TimedOut { place, after: patience });
                }
            };
            // A registry that does not know of pages gives all tags each time.
            let (given, known) = (page.len(), tags.len());
            last = page.last().cloned();
            tags.extend(page);
            if given != PAGE || tags.len() == known {
                break;
            }
        }
        let mut versions: Vec<_> = tags.iter().filter_map(|tag| Version::parse(tag).ok()).collect();
        versions.sort();
        Ok(versions)
    }

    fn unknown(&self, name: &PackageName) -> RemoteError {
        RemoteError::UnknownPackage {
            place: self.remote.place.to_string(),
            name: name.clone(),
            repository: self.repository.clone(),
        }
    }

    async fn highest(&self, reference: &Reference) -> Result<Version, RemoteError> {
        let mut available = self.versions(&reference.name).await?;
        available.reverse();
        match available.iter().find(|version| reference.admits(version)) {
            Some(version) => Ok(version.clone()),
            None => Err(self.no_version(reference.clone(), available)),
        }
    }

    fn no_version(&self, reference: Reference, available: Vec<Version>) -> RemoteError {
        let reference = Box::new(reference);
        RemoteError::NoVersion { place: self.remote.place.to_string(), reference, available }
    }

    async fn fetch(
        &self,
        name: &PackageName,
        version: Version,
        pin: Option<&Pin>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Pulled, RemoteError> {
        let package = format!("{name}@{version}");
        let place = || self.remote.place.to_string();
        let not_ours = |cause| RemoteError::Artefact { place: place(), package: package.clone(), cause };
        // A tag holds no `+`, so that no version with one is there.
        let manifest =
            if version.build.is_empty() { self.manifest(version.to_string()).await? } else { None };
        let Some((manifest, _)) = manifest else {
            let mut available = self.versions(name).await?;
            available.reverse();
            let reference =
                Reference { name: name.clone(), requirement: Requirement::Exact(version.clone()) };
            return Err(self.no_version(reference, available));
        };
        let artefact = artefact::read(&manifest).map_err(not_ours)?;
        if let Some(Pin { digest, .. }) = pin
            && *digest != artefact.layer
        {
            let (pinned, found) = (*digest, artefact.layer);
            return Err(RemoteError::Pinned { place: place(), package, pinned, found });
        }
        let Artefact { layer, size, config, config_size, signature } = artefact;
        let largest = self.remote.options.largest;
        if let Some((size, limit)) =
            [(size, largest), (config_size, LARGEST_CONFIG)].into_iter().find(|(size, limit)| size > limit)
        {
            return Err(RemoteError::TooLarge { place: place(), package, size, limit });
        }
        let config = self.blob(&package, config, config_size, &mut |_| {}).await?;
        artefact::check_config(&config, layer).map_err(not_ours)?;
        let bytes = self.blob(&package, layer, size, progress).await?;
        let not_plugin = |cause| RemoteError::Plugin { place: place(), package: package.clone(), cause };
        let info = package::read(&bytes).map_err(not_plugin)?;
        package::validate(&bytes).map_err(not_plugin)?;
        let (name, version) = info
            .naming(Some((name.clone(), version)))
            .map_err(|cause| RemoteError::Naming { place: place(), package: package.clone(), cause })?;
        Ok(Pulled { name, version, bytes, digest: layer, signature })
    }

    /// A blob by its digest, which is checked.
    async fn blob(
        &self,
        package: &str,
        digest: Digest,
        size: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<u8>, RemoteError> {
        let image = self.image("latest".to_owned());
        let wanted = digest.to_string();
        let mut sink = Sink::new(size, progress);
        let pulled = self.client.pull_blob(&image, &*wanted, &mut sink).await;
        let bytes = sink.bytes;
        let differs = |found: String| RemoteError::Digest {
            place: self.remote.place.to_string(),
            package: package.to_owned(),
            expected: wanted.clone(),
            found,
        };
        match pulled {
            // The digest of what came tells the same as the library does, in our words.
            Ok(()) | Err(oci_client::errors::OciDistributionError::DigestError(_)) => {}
            Err(oci_client::errors::OciDistributionError::IoError(error))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                return Err(differs(error.to_string()));
            }
            Err(error) if wire::trouble(&error) == Some(Trouble::Missing) => {
                return Err(self.remote.nonsense(format!(
                    "the manifest of `{package}` names {digest}, which the registry does not have"
                )));
            }
            Err(error) => return Err(self.explain(error)),
        }
        let found = package::digest(&bytes);
        if found != digest {
            return Err(differs(found.to_string()));
        }
        if bytes.len() as u64 != size {
            let came = bytes.len();
            return Err(self.remote.nonsense(format!(
                "the manifest of `{package}` says that {digest} has {size} bytes, and it has {came}"
            )));
        }
        Ok(bytes)
    }
}
