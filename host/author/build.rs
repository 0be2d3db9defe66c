//! Says which files outside `src` the crate is made of: `include_dir` reads them, and does not tell cargo.

fn main() {
    for path in ["build.rs", "templates", "../../wit", "../../Cargo.toml", "../../plugin-sdk-rs", "../core"] {
        println!("cargo:rerun-if-changed={path}");
    }
}
