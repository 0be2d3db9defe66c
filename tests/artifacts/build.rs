//! Builds every guest in `tests/guests/guests`, and writes a constant for each and a macro that names
//! them all. It does not wrap them in components: the tests do, with the registry's own code.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let guests = here.join("../guests");
    for watched in ["guests", "../../plugin-sdk-rs/src", "../../host/core/src", "../../wit"] {
        println!("cargo::rerun-if-changed={}", guests.join(watched).display());
    }
    for watched in ["src/lib.rs", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", guests.join(watched).display());
    }
    build(&guests, &out)?;
    fs::write(out.join("guests.rs"), declarations(&guests, &out)?)?;
    Ok(())
}

fn build(guests: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        .args(["build", "--release", "--examples", "--locked", "--target", TARGET, "--target-dir"])
        .arg(out.join("target"))
        .current_dir(guests);
    // What this build was told about its own target, wrappers and flags (such as those of a coverage
    // run) is not for the guests.
    for (name, _) in env::vars_os() {
        if is_for_this_build(&name) {
            cargo.env_remove(name);
        }
    }
    if !cargo.status()?.success() {
        return Err(
            format!("the guests do not build; is the target {TARGET} installed? (`make setup`)").into()
        );
    }
    Ok(())
}

fn is_for_this_build(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let kept = ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_HTTP_PROXY"];
    !kept.contains(&&*name)
        && ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "DEP_"].iter().any(|prefix| name.starts_with(prefix))
}

fn declarations(guests: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let mut names = Vec::new();
    for file in fs::read_dir(guests.join("guests"))? {
        let path = file?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a guest has no name")?;
        names.push(name.to_owned());
    }
    names.sort();
    let mut text = String::new();
    for name in &names {
        let module = out.join("target").join(TARGET).join("release/examples").join(format!("{name}.wasm"));
        writeln!(text, "/// The core module of the guest `{name}`.")?;
        let module = module.to_str().ok_or("the build folder's path is not Unicode")?;
        writeln!(text, "pub const {}: &[u8] = include_bytes!({module:?});", name.to_uppercase())?;
    }
    for kind in ["transform", "decoder", "sampler", "batch_transform", "policy"] {
        writeln!(text, "/// Calls a macro with the name of each guest that is a `{kind}`.")?;
        writeln!(text, "#[macro_export]\nmacro_rules! foreach_{kind} {{ ($each:ident) => {{")?;
        for name in names.iter().filter(|name| name.starts_with(&format!("{kind}_"))) {
            writeln!(text, "    $each!({name});")?;
        }
        writeln!(text, "}} }}")?;
    }
    Ok(text)
}
