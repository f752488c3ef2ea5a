//! The commands that programs of ours send, as the kernel reads them.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Which adapters there are; about none.
    ReadIndexList,
    /// What an adapter is.
    ReadControllerInformation,
    /// Looks for devices, for about 10 s.
    StartDiscovery(Transports),
    /// Stops to; it must be the same that was started.
    StopDiscovery(Transports),
    /// Another one, by its code and its parameters.
    Other(u16, &'a [u8]),
}

/// Which kinds of device are looked for: a bit for each type of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transports(pub u8);

impl Transports {
    /// Low energy, addresses of either type.
    pub const LOW_ENERGY: Self = Self(0b110);
    /// Classic.
    pub const CLASSIC: Self = Self(0b001);

    /// Whether low energy is looked for.
    #[must_use]
    pub const fn has_low_energy(self) -> bool {
        self.0 & 0b110 != 0
    }

    /// Whether classic devices are looked for.
    #[must_use]
    pub const fn has_classic(self) -> bool {
        self.0 & 0b001 != 0
    }
}

impl Command<'_> {
    /// Its number.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::ReadIndexList => 0x0003,
            Self::ReadControllerInformation => 0x0004,
            Self::StartDiscovery(_) => 0x0023,
            Self::StopDiscovery(_) => 0x0024,
            Self::Other(code, _) => code,
        }
    }

    /// As the socket takes it: code, adapter and length before the parameters. Parameters have up to
    /// 65,535 octets; what is longer is cut, which the kernel refuses.
    #[must_use]
    pub fn to_bytes(self, adapter: Option<u16>) -> Vec<u8> {
        let one;
        let parameters: &[u8] = match self {
            Self::ReadIndexList | Self::ReadControllerInformation => &[],
            Self::StartDiscovery(what) | Self::StopDiscovery(what) => {
                one = [what.0];
                &one
            }
            Self::Other(_, parameters) => parameters,
        };
        let length = u16::try_from(parameters.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(6 + parameters.len());
        for number in [self.code(), adapter.unwrap_or(super::NO_ADAPTER), length] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(parameters.iter().take(length.into()));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_the_kernel_reads_them() {
        let start = Command::StartDiscovery(Transports::LOW_ENERGY);
        assert_eq!(start.to_bytes(Some(1)), [0x23, 0, 1, 0, 1, 0, 6]);
        assert_eq!(Command::ReadIndexList.to_bytes(None), [3, 0, 0xff, 0xff, 0, 0]);
        let other = Command::Other(0x0033, &[1, 2]);
        assert_eq!(other.to_bytes(Some(0)), [0x33, 0, 0, 0, 2, 0, 1, 2]);
        let long = vec![7; 70_000];
        assert_eq!(Command::Other(1, &long).to_bytes(None).len(), 6 + 65_535);
    }
}
