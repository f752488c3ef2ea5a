//! The parts of bluetoothd's interfaces that are used, as `doc/*-api.txt` of `BlueZ` 5.66 has them.
//!
//! Writing a property or calling a method takes the rights that the bus asks for (`bluetooth.conf`): none
//! with `BlueZ`'s own policy, which Debian keeps; elsewhere root, or members of a group.

use std::collections::HashMap;

use zbus::{ObjectPath, OwnedVariant, Variant, proxy};

/// An adapter.
#[proxy(interface = "org.bluez.Adapter1", default_service = "org.bluez")]
pub trait Adapter1 {
    /// Begins to look for devices, together with everybody else who does.
    fn start_discovery(&self) -> zbus::Result<()>;
    /// Stops; the adapter goes on while others look.
    fn stop_discovery(&self) -> zbus::Result<()>;
    /// What this connection wants to hear of: `RSSI` (int16), `Transport`, `DuplicateData` ...
    fn set_discovery_filter(&self, filter: HashMap<&str, Variant<'_>>) -> zbus::Result<()>;
    /// What a discovery can be narrowed by, as in `DuplicateData`.
    fn get_discovery_filters(&self) -> zbus::Result<Vec<String>>;
    /// Forgets a device and its pairing.
    fn remove_device(&self, device: &ObjectPath<'_>) -> zbus::Result<()>;

    #[zbus(property)]
    fn address(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn name(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn alias(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn set_alias(&self, alias: &str) -> zbus::Result<()>;
    #[zbus(property)]
    fn powered(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn set_powered(&self, powered: bool) -> zbus::Result<()>;
    #[zbus(property)]
    fn discoverable(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn set_discoverable(&self, discoverable: bool) -> zbus::Result<()>;
    /// Seconds; 0 for ever.
    #[zbus(property)]
    fn discoverable_timeout(&self) -> zbus::Result<u32>;
    #[zbus(property)]
    fn set_discoverable_timeout(&self, seconds: u32) -> zbus::Result<()>;
    #[zbus(property)]
    fn pairable(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn set_pairable(&self, pairable: bool) -> zbus::Result<()>;
    /// Seconds; 0 for ever.
    #[zbus(property)]
    fn pairable_timeout(&self) -> zbus::Result<u32>;
    #[zbus(property)]
    fn set_pairable_timeout(&self, seconds: u32) -> zbus::Result<()>;
    /// Who made it, as in `usb:v1D6Bp0246d0542`.
    #[zbus(property)]
    fn modalias(&self) -> zbus::Result<String>;
    /// Whether anybody looks for devices.
    #[zbus(property)]
    fn discovering(&self) -> zbus::Result<bool>;
    #[zbus(property, name = "UUIDs")]
    fn uuids(&self) -> zbus::Result<Vec<String>>;
}

/// A device that an adapter knows.
#[proxy(interface = "org.bluez.Device1", default_service = "org.bluez")]
pub trait Device1 {
    /// Pairs with it.
    fn pair(&self) -> zbus::Result<()>;
    /// Gives up a pairing under way.
    fn cancel_pairing(&self) -> zbus::Result<()>;
    /// Connects all of its profiles.
    fn connect(&self) -> zbus::Result<()>;
    /// Ends the connection.
    fn disconnect(&self) -> zbus::Result<()>;

    #[zbus(property)]
    fn address(&self) -> zbus::Result<String>;
    /// `public` or `random`.
    #[zbus(property)]
    fn address_type(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn name(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn alias(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn paired(&self) -> zbus::Result<bool>;
    /// Missing before `BlueZ` 5.65.
    #[zbus(property)]
    fn bonded(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn trusted(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn set_trusted(&self, trusted: bool) -> zbus::Result<()>;
    #[zbus(property)]
    fn blocked(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn connected(&self) -> zbus::Result<bool>;
    #[zbus(property)]
    fn class(&self) -> zbus::Result<u32>;
    #[zbus(property, name = "UUIDs")]
    fn uuids(&self) -> zbus::Result<Vec<String>>;
    /// dBm, of the last report of a discovery.
    #[zbus(property, name = "RSSI")]
    fn rssi(&self) -> zbus::Result<i16>;
}

/// Where agents for pairing are registered.
#[proxy(interface = "org.bluez.AgentManager1", default_service = "org.bluez")]
pub trait AgentManager1 {
    /// An object of this connection answers what pairing asks, with `DisplayYesNo`, `NoInputNoOutput` ...
    fn register_agent(&self, agent: &ObjectPath<'_>, capability: &str) -> zbus::Result<()>;
    /// It no longer does.
    fn unregister_agent(&self, agent: &ObjectPath<'_>) -> zbus::Result<()>;
    /// It answers for pairings that others began.
    fn request_default_agent(&self, agent: &ObjectPath<'_>) -> zbus::Result<()>;
}

/// Where an adapter is told what to advertise.
#[proxy(interface = "org.bluez.LEAdvertisingManager1", default_service = "org.bluez")]
pub trait LEAdvertisingManager1 {
    /// Advertises what an object of this connection describes.
    fn register_advertisement(
        &self,
        advertisement: &ObjectPath<'_>,
        options: HashMap<&str, OwnedVariant>,
    ) -> zbus::Result<()>;
    /// It no longer does.
    fn unregister_advertisement(&self, advertisement: &ObjectPath<'_>) -> zbus::Result<()>;
}
