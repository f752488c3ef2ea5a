//! What phones see of the hub over low energy while a window is open.
#![expect(clippy::unused_self, reason = "properties and methods of D-Bus belong to an object")]

use zbus::interface;

/// `org.bluez.LEAdvertisement1`: what phones see over low energy, so that they can connect and pair.
pub(super) struct Advertisement {
    pub(super) name: String,
}

#[interface(name = "org.bluez.LEAdvertisement1")]
impl Advertisement {
    #[zbus(property, name = "Type")]
    fn kind(&self) -> &'static str {
        "peripheral"
    }

    #[zbus(property)]
    fn local_name(&self) -> &str {
        &self.name
    }

    #[zbus(property)]
    fn discoverable(&self) -> bool {
        true
    }

    fn release(&self) {}
}
