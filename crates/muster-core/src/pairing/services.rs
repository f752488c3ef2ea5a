//! Which services are sound. A hub is no loudspeaker: a phone that took it for one would send its
//! calls and music there.

/// Whether a service is one that carries or controls sound (Assigned Numbers, 3.3 and 3.4).
#[must_use]
pub fn is_audio(service: u128) -> bool {
    let is_short = service & !(0xffff << 96) == BASE;
    let short = u16::try_from(service >> 96).ok().filter(|_| is_short);
    short.is_some_and(|it| AUDIO.iter().any(|(audio, _)| *audio == it))
}

/// What 16-bit identifiers stand in (Core Specification, Vol 3, Part B, 2.5.1).
const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5f9b_34fb;

const AUDIO: [(u16, &str); 20] = [
    (0x1108, "Headset"),
    (0x110a, "A2DP source"),
    (0x110b, "A2DP sink"),
    (0x110c, "AVRCP target"),
    (0x110d, "A2DP"),
    (0x110e, "AVRCP"),
    (0x110f, "AVRCP controller"),
    (0x1112, "Headset audio gateway"),
    (0x111e, "Hands-free"),
    (0x111f, "Hands-free audio gateway"),
    (0x1131, "Headset HS"),
    (0x1203, "Generic audio"),
    (0x1844, "Volume control"),
    (0x1848, "Media control"),
    (0x1849, "Generic media control"),
    (0x184c, "Generic telephone bearer"),
    (0x184e, "Audio stream control"),
    (0x184f, "Broadcast audio scan"),
    (0x1850, "Published audio capabilities"),
    (0x1853, "Common audio"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_told_from_everything_else() {
        for (short, _) in AUDIO {
            assert!(is_audio(BASE | u128::from(short) << 96), "{short:04x}");
        }
        for other in [0x1101_u128, 0x1105, 0x1116, 0x1124, 0x180f] {
            assert!(!is_audio(BASE | other << 96), "{other:04x}");
        }
        // The same digits in another place, or of somebody else's making, are another service.
        assert!(!is_audio(0x110b));
        assert!(!is_audio(0x110b << 96));
        assert!(!is_audio(BASE | 0x1_110b << 96));
    }
}
