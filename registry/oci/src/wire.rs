//! What comes over the wire: a blob into memory, never more of it than was announced, and the errors of
//! the client's library in our words.

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use oci_client::errors::{OciDistributionError, OciErrorCode};
use tokio::io::AsyncWrite;

use crate::{
    error::{Access, RemoteError},
    remote::{Progress, Remote},
    text::tame,
};

/// Kinds of trouble that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no such repository, tag or blob.
    Missing,
    /// It is not known who asks.
    Unauthorized,
    /// Who asks may not.
    Denied,
}

/// What kind of trouble an error is, where it is one that the registry itself tells.
pub(crate) fn trouble(error: &OciDistributionError) -> Option<Trouble> {
    let by_status = |code| match code {
        401 => Some(Trouble::Unauthorized),
        403 => Some(Trouble::Denied),
        404 => Some(Trouble::Missing),
        _ => None,
    };
    match error {
        OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
            Some(Trouble::Unauthorized)
        }
        OciDistributionError::ImageManifestNotFoundError(_) => Some(Trouble::Missing),
        OciDistributionError::ServerError { code, .. } => by_status(*code),
        OciDistributionError::RequestError(error) => {
            error.status().and_then(|status| by_status(status.as_u16()))
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().find_map(|error| match error.code {
                OciErrorCode::Unauthorized => Some(Trouble::Unauthorized),
                OciErrorCode::Denied => Some(Trouble::Denied),
                OciErrorCode::NameUnknown
                | OciErrorCode::ManifestUnknown
                | OciErrorCode::BlobUnknown
                | OciErrorCode::NotFound => Some(Trouble::Missing),
                _ => None,
            })
        }
        _ => None,
    }
}

/// An error of the library in our words. `after` is the time that it waited, where it waited too long.
pub(crate) fn explain(
    remote: &Remote,
    repository: &str,
    error: OciDistributionError,
    after: Duration,
) -> RemoteError {
    let place = remote.place().to_string();
    let repository = repository.to_owned();
    match trouble(&error) {
        Some(Trouble::Unauthorized) => {
            let access = Access::from(&remote.options.credentials);
            return RemoteError::Unauthorized { place, repository, access };
        }
        Some(Trouble::Denied) => {
            return RemoteError::Denied { place, repository, reason: said(&error) };
        }
        Some(Trouble::Missing) | None => {}
    }
    match error {
        OciDistributionError::RequestError(error) => {
            let waited = if error.is_connect() { remote.options.connect_timeout } else { after };
            if error.is_timeout() {
                return RemoteError::TimedOut { place, after: waited };
            }
            let (is_connect, is_builder) = (error.is_connect(), error.is_builder());
            // The address is left out: it may hold a secret.
            beneath(place, &error.without_url(), is_connect, is_builder)
        }
        OciDistributionError::ServerError { code: 400, message, .. }
            if message.contains("HTTP request to an HTTPS server") =>
        {
            RemoteError::NotPlain { place }
        }
        OciDistributionError::ServerError { .. } | OciDistributionError::RegistryError { .. } => {
            RemoteError::Failed { place, reason: said(&error) }
        }
        other => RemoteError::Nonsense { place, reason: tame(&other.to_string()) },
    }
}

/// What the registry says about its refusal.
fn said(error: &OciDistributionError) -> String {
    let said = match error {
        OciDistributionError::RegistryError { envelope, .. } => {
            let messages: Vec<_> = envelope.errors.iter().map(|error| error.message.as_str()).collect();
            tame(&messages.join("; "))
        }
        OciDistributionError::ServerError { code, message, .. } => {
            format!("{code} {}", tame(message))
        }
        _ => String::new(),
    };
    if said.is_empty() { "it does not say why".to_owned() } else { said.trim_end().to_owned() }
}

/// What went wrong beneath the registry's protocol.
fn beneath(place: String, error: &dyn Error, is_connect: bool, is_builder: bool) -> RemoteError {
    let mut causes = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let all = causes.join(": ");
    let reason = tame(causes.last().map_or("", String::as_str));
    if all.contains("InvalidContentType") || all.contains("corrupt message") {
        RemoteError::NotTls { place }
    } else if is_builder || all.contains("certificate") {
        RemoteError::Certificate { place, reason }
    } else if is_connect {
        RemoteError::Unreachable { place, reason }
    } else {
        RemoteError::Unreachable { place, reason: format!("the connection broke off ({reason})") }
    }
}

/// A blob on its way into memory.
pub(crate) struct Sink<'a> {
    pub(crate) bytes: Vec<u8>,
    /// More than this does not come.
    announced: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Sink<'a> {
    /// A sink for as many bytes as were announced.
    pub(crate) fn new(announced: u64, progress: &'a mut dyn FnMut(Progress)) -> Self {
        progress(Progress { done: 0, total: announced });
        // What is announced need not come, so that little is taken in advance.
        let bytes = Vec::with_capacity(usize::try_from(announced.min(1 << 20)).unwrap_or(0));
        Self { bytes, announced, progress }
    }
}

impl AsyncWrite for Sink<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, part: &[u8]) -> Poll<io::Result<usize>> {
        let sink = self.get_mut();
        let done = (sink.bytes.len() + part.len()) as u64;
        if done > sink.announced {
            let message = format!("more came than the {} bytes that were announced", sink.announced);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        sink.bytes.extend_from_slice(part);
        (sink.progress)(Progress { done, total: sink.announced });
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
