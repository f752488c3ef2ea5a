//! Adapters made visible for a window, and put back as they were.

use std::collections::HashMap;
use std::time::Duration;

use muster_core::pairing::{Before, Capability, Trouble};
use zbus::ObjectPath;
use zbus::names::OwnedUniqueName;
use zbus::object_server::Interface;

use super::advertisement::Advertisement;
use super::agent::{self, Agent, Asked};
use super::trouble;
use crate::bluez::objects::{Adapter, Objects};
use crate::bluez::{Adapter1Proxy, Bluez, BluezError, Refusal};
use tokio::sync::mpsc;

/// How every adapter that is on is seen.
pub(super) async fn look(bluez: &Bluez, objects: &Objects) -> Result<Vec<Before>, Trouble> {
    let mut all = Vec::new();
    for adapter in objects.adapters.iter().filter(|it| it.powered) {
        let proxy = bluez.adapter(&adapter.path).await.map_err(|it| trouble(&it))?;
        let seen = async {
            Ok::<_, zbus::Error>(Before {
                adapter: adapter.address,
                alias: proxy.alias().await?.into(),
                discoverable: proxy.discoverable().await?,
                discoverable_timeout: proxy.discoverable_timeout().await?,
                pairable: proxy.pairable().await?,
                pairable_timeout: proxy.pairable_timeout().await?,
            })
        };
        all.push(seen.await.map_err(|it| trouble(&it.into()))?);
    }
    if all.is_empty() {
        let hint = Some("bluetoothctl power on".into());
        return Err(Trouble { why: "no Bluetooth adapter is switched on".into(), hint });
    }
    Ok(all)
}

/// What a window needs.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) length: Duration,
    pub(super) capability: Capability,
}

/// What phones see then.
pub(super) type Opened = (Vec<Box<str>>, Result<(), Box<str>>);

/// Makes every adapter that is on visible, and answers bluetoothd's questions.
pub(super) async fn open(
    bluez: &Bluez,
    objects: &Objects,
    owner: &OwnedUniqueName,
    asked: &mpsc::Sender<Asked>,
    wanted: &Wanted<'_>,
) -> Result<Opened, Trouble> {
    register(bluez, owner, asked, wanted.capability).await.map_err(|it| trouble(&it))?;
    let mut names = Vec::new();
    let mut low_energy = Ok(());
    for adapter in objects.adapters.iter().filter(|it| it.powered) {
        show(bluez, adapter, wanted).await.map_err(|it| trouble(&it))?;
        names.push(adapter.name().into());
        if let Err(error) = advertise(bluez, adapter, wanted).await {
            low_energy = Err(format!("{}: {error}", adapter.name()).into());
        }
    }
    if names.is_empty() {
        return Err(Trouble { why: "no Bluetooth adapter is switched on".into(), hint: None });
    }
    Ok((names, low_energy))
}

async fn register(
    bluez: &Bluez,
    owner: &OwnedUniqueName,
    asked: &mpsc::Sender<Asked>,
    capability: Capability,
) -> Result<(), BluezError> {
    let agent = Agent { owner: owner.clone(), asked: asked.clone() };
    let is_new = bluez.connection().object_server().at(agent::PATH, agent).await?.is_none();
    if !is_new {
        // The window is made longer: bluetoothd has our agent already.
        return Ok(());
    }
    let path = ObjectPath::try_from(agent::PATH)?;
    let manager = bluez.agent_manager().await?;
    manager.register_agent(&path, capability.word()).await?;
    manager.request_default_agent(&path).await?;
    Ok(())
}

/// The time-outs come first: whatever happens to this program, bluetoothd ends by itself what it
/// begins with them.
async fn show(bluez: &Bluez, adapter: &Adapter, wanted: &Wanted<'_>) -> Result<(), BluezError> {
    let proxy = bluez.adapter(&adapter.path).await?;
    let seconds = u32::try_from(wanted.length.as_secs()).unwrap_or(u32::MAX).max(1);
    proxy.set_discoverable_timeout(seconds).await?;
    proxy.set_pairable_timeout(seconds).await?;
    proxy.set_alias(wanted.name).await?;
    proxy.set_pairable(true).await?;
    proxy.set_discoverable(true).await?;
    Ok(())
}

async fn advertise(
    bluez: &Bluez,
    adapter: &Adapter,
    wanted: &Wanted<'_>,
) -> Result<(), BluezError> {
    let server = bluez.connection().object_server();
    let path = advertisement_of(adapter);
    let advertisement = Advertisement { name: wanted.name.to_owned() };
    if server.at(path.as_str(), advertisement).await?.is_some() {
        return Ok(());
    }
    let manager = bluez.advertising_manager(&adapter.path).await?;
    let object = ObjectPath::try_from(path.as_str())?;
    let registered = manager.register_advertisement(&object, HashMap::new()).await;
    if registered.is_err() {
        take_away::<Advertisement>(bluez, &path).await?;
    }
    Ok(registered?)
}

/// Takes no more requests, and puts every adapter back; those that are gone.
pub(super) async fn close(
    bluez: &Bluez,
    objects: &Objects,
    before: Vec<Before>,
) -> Result<Vec<Before>, Box<str>> {
    let mut wrong = unregister(bluez).await.err().map(|it| it.to_string());
    let mut gone = Vec::new();
    for was in before {
        let Some(adapter) = objects.adapters.iter().find(|it| it.address == was.adapter) else {
            gone.push(was);
            continue;
        };
        if let Err(error) = put_back(bluez, adapter, &was).await {
            wrong = Some(format!("{} is not as it was: {error}", adapter.name()));
        }
    }
    wrong.map_or(Ok(gone), |it| Err(it.into()))
}

async fn unregister(bluez: &Bluez) -> Result<(), BluezError> {
    let path = ObjectPath::try_from(agent::PATH)?;
    let unregistered = bluez.agent_manager().await?.unregister_agent(&path).await;
    take_away::<Agent>(bluez, agent::PATH).await?;
    absent_is_fine(unregistered)
}

async fn put_back(bluez: &Bluez, adapter: &Adapter, was: &Before) -> Result<(), BluezError> {
    let path = advertisement_of(adapter);
    let object = ObjectPath::try_from(path.as_str())?;
    if take_away::<Advertisement>(bluez, &path).await? {
        let manager = bluez.advertising_manager(&adapter.path).await?;
        absent_is_fine(manager.unregister_advertisement(&object).await)?;
    }
    let proxy = bluez.adapter(&adapter.path).await?;
    if adapter.powered {
        proxy.set_discoverable(was.discoverable).await?;
    }
    proxy.set_pairable(was.pairable).await?;
    proxy.set_discoverable_timeout(was.discoverable_timeout).await?;
    proxy.set_pairable_timeout(was.pairable_timeout).await?;
    proxy.set_alias(&alias(&proxy, was).await?).await?;
    Ok(())
}

/// An alias that was none: bluetoothd takes its own name again where an empty one is set.
async fn alias(proxy: &Adapter1Proxy<'_>, was: &Before) -> zbus::Result<String> {
    let own = proxy.name().await?;
    Ok(if own == *was.alias { String::new() } else { was.alias.to_string() })
}

/// Whether it was there: what an earlier run of the program served is gone with it.
async fn take_away<I: Interface>(bluez: &Bluez, path: &str) -> Result<bool, BluezError> {
    match bluez.connection().object_server().remove::<I, _>(path).await {
        Err(zbus::Error::InterfaceNotFound) => Ok(false),
        other => Ok(other?),
    }
}

fn absent_is_fine(done: zbus::Result<()>) -> Result<(), BluezError> {
    match done.map_err(BluezError::from) {
        Err(it) if it.refusal() == Some(&Refusal::DoesNotExist) => Ok(()),
        other => other,
    }
}

fn advertisement_of(adapter: &Adapter) -> String {
    format!("/muster/advertisement/{}", adapter.name())
}
