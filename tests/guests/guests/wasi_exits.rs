//! Ends what it takes for its process; for the seed after 666 by an abort that it explains first.

use std::process;

use zenith_guests::BAD_SEED;

fn observe(seed: u64) -> [u8; 8] {
    if seed == BAD_SEED {
        process::exit(3);
    }
    if seed == BAD_SEED + 1 {
        eprintln!("the table has no entry 7");
        process::abort();
    }
    [1, 2, 3, 5, 8, 13, 21, 34]
}

zenith_guests::observer!(observe);
