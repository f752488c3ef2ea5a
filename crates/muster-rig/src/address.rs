//! A device's address: six bytes, as people write them and as HCI carries them.

use std::fmt;
use std::str::FromStr;

/// An address in the order of the wire, the last byte that people write first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(pub(crate) [u8; 6]);

/// Not six bytes in hexadecimal with colons between them.
#[derive(Debug, thiserror::Error)]
#[error("an address is like 02:00:00:00:00:01")]
pub(crate) struct NoAddress;

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in bytes.iter_mut().rev() {
            let part = parts.next().filter(|it| it.len() == 2 && !it.contains('+'));
            let part = part.and_then(|it| u8::from_str_radix(it, 16).ok());
            *byte = part.ok_or(NoAddress)?;
        }
        if parts.next().is_some() { Err(NoAddress) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().rev().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_of_the_text_is_the_first_on_the_wire() {
        let address: Address = "02:11:22:33:44:ff".parse().unwrap();
        assert_eq!(address.0, [0xff, 0x44, 0x33, 0x22, 0x11, 0x02]);
        assert_eq!(address.to_string(), "02:11:22:33:44:FF");
        for wrong in ["", "02:11:22:33:44", "02:11:22:33:44:ff:00", "2:11:22:33:44:ff", "phone"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
