//! How many connections come from one place, so that nobody alone takes every seat.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Who is inside, by where they come from.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    most: usize,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// Somebody's place; dropping it leaves it.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Crowd,
    from: IpAddr,
}

impl Crowd {
    /// At most so many from one place.
    pub(super) fn new(most: usize) -> Self {
        Self { most, inside: Arc::default() }
    }

    /// A place for somebody from there; none: there are too many already.
    pub(super) fn enter(&self, from: IpAddr) -> Option<Place> {
        let from = neighbourhood(from);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(from).or_default();
        // A proxy in front of the hub brings everybody.
        if *count >= self.most && !from.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place { crowd: self.clone(), from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.crowd.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = inside.get_mut(&self.from) else { return };
        *count -= 1;
        if *count == 0 {
            inside.remove(&self.from);
        }
    }
}

/// The addresses that one machine may choose from: with IPv6 a network of 64 bits (RFC 4291, 2.5.4).
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) if !it.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() >> 64 << 64))
        }
        it @ (IpAddr::V4(_) | IpAddr::V6(_)) => it,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_does_not_take_every_seat() {
        let crowd = Crowd::new(2);
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let inside = [enter("192.168.1.7"), enter("::ffff:192.168.1.7")];
        assert!(inside.iter().all(Option::is_some));
        assert!(enter("192.168.1.7").is_none());
        assert!(enter("192.168.1.8").is_some());
        drop(inside);
        assert!(enter("192.168.1.7").is_some());
        let neighbours = [enter("2001:db8::1"), enter("2001:db8::2:1")];
        assert!(neighbours.iter().all(Option::is_some));
        assert!(enter("2001:db8::ffff:1").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
        let proxied = [enter("127.0.0.1"), enter("127.0.0.1"), enter("127.0.0.1")];
        assert!(proxied.iter().all(Option::is_some));
        drop((neighbours, proxied));
        assert!(crowd.inside.lock().unwrap().is_empty(), "who left is forgotten");
    }
}
