//! The compilers that a build needs: where they are looked for, and what is said when one is missing.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use thiserror::Error;

/// A program that can be run, with the arguments that always come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// A program that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{tool}` is not installed, and {purpose}")]
pub struct MissingTool {
    /// What was looked for.
    pub tool: String,
    /// What it is needed for, as a clause.
    pub purpose: String,
    /// The command that installs it.
    pub install: String,
}

impl MissingTool {
    /// The command that installs it.
    pub fn hint(&self) -> String {
        self.install.clone()
    }
}

/// A tool that ran and failed, or could not be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The system could not run it.
    #[error("cannot run `{program}`: {cause}")]
    NotRun {
        /// The program.
        program: String,
        /// What the system answered.
        #[source]
        cause: io::Error,
    },
    /// It ended with an error. What it said is on standard error already, unless it was asked for.
    #[error("the plugin does not compile{}", if output.is_empty() { String::new() } else { format!(":\n{output}") })]
    Failed {
        /// What it said, where that was kept.
        output: String,
    },
}

impl Tool {
    /// A program by its path.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), arguments: Vec::new() }
    }

    /// The same with arguments that come first.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(OsString::from));
        self
    }

    /// A command to add arguments to. It reads nothing.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        command
    }
}

/// The program of this name on the `PATH`.
pub fn on_path(name: &str) -> Option<Tool> {
    search(name, &env::var_os("PATH")?).map(Tool::at)
}

fn search(name: &str, path: &OsStr) -> Option<PathBuf> {
    env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// The Python interpreters to look for a module in: the one that `zenith` itself runs in, that of the
/// active virtual environment, and those on the `PATH`.
fn interpreters() -> Vec<PathBuf> {
    let mut found = Vec::new();
    found.extend(env::var_os("ZENITH_PYTHON").map(PathBuf::from));
    found.extend(env::var_os("VIRTUAL_ENV").map(|folder| Path::new(&folder).join("bin/python")));
    if let Some(path) = env::var_os("PATH") {
        found.extend(["python3", "python"].iter().filter_map(|name| search(name, &path)));
    }
    found.retain(|file| is_program(file));
    found
}

/// `python -m MODULE`, by the first interpreter that has the module.
pub fn python_module(module: &str) -> Option<Tool> {
    let test = format!("import importlib.util, sys; sys.exit(importlib.util.find_spec({module:?}) is None)");
    interpreters().into_iter().map(Tool::at).find_map(|python| {
        let there = python.command().args(["-c", &test]).stderr(Stdio::null()).status();
        there.is_ok_and(|status| status.success()).then(|| python.with(&["-m", module]))
    })
}

/// A program that is installed as a Python package's command: beside one of the interpreters that a module
/// is looked for in, or on the `PATH`.
pub fn beside_python(name: &str) -> Option<Tool> {
    let beside = interpreters().into_iter().filter_map(|python| Some(python.parent()?.join(name)));
    beside.into_iter().find(|file| is_program(file)).map(Tool::at).or_else(|| on_path(name))
}

/// What a tool says to `--version`, in one line.
pub fn version(tool: &Tool) -> Result<String, ToolError> {
    let mut command = tool.command();
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.arg("--version").output().map_err(|cause| ToolError::NotRun { program, cause })?;
    if !output.status.success() {
        return Err(ToolError::Failed { output: String::from_utf8_lossy(&output.stderr).trim().to_owned() });
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned())
}

/// Zig, which is also a C compiler that brings its own WASI library.
pub fn zig(purpose: &str) -> Result<Tool, MissingTool> {
    on_path("zig").or_else(|| python_module("ziglang")).ok_or_else(|| MissingTool {
        tool: "zig".to_owned(),
        purpose: purpose.to_owned(),
        install: "run `pip install ziglang`".to_owned(),
    })
}

/// Go's own tool.
pub fn go(purpose: &str) -> Result<Tool, MissingTool> {
    on_path("go").ok_or_else(|| MissingTool {
        tool: "go".to_owned(),
        purpose: purpose.to_owned(),
        install: "run `apt install golang`, or take Go 1.25 or newer from https://go.dev/dl".to_owned(),
    })
}

/// Runs a compiler to its end. What it says goes to standard error as it comes, or, where `quiet`, into
/// the error.
pub fn run(command: &mut Command, quiet: bool) -> Result<(), ToolError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let not_run = |cause| ToolError::NotRun { program, cause };
    if quiet {
        let output = command.output().map_err(not_run)?;
        if output.status.success() {
            return Ok(());
        }
        let mut said = output.stdout;
        said.extend_from_slice(&output.stderr);
        return Err(ToolError::Failed { output: String::from_utf8_lossy(&said).trim().to_owned() });
    }
    // Standard output is for what a script may read, such as where the component is.
    let status = command.stdout(io::stderr()).status().map_err(not_run)?;
    if status.success() { Ok(()) } else { Err(ToolError::Failed { output: String::new() }) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_program_is_a_file_that_may_be_executed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, program) = (folder.path().join("one"), folder.path().join("two"));
        for file in [&plain, &program] {
            fs::write(file, "").unwrap();
        }
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = env::join_paths([folder.path()]).unwrap();
        assert_eq!(search("one", &path), None);
        assert_eq!(search("two", &path), Some(program));
        assert_eq!(search("three", &path), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_compiler_said_is_kept_where_it_is_asked_for() {
        let mut command = Tool::at("/bin/sh").with(&["-c"]).command();
        command.arg("echo plugin.c:3:1: error >&2; exit 1");
        assert_eq!(
            run(&mut command, true).unwrap_err().to_string(),
            "the plugin does not compile:\nplugin.c:3:1: error"
        );
        let error = run(&mut Tool::at("/no/such/program").command(), true).unwrap_err();
        assert!(error.to_string().starts_with("cannot run `/no/such/program`: "), "{error}");
    }
}
