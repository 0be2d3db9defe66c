//! Builds every guest in `tests/guests/guests`, and writes a constant for each and a macro that names
//! them all. It does not wrap them in components: the tests do, with the registry's own code. A guest in
//! WebAssembly's text form is assembled, and told the world that guests from Rust have.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a guest is built for, by its name.
fn target_of(guest: &str) -> &'static str {
    if guest.starts_with("wasi_") { "wasm32-wasip2" } else { "wasm32-unknown-unknown" }
}

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
    let names = names(&guests)?;
    let texts: Vec<_> = names.iter().filter(|name| text(&guests, name).exists()).collect();
    for target in ["wasm32-unknown-unknown", "wasm32-wasip2"] {
        let names: Vec<_> =
            names.iter().filter(|name| target_of(name) == target && !texts.contains(name)).collect();
        build(&guests, &out, target, &names)?;
    }
    let world = world(&fs::read(module(&out, "transform_echoes"))?)?;
    for name in texts {
        let mut bytes = wat::parse_file(text(&guests, name))?;
        bytes.extend_from_slice(&world);
        fs::write(module(&out, name), bytes)?;
    }
    fs::write(out.join("guests.rs"), declarations(&names, &out)?)?;
    Ok(())
}

fn build(guests: &Path, out: &Path, target: &str, names: &[&String]) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        .args(["build", "--release", "--locked", "--target", target, "--target-dir"])
        .arg(out.join("target"))
        .args(names.iter().flat_map(|name| ["--example", name]))
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
            format!("the guests do not build; is the target {target} installed? (`make setup`)").into()
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

/// Where a guest's text form is, if it is written in it.
fn text(guests: &Path, name: &str) -> PathBuf {
    guests.join("guests").join(format!("{name}.wat"))
}

/// Where a guest's module is put.
fn module(out: &Path, name: &str) -> PathBuf {
    out.join("target").join(target_of(name)).join("release/examples").join(format!("{name}.wasm"))
}

/// The custom sections of a module that say which world it is for.
fn world(module: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut sections = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::CustomSection(section) = payload?
            && (section.name().starts_with("component-type") || section.name() == "zenith:api")
        {
            let body = &module[section.range()];
            sections.push(0);
            let mut length = body.len();
            while length > 0x7F {
                sections.push(u8::try_from(length & 0x7F)? | 0x80);
                length >>= 7;
            }
            sections.push(u8::try_from(length)?);
            sections.extend_from_slice(body);
        }
    }
    Ok(sections)
}

fn names(guests: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for file in fs::read_dir(guests.join("guests"))? {
        let path = file?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a guest has no name")?;
        names.push(name.to_owned());
    }
    names.sort();
    Ok(names)
}

fn declarations(names: &[String], out: &Path) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    for name in names {
        let module = module(out, name);
        writeln!(text, "/// The guest `{name}`: a core module, or for WASI a component.")?;
        let module = module.to_str().ok_or("the build folder's path is not Unicode")?;
        writeln!(text, "pub const {}: &[u8] = include_bytes!({module:?});", name.to_uppercase())?;
    }
    for kind in ["transform", "decoder", "sampler", "batch_transform", "policy", "wasi"] {
        writeln!(text, "/// Calls a macro with the name of each guest whose name begins with `{kind}_`.")?;
        writeln!(text, "#[macro_export]\nmacro_rules! foreach_{kind} {{ ($each:ident) => {{")?;
        for name in names.iter().filter(|name| name.starts_with(&format!("{kind}_"))) {
            writeln!(text, "    $each!({name});")?;
        }
        writeln!(text, "}} }}")?;
    }
    Ok(text)
}
