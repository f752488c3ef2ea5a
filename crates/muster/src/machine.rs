//! What the kernel tells of this start of the machine, and its random numbers.

use std::fs::{self, File};
use std::io::{self, Read as _};

use muster_core::relay::dates::MachineId;

use crate::failure::{Exit, Failure};

/// This start of the machine (`random/boot_id`, proc(5)).
pub(crate) fn start() -> Result<MachineId, Failure> {
    let read = fs::read_to_string(BOOT_ID).and_then(|text| {
        let digits: String = text.trim().chars().filter(|it| *it != '-').collect();
        u128::from_str_radix(&digits, 16).map_err(io::Error::other)
    });
    let failed = |it: io::Error| {
        Failure::new(
            Exit::Failed,
            format!("this machine does not say when it was started: {BOOT_ID}"),
        )
        .because(it)
    };
    read.map(MachineId).map_err(failed)
}

/// Octets that nobody can guess (random(4)).
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut octets = [0; N];
    let read = File::open(RANDOM).and_then(|mut it| it.read_exact(&mut octets));
    let failed = |it: io::Error| {
        Failure::new(Exit::Failed, format!("this machine has no random numbers: {RANDOM}"))
            .because(it)
    };
    read.map(|()| octets).map_err(failed)
}

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const RANDOM: &str = "/dev/urandom";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_stays_and_chance_does_not() {
        assert_eq!(start().unwrap(), start().unwrap());
        assert_ne!(random::<16>().unwrap(), random::<16>().unwrap());
    }
}
