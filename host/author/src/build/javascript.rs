//! JavaScript, put into a component together with an engine that runs it.
//!
//! The plugin is the module `src/plugin.js`. Which engine it gets is said by the project's own
//! `package.json`, which names the tool, and pins it together with `package-lock.json`; the first build
//! installs it into `node_modules`, as cargo fetches crates. There are two, because the smaller engine's
//! tool does not yet give a borrowed resource back in time, and so cannot make what writes an output:
//! see `docs/plugin-languages.md`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

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

/// What goes into the component with the plugin, and what puts it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    /// The small one, by `componentize-qjs`.
    QuickJs,
    /// Firefox's engine, by `componentize-js`.
    StarlingMonkey,
}

/// What is read of a `package.json`.
#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    version: String,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default, rename = "devDependencies")]
    dev_dependencies: BTreeMap<String, String>,
}

impl Engine {
    const ALL: [Self; 2] = [Self::QuickJs, Self::StarlingMonkey];

    /// The package of npm that puts it into components.
    fn package(self) -> &'static str {
        match self {
            Self::QuickJs => "componentize-qjs",
            Self::StarlingMonkey => "@bytecodealliance/componentize-js",
        }
    }

    /// The package's command, in its folder.
    fn script(self) -> &'static str {
        match self {
            Self::QuickJs => "bin/componentize-qjs",
            Self::StarlingMonkey => "src/cli.js",
        }
    }

    /// What the command is given, beside its name, to make `component.wasm` of `entry.js`.
    fn arguments(self, world: &str) -> Vec<&str> {
        match self {
            // The host calls plugins one at a time, without the component model's asynchronous calls.
            Self::QuickJs => vec![
                "--wit",
                "wit",
                "--js",
                "entry.js",
                "--module-root",
                ".",
                "--world",
                world,
                "--sync",
                "--output",
                "component.wasm",
            ],
            // A plugin has none of what is left out, and then imports nothing of WASI.
            Self::StarlingMonkey => vec![
                "entry.js",
                "--wit",
                "wit",
                "--world-name",
                world,
                "--disable",
                "stdio",
                "random",
                "clocks",
                "http",
                "fetch-event",
                "--out",
                "component.wasm",
            ],
        }
    }

    /// The one that a project asks for.
    fn of(folder: &Path) -> Result<Self, BuildError> {
        let none = || BuildError::NoSource {
            folder: folder.to_owned(),
            what: format!("`package.json` with `{}`", Self::ALL.map(Self::package).join("` or `")),
        };
        let file = folder.join("package.json");
        if !file.is_file() {
            return Err(none());
        }
        let package = read(&file)?;
        let named = |engine: &Self| {
            let name = engine.package();
            package.dev_dependencies.contains_key(name) || package.dependencies.contains_key(name)
        };
        Self::ALL.into_iter().find(named).ok_or_else(none)
    }
}

pub(super) fn build(project: &Project, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let kind = project.manifest().kind;
    let sources = Sources::read(project.folder(), ENTRY)?;
    let engine = Engine::of(project.folder())?;
    let node = node("node")?;
    let tool = tool_folder(project, engine);
    if !tool.join("package.json").is_file() {
        install(project, engine, options)?;
    }
    let version = read(&tool.join("package.json"))?.version;

    let work = options.target_dir(project).join("js");
    disk::make_folder(&work)?;
    let work = work.canonicalize().map_err(failed("find", &work))?;
    let entry = entry(&camel_case(kind_word(kind)));
    let kept = Kept::new(&work, &sources.digest(project, &[engine.package(), &version, &entry]));
    if let Some(component) = kept.find() {
        return Ok(component);
    }

    sources.stage(&work.join(SOURCE))?;
    interface::write_wit(&work.join("wit"))?;
    disk::write_if_changed(&work.join("entry.js"), entry.as_bytes())?;
    let script = tool.join(engine.script());
    let script = script.canonicalize().map_err(failed("find", &script))?;
    let mut command = node.command();
    command.current_dir(&work).arg(script).args(engine.arguments(&world_name(kind)));
    match tool::run(&mut command, true) {
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
        install: "run `apt install nodejs npm`, or take Node.js 20 or newer from https://nodejs.org"
            .to_owned(),
    })
}

fn tool_folder(project: &Project, engine: Engine) -> PathBuf {
    project.folder().join("node_modules").join(engine.package())
}

/// Installs what the project's `package.json` asks for, exactly as its lock file has it.
fn install(project: &Project, engine: Engine, options: &BuildOptions) -> Result<(), BuildError> {
    let folder = project.folder();
    tracing::info!("installing `{}` with npm", engine.package());
    let mut command: Command = node("npm")?.command();
    let locked = folder.join("package-lock.json").is_file();
    command.current_dir(folder).arg(if locked { "ci" } else { "install" });
    // No package's own program runs while it is installed.
    command.args(["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]);
    if options.offline {
        command.arg("--offline");
    }
    let not_installed = |output| BuildError::NotInstalled {
        tool: engine.package().to_owned(),
        command: "npm ci".to_owned(),
        output,
    };
    match tool::run(&mut command, true) {
        Ok(()) => Ok(()),
        Err(ToolError::Failed { output }) => Err(not_installed(output)),
        Err(other) => Err(other.into()),
    }
}

fn read(file: &Path) -> Result<Package, BuildError> {
    serde_json::from_slice(&disk::read(file)?)
        .map_err(|cause| embed::does_not_build(format!("`{}` is not JSON: {cause}", file.display())))
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

/// What matters to an author of what a tool said: the engine's own words, with the names of files as the
/// author knows them.
fn told(output: &str) -> String {
    // What either tool says before the engine's own words.
    const BEFORE: [&str; 6] = [
        "Error: Failed to initialize component",
        "Exception while evaluating top-level script",
        "Error: : ",
        "Failed to evaluate user JavaScript module: ",
        "Failed to declare JavaScript module: ",
        "Failed to finish JavaScript module evaluation: ",
    ];
    // Lines of the tools' own stacks, and of what notices that an interface is not exported.
    const AROUND: [&str; 7] = [
        "    at componentize",
        "    at async ",
        "Node.js v",
        "entry.js:",
        "@entry.js",
        "Additionally, some",
        "Promise rejected but",
    ];
    let mut words = output;
    for prefix in BEFORE {
        if let Some((_, rest)) = words.split_once(prefix) {
            words = rest;
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for line in words.trim().lines() {
        // The first line may begin with the place; of the entry it says nothing to the author.
        let line = match line.strip_prefix("entry.js:").and_then(|rest| rest.split_once(' ')) {
            Some((_, rest)) => rest,
            None if AROUND.iter().any(|part| line.contains(part)) => continue,
            None => line,
        };
        lines.push(line.replace(&format!("/{SOURCE}/"), &format!("{SOURCE}/")));
    }
    while lines.last().is_some_and(|line| line.trim().is_empty() || line.trim() == "Stack:") {
        lines.pop();
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_project_says_which_engine_it_gets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("package.json");
        let engine = |text: &str| {
            fs::write(&file, text).unwrap();
            Engine::of(folder.path())
        };
        let error = Engine::of(folder.path()).unwrap_err().to_string();
        assert!(error.contains("has no `package.json` with `componentize-qjs` or `@bytecode"), "{error}");
        assert_eq!(engine(r#"{"devDependencies": {"componentize-qjs": "1"}}"#).unwrap(), Engine::QuickJs);
        assert_eq!(
            engine(r#"{"dependencies": {"@bytecodealliance/componentize-js": "1"}}"#).unwrap(),
            Engine::StarlingMonkey
        );
        assert!(engine("{}").is_err());
        assert!(engine("{").unwrap_err().to_string().contains("package.json` is not JSON"));
    }

    #[test]
    fn an_error_of_quickjs_is_told_in_its_words_and_with_the_authors_file() {
        let said = "componentize-qjs\n  WIT:    wit\n  JS:     entry.js\n  Output: component.wasm\nError: : Failed \
                    to evaluate user JavaScript module: Failed to declare JavaScript module: Error: Unexpected \
                    token '}'\n    at /src/plugin.js:3:1\n";
        assert_eq!(told(said), "Error: Unexpected token '}'\n    at src/plugin.js:3:1");
    }

    #[test]
    fn an_error_of_starlingmonkey_is_told_in_its_words_and_with_the_authors_file() {
        let said = "file:///x/componentize.js:365\n    throw new Error(err);\n          ^\n\nError: Failed to \
                    initialize component (wizer (/x/wizer)):\nException while evaluating top-level \
                    script\nsrc/plugin.js:33:11 SyntaxError: missing formal parameter:\nsrc/plugin.js:33:11     \
                    apply((input) {\n    at componentize (file:///x/componentize.js:365:11)\n    at async \
                    file:///x/cli.js:84:7\n\nNode.js v20.20.2\n";
        assert_eq!(
            told(said),
            "src/plugin.js:33:11 SyntaxError: missing formal parameter:\nsrc/plugin.js:33:11     apply((input) {"
        );
    }

    #[test]
    fn an_interface_that_is_not_exported_is_told_without_the_line_that_noticed() {
        let quick = "Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module \
                     evaluation: Error: `src/plugin.js` does not export `transform`\n    at <anonymous> \
                     (/entry.js:2:44)\n";
        assert_eq!(told(quick), "Error: `src/plugin.js` does not export `transform`");
        let starling = "Exception while evaluating top-level script\nentry.js:2:61 Error: `src/plugin.js` does \
                        not export `transform`\nAdditionally, some promises were rejected\nPromise rejected but \
                        never handled: …\nStack:\n  @entry.js:2:61\n    at componentize (file:///x:1)\n";
        assert_eq!(told(starling), "Error: `src/plugin.js` does not export `transform`");
    }

    #[test]
    fn interfaces_are_camel_case_in_javascript() {
        assert_eq!(camel_case("batch-transform"), "batchTransform");
        assert!(entry("policy").ends_with("export const policy = plugin.policy;\n"));
    }
}
