//! `zenith registry push` and `pull`: packages to and from OCI registries.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use zenith_core::Identity;
use zenith_registry::{Reference, Resolved, Root, RootKind, Signature, SignatureFile};
use zenith_registry_oci::{
    Credentials, Outcome, Package, Pin, Place, Progress, Pulled, Remote, RemoteError, RemoteOptions,
};

use super::say;
use crate::{
    context::Context,
    error::{Error, ErrorKind},
    vet,
};

/// Smaller packages are there before a bar is.
const WORTH_A_BAR: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct RemoteArguments {
    /// The registry, and the prefix under which packages are kept in it: `HOST[:PORT][/PREFIX]`.
    registry: String,
    /// Ask by http instead of https.
    #[arg(long)]
    plain_http: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The package goes to the repository PREFIX/NAMESPACE/NAME, with its version as the tag. A \
    version never changes: the same bytes may be pushed again, others are refused. A signature beside the package \
    goes with it. Credentials are those of docker's configuration, or ZENITH_REGISTRY_TOKEN."
)]
pub(super) struct PushOptions {
    /// The package, such as `acme:sepia@1.2.0`; the highest version that matches is pushed.
    reference: String,
    #[command(flatten)]
    remote: RemoteArguments,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Where `zenith.lock` pins a version that will do, that one is pulled, and only with the pinned \
    digest. Credentials are those of docker's configuration, or ZENITH_REGISTRY_TOKEN."
)]
pub(super) struct PullOptions {
    /// The package, such as `acme:sepia@^1.2`; the highest version that matches is pulled.
    reference: String,
    #[command(flatten)]
    remote: RemoteArguments,
    /// Add it to the project's `.zenith/registry` rather than to the user's folder.
    #[arg(long)]
    project: bool,
    /// Pull nothing that `zenith.lock` does not pin.
    #[arg(long)]
    locked: bool,
}

pub(super) fn push(context: &Context, options: &PushOptions) -> Result<(), Error> {
    // A signature that does not hold is refused here, before anybody else meets it.
    let resolved = context.resolve(&options.reference)?;
    let version =
        resolved.identity.version.parse().map_err(|error| {
            failed(format!("the version of `{}` is wrong: {error}", resolved.identity), None)
        })?;
    let remote = open(&options.remote)?;
    let package = Package {
        name: &resolved.identity.name,
        version: &version,
        bytes: &resolved.bytes,
        signature: resolved.signature.as_ref().map(|file| file.text.as_str()),
    };
    let pushed = with_bar("pushing", |progress| remote.push(package, progress))?;
    let what = match pushed.outcome {
        Outcome::New => "pushed",
        Outcome::Unchanged => "was there already, with the same bytes:",
        Outcome::Signed => "was there already, and is signed now:",
    };
    let (name, place) = (package.name, remote.place());
    say(&format!(
        "{what} `{name}@{version}` {}\n  {}/{}:{version}\n  manifest {}",
        pushed.digest,
        place.host(),
        place.repository(name),
        pushed.manifest,
    ))
}

pub(super) fn pull(context: &Context, options: &PullOptions) -> Result<(), Error> {
    let reference = reference(&options.reference)?;
    let pin = context.lock().and_then(|lock| lock.find(&reference));
    if pin.is_none() && options.locked {
        return Err(failed(
            format!("the lockfile pins no version of `{}` that `{reference}` admits", reference.name),
            Some("leave --locked out, or pin it with `zenith lock`".to_owned()),
        ));
    }
    let pin = pin.map(|locked| Pin { version: locked.version.clone(), digest: locked.digest });
    let kind = if options.project { RootKind::Project } else { RootKind::User };
    let root = context.registry().root(kind).ok_or_else(|| {
        failed(
            "there is no user's registry folder, because no home folder is known",
            Some("pass --project".to_owned()),
        )
    })?;
    let remote = open(&options.remote)?;
    let pulled = with_bar("pulling", |progress| remote.pull(&reference, pin.as_ref(), progress))?;
    add(context, root, &remote, pulled)
}

/// Adds what was pulled, with its signature, unless the trust files refuse it.
fn add(context: &Context, root: &Root, remote: &Remote, pulled: Pulled) -> Result<(), Error> {
    let Pulled { name, version, bytes, digest, signature } = pulled;
    let called = format!("{name}@{version}");
    let refused = |error: &dyn std::fmt::Display, hint| {
        failed(format!("cannot add `{called}` from `{}`: {error}", remote.place()), hint)
    };
    let path = root.signature_file(&name, &version);
    let candidate = Resolved {
        identity: Identity { name: name.clone(), version: version.to_string(), digest },
        path: root.file(&name, &version),
        root: root.kind(),
        bytes,
        signature: signature.map(|text| SignatureFile { path, text }),
        yanked: None,
    };
    let shipped = context.is_shipped(&candidate.identity);
    vet::vouched(&candidate, context.trust(), shipped)
        .map_err(|error| refused(&error.message, error.hint.clone()))?;
    let signature = candidate
        .signature
        .as_ref()
        .map(|file| file.text.parse::<Signature>())
        .transpose()
        .map_err(|error| refused(&error, None))?;
    let added = root
        .publish(&candidate.bytes, Some((name, version)), signature.as_ref())
        .map_err(|error| refused(&error, error.hint()))?;
    let what = if added.new { "pulled" } else { "was there already, with the same bytes:" };
    let signed = signature.as_ref().is_some_and(|signature| added.signed_by == Some(signature.key()));
    let signed = if signed { ", with its signature" } else { "" };
    say(&format!("{what} `{called}` {}{signed}\n  {}", added.digest, added.path.display()))
}

fn failed(message: impl Into<String>, hint: Option<String>) -> Error {
    Error::new(ErrorKind::Registry, message, hint)
}

fn reference(text: &str) -> Result<Reference, Error> {
    text.parse().map_err(|error: zenith_registry::ReferenceError| failed(error.to_string(), error.hint()))
}

fn open(arguments: &RemoteArguments) -> Result<Remote, Error> {
    let place: Place = arguments
        .registry
        .parse()
        .map_err(|error: zenith_registry_oci::PlaceError| failed(error.to_string(), Some(error.hint())))?;
    let credentials =
        Credentials::find(place.host()).map_err(|error| failed(error.to_string(), Some(error.hint())))?;
    let options = RemoteOptions { plain_http: arguments.plain_http, credentials, ..RemoteOptions::default() };
    Ok(Remote::new(place, options))
}

/// Shows how far a transfer is, where it is worth it.
fn with_bar<T>(
    what: &'static str,
    transfer: impl FnOnce(&mut dyn FnMut(Progress)) -> Result<T, RemoteError>,
) -> Result<T, Error> {
    let mut bar: Option<ProgressBar> = None;
    let outcome = transfer(&mut |Progress { done, total }| {
        if total < WORTH_A_BAR {
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(total).with_message(what);
            if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes}  {elapsed}")
            {
                bar.set_style(style);
            }
            bar.tick();
            bar
        });
        bar.set_position(done);
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    outcome.map_err(|error| failed(error.to_string(), error.hint()))
}
