//! A registry that is asked: with whose credentials, for how long, and on what runtime. What is asked of
//! it lives in `push` and `pull`.

use std::{
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use oci_client::{
    Client, Reference as Image, RegistryOperation,
    client::{ClientConfig, ClientProtocol},
    secrets::RegistryAuth,
};
use tokio::runtime;
use zenith_core::{Digest, PackageName};

use crate::{
    artefact,
    credentials::Credentials,
    error::{Access, RemoteError},
    place::Place,
    wire::{self, Trouble},
};

/// How a registry is asked.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// By http instead of https.
    pub plain_http: bool,
    /// Who asks.
    pub credentials: Credentials,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long nothing may come while something is awaited.
    pub idle_timeout: Duration,
    /// How long a question may take in all; the transfer of a package may take longer.
    pub question_timeout: Duration,
    /// Larger packages are not pulled.
    pub largest: u64,
}

impl Default for RemoteOptions {
    /// https, without credentials; 10 s to connect, 60 s without a byte, 60 s for a question, 512 MiB.
    fn default() -> Self {
        Self {
            plain_http: false,
            credentials: Credentials::Anonymous,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            question_timeout: Duration::from_mins(1),
            largest: 512 << 20,
        }
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The bytes that are through.
    pub done: u64,
    /// The bytes in all.
    pub total: u64,
}

/// A registry.
///
/// Its calls block. Each makes an asynchronous runtime on the calling thread and ends it before it
/// returns, so that no thread is left behind and a process may fork afterwards. They must not be made
/// from within another asynchronous runtime.
#[derive(Clone, Debug)]
pub struct Remote {
    pub(crate) place: Place,
    pub(crate) options: RemoteOptions,
}

impl Remote {
    /// A registry by its place. Nothing is asked yet.
    pub fn new(place: Place, options: RemoteOptions) -> Self {
        Self { place, options }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Runs a conversation with the registry about one package.
    pub(crate) fn converse<T>(
        &self,
        name: &PackageName,
        operation: RegistryOperation,
        conversation: impl AsyncFnOnce(&Session<'_>) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|cause| RemoteError::System { place: self.place.to_string(), cause })?;
        // The client's library asserts some things about answers; a registry that breaks them is no
        // reason to end the process.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let session = Session::open(self, name, operation).await?;
                conversation(&session).await
            })
        }));
        outcome.unwrap_or_else(|_| Err(self.nonsense("the client's library gave up on it")))
    }

    pub(crate) fn nonsense(&self, reason: impl Into<String>) -> RemoteError {
        RemoteError::Nonsense { place: self.place.to_string(), reason: reason.into() }
    }
}

/// A conversation with a registry about one repository.
pub(crate) struct Session<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) client: Client,
    pub(crate) auth: RegistryAuth,
    pub(crate) repository: String,
}

impl<'a> Session<'a> {
    async fn open(
        remote: &'a Remote,
        name: &PackageName,
        operation: RegistryOperation,
    ) -> Result<Self, RemoteError> {
        let RemoteOptions { plain_http, credentials, connect_timeout, idle_timeout, .. } = &remote.options;
        let place = || remote.place.to_string();
        let auth = match credentials {
            Credentials::Anonymous | Credentials::Helper(_) => RegistryAuth::Anonymous,
            Credentials::Basic { username, password } => {
                RegistryAuth::Basic(username.clone(), password.clone())
            }
            Credentials::Token(token) => RegistryAuth::Bearer(token.clone()),
        };
        if auth != RegistryAuth::Anonymous && *plain_http && !remote.place.is_loopback() {
            return Err(RemoteError::InClear { place: place() });
        }
        // The first of the process stays; it does not matter which that is.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ClientConfig {
            protocol: if *plain_http { ClientProtocol::Http } else { ClientProtocol::Https },
            // Without TLS nothing is verified anyway, and no authorities need be installed.
            accept_invalid_certificates: *plain_http,
            connect_timeout: Some(*connect_timeout),
            read_timeout: Some(*idle_timeout),
            user_agent: concat!("zenith/", env!("CARGO_PKG_VERSION")),
            platform_resolver: None,
            ..ClientConfig::default()
        };
        let repository = remote.place.repository(name);
        let client = Client::try_from(config)
            .map_err(|error| wire::explain(remote, &repository, error, Duration::ZERO))?;
        let session = Self { remote, client, auth, repository };
        session.introduce(operation).await?;
        Ok(session)
    }

    /// Says who asks, before anything is asked. The library does so by itself, but would keep silent
    /// about what went wrong.
    async fn introduce(&self, operation: RegistryOperation) -> Result<(), RemoteError> {
        if let RegistryAuth::Bearer(token) = &self.auth {
            self.check_token(token)?;
        }
        let image = self.image("latest".to_owned());
        if let Some(token) = self.ask(self.client.auth(&image, &self.auth, operation)).await? {
            self.check_token(&token)?;
        }
        Ok(())
    }

    /// A token that is no header's value would end the library.
    fn check_token(&self, token: &str) -> Result<(), RemoteError> {
        if token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(());
        }
        Err(RemoteError::Token { place: self.remote.place.to_string() })
    }

    /// The repository at a tag.
    pub(crate) fn image(&self, tag: String) -> Image {
        Image::with_tag(self.remote.place.host().to_owned(), self.repository.clone(), tag)
    }

    /// Asks a question, within the time for questions.
    pub(crate) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, oci_client::errors::OciDistributionError>>,
    ) -> Result<T, RemoteError> {
        let patience = self.remote.options.question_timeout;
        match tokio::time::timeout(patience, question).await {
            Ok(answer) => answer.map_err(|error| self.explain(error)),
            Err(_) => Err(RemoteError::TimedOut { place: self.remote.place.to_string(), after: patience }),
        }
    }

    pub(crate) fn explain(&self, error: oci_client::errors::OciDistributionError) -> RemoteError {
        wire::explain(self.remote, &self.repository, error, self.remote.options.idle_timeout)
    }

    /// The manifest at a tag, with its digest; `None` where there is no such tag.
    pub(crate) async fn manifest(&self, tag: String) -> Result<Option<(Vec<u8>, Digest)>, RemoteError> {
        let image = self.image(tag);
        let question = self.client.pull_manifest_raw(&image, &self.auth, &artefact::MANIFEST_TYPES);
        let answer = tokio::time::timeout(self.remote.options.question_timeout, question).await;
        match answer {
            Ok(Ok((bytes, digest))) => {
                let digest = digest.parse().map_err(|_| {
                    self.remote.nonsense("the digest of its manifest is no sha256".to_owned())
                })?;
                Ok(Some((bytes.into(), digest)))
            }
            Ok(Err(error)) if wire::trouble(&error) == Some(Trouble::Missing) => Ok(None),
            Ok(Err(error)) => Err(self.explain(error)),
            Err(_) => Err(RemoteError::TimedOut {
                place: self.remote.place.to_string(),
                after: self.remote.options.question_timeout,
            }),
        }
    }
}

impl From<&Credentials> for Access {
    fn from(credentials: &Credentials) -> Self {
        match credentials {
            Credentials::Anonymous => Self::Anonymous,
            Credentials::Helper(helper) => Self::Helper(helper.clone()),
            Credentials::Basic { .. } | Credentials::Token(_) => Self::Known,
        }
    }
}
