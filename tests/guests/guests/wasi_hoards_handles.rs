//! Never gives a handle back; for the seeds after 666 it asks for more bytes at once than there are.

#![cfg(target_env = "p2")]

use wasip2::{cli::stdout, clocks::monotonic_clock, random::random};
use zenith_guests::BAD_SEED;

fn observe(seed: u64) -> [u8; 8] {
    if seed == BAD_SEED {
        loop {
            std::mem::forget(monotonic_clock::subscribe_duration(1));
        }
    }
    if seed == BAD_SEED + 1 {
        random::get_random_bytes(1 << 40);
    }
    if seed == BAD_SEED + 2 {
        let _ = stdout::get_stdout().write_zeroes(1 << 40);
    }
    [1, 2, 3, 5, 8, 13, 21, 34]
}

zenith_guests::observer!(observe);
