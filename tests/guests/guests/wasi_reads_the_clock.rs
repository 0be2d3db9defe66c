//! Answers the seconds since 1970 in the upper half and, in the lower, by how many nanoseconds both
//! clocks moved while it worked.

use std::time::{Instant, SystemTime};

fn observe(seed: u64) -> [u8; 8] {
    let (wall, monotonic) = (SystemTime::now(), Instant::now());
    for number in 0..100_000_u64 {
        std::hint::black_box(number ^ seed);
    }
    let moved = monotonic.elapsed() + wall.elapsed().unwrap_or_default();
    let seconds = wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    (seconds << 32 | u64::from(moved.subsec_nanos())).to_le_bytes()
}

zenith_guests::observer!(observe);
