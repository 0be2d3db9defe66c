//! JavaScript, put into a component together with the QuickJS engine by `componentize-qjs`.
//!
//! The plugin is the module `src/plugin.js`. The tool is a package of npm, pinned by the project's own
//! `package.json` and `package-lock.json`; the first build installs it into `node_modules`, as cargo
//! fetches crates.

use std::{path::Path, process::Command};

use serde::Deserialize;

use super::{
    BuildError, BuildOptions,
    embed::{self, Kept, SOURCE, Sources},
};
use crate::{
    disk::{self, failed},
    interface::{self, kind_word, world_name},
    project::Project,
    tool::{self, MissingTool, Tool, ToolError},
};

/// What the plugin begins with, in `src`.
const ENTRY: &str = "plugin.js";

/// The tool, in `node_modules`.
const TOOL: &str = "componentize-qjs";

pub(super) fn build(project: &Project, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let kind = project.manifest().kind;
    let sources = Sources::read(project.folder(), ENTRY)?;
    let node = node("node")?;
    let package = project.folder().join("node_modules").join(TOOL);
    if !package.join("package.json").is_file() {
        install(project, options)?;
    }
    let version = version(&package)?;

    let work = options.target_dir(project).join("js");
    disk::make_folder(&work)?;
    let work = work.canonicalize().map_err(failed("find", &work))?;
    let interface = camel_case(kind_word(kind));
    let entry = entry(&interface);
    let kept = Kept::new(&work, &sources.digest(project, &[TOOL, &version, &entry]));
    if let Some(component) = kept.find() {
        return Ok(component);
    }

    sources.stage(&work.join(SOURCE))?;
    interface::write_wit(&work.join("wit"))?;
    disk::write_if_changed(&work.join("entry.js"), entry.as_bytes())?;
    let script = package.join("bin").join(TOOL);
    let script = script.canonicalize().map_err(failed("find", &script))?;
    let mut command = node.command();
    command.current_dir(&work).arg(script);
    command.args(["--wit", "wit", "--js", "entry.js", "--module-root", ".", "--world", &world_name(kind)]);
    // The host calls plugins one at a time, without the component model's asynchronous calls.
    command.args(["--sync", "--output", "component.wasm"]);
    match tool::run(command, true) {
        Ok(()) => {}
        Err(ToolError::Failed { output }) => return Err(embed::does_not_build(told(&output))),
        Err(other) => return Err(other.into()),
    }
    let component = disk::read(&work.join("component.wasm"))?;
    kept.keep(&component)?;
    Ok(component)
}

fn node(name: &str) -> Result<Tool, MissingTool> {
    tool::on_path(name).ok_or_else(|| MissingTool {
        tool: name.to_owned(),
        purpose: "a plugin in JavaScript is put into a component with its help".to_owned(),
        install: "run `apt install nodejs npm`, or take Node.js 18 or newer from https://nodejs.org"
            .to_owned(),
    })
}

/// Installs what the project's `package.json` asks for, exactly as its lock file has it.
fn install(project: &Project, options: &BuildOptions) -> Result<(), BuildError> {
    let folder = project.folder();
    if !folder.join("package.json").is_file() {
        return Err(BuildError::NoSource {
            folder: folder.to_owned(),
            what: format!("`package.json`, which pins `{TOOL}`"),
        });
    }
    let mut command: Command = node("npm")?.command();
    let locked = folder.join("package-lock.json").is_file();
    command.current_dir(folder).arg(if locked { "ci" } else { "install" });
    command.args(["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]);
    if options.offline {
        command.arg("--offline");
    }
    match tool::run(command, true) {
        Ok(()) => Ok(()),
        Err(ToolError::Failed { output }) => {
            Err(BuildError::NotInstalled { tool: TOOL.to_owned(), command: "npm ci".to_owned(), output })
        }
        Err(other) => Err(other.into()),
    }
}

/// The tool's version, as its own package says it.
fn version(package: &Path) -> Result<String, BuildError> {
    #[derive(Deserialize)]
    struct Package {
        version: String,
    }
    let file = package.join("package.json");
    match serde_json::from_slice(&disk::read(&file)?) {
        Ok(Package { version }) => Ok(version),
        Err(cause) => Err(BuildError::NotInstalled {
            tool: TOOL.to_owned(),
            command: "npm ci".to_owned(),
            output: format!("`{}` is damaged: {cause}", file.display()),
        }),
    }
}

/// What the component begins with. An interface that is not exported would be noticed only when it is
/// called.
fn entry(interface: &str) -> String {
    format!(
        "import * as plugin from \"./{SOURCE}/{ENTRY}\";\n\
         if (typeof plugin.{interface}?.Instance !== \"function\") {{\n    \
             throw new Error(\"`{SOURCE}/{ENTRY}` does not export `{interface}`, an object with a class `Instance`\");\n\
         }}\n\
         export const {interface} = plugin.{interface};\n"
    )
}

/// As in `batchTransform` for `batch-transform`.
fn camel_case(kebab: &str) -> String {
    let mut upper = false;
    let mut name = String::with_capacity(kebab.len());
    for letter in kebab.chars() {
        if letter == '-' {
            upper = true;
        } else {
            name.push(if upper { letter.to_ascii_uppercase() } else { letter });
            upper = false;
        }
    }
    name
}

/// What matters to an author of what the tool said: the engine's own words, with the names of files as
/// the author knows them.
fn told(output: &str) -> String {
    let words = output.rsplit_once("Error: : ").map_or(output, |(_, rest)| rest);
    let words = words.strip_prefix("Failed to evaluate user JavaScript module: ").unwrap_or(words);
    let words = words.strip_prefix("Failed to declare JavaScript module: ").unwrap_or(words);
    let words = words.strip_prefix("Failed to finish JavaScript module evaluation: ").unwrap_or(words);
    let lines = words.trim().lines().filter(|line| !line.contains("(/entry.js:"));
    let words = lines.collect::<Vec<_>>().join("\n");
    words.replace(&format!("/{SOURCE}/"), &format!("{SOURCE}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_the_engines_words_and_with_the_authors_file() {
        let said = "componentize-qjs\n  WIT:    wit\n  JS:     entry.js\n  Output: component.wasm\nError: : Failed \
                    to evaluate user JavaScript module: Failed to declare JavaScript module: Error: Unexpected \
                    token '}'\n    at /src/plugin.js:3:1\n";
        assert_eq!(told(said), "Error: Unexpected token '}'\n    at src/plugin.js:3:1");
    }

    #[test]
    fn an_interface_that_is_not_exported_is_told_without_the_line_that_noticed() {
        let said = "Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module \
                    evaluation: Error: `src/plugin.js` does not export `transform`\n    at <anonymous> \
                    (/entry.js:2:44)\n";
        assert_eq!(told(said), "Error: `src/plugin.js` does not export `transform`");
    }

    #[test]
    fn interfaces_are_camel_case_in_javascript() {
        assert_eq!(camel_case("batch-transform"), "batchTransform");
        assert!(entry("policy").ends_with("export const policy = plugin.policy;\n"));
    }
}
