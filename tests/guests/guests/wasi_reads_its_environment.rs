//! Looks for arguments, variables and input; answers how much it found.

use std::{env, io::Read};

fn observe(_: u64) -> [u8; 8] {
    let mut input = Vec::new();
    let read = std::io::stdin().read_to_end(&mut input).unwrap_or(1);
    ((env::args_os().count() + env::vars_os().count() + read) as u64).to_le_bytes()
}

zenith_guests::observer!(observe);
