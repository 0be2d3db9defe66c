//! Zig, through its C interop: it translates the header of the C bindings, and links them.

use super::{
    BuildError, BuildOptions,
    c::{BINDINGS, compile_bindings},
};
use crate::{
    disk,
    project::Project,
    tool::{self, ToolError},
};

/// What everything is compiled for.
const TARGET: [&str; 4] = ["-target", "wasm32-wasi", "-mcpu", "baseline+simd128"];

pub(super) fn build(project: &Project, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let zig = tool::zig("a plugin in Zig is compiled with it")?;
    let folder = project.folder();
    if !folder.join("src/plugin.zig").is_file() {
        let what = "source `src/plugin.zig`".to_owned();
        return Err(BuildError::NoSource { folder: folder.to_owned(), what });
    }
    let bindings = compile_bindings(project, options, &zig)?;
    let (target_dir, world) = (&bindings.target_dir, &bindings.world);
    let cache = target_dir.join("zig");

    let mut command = zig.command();
    command.arg("translate-c").args(TARGET).args(["-lc", "--cache-dir"]).arg(&cache);
    command.arg(format!("{BINDINGS}/{world}.h")).current_dir(folder);
    let program = command.get_program().to_string_lossy().into_owned();
    let translated = command.output().map_err(|cause| ToolError::NotRun { program, cause })?;
    if !translated.status.success() {
        let output = String::from_utf8_lossy(&translated.stderr).trim().to_owned();
        return Err(ToolError::Failed { output }.into());
    }
    disk::write_if_changed(&folder.join(BINDINGS).join(format!("{world}.zig")), &translated.stdout)?;

    let module = target_dir.join(format!("{}.core.wasm", project.manifest().name.name()));
    let mut command = zig.command();
    command.arg("build-exe").args(TARGET).args(["-O", "ReleaseFast", "-fstrip", "-lc"]);
    command.args(["-mexec-model=reactor", "--cache-dir"]).arg(&cache);
    // What comes before `-M` belongs to that module.
    command.args(["--dep", "bindings"]).args(&bindings.objects).arg("-Mroot=src/plugin.zig");
    command.arg(format!("-Mbindings={BINDINGS}/{world}.zig"));
    let mut output = std::ffi::OsString::from("-femit-bin=");
    output.push(&module);
    tool::run(command.arg(output).current_dir(folder), options.quiet)?;
    Ok(disk::read(&module)?)
}
