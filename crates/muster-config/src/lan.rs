//! `[sources.lan]`: what the local network source may watch, say and send.
//!
//! **Invariant:** values of these types are in range; the only door to each is its `TryFrom`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::value::{Count, Length};

/// Devices on the local network, by the frames that they send and the answers that they give.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the file")]
pub struct LanSettings {
    /// Whether the local network is watched at all.
    pub enabled: bool,
    /// Interfaces to watch. Empty: all that are up, can broadcast and are neither virtual nor a
    /// VPN. An interface named here is watched whatever its kind.
    pub interfaces: Vec<InterfaceName>,
    /// IPv4 ranges to sweep, as in `192.168.1.0/24`. Empty: the private ranges up to /22 that the
    /// watched interfaces are attached to. Only directly attached ranges can be swept.
    #[serde(deserialize_with = "swept")]
    pub ranges: Vec<Network>,
    /// Interfaces never watched (`docker0`) and addresses never spoken to (`192.168.1.9`,
    /// `10.0.0.0/28`).
    pub exclude: Vec<Exclusion>,
    /// Whether frames of its own may be sent (ARP requests, neighbour solicitations); needs
    /// `CAP_NET_RAW`. Without it the source only listens, and silence tells nothing.
    pub active: bool,
    /// Whether the kernel's neighbour table is kept fresh by empty datagrams where frames cannot
    /// be sent. Needs no rights.
    pub poke: bool,
    /// Whether whole ranges are swept for devices that are not known yet. Known devices are asked
    /// one by one in any case.
    pub sweep: bool,
    /// The most broadcasts a second. Wi-Fi sends broadcasts slowly and wakes
    /// every phone for each, so more than the default is unkind to the neighbours.
    pub broadcasts_per_second: PacketRate,
    /// Sweep as fast as a wired network takes it (10000 requests a second, several rounds within
    /// a second), whatever `broadcasts_per_second` says, and ranges up to /16. For one look around.
    pub fast: bool,
    /// How often the ranges are swept again.
    pub refresh: Refresh,
}

impl Default for LanSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            interfaces: Vec::new(),
            ranges: Vec::new(),
            exclude: Vec::new(),
            active: true,
            poke: true,
            sweep: true,
            broadcasts_per_second: Count::new(50),
            fast: false,
            refresh: Length::secs(300),
        }
    }
}

impl LanSettings {
    /// Whether nothing may be sent to `ip`.
    #[must_use]
    pub fn excludes(&self, ip: IpAddr) -> bool {
        self.exclude.iter().any(|it| matches!(it, Exclusion::Network(net) if net.contains(ip)))
    }

    /// Whether the interface may not be watched.
    #[must_use]
    pub fn excludes_interface(&self, name: &str) -> bool {
        self.exclude
            .iter()
            .any(|it| matches!(it, Exclusion::Interface(other) if other.as_str() == name))
    }
}

/// The name of a network interface.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = InvalidLanSetting;

    fn try_from(given: String) -> Result<Self, InvalidLanSetting> {
        // IFNAMSIZ is 16 with the final zero; the kernel refuses slashes, colons and spaces.
        let bad = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
        if given.is_empty() || given.len() > 15 || given.chars().any(bad) {
            let wanted = "an interface name (1 to 15 characters without spaces, slashes or colons)";
            return Err(InvalidLanSetting { given, wanted });
        }
        Ok(Self(given))
    }
}

impl From<InterfaceName> for String {
    fn from(it: InterfaceName) -> Self {
        it.0
    }
}

/// A range of addresses: `192.168.1.0/24`, or a single address.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// The range of `prefix` leading bits around `ip`; a longer prefix than the address counts as
    /// the address alone.
    #[must_use]
    pub fn around(ip: IpAddr, prefix: u8) -> Self {
        let base = match ip {
            IpAddr::V4(it) => IpAddr::V4(Ipv4Addr::from(u32::from(it) & mask4(prefix))),
            IpAddr::V6(it) => IpAddr::V6((u128::from(it) & mask6(prefix)).into()),
        };
        Self { base, prefix: prefix.min(if ip.is_ipv4() { 32 } else { 128 }) }
    }

    /// The first address.
    #[must_use]
    pub const fn base(self) -> IpAddr {
        self.base
    }

    /// How many leading bits are fixed.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether `ip` is inside.
    #[must_use]
    pub fn contains(self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.base.is_ipv4() && Self::around(ip, self.prefix).base == self.base
    }
}

impl FromStr for Network {
    type Err = InvalidLanSetting;

    fn from_str(given: &str) -> Result<Self, InvalidLanSetting> {
        let wanted = "a range of addresses, as in 192.168.1.0/24";
        let wrong = || InvalidLanSetting { given: given.to_owned(), wanted };
        let (ip, prefix) = given.split_once('/').map_or((given, None), |(a, b)| (a, Some(b)));
        let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |it| it.parse().map_err(|_| wrong()))?;
        let found = Self::around(ip, prefix);
        if prefix > longest || found.base != ip { Err(wrong()) } else { Ok(found) }
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidLanSetting;

    fn try_from(given: String) -> Result<Self, InvalidLanSetting> {
        given.parse()
    }
}

impl From<Network> for String {
    fn from(it: Network) -> Self {
        it.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// A range that can be swept: of addresses that single machines have.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Swept(Network);

impl TryFrom<String> for Swept {
    type Error = InvalidLanSetting;

    fn try_from(given: String) -> Result<Self, InvalidLanSetting> {
        let range: Network = given.parse()?;
        let wanted = "a range of single IPv4 addresses, as in 192.168.1.0/24";
        let IpAddr::V4(base) = range.base else { return Err(InvalidLanSetting { given, wanted }) };
        let last = Ipv4Addr::from(u32::from(base) | !mask4(range.prefix));
        // RFC 6890: this network, loopback, and everything from the multicast addresses on.
        let ([first, ..], [last, ..]) = (base.octets(), last.octets());
        let apart = first == 0 || (first..=last).contains(&127) || last >= 224;
        if apart { Err(InvalidLanSetting { given, wanted }) } else { Ok(Self(range)) }
    }
}

fn swept<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Network>, D::Error> {
    let ranges = Vec::<Swept>::deserialize(from)?;
    Ok(ranges.into_iter().map(|it| it.0).collect())
}

/// Something left alone: an interface by name, or addresses.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Exclusion {
    /// An interface that is not watched.
    Interface(InterfaceName),
    /// Addresses that are not spoken to.
    Network(Network),
}

impl TryFrom<String> for Exclusion {
    type Error = InvalidLanSetting;

    fn try_from(given: String) -> Result<Self, InvalidLanSetting> {
        let wanted = "an interface name, an address or a range of addresses";
        if let Ok(network) = given.parse() {
            return Ok(Self::Network(network));
        }
        if given.contains(['/', ':']) || given.parse::<IpAddr>().is_ok() {
            return Err(InvalidLanSetting { given, wanted });
        }
        InterfaceName::try_from(given)
            .map(Self::Interface)
            .map_err(|it| InvalidLanSetting { given: it.given, wanted })
    }
}

impl From<Exclusion> for String {
    fn from(it: Exclusion) -> Self {
        match it {
            Exclusion::Interface(name) => name.into(),
            Exclusion::Network(network) => network.into(),
        }
    }
}

/// Packets a second. The most is what a wired network takes without loss on small devices.
pub type PacketRate = Count<1, 10_000>;
/// The time between the starts of two sweeps.
pub type Refresh = Length<30, 86_400>;

/// A setting that the local network source cannot work with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{given} is not {wanted}")]
pub struct InvalidLanSetting {
    given: String,
    wanted: &'static str,
}

fn mask4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

fn mask6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_key_reads_and_writes_back() {
        let text = r#"
            enabled = false
            interfaces = ["eth0"]
            ranges = ["192.168.1.0/24"]
            exclude = ["docker0", "192.168.1.9", "10.0.0.0/28"]
            active = false
            poke = false
            sweep = false
            broadcasts_per_second = 200
            fast = true
            refresh = "10m"
        "#;
        let read: LanSettings = toml::from_str(text).unwrap();
        assert!(!read.enabled && !read.active && !read.poke && !read.sweep && read.fast);
        assert_eq!(read.interfaces.first().unwrap().as_str(), "eth0");
        assert_eq!(read.broadcasts_per_second.get(), 200);
        assert_eq!(read.refresh.get(), Duration::from_mins(10));
        assert!(read.excludes_interface("docker0") && !read.excludes_interface("eth0"));
        assert!(read.excludes("192.168.1.9".parse().unwrap()));
        assert!(read.excludes("10.0.0.15".parse().unwrap()));
        assert!(!read.excludes("10.0.0.16".parse().unwrap()));
        let written = toml::to_string(&read).unwrap();
        assert_eq!(toml::from_str::<LanSettings>(&written).unwrap(), read);
        assert_eq!(toml::from_str::<LanSettings>("").unwrap(), LanSettings::default());
    }

    #[test]
    fn wrong_values_say_what_is_wanted() {
        for (text, wanted) in [
            ("broadcasts_per_second = 0", "0 is not between 1 and 10000"),
            ("broadcasts_per_second = 10001", "10001 is not between 1 and 10000"),
            ("refresh = \"5s\"", "5s is not between 30s and 24h"),
            ("ranges = [\"192.168.1.7/24\"]", "is not a range of addresses"),
            ("ranges = [\"192.168.1.0/33\"]", "is not a range of addresses"),
            ("ranges = [\"224.0.0.0/24\"]", "is not a range of single IPv4 addresses"),
            ("ranges = [\"::/0\"]", "is not a range of single IPv4 addresses"),
            ("ranges = [\"0.0.0.0/0\"]", "is not a range of single IPv4 addresses"),
            ("ranges = [\"126.0.0.0/7\"]", "is not a range of single IPv4 addresses"),
            ("ranges = [\"255.255.255.255\"]", "is not a range of single IPv4 addresses"),
            ("interfaces = [\"a/b\"]", "is not an interface name"),
            ("interfaces = [\"sixteen-letters-\"]", "is not an interface name"),
            ("exclude = [\"300.1.1.1/24\"]", "is not an interface name, an address or a range"),
            ("swep = true", "unknown field"),
        ] {
            let error = toml::from_str::<LanSettings>(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn networks() {
        let net: Network = "10.1.4.0/22".parse().unwrap();
        assert!(net.contains("10.1.7.255".parse().unwrap()));
        assert!(!net.contains("10.1.8.0".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("9.9.9.9".parse().unwrap()));
        let six: Network = "fd00:1::/32".parse().unwrap();
        assert!(six.contains("fd00:1:2::3".parse().unwrap()));
        assert!(!six.contains("10.1.7.255".parse().unwrap()));
    }
}
