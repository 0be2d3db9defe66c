//! Tries to read and to write files and folders; answers how often it could.

use std::fs;

fn observe(_: u64) -> [u8; 8] {
    let tries = [
        fs::read("/etc/hostname").is_ok(),
        fs::read("luts/warm.bin").is_ok(),
        fs::read_dir(".").is_ok(),
        fs::read_dir("/").is_ok(),
        fs::write("note.txt", "I was here").is_ok(),
        fs::create_dir("folder").is_ok(),
        fs::metadata("..").is_ok(),
    ];
    (tries.into_iter().filter(|succeeded| *succeeded).count() as u64).to_le_bytes()
}

zenith_guests::observer!(observe);
