//! `bluetoothd` on the system bus: the connection, its objects, and who answers to its name.
//!
//! Nothing here decides what an object means. **Invariant:** no object costs a match rule of its own,
//! because properties are asked for and never cached; and nobody is started by the bus for our sake,
//! because callers look for [`Bluez::owner`] before they ask anything.

mod error;

pub(crate) mod objects;

mod proxies;

use futures_util::{Stream, StreamExt as _};
use zbus::fdo::{DBusProxy, ObjectManagerProxy};
use zbus::names::{BusName, OwnedUniqueName};
use zbus::proxy::{CacheProperties, Defaults};
use zbus::{Connection, ObjectPath, OwnedObjectPath, Proxy};

pub use error::{BluezError, Refusal};
pub use proxies::{Adapter1Proxy, AgentManager1Proxy, Device1Proxy, LEAdvertisingManager1Proxy};

/// The name of bluetoothd on the bus.
pub const NAME: &str = "org.bluez";

/// A connection to the system bus, to speak with bluetoothd, whether or not it runs. Calls wait for as
/// long as bluetoothd does: whoever cannot wait gives them a limit.
#[derive(Clone, Debug)]
pub struct Bluez {
    connection: Connection,
}

impl Bluez {
    /// Connects to the system bus. [`BluezError::NoBus`] where there is none.
    pub async fn connect() -> Result<Self, BluezError> {
        let connection = Connection::system().await.map_err(BluezError::no_bus)?;
        Ok(Self { connection })
    }

    /// The connection itself, to serve an agent on or to listen for signals.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Who answers to bluetoothd's name; none while it does not run. Starts nobody.
    pub async fn owner(&self) -> Result<Option<OwnedUniqueName>, BluezError> {
        let bus = DBusProxy::new(&self.connection).await?;
        let name = BusName::try_from(NAME)?;
        match bus.get_name_owner(name).await {
            Ok(owner) => Ok(Some(owner)),
            Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
            Err(other) => Err(BluezError::from(zbus::Error::from(other))),
        }
    }

    /// Who answers to bluetoothd's name, each time that changes; none when it ended.
    pub async fn owners(
        &self,
    ) -> Result<impl Stream<Item = Option<OwnedUniqueName>> + Send + use<>, BluezError> {
        let bus = DBusProxy::new(&self.connection).await?;
        let changes = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
        Ok(changes.filter_map(async |it| {
            let args = it.args().ok()?;
            Some(args.new_owner().as_ref().map(|it| it.to_owned().into()))
        }))
    }

    /// All of bluetoothd's objects, at `/`.
    pub async fn objects(&self) -> Result<ObjectManagerProxy<'static>, BluezError> {
        self.proxy("/").await
    }

    /// An adapter, as in `/org/bluez/hci0`.
    pub async fn adapter(&self, path: &str) -> Result<Adapter1Proxy<'static>, BluezError> {
        self.proxy(path).await
    }

    /// A device, as in `/org/bluez/hci0/dev_00_1A_7D_00_00_01`.
    pub async fn device(&self, path: &str) -> Result<Device1Proxy<'static>, BluezError> {
        self.proxy(path).await
    }

    /// Where agents for pairing are registered.
    pub async fn agent_manager(&self) -> Result<AgentManager1Proxy<'static>, BluezError> {
        self.proxy("/org/bluez").await
    }

    /// Where an adapter, as in `/org/bluez/hci0`, is told what to advertise.
    pub async fn advertising_manager(
        &self,
        path: &str,
    ) -> Result<LEAdvertisingManager1Proxy<'static>, BluezError> {
        self.proxy(path).await
    }

    async fn proxy<P: From<Proxy<'static>> + Defaults>(&self, path: &str) -> Result<P, BluezError> {
        let path: OwnedObjectPath = ObjectPath::try_from(path)?.into();
        let builder = zbus::proxy::Builder::new(&self.connection).destination(NAME).path(path);
        Ok(builder.cache_properties(CacheProperties::No).build().await?)
    }
}

/// The path of an adapter by the kernel's number, as in `/org/bluez/hci0`.
pub(crate) fn adapter_path(adapter: u16) -> String {
    format!("/org/bluez/hci{adapter}")
}

/// The number of the adapter that an object is, or belongs to.
pub(crate) fn adapter_number(path: &str) -> Option<u16> {
    let name = path.strip_prefix("/org/bluez/hci")?;
    name.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_adapters() {
        assert_eq!(adapter_number("/org/bluez/hci0"), Some(0));
        assert_eq!(adapter_number("/org/bluez/hci12/dev_C0_11_22_33_44_55"), Some(12));
        assert_eq!(adapter_number(&adapter_path(7)), Some(7));
        for other in ["/org/bluez", "/org/bluez/hci", "/org/bluez/hcix", "/org/bluez/hci99999"] {
            assert_eq!(adapter_number(other), None, "{other}");
        }
    }
}
