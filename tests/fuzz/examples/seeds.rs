//! Writes the corpus of each body into a folder of its name, for libFuzzer to begin with:
//! `cargo run -p zenith-fuzz --example seeds -- FOLDER`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

#[path = "../tests/corpus/mod.rs"]
mod corpus;

use std::{env, fs, path::PathBuf};

use zenith_registry::package;

fn main() {
    let folder = PathBuf::from(env::args_os().nth(1).unwrap());
    for body in
        ["component", "load", "manifest", "lockfile", "reference", "minisig", "oci_manifest", "tar", "image"]
    {
        let folder = folder.join(body);
        fs::create_dir_all(&folder).unwrap();
        let seeds = corpus::of(body);
        for seed in &seeds {
            fs::write(folder.join(package::digest(seed).hex()), seed).unwrap();
        }
        println!("{}: {} seeds", folder.display(), seeds.len());
    }
}
