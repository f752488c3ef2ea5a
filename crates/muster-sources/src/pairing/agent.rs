//! The agent that bluetoothd asks when a device wants something. Every question is handed on and waits
//! for its answer; what is not understood is refused.
#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "what bluetoothd calls takes what bluetoothd gives"
)]

use muster_core::pairing::Wish;
use tokio::sync::{mpsc, oneshot};
use zbus::message::Header;
use zbus::names::OwnedUniqueName;
use zbus::{DBusError, ObjectPath, interface};

/// What bluetoothd asks.
#[derive(Debug)]
pub(super) enum Asked {
    /// Whether a device may.
    May {
        /// Which, by its path.
        path: String,
        /// What it wants.
        what: Wish,
        /// Where the answer goes; dropped means no.
        answer: oneshot::Sender<bool>,
    },
    /// Never mind.
    Cancel,
}

/// `org.bluez.Agent1`.
#[derive(Debug)]
pub(super) struct Agent {
    /// bluetoothd: nobody else is answered.
    pub(super) owner: OwnedUniqueName,
    pub(super) asked: mpsc::Sender<Asked>,
}

/// What bluetoothd is told instead of yes.
#[derive(Debug, DBusError)]
#[zbus(prefix = "org.bluez.Error")]
enum No {
    #[zbus(error)]
    Bus(zbus::Error),
    Rejected(String),
}

impl Agent {
    async fn ask(&self, header: &Header<'_>, path: &ObjectPath<'_>, what: Wish) -> Result<(), No> {
        let no = || No::Rejected("not let in".to_owned());
        if header.sender().is_none_or(|it| *it != *self.owner) {
            return Err(no());
        }
        let (answer, answered) = oneshot::channel();
        let asked = Asked::May { path: path.to_string(), what, answer };
        self.asked.send(asked).await.map_err(|_| no())?;
        match answered.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(no()),
        }
    }
}

#[interface(name = "org.bluez.Agent1")]
impl Agent {
    async fn request_authorization(
        &self,
        #[zbus(header)] header: Header<'_>,
        device: ObjectPath<'_>,
    ) -> Result<(), No> {
        self.ask(&header, &device, Wish::Pair).await
    }

    async fn request_confirmation(
        &self,
        #[zbus(header)] header: Header<'_>,
        device: ObjectPath<'_>,
        passkey: u32,
    ) -> Result<(), No> {
        self.ask(&header, &device, Wish::Compare(passkey)).await
    }

    async fn authorize_service(
        &self,
        #[zbus(header)] header: Header<'_>,
        device: ObjectPath<'_>,
        uuid: &str,
    ) -> Result<(), No> {
        let digits = uuid.replace('-', "");
        let service = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32);
        let service = service.ok_or_else(|| No::Rejected("no such service".to_owned()))?;
        self.ask(&header, &device, Wish::Service(service)).await
    }

    /// There is nothing to type a number on.
    fn request_pin_code(&self, _device: ObjectPath<'_>) -> Result<String, No> {
        Err(No::Rejected("no keyboard".to_owned()))
    }

    /// The same.
    fn request_passkey(&self, _device: ObjectPath<'_>) -> Result<u32, No> {
        Err(No::Rejected("no keyboard".to_owned()))
    }

    /// A number to be typed there: only keyboards ask so.
    fn display_passkey(&self, _device: ObjectPath<'_>, _passkey: u32, _entered: u16) {}

    fn display_pin_code(&self, _device: ObjectPath<'_>, _pin_code: &str) -> Result<(), No> {
        Err(No::Rejected("keyboards are not let in".to_owned()))
    }

    async fn cancel(&self, #[zbus(header)] header: Header<'_>) {
        if header.sender().is_some_and(|it| *it == *self.owner) {
            // Whoever would have listened has closed the window.
            drop(self.asked.send(Asked::Cancel).await);
        }
    }

    fn release(&self) {}
}

/// Where it is on our connection.
pub(super) const PATH: &str = "/muster/agent";
