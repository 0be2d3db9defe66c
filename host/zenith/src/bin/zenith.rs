//! The `zenith` command for those who build it with cargo. The Python package has the same command,
//! and knows where the plugins that it ships are; this one finds them by `--built-in`, or by the
//! variable `ZENITH_BUILT_IN`.

fn main() {
    let built_in = std::env::var_os("ZENITH_BUILT_IN").map(std::path::PathBuf::from);
    std::process::exit(zenith::command::main(std::env::args_os(), built_in.as_deref()));
}
