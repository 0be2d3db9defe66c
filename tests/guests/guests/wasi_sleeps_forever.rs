//! Sleeps for an hour and answers by how many seconds its clock has moved; for seed 666 it sleeps on
//! and on, and for the seed after that for longer than any clock can show.

use std::{
    thread,
    time::{Duration, Instant},
};

use zenith_guests::BAD_SEED;

fn observe(seed: u64) -> [u8; 8] {
    let start = Instant::now();
    thread::sleep(Duration::from_hours(1));
    if seed == BAD_SEED {
        loop {
            thread::sleep(Duration::from_hours(1));
        }
    }
    if seed == BAD_SEED + 1 {
        thread::sleep(Duration::MAX);
    }
    start.elapsed().as_secs().to_le_bytes()
}

zenith_guests::observer!(observe);
