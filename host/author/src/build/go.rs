//! Go, compiled by its own compiler for WASI's first preview, which is what its runtime knows.
//!
//! The bindings import a small module of the Bytecode Alliance's, which is written beside them: a build
//! needs no network.

use include_dir::{Dir, include_dir};
use wit_component::{StringEncoding, embed_component_metadata};
use zenith_core::Permission;

use super::{BuildError, BuildOptions, bindings};
use crate::{
    component::freeze_clock,
    disk::{self, failed},
    interface,
    language::Language,
    project::Project,
    tool::{self, Tool},
};

/// `go.bytecodealliance.org/pkg`, which the bindings import: as it is in the crate that makes them, from
/// which `build.rs` takes it.
static RUNTIME: Dir<'static> = include_dir!("$OUT_DIR/go-runtime");

/// The oldest Go that will do: the module above says so.
const OLDEST: (u32, u32) = (1, 25);

pub(super) fn build(project: &Project, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let go = tool::go("a plugin in Go is compiled with it")?;
    let folder = project.folder();
    if project.manifest().permissions.contains(&Permission::Clock) {
        return Err(BuildError::NoClock);
    }
    let module = module_name(project)?;
    check_version(&go)?;
    generate(project, &module)?;
    let target_dir = options.target_dir(project);
    disk::make_folder(&target_dir)?;
    let target_dir = target_dir.canonicalize().map_err(failed("find", &target_dir))?;
    let output = target_dir.join(format!("{}.core.wasm", project.manifest().name.name()));

    let mut command = go.command();
    // No paths of this machine in the component, and the names of files as the author has them.
    command.args(["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared"]);
    // The bindings link to the runtime's `sbrk`, which Go asks for by this flag.
    command.arg("-ldflags=-checklinkname=0 -s -w").arg("-o").arg(&output).arg(".");
    command.envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOTOOLCHAIN", "local"), ("GOWORK", "off")]);
    if options.offline {
        command.env("GOPROXY", "off");
    }
    tool::run(command.current_dir(folder), options.quiet)?;

    let mut wasm = disk::read(&output)?;
    freeze_clock(&mut wasm);
    // The compiler knows nothing of components: the world is told apart.
    let failed = |reason| BuildError::Bindings { language: Language::Go, reason };
    let (resolve, world) = interface::resolve(project.manifest().kind).map_err(failed)?;
    embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| failed(format!("{error:#}")))?;
    Ok(wasm)
}

/// Writes the bindings: those that the author's package is a part of into its folder, all others and what
/// they import into `bindings`.
fn generate(project: &Project, module: &str) -> Result<(), BuildError> {
    let options = wit_bindgen_go::Opts {
        pkg_name: Some(format!("{module}/bindings")),
        export_pkg_name: Some(module.to_owned()),
        // Nobody reads it, and `gofmt` need not be there.
        format: wit_bindgen_go::Format::False,
        ..wit_bindgen_go::Opts::default()
    };
    let files = bindings::generate(project, options.build())?;
    let generated = project.folder().join("bindings");
    for (name, contents) in files.iter() {
        let folder = if name.starts_with("export_") { project.folder() } else { &generated };
        disk::write_if_changed(&folder.join(name), contents)?;
    }
    write_runtime(&RUNTIME, &generated.join("pkg"))
}

fn write_runtime(dir: &Dir<'_>, place: &std::path::Path) -> Result<(), BuildError> {
    for file in dir.files() {
        disk::write_if_changed(&place.join(file.path()), file.contents())?;
    }
    for inner in dir.dirs() {
        write_runtime(inner, place)?;
    }
    Ok(())
}

/// The name that `go.mod` gives the plugin's module, under which its packages import each other.
fn module_name(project: &Project) -> Result<String, BuildError> {
    let none =
        |what: &str| BuildError::NoSource { folder: project.folder().to_owned(), what: what.to_owned() };
    let file = project.folder().join("go.mod");
    if !file.is_file() {
        return Err(none("`go.mod`"));
    }
    let text = disk::read(&file)?;
    String::from_utf8_lossy(&text)
        .lines()
        .find_map(|line| line.strip_prefix("module "))
        .map(|name| name.trim().trim_matches('"').to_owned())
        .ok_or_else(|| none("`go.mod` with a line `module NAME`"))
}

/// Refuses a Go that is too old, which would say so less clearly.
fn check_version(go: &Tool) -> Result<(), BuildError> {
    let mut command = go.command();
    command.args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local");
    let Ok(answer) = command.output() else { return Ok(()) };
    let version = String::from_utf8_lossy(&answer.stdout).trim().trim_start_matches("go").to_owned();
    match parse_version(&version) {
        Some(found) if found < OLDEST => Err(BuildError::OldTool {
            tool: "go".to_owned(),
            found: version,
            wanted: format!("{}.{}", OLDEST.0, OLDEST.1),
        }),
        _ => Ok(()),
    }
}

/// The first two numbers, as in `1.26.8` or `1.25rc1`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_go_are_told_apart() {
        assert_eq!(parse_version("1.26.8"), Some((1, 26)));
        assert_eq!(parse_version("1.25rc1"), Some((1, 25)));
        assert_eq!(parse_version("devel +abc"), None);
        assert!(parse_version("1.9").unwrap() < OLDEST);
    }
}
