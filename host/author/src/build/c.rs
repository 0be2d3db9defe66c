//! C and C++, compiled by Zig's C compiler, which brings a C library for WASI.
//!
//! What the plugin does not use of that library is not linked, so that nothing of WASI is left in a
//! plugin that only computes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{BuildError, BuildOptions, bindings};
use crate::{
    disk::{self, failed},
    interface::world_name,
    language::Language,
    project::Project,
    tool::{self, Tool},
};

/// The folder of the generated bindings, in the plugin's.
pub(super) const BINDINGS: &str = "bindings";

/// For what and how everything is compiled. 128-bit vectors are part of the standard, and every engine
/// that the host uses has them.
const FLAGS: [&str; 4] = ["-target", "wasm32-wasi", "-O3", "-msimd128"];

pub(super) fn build(project: &Project, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let language = project.language();
    let zig = tool::zig(&format!("a plugin in {language} is compiled with it"))?;
    let sources = sources(project.folder(), language)?;
    let bindings = compile_bindings(project, options, &zig)?;
    let module = bindings.target_dir.join(format!("{}.core.wasm", project.manifest().name.name()));
    let mut command = zig.command();
    match language {
        Language::Cpp => command.args(["c++", "-std=c++20", "-fno-exceptions", "-fno-rtti"]),
        _ => command.args(["cc", "-std=c17"]),
    };
    command.args(FLAGS).args(["-s", "-mexec-model=reactor", "-Wall", "-Wextra"]);
    command.arg(format!("-I{BINDINGS}")).args(sources).args(&bindings.objects).arg("-o").arg(&module);
    // From the plugin's folder, so that the compiler's messages name files as the author does.
    tool::run(command.current_dir(project.folder()), options.quiet)?;
    Ok(disk::read(&module)?)
}

/// The C bindings, written and compiled.
pub(super) struct Bindings {
    /// Where compilers keep what they make, as a whole path.
    pub(super) target_dir: PathBuf,
    /// The name that the generated files begin with.
    pub(super) world: String,
    /// What is to be linked: the bindings, and the section that says the world.
    pub(super) objects: [PathBuf; 2],
}

/// Writes the C bindings and compiles them: apart from the author's code, and without warnings, about
/// which an author could do nothing.
pub(super) fn compile_bindings(
    project: &Project,
    options: &BuildOptions,
    zig: &Tool,
) -> Result<Bindings, BuildError> {
    generate(project)?;
    let target_dir = options.target_dir(project);
    disk::make_folder(&target_dir)?;
    let target_dir = target_dir.canonicalize().map_err(failed("find", &target_dir))?;
    let world = world_name(project.manifest().kind).replace('-', "_");
    let object = target_dir.join(format!("{world}.o"));
    let mut command = zig.command();
    command.arg("cc").args(FLAGS).args(["-w", "-c"]).arg(format!("{BINDINGS}/{world}.c"));
    command.arg("-o").arg(&object);
    tool::run(command.current_dir(project.folder()), options.quiet)?;
    let kind = Path::new(BINDINGS).join(format!("{world}_component_type.o"));
    Ok(Bindings { target_dir, world, objects: [object, kind] })
}

/// Writes the C bindings into the plugin's folder.
fn generate(project: &Project) -> Result<(), BuildError> {
    let options = wit_bindgen_c::Opts { autodrop_borrows: wit_bindgen_c::Enabled::Yes, ..Default::default() };
    let files = bindings::generate(project, options.build())?;
    bindings::write(&files, &project.folder().join(BINDINGS))
}

/// The author's sources in `src`, relative to the plugin's folder.
fn sources(folder: &Path, language: Language) -> Result<Vec<PathBuf>, BuildError> {
    let extensions: &[&str] = if language == Language::Cpp { &["cpp", "cc"] } else { &["c"] };
    let source = folder.join("src");
    let none = || BuildError::NoSource {
        folder: folder.to_owned(),
        what: format!("source `src/*.{}`", extensions[0]),
    };
    if !source.is_dir() {
        return Err(none());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&source).map_err(failed("read", &source))? {
        let name = entry.map_err(failed("read", &source))?.file_name();
        let path = Path::new("src").join(name);
        if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|own| extensions.contains(&own))
        {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(none());
    }
    found.sort();
    Ok(found)
}
