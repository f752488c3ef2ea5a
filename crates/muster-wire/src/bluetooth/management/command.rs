//! The commands that programs of ours send, as the kernel reads them.

use crate::bytes::Bytes;

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
    /// What is done about advertisements that are asked for by patterns: [`MonitorFeatures`].
    ReadMonitorFeatures,
    /// Asks for advertisements by a pattern, for which the adapter listens passively. Where nobody picks
    /// ([`MonitorFeatures::picks`]) all are reported, whatever the pattern; it is that of most phones.
    /// The answer brings a number ([`monitor_of_answer`]).
    AddMonitor,
    /// Takes that back.
    RemoveMonitor(u16),
    /// What the adapter's own clock says.
    ReadClock,
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
            Self::ReadClock => 0x0032,
            Self::ReadMonitorFeatures => 0x0051,
            Self::AddMonitor => 0x0052,
            Self::RemoveMonitor(_) => 0x0053,
            Self::Other(code, _) => code,
        }
    }

    /// As the socket takes it: code, adapter and length before the parameters. Parameters have up to
    /// 65,535 octets; what is longer is cut, which the kernel refuses.
    #[must_use]
    pub fn to_bytes(self, adapter: Option<u16>) -> Vec<u8> {
        let one;
        let two;
        let parameters: &[u8] = match self {
            Self::ReadIndexList | Self::ReadControllerInformation | Self::ReadMonitorFeatures => {
                &[]
            }
            Self::StartDiscovery(what) | Self::StopDiscovery(what) => {
                one = [what.0];
                &one
            }
            Self::AddMonitor => &PATTERN,
            Self::RemoveMonitor(number) => {
                two = number.to_le_bytes();
                &two
            }
            // Of no connection: an address of zeros, and its type.
            Self::ReadClock => &[0; 7],
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

/// What is done about advertisements that are asked for by patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorFeatures(u32);

impl MonitorFeatures {
    /// Reads what the answer brought; none if that is too short.
    #[must_use]
    pub fn of_answer(data: &[u8]) -> Option<Self> {
        Bytes::new(data).u32_le().map(Self)
    }

    /// Whether the controller picks by the patterns, and reports nothing else.
    #[must_use]
    pub const fn picks(self) -> bool {
        self.0 & 1 != 0
    }
}

/// The number of what was asked for by [`Command::AddMonitor`], or taken back; none if it is cut.
#[must_use]
pub fn monitor_of_answer(data: &[u8]) -> Option<u16> {
    Bytes::new(data).u16_le()
}

/// One pattern: the type of the structure (flags), where in it, how many octets, and which: discoverable,
/// without classic Bluetooth. The kernel takes none without a pattern.
const PATTERN: [u8; 35] = {
    let mut it = [0; 35];
    it[0] = 1;
    it[1] = 0x01;
    it[3] = 1;
    it[4] = 0x06;
    it
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_are_asked_for_as_the_kernel_reads_it() {
        let add = Command::AddMonitor.to_bytes(Some(2));
        assert_eq!(add[..11], [0x52, 0, 2, 0, 35, 0, 1, 1, 0, 1, 6]);
        assert_eq!((add.len(), &add[11..]), (41, &[0; 30][..]));
        assert_eq!(Command::RemoveMonitor(7).to_bytes(Some(0)), [0x53, 0, 0, 0, 2, 0, 7, 0]);
        assert_eq!(Command::ReadClock.to_bytes(Some(0))[..6], [0x32, 0, 0, 0, 7, 0]);
        let features = |it: &[u8]| MonitorFeatures::of_answer(it).map(MonitorFeatures::picks);
        assert_eq!(features(&[0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 16, 0, 0]), Some(false));
        assert_eq!(features(&[1, 0, 0, 0, 1, 0, 0, 0]), Some(true));
        assert_eq!((features(&[1]), monitor_of_answer(&[9])), (None, None));
        assert_eq!(monitor_of_answer(&[9, 1]), Some(0x109));
    }

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
