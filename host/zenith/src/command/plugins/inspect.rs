//! `zenith plugin inspect`.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;
use zenith_author::inspect::{self, Inspection};
use zenith_core::{Limits, Permissions};

use super::target::{self, Target, failed};
use crate::{
    allowance::Allowed,
    command::{registries::signed, say},
    context::Context,
    error::Error,
};

#[derive(Debug, Args)]
pub(in crate::command) struct InspectArguments {
    /// A `.wasm` file, a folder with a built plugin, or a package such as `acme:sepia@1`.
    plugin: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What is true of a plugin here, and not in its bytes.
struct Here {
    permissions: Permissions,
    limits: Limits,
    /// Who vouches for it, in words.
    signed: String,
    from: String,
}

pub(super) fn run(context: &Context, arguments: &InspectArguments) -> Result<(), Error> {
    let Target { identity, bytes, signature, from, folder: _ } = target::find(context, &arguments.plugin)?;
    let inspection = inspect::inspect(&bytes)
        .map_err(|error| failed(format!("`{identity}` is damaged: {error}"), error.hint()))?;
    let permissions = context.permissions(&identity, &bytes, &Allowed::default())?;
    let limits = context.limits_of(&identity);
    let signed = signed(context, &identity, signature.as_ref());
    let here = Here { permissions, limits, signed, from };
    if arguments.json {
        return say(&as_json(&inspection, &here));
    }
    say(&as_text(&inspection, &here))
}

fn as_json(inspection: &Inspection, here: &Here) -> String {
    let Here { permissions, limits, signed, from } = here;
    let given: Vec<_> = permissions.given.iter().map(ToString::to_string).collect();
    let mut value = json!(inspection);
    value["given"] = json!(given);
    value["limits_here"] = json!({
        "memory_bytes": limits.memory,
        "time_ms": u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX),
        "output_bytes": limits.output,
        "instances": limits.instances,
    });
    value["signed"] = json!(signed);
    value["from"] = json!(from);
    value.to_string()
}

fn as_text(inspection: &Inspection, here: &Here) -> String {
    let Inspection {
        package,
        kind,
        world,
        imports,
        permissions,
        limits,
        size,
        digest,
        producers,
        description,
        license,
        authors,
        repository,
    } = inspection;
    let nothing = |list: Vec<String>| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
    let mut lines = vec![
        ("package", package.clone().unwrap_or_else(|| "does not say its name".to_owned())),
        ("kind", kind.to_string()),
        ("world", world.clone()),
        ("imports", nothing(imports.clone())),
        ("asks for", nothing(permissions.iter().map(ToString::to_string).collect())),
    ];
    if !permissions.is_empty() {
        lines.push(("given here", here.permissions.given.to_string()));
    }
    let wishes = [
        limits.memory_bytes.map(|wish| format!("{} of memory", bytes_text(wish.get()))),
        limits.time_ms.map(|wish| format!("{wish} ms a call")),
        limits.output_bytes.map(|wish| format!("{} of output", bytes_text(wish.get()))),
        limits.instances.map(|wish| format!("{wish} instances")),
    ];
    lines.push(("wishes", nothing(wishes.into_iter().flatten().collect())));
    let Limits { memory, time, output, instances } = here.limits;
    lines.push((
        "limits here",
        format!(
            "{} of memory, {time:?} a call, {} of output, {instances} instances",
            bytes_text(memory as u64),
            bytes_text(output as u64)
        ),
    ));
    lines.push(("size", format!("{size} bytes")));
    lines.push(("digest", digest.to_string()));
    lines.push(("signed", here.signed.clone()));
    let producers: Vec<_> = producers
        .iter()
        .map(|producer| {
            format!("{} {} {}", producer.field, producer.name, producer.version).trim().to_owned()
        })
        .collect();
    if !producers.is_empty() {
        lines.push(("made with", producers.join(", ")));
    }
    lines.extend(description.clone().map(|description| ("about", description)));
    lines.extend(license.clone().map(|license| ("license", license)));
    if !authors.is_empty() {
        lines.push(("authors", authors.join(", ")));
    }
    lines.extend(repository.clone().map(|repository| ("source", repository)));
    lines.push(("from", here.from.clone()));
    let mut text = String::new();
    for (what, value) in lines {
        let _ = writeln!(text, "{what:<13}{value}");
    }
    text.trim_end().to_owned()
}

/// Bytes in the binary units in which limits are usually written.
fn bytes_text(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}
