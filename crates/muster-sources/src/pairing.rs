//! Pairing, spoken with bluetoothd: what the core asks is done, and what happens is said.
//!
//! Decides nothing: who is let in, and for how long, is `muster_core::pairing`. Keys come from the
//! kernel's management socket and from bluetoothd's files (`keys`). **Invariant:** an agent is registered
//! between opening and closing a window and at no other time, so that bluetoothd refuses whoever asks
//! outside of it.

mod adapters;
mod advertisement;
mod agent;
mod keys;
mod session;

use std::time::Duration;

use muster_core::pairing::{Ask, Said, Trouble};
use tokio::sync::mpsc;

use crate::bluez::objects::Objects;
use crate::bluez::{Bluez, BluezError};
pub use keys::{Found, KeyEars, keys_in_files};
use session::Session;

/// Speaks with bluetoothd until nobody asks any more, over and over where it comes and goes.
pub async fn speak(mut asks: mpsc::Receiver<Ask>, said: mpsc::Sender<Said>) {
    let mut last = None;
    loop {
        let why = match Session::begin(said.clone()).await {
            Ok(session) => match session.run(&mut asks).await {
                Some(why) => why,
                None => return,
            },
            Err(why) => why,
        };
        if last.as_ref() != Some(&why) && said.send(Said::Away(why.clone())).await.is_err() {
            return;
        }
        last = Some(why);
        // Who asks now learns from `Away` that nobody answers.
        let closed = async { while asks.recv().await.is_some() {} };
        if tokio::time::timeout(LOOK_AGAIN, closed).await.is_ok() {
            return;
        }
    }
}

/// What an error means for people.
fn trouble(error: &BluezError) -> Trouble {
    let hint = match error {
        BluezError::NoBus(_) => Some("systemctl start dbus"),
        BluezError::NoDaemon(_) => Some("systemctl start bluetooth"),
        BluezError::Denied(_) => Some("usermod --append --groups bluetooth USER"),
        BluezError::Gone(_) | BluezError::Refused(..) | BluezError::Bus(_) => None,
    };
    Trouble { why: error.to_string().into(), hint: hint.map(Into::into) }
}

async fn read_objects(bluez: &Bluez) -> Result<Objects, Trouble> {
    Objects::read(bluez).await.map_err(|it| trouble(&it))
}

async fn connect() -> Result<Bluez, Trouble> {
    Bluez::connect().await.map_err(|it| trouble(&it))
}

/// How soon a bluetoothd that was not there is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
