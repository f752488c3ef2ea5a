//! `BTHome` (bthome.io): which values a sensor tells. The values themselves are not read: they say
//! nothing about who is there.

/// A message of a sensor, in version 2 of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bthome<'a> {
    /// Whether only those who have its key can read it.
    pub is_encrypted: bool,
    data: &'a [u8],
}

/// The values of a message.
#[derive(Clone, Debug)]
pub struct Objects<'a> {
    rest: &'a [u8],
}

impl<'a> Bthome<'a> {
    /// Version 1 is not read: it has the identifiers of other services.
    pub(super) fn read(data: &'a [u8]) -> Option<Self> {
        let (device, data) = data.split_first().filter(|(it, _)| **it >> 5 == 2)?;
        Some(Self { is_encrypted: device & 1 != 0, data })
    }

    /// The values that can be read: none of an encrypted message.
    pub const fn objects(self) -> Objects<'a> {
        Objects { rest: if self.is_encrypted { &[] } else { self.data } }
    }
}

impl Iterator for Objects<'_> {
    /// What a value is of.
    type Item = &'static str;

    /// Behind an identifier that is not known nothing can be found: its length is not known either.
    fn next(&mut self) -> Option<&'static str> {
        let (id, rest) = self.rest.split_first()?;
        self.rest = &[];
        let at = OBJECTS.binary_search_by_key(id, |(it, ..)| *it).ok()?;
        let (_, length, word) = OBJECTS.get(at)?;
        let length = match *length {
            COUNTED => 1 + usize::from(*rest.first()?),
            length => usize::from(length),
        };
        let (_, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(word)
    }
}

/// A length that stands before the value.
const COUNTED: u8 = 0xff;
/// Identifier, length and what it is of (bthome.io/format, version 2).
const OBJECTS: &[(u8, u8, &str)] = &[
    (0x00, 1, "packet_id"),
    (0x01, 1, "battery"),
    (0x02, 2, "temperature"),
    (0x03, 2, "humidity"),
    (0x04, 3, "pressure"),
    (0x05, 3, "illuminance"),
    (0x06, 2, "mass_kg"),
    (0x07, 2, "mass_lb"),
    (0x08, 2, "dewpoint"),
    (0x09, 1, "count"),
    (0x0a, 3, "energy"),
    (0x0b, 3, "power"),
    (0x0c, 2, "voltage"),
    (0x0d, 2, "pm2_5"),
    (0x0e, 2, "pm10"),
    (0x0f, 1, "generic_boolean"),
    (0x10, 1, "power_on"),
    (0x11, 1, "opening"),
    (0x12, 2, "co2"),
    (0x13, 2, "tvoc"),
    (0x14, 2, "moisture"),
    (0x15, 1, "battery_low"),
    (0x16, 1, "battery_charging"),
    (0x17, 1, "carbon_monoxide"),
    (0x18, 1, "cold"),
    (0x19, 1, "connectivity"),
    (0x1a, 1, "door"),
    (0x1b, 1, "garage_door"),
    (0x1c, 1, "gas_detected"),
    (0x1d, 1, "heat"),
    (0x1e, 1, "light"),
    (0x1f, 1, "lock"),
    (0x20, 1, "moisture_detected"),
    (0x21, 1, "motion"),
    (0x22, 1, "moving"),
    (0x23, 1, "occupancy"),
    (0x24, 1, "plug"),
    (0x25, 1, "presence"),
    (0x26, 1, "problem"),
    (0x27, 1, "running"),
    (0x28, 1, "safety"),
    (0x29, 1, "smoke"),
    (0x2a, 1, "sound"),
    (0x2b, 1, "tamper"),
    (0x2c, 1, "vibration"),
    (0x2d, 1, "window"),
    (0x2e, 1, "humidity"),
    (0x2f, 1, "moisture"),
    (0x3a, 1, "button"),
    (0x3c, 2, "dimmer"),
    (0x3d, 2, "count"),
    (0x3e, 4, "count"),
    (0x3f, 2, "rotation"),
    (0x40, 2, "distance_mm"),
    (0x41, 2, "distance_m"),
    (0x42, 3, "duration"),
    (0x43, 2, "current"),
    (0x44, 2, "speed"),
    (0x45, 2, "temperature"),
    (0x46, 1, "uv_index"),
    (0x47, 2, "volume"),
    (0x48, 2, "volume_ml"),
    (0x49, 2, "volume_flow_rate"),
    (0x4a, 2, "voltage"),
    (0x4b, 3, "gas"),
    (0x4c, 4, "gas"),
    (0x4d, 4, "energy"),
    (0x4e, 4, "volume"),
    (0x4f, 4, "water"),
    (0x50, 4, "timestamp"),
    (0x51, 2, "acceleration"),
    (0x52, 2, "gyroscope"),
    (0x53, COUNTED, "text"),
    (0x54, COUNTED, "raw"),
    (0x55, 4, "volume_storage"),
    (0x56, 2, "conductivity"),
    (0x57, 1, "temperature"),
    (0x58, 1, "temperature"),
    (0x59, 1, "count"),
    (0x5a, 2, "count"),
    (0x5b, 4, "count"),
    (0x5c, 4, "power"),
    (0x5d, 2, "current"),
    (0x5e, 2, "direction"),
    (0x5f, 2, "precipitation"),
    (0x60, 1, "channel"),
    (0x61, 2, "rotational_speed"),
    (0xf0, 2, "device_type"),
    (0xf1, 4, "firmware_version"),
    (0xf2, 3, "firmware_version"),
];
