//! Python, put into a component together with its interpreter by `componentize-py`, which also makes the
//! bindings.
//!
//! The plugin is the module named after its kind, `src/transform.py`, as `componentize-py` wants it. Only
//! what is in `src` can be imported, beside the standard library: a package that happens to be installed
//! on the author's machine does not become part of a plugin by accident.

use std::process::Command;

use super::{
    BuildError, BuildOptions,
    embed::{self, Kept, SOURCE, Sources},
};
use crate::{
    disk::{self, failed},
    interface::{self, kind_word, world_name},
    project::Project,
    tool::{self, MissingTool, Tool},
};

/// The folder of the bindings in the plugin's, for editors, type checkers and tests. The build does not
/// read it.
const BINDINGS: &str = "bindings";

/// The oldest version that is known to do.
const OLDEST: [u32; 2] = [0, 25];

pub(super) fn build(project: &Project, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let kind = project.manifest().kind;
    let module = kind_word(kind).replace('-', "_");
    let sources = Sources::read(project.folder(), &format!("{module}.py"))?;
    let tool = find()?;
    let version = tool::version(&tool)?;
    check_version(&version)?;

    let work = options.target_dir(project).join("python");
    disk::make_folder(&work)?;
    // The tool runs in the folder of its output, so that its paths are short and the same for everyone.
    let work = work.canonicalize().map_err(failed("find", &work))?;
    let kept = Kept::new(&work, &sources.digest(project, &[&version]));
    let folder = project.folder().canonicalize().map_err(failed("find", project.folder()))?;
    let bindings = folder.join(BINDINGS);
    if bindings.is_dir()
        && let Some(component) = kept.find()
    {
        return Ok(component);
    }

    sources.stage(&work.join(SOURCE))?;
    interface::write_wit(&work.join("wit"))?;
    // In place of the environment that is active: see above.
    disk::make_folder(&work.join("nothing/site-packages"))?;
    let base = || {
        let mut command = tool.command();
        command.current_dir(&work).env("VIRTUAL_ENV", "nothing").env("RUST_BACKTRACE", "0");
        command.args(["--quiet", "--wit-path", "wit", "--world", &world_name(kind)]);
        command
    };

    embed::clear(&bindings)?;
    let mut command = base();
    command.arg("bindings").arg(&bindings);
    run(command, &module)?;

    tracing::info!("putting CPython into the component, which takes some ten seconds");
    let mut command = base();
    command.args(["componentize", &module, "--python-path", SOURCE, "--output", "component.wasm"]);
    run(command, &module)?;
    let component = disk::read(&work.join("component.wasm"))?;
    kept.keep(&component)?;
    Ok(component)
}

fn find() -> Result<Tool, MissingTool> {
    tool::beside_python("componentize-py").ok_or_else(|| MissingTool {
        tool: "componentize-py".to_owned(),
        purpose: "a plugin in Python is put into a component with it".to_owned(),
        install: "run `pip install componentize-py==0.25.1`".to_owned(),
    })
}

/// `version` is as in `componentize-py 0.25.1`.
fn check_version(version: &str) -> Result<(), BuildError> {
    let number = version.rsplit(' ').next().unwrap_or(version);
    let mut parts = number.split('.').map(|part| part.parse::<u32>().ok());
    let found = [parts.next().flatten(), parts.next().flatten()];
    match found {
        [Some(major), Some(minor)] if [major, minor] >= OLDEST => Ok(()),
        _ => Err(BuildError::OldTool {
            tool: "componentize-py".to_owned(),
            found: number.to_owned(),
            wanted: format!("{}.{}", OLDEST[0], OLDEST[1]),
        }),
    }
}

fn run(mut command: Command, module: &str) -> Result<(), BuildError> {
    match tool::run(&mut command, true) {
        Ok(()) => Ok(()),
        Err(tool::ToolError::Failed { output }) => Err(embed::does_not_build(told(&output, module))),
        Err(other) => Err(other.into()),
    }
}

/// What matters to an author of what the tool said: the guest's own words, with the names of files as
/// the author knows them.
fn told(output: &str, module: &str) -> String {
    let words = output.split_once("AssertionError: ").map_or(output, |(_, rest)| rest);
    let words = words.split("\n\nCaused by:").next().unwrap_or(words);
    let words = words.split("\n\nStack backtrace:").next().unwrap_or(words).trim();
    // The folder of the sources is the first that the guest sees.
    let words = words.replace("\"/0/", &format!("\"{SOURCE}/"));
    if words.contains(&format!("module '{module}' has no attribute 'Instance'")) {
        return format!(
            "{words}\n`{SOURCE}/{module}.py` must give its plugin the name by which it is found: \
             `Instance = YourClass`"
        );
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_without_the_tools_own_stack_and_with_the_authors_file() {
        let said = "Traceback (most recent call last):\n  File \"/venv/bin/componentize-py\", line 8\n\
                    AssertionError: Traceback (most recent call last):\n  File \"/0/transform.py\", line 1, in \
                    <module>\n    import nothere\nModuleNotFoundError: No module named 'nothere'\n\n\nCaused \
                    by:\n    ModuleNotFoundError: No module named 'nothere'\n\nStack backtrace:\n   0: anyhow";
        assert_eq!(
            told(said, "transform"),
            "Traceback (most recent call last):\n  File \"src/transform.py\", line 1, in <module>\n    import \
             nothere\nModuleNotFoundError: No module named 'nothere'"
        );
    }

    #[test]
    fn a_plugin_that_is_not_called_instance_is_told_how_to_say_so() {
        let said = "AssertionError: AttributeError: module 'transform' has no attribute 'Instance'";
        let told = told(said, "transform");
        assert!(told.ends_with("`src/transform.py` must give its plugin the name by which it is found: `Instance = YourClass`"), "{told}");
    }

    #[test]
    fn an_older_tool_is_refused_by_its_version() {
        assert!(check_version("componentize-py 0.25.1").is_ok());
        assert!(check_version("componentize-py 1.0.0").is_ok());
        for old in ["componentize-py 0.24.0", "componentize-py", ""] {
            let error = check_version(old).unwrap_err().to_string();
            assert!(error.contains("plugins need 0.25 or newer"), "{error}");
        }
    }
}
