//! Answers what it drew: four bytes that are fit for keys and four that are not.

#![cfg(target_env = "p2")]

use wasip2::random::{insecure, random};

fn observe(_: u64) -> [u8; 8] {
    let mut seen = [0; 8];
    seen[..4].copy_from_slice(&random::get_random_bytes(4));
    seen[4..].copy_from_slice(&insecure::get_insecure_random_bytes(4));
    seen
}

zenith_guests::observer!(observe);
