//! From bytes to a registry, where a version never changes.

use oci_client::RegistryOperation;
use semver::Version;
use zenith_core::{Digest, PackageName};
use zenith_registry::package::{self, PackageInfo};

use crate::{
    artefact::{self, Written},
    error::RemoteError,
    remote::{Progress, Remote, Session},
};

/// What is to be pushed.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    /// Its name.
    pub name: &'a PackageName,
    /// Its version.
    pub version: &'a Version,
    /// The component.
    pub bytes: &'a [u8],
    /// Its signature, where it has one. Whether it is good is not checked here.
    pub signature: Option<&'a str>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is there now, and was not before.
    New,
    /// It was there already, with the same bytes.
    Unchanged,
    /// It was there already, with the same bytes, and has its signature now.
    Signed,
}

/// What was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of the component.
    pub digest: Digest,
    /// The digest of the manifest, by which registries and their tools know it.
    pub manifest: Digest,
    /// What became of it.
    pub outcome: Outcome,
}

impl Remote {
    /// Pushes a package. The same bytes may be pushed again; other bytes under the same version are
    /// refused.
    ///
    /// The protocol cannot say "only if it is not there". So of two who push different bytes at the same
    /// moment the later one wins; the tag is read again at the end, and the other learns that he lost.
    pub fn push(
        &self,
        package: Package<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Pushed, RemoteError> {
        let Package { name, version, bytes, signature } = package;
        let place = || self.place.to_string();
        let called = format!("{name}@{version}");
        let not_plugin = |cause| RemoteError::Plugin { place: place(), package: called.clone(), cause };
        let info = package::read(bytes).map_err(not_plugin)?;
        package::validate(bytes).map_err(not_plugin)?;
        info.naming(Some((name.clone(), version.clone()))).map_err(|cause| RemoteError::Naming {
            place: place(),
            package: called.clone(),
            cause,
        })?;
        if !version.build.is_empty() {
            return Err(RemoteError::BuildMetadata { version: version.clone() });
        }
        self.converse(name, RegistryOperation::Push, async |session| {
            let there = session.manifest(version.to_string()).await?;
            let signature_there = match &there {
                None => None,
                Some((manifest, _)) => session.compare(&called, manifest, &info)?,
            };
            let outcome = match (&there, signature_there.as_deref(), signature) {
                (None, ..) => Outcome::New,
                (Some(_), None, Some(_)) => Outcome::Signed,
                (Some(_), Some(theirs), Some(ours)) if theirs != ours => {
                    return Err(RemoteError::OtherSignature { place: place(), package: called.clone() });
                }
                (Some((_, manifest)), ..) => {
                    let digest = info.digest;
                    return Ok(Pushed { digest, manifest: *manifest, outcome: Outcome::Unchanged });
                }
            };
            let written = artefact::write(name, version, &info, bytes, signature)
                .map_err(|error| self.nonsense(error.to_string()))?;
            session.send(bytes, info.digest, progress).await?;
            session.send(&written.config, written.config_digest, &mut |_| {}).await?;
            let manifest = session.tag(&called, version, &written, &info).await?;
            Ok(Pushed { digest: info.digest, manifest, outcome })
        })
    }
}

impl Session<'_> {
    /// Refuses what is there under the tag, unless it is the same component. Answers its signature.
    fn compare(
        &self,
        package: &str,
        manifest: &[u8],
        info: &PackageInfo,
    ) -> Result<Option<String>, RemoteError> {
        let stored = match artefact::read(manifest) {
            Ok(artefact) if artefact.layer == info.digest => return Ok(artefact.signature),
            Ok(artefact) => artefact.layer.to_string(),
            Err(error) => error.to_string(),
        };
        Err(RemoteError::Conflict {
            place: self.remote.place.to_string(),
            package: package.to_owned(),
            stored,
            given: info.digest,
        })
    }

    /// Sends a blob, unless it is there already.
    async fn send(
        &self,
        bytes: &[u8],
        digest: Digest,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), RemoteError> {
        let image = self.image("latest".to_owned());
        let digest = digest.to_string();
        let total = bytes.len() as u64;
        progress(Progress { done: 0, total });
        if !self.ask(self.client.blob_exists(&image, &digest)).await? {
            let sent = self.client.push_blob(&image, bytes.to_vec(), &digest).await;
            sent.map_err(|error| self.explain(error))?;
        }
        progress(Progress { done: total, total });
        Ok(())
    }

    /// Puts the manifest under its tag, and reads it back.
    async fn tag(
        &self,
        package: &str,
        version: &Version,
        written: &Written,
        info: &PackageInfo,
    ) -> Result<Digest, RemoteError> {
        let image = self.image(version.to_string());
        let kind = artefact::MANIFEST_TYPE
            .parse()
            .map_err(|_| self.remote.nonsense("a media type is no header's value"))?;
        self.ask(self.client.push_manifest_raw(&image, written.manifest.clone(), kind)).await?;
        let Some((stored, digest)) = self.manifest(version.to_string()).await? else {
            return Err(self.remote.nonsense(format!("it took `{package}`, and does not have it")));
        };
        self.compare(package, &stored, info)?;
        Ok(digest)
    }
}
