//! Says which files outside `src` the crate is made of, because `include_dir` reads them and does not tell
//! cargo; and takes the Go module that wit-bindgen's Go bindings import out of the crate that ships it.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The crate whose sources hold the Go module `go.bytecodealliance.org/pkg`.
const CARRIER: &str = "wit-bindgen-go";

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "templates", "../../wit", "../../Cargo.toml", "../../plugin-sdk-rs", "../core"] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    let place = PathBuf::from(env::var("OUT_DIR")?).join("go-runtime");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let module = carrier()?.join("src/pkg");
    // The module's licence travels with it.
    for file in ["go.mod", "LICENSE"] {
        copy(&module.join(file), &place.join(file))?;
    }
    copy_sources(&module.join("wit"), &place.join("wit"))?;
    Ok(())
}

/// The folder of the carrier's sources, of the version that this workspace is locked to.
fn carrier() -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.args(["metadata", "--format-version=1", "--locked", "--offline", "--manifest-path"]);
    cargo.arg(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"));
    let answer = cargo.output()?;
    if !answer.status.success() {
        return Err(String::from_utf8_lossy(&answer.stderr).into_owned().into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&answer.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo names no packages")?;
    let manifest = packages
        .iter()
        .find(|package| package["name"] == CARRIER)
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or_else(|| format!("`{CARRIER}` is not among the packages of this workspace"))?;
    Ok(Path::new(manifest).parent().ok_or("its manifest is in no folder")?.to_owned())
}

/// Copies the Go and assembly files of a folder, and of those in it.
fn copy_sources(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().ok_or("an entry has no name")?);
        if path.is_dir() {
            copy_sources(&path, &target)?;
        } else if path.extension().is_some_and(|extension| extension == "go" || extension == "s") {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to.parent().ok_or("a file is in no folder")?)?;
    fs::write(to, fs::read(from).map_err(|error| format!("`{}`: {error}", from.display()))?)?;
    Ok(())
}
