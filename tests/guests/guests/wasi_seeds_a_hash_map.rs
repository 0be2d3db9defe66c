//! Answers the order in which a hash map, seeded as the language does it, holds eight keys.

use std::collections::HashMap;

fn observe(_: u64) -> [u8; 8] {
    let map: HashMap<u8, ()> = (0..8).map(|key| (key, ())).collect();
    let mut seen = [0; 8];
    for (place, key) in seen.iter_mut().zip(map.keys()) {
        *place = *key;
    }
    seen
}

zenith_guests::observer!(observe);
