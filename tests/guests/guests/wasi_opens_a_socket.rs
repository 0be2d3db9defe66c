//! Tries to connect, to listen, and to send a datagram; answers how often it could.

use std::net::{TcpListener, TcpStream, UdpSocket};

fn observe(_: u64) -> [u8; 8] {
    let tries = [
        TcpStream::connect(("127.0.0.1", 80)).is_ok(),
        TcpStream::connect(("::1", 80)).is_ok(),
        TcpListener::bind(("127.0.0.1", 0)).is_ok(),
        UdpSocket::bind(("127.0.0.1", 0)).is_ok(),
    ];
    (tries.into_iter().filter(|succeeded| *succeeded).count() as u64).to_le_bytes()
}

zenith_guests::observer!(observe);
