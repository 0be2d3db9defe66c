//! Prints: two lines, and one without an end; for seed 666 a flood.

use zenith_guests::BAD_SEED;

fn observe(seed: u64) -> [u8; 8] {
    if seed == BAD_SEED {
        for line in 0..10_000 {
            eprintln!("line {line}");
        }
        print!("{}", "x".repeat(1 << 20));
    }
    println!("a result");
    eprintln!("a complaint");
    eprint!("no end");
    [0; 8]
}

zenith_guests::observer!(observe);
