//! By which name or address others reach this machine.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A name or an address as a URL and a shell take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// A name in the DNS (RFC 1035, 2.3.4).
    const LONGEST: usize = 253;
}

impl From<IpAddr> for Host {
    fn from(it: IpAddr) -> Self {
        match it {
            IpAddr::V4(it) => Self(it.to_string()),
            IpAddr::V6(it) => Self(format!("[{it}]")),
        }
    }
}

impl FromStr for Host {
    type Err = NoHost;

    fn from_str(given: &str) -> Result<Self, NoHost> {
        if let Ok(address) = given.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let sound = |it: u8| it.is_ascii_alphanumeric() || b".-_".contains(&it);
        let fits = (1..=Self::LONGEST).contains(&given.len()) && !given.starts_with('-');
        if fits && given.bytes().all(sound) {
            return Ok(Self(given.to_owned()));
        }
        Err(NoHost { given: given.chars().take(Self::LONGEST).collect() })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a machine has a name or an address, as in hub.example.org or 192.168.1.2: {given}")]
pub struct NoHost {
    given: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_to_paste_holds_nothing_that_a_shell_reads_otherwise() {
        for good in ["hub", "hub.example.org", "192.168.1.2", "a_b-c"] {
            assert_eq!(good.parse::<Host>().unwrap().to_string(), good);
        }
        assert_eq!("2001:db8::7".parse::<Host>().unwrap().to_string(), "[2001:db8::7]");
        for bad in ["", "-x", "a b", "$(reboot)", "hub;ls", "hub/", "a:b", &"a".repeat(254)] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
    }
}
