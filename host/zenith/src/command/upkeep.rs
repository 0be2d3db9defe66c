//! `zenith registry yank`, `verify` and `gc`: the upkeep of registry folders.

use std::{
    fmt::Write as _,
    io::{self, BufRead, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use zenith_registry::{Fault, Garbage, Lock, NamedLock, Registry, Report, RootKind};

use super::{
    registries::{failed, folder_of, named},
    say,
};
use crate::{
    context::{Context, LOCKFILE},
    error::Error,
};

#[derive(Debug, Args)]
pub(super) struct YankOptions {
    /// The version, as in `acme:sepia@1.2.0`.
    package: String,
    /// Take the mark away again.
    #[arg(long, conflicts_with = "reason")]
    undo: bool,
    /// Why, for those who use it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// In the project's `.zenith/registry` rather than in your own folder.
    #[arg(long)]
    project: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyOptions {
    /// Another lockfile whose pins must be there; the project's is always asked.
    #[arg(long, value_name = "FILE")]
    lockfile: Vec<PathBuf>,
    /// As JSON lines: one for each thing that is wrong.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct GcOptions {
    /// Another lockfile; what one of them names stays. The project's is always asked.
    #[arg(long, value_name = "FILE")]
    lockfile: Vec<PathBuf>,
    /// In the project's `.zenith/registry` rather than in your own folder.
    #[arg(long)]
    project: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Only say what would be taken away.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

pub(super) fn yank(context: &Context, options: &YankOptions) -> Result<(), Error> {
    let (name, version) = named(&options.package)?;
    let root = folder_of(context, options.project)?;
    let package = format!("`{name}@{version}`");
    if options.undo {
        let gone = root.unyank(&name, &version).map_err(|error| failed(error.to_string(), error.hint()))?;
        return say(&if gone {
            format!("{package} is no longer yanked")
        } else {
            format!("{package} was not yanked in `{}`", root.path().display())
        });
    }
    let new = root
        .yank(&name, &version, options.reason.as_deref().unwrap_or_default())
        .map_err(|error| failed(error.to_string(), error.hint()))?;
    let what = if new { "yanked" } else { "was yanked already:" };
    say(&format!("{what} {package}; what pins it goes on, and so does what names it whole"))
}

/// The project's lockfile and others. One that was named must be there.
fn lockfiles(context: &Context, others: &[PathBuf]) -> Result<Vec<NamedLock>, Error> {
    let mut locks: Vec<_> = context
        .lock()
        .map(|lock| NamedLock { path: PathBuf::from(LOCKFILE), lock: lock.clone() })
        .into_iter()
        .collect();
    for path in others {
        let lock = Lock::read(path).map_err(|error| failed(error.to_string(), error.hint()))?;
        let lock = lock.ok_or_else(|| failed(format!("there is no lockfile `{}`", path.display()), None))?;
        locks.push(NamedLock { path: path.clone(), lock });
    }
    Ok(locks)
}

pub(super) fn verify(context: &Context, options: &VerifyOptions) -> Result<(), Error> {
    let locks = lockfiles(context, &options.lockfile)?;
    let report = context
        .registry()
        .verify(&locks, context.trust())
        .map_err(|error| failed(error.to_string(), error.hint()))?;
    if options.json {
        for Fault { root, path, what } in &report.faults {
            let root = root.map(|root| root.to_string());
            say(&json!({"root": root, "path": path, "fault": what}).to_string())?;
        }
    } else {
        say(shown(&report, context.registry()).trim_end())?;
    }
    match report.faults.len() {
        0 => Ok(()),
        faults => Err(failed(
            format!("{faults} {} wrong", if faults == 1 { "thing is" } else { "things are" }),
            Some(
                "fetch or publish again what is damaged; `zenith registry gc` takes away what dying \
                 processes left"
                    .to_owned(),
            ),
        )),
    }
}

fn shown(report: &Report, registry: &Registry) -> String {
    let Report { packages, signatures, unchecked, pins, faults } = report;
    let mut text = format!("{packages} packages, {signatures} signatures that hold, {pins} pins");
    if *unchecked > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, ", {unchecked} signatures of keys that are not known here");
    }
    text.push('\n');
    let rows: Vec<_> = faults.iter().map(|fault| row(fault, registry)).collect();
    let folders = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
    let files = rows.iter().map(|row| row.1.len()).max().unwrap_or(0);
    for (folder, file, what) in &rows {
        let _ = writeln!(text, "{folder:<folders$}  {file:<files$}  {what}");
    }
    text
}

/// A fault as a row: whose folder, which file in it, what is wrong.
fn row<'a>(fault: &'a Fault, registry: &Registry) -> (String, String, &'a str) {
    let root = fault.root.and_then(|kind| registry.root(kind));
    let inside = root.and_then(|root| fault.path.strip_prefix(root.path()).ok());
    let folder = fault.root.map_or_else(|| "lockfile".to_owned(), |kind: RootKind| kind.to_string());
    (folder, inside.unwrap_or(&fault.path).display().to_string(), &fault.what)
}

pub(super) fn gc(context: &Context, options: &GcOptions) -> Result<(), Error> {
    let root = folder_of(context, options.project)?;
    let locks = lockfiles(context, &options.lockfile)?;
    if locks.is_empty() {
        return Err(failed(
            "no lockfile says what must stay, so that everything would go",
            Some(format!(
                "run it beside a `{LOCKFILE}`, or name the lockfiles of all projects that use the folder with \
                 --lockfile"
            )),
        ));
    }
    let garbage = Garbage::find(root, &locks).map_err(|error| failed(error.to_string(), error.hint()))?;
    let mut text = format!("in {}, what none of these names:\n", root.path().display());
    for lock in &locks {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {} ({} pins)", lock.path.display(), lock.lock.packages().len());
    }
    for (name, version, bytes) in &garbage.versions {
        let _ = writeln!(text, "{:>12}  {name}@{version}", size(*bytes));
    }
    for (path, bytes) in &garbage.leftovers {
        let path = path.strip_prefix(root.path()).unwrap_or(path);
        let _ = writeln!(text, "{:>12}  {} (left over)", size(*bytes), path.display());
    }
    if garbage.is_empty() {
        return say(&format!("{text}nothing to take away"));
    }
    let whole = size(garbage.bytes());
    let _ = write!(text, "{whole:>12}  in all");
    say(&text)?;
    if options.dry_run {
        return Ok(());
    }
    if !options.yes && !confirmed(root.path())? {
        return Err(failed(
            "nothing was taken away",
            Some("answer `y`, or pass --yes where nobody can be asked".to_owned()),
        ));
    }
    let freed = garbage.remove().map_err(|error| failed(error.to_string(), error.hint()))?;
    say(&format!("freed {}", size(freed)))
}

/// Asks at the terminal. No answer is a no.
fn confirmed(folder: &Path) -> Result<bool, Error> {
    let mut out = io::stdout();
    let asked = write!(out, "take it away from {}? [y/N] ", folder.display()).and_then(|()| out.flush());
    let mut answer = String::new();
    asked
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| failed(format!("cannot ask: {error}"), Some("pass --yes".to_owned())))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Bytes, in the unit that reads best.
#[expect(clippy::cast_precision_loss, reason = "a size is shown to a few digits")]
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
