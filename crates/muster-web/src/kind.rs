//! What a device probably is, from what it says of itself, where nobody said what it is.
//!
//! A guess is offered to whoever gives the device to a person, and changes nothing by itself.

use muster_core::directory::{Device, DeviceKind};
use muster_core::snapshot::DeviceView;

/// What it looks like; none: nothing says so.
pub(crate) fn guess(device: &DeviceView) -> Option<DeviceKind> {
    let said = [&device.hostname, &device.vendor_class];
    let said = said.into_iter().flatten().map(|it| it.to_lowercase()).collect::<Vec<_>>();
    let telling = WORDS.iter().find(|(word, _)| said.iter().any(|it| it.contains(word)));
    telling.map(|(_, kind)| *kind).or(device.randomised.then_some(DeviceKind::Phone))
}

/// Whether it goes where somebody goes, by what was said of it, else by what it looks like.
pub(crate) fn is_likely_carried(described: &Device, device: &DeviceView) -> bool {
    if is_unsaid(described) {
        return guess(device).is_some_and(DeviceKind::is_carried);
    }
    described.is_carried()
}

/// Whether nobody said what a device is, nor whether it goes where its owner goes: given to
/// somebody like that, it says nothing about them.
pub(crate) fn is_unsaid(device: &Device) -> bool {
    device.kind == DeviceKind::Other && device.carried.is_none()
}

/// Words in names that makers give, the more telling first.
const WORDS: [(&str, DeviceKind); 17] = [
    ("iphone", DeviceKind::Phone),
    ("ipad", DeviceKind::Tablet),
    ("macbook", DeviceKind::Laptop),
    ("imac", DeviceKind::Computer),
    ("watch", DeviceKind::Watch),
    ("laptop", DeviceKind::Laptop),
    ("notebook", DeviceKind::Laptop),
    ("thinkpad", DeviceKind::Laptop),
    ("desktop", DeviceKind::Computer),
    ("tablet", DeviceKind::Tablet),
    ("printer", DeviceKind::Printer),
    ("chromecast", DeviceKind::Media),
    ("phone", DeviceKind::Phone),
    ("pixel", DeviceKind::Phone),
    ("galaxy", DeviceKind::Phone),
    ("oneplus", DeviceKind::Phone),
    ("android", DeviceKind::Phone),
];

#[cfg(test)]
mod tests {
    use muster_core::directory::Mark;
    use muster_core::identity::DeviceId;
    use muster_core::snapshot::Standing;

    use super::*;

    fn looks(hostname: &str, vendor_class: &str, randomised: bool) -> Option<DeviceKind> {
        let said = |text: &str| (!text.is_empty()).then(|| text.into());
        guess(&DeviceView {
            id: DeviceId(1),
            standing: Standing::default(),
            identities: Vec::new(),
            first_seen: None,
            last_seen: None,
            signal: None,
            randomised,
            hostname: said(hostname),
            vendor_class: said(vendor_class),
            ips: Vec::new(),
            proxy_for: None,
            owner: None,
            carried: false,
            mark: Mark::Normal,
            source: None,
        })
    }

    #[test]
    fn what_it_looks_like() {
        for (hostname, class, randomised, kind) in [
            ("Annas-iPhone", "", false, Some(DeviceKind::Phone)),
            ("Annas-iPad", "", true, Some(DeviceKind::Tablet)),
            ("", "android-dhcp-14", false, Some(DeviceKind::Phone)),
            ("Galaxy-Watch6", "", true, Some(DeviceKind::Watch)),
            ("DESKTOP-4F2", "MSFT 5.0", false, Some(DeviceKind::Computer)),
            ("", "", true, Some(DeviceKind::Phone)),
            ("", "", false, None),
            ("kitchen", "udhcp 1.36", false, None),
        ] {
            assert_eq!(looks(hostname, class, randomised), kind, "{hostname} {class}");
        }
    }
}
