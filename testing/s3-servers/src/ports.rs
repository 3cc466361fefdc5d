//! Free ports of the loopback interface.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;

/// `SeaweedFS` listens on a second port for each port, this much above the first.
pub(crate) const SECOND: u16 = 10_000;

/// Returns unused ports below those that the operating system gives to clients.
pub(crate) fn free() -> [u16; 4] {
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut ports = [0; 4];
    let mut draws = 0_u64;
    for place in 0..ports.len() {
        ports[place] = loop {
            draws += 1;
            let port = 12_000 + u16::try_from(RandomState::new().hash_one(draws) % 10_000).unwrap();
            if !ports.contains(&port) && is_free(port) && is_free(port + SECOND) {
                break port;
            }
        };
    }
    ports
}
