//! Tries to look a name up; answers how many addresses it got.

use std::net::ToSocketAddrs;

fn observe(_: u64) -> [u8; 8] {
    let found = ["localhost:80", "example.com:443", "localhost.:80"]
        .into_iter()
        .filter_map(|name| name.to_socket_addrs().ok())
        .map(Iterator::count)
        .sum::<usize>();
    (found as u64).to_le_bytes()
}

zenith_guests::observer!(observe);
