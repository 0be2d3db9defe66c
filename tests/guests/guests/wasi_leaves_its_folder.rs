//! Tries to reach, from a folder that it may read, what lies outside, and to change what lies inside; answers
//! how often it could, and in the last byte whether it could read what it may.

use std::{fs, path::Path};

fn observe(_: u64) -> [u8; 8] {
    let tries = [
        fs::read("luts/../secret.bin").is_ok(),
        fs::read("luts/inner/../../secret.bin").is_ok(),
        // A link that leads out of the folder, one that is absolute, and a folder behind a link.
        fs::read("luts/link.bin").is_ok(),
        fs::read("luts/absolute.bin").is_ok(),
        fs::read("luts/outside/secret.bin").is_ok(),
        fs::read("/secret.bin").is_ok(),
        fs::read_dir("luts/..")
            .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name() == "secret.bin")),
        // Nobody writes into the pipe: who opens it would wait for ever.
        fs::read("luts/pipe").is_ok(),
        fs::write("luts/new.bin", "I was here").is_ok(),
        fs::write("luts/warm.bin", "I was here").is_ok(),
        fs::remove_file("luts/warm.bin").is_ok(),
        fs::rename("luts/warm.bin", "luts/cold.bin").is_ok(),
        fs::create_dir("luts/folder").is_ok(),
        fs::hard_link("luts/warm.bin", "luts/hard.bin").is_ok(),
        Path::new("luts/new.bin").exists(),
    ];
    let succeeded = tries.into_iter().filter(|succeeded| *succeeded).count() as u8;
    [succeeded, 0, 0, 0, 0, 0, 0, u8::from(fs::read("luts/warm.bin").is_ok_and(|read| read == [7]))]
}

zenith_guests::observer!(observe);
