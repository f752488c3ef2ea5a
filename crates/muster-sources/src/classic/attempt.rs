//! A question that is no command to the controller: a connection, an echo, or a call of bluetoothd.
//! Says what came of it by the tables of `outcome`, and what kept it from being put.

use std::task::{Context, Poll, ready};

use futures_util::future::{BoxFuture, FutureExt as _};
use muster_core::identity::Mac;
use nix::errno::Errno;

use super::daemon::{Lack, Reach};
use super::outcome::{Verdict, of_bluez, of_socket, of_start};
use super::question::What;
use super::socket::{Page, Ping};
use super::status::Trouble;
use crate::bluez::{Bluez, BluezError};

/// One under way. Dropping it ends what its sockets do; bluetoothd has to be told ([`Self::hang_up`]).
pub(super) enum Attempt {
    Page(Page),
    Ping(Ping),
    Call(BoxFuture<'static, End>),
}

/// How it ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) verdict: Verdict,
    /// What is wrong with this machine, where that is known.
    pub(super) trouble: Option<Trouble>,
}

impl From<Verdict> for End {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, trouble: None }
    }
}

impl Attempt {
    /// Puts a question, from the adapter with that address. Call it inside a tokio runtime.
    pub(super) fn begin(what: What, own: Option<Mac>, reach: &Reach) -> Result<Self, End> {
        let own = own.ok_or(Errno::ENODEV).map_err(of_start);
        match what {
            What::Page(mac) => {
                Page::begin(own?, mac).map(Self::Page).map_err(|it| of_start(it).into())
            }
            What::Ping(mac) => Ping::begin(own?, mac).map(Self::Ping).map_err(|it| End {
                verdict: of_start(it),
                trouble: (it == Errno::EPERM).then_some(Trouble::NoRawSocket),
            }),
            What::Connect(mac) => match (&reach.bluez, reach.paths.get(&mac)) {
                (Some(bluez), Some(path)) => {
                    Ok(Self::Call(connect(bluez.clone(), path.clone()).boxed()))
                }
                _ => Err(Verdict::Nothing.into()),
            },
            What::Name(_) | What::Inquiry(_) => Err(Verdict::Nothing.into()),
        }
    }

    /// Waits until it is decided.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let end = match self {
            Self::Page(it) => ready!(it.poll_end(cx)),
            Self::Ping(it) => ready!(it.poll_end(cx)),
            Self::Call(it) => return it.poll_unpin(cx),
        };
        Poll::Ready(end.map_or_else(of_socket, |()| Verdict::Answered).into())
    }

    /// Has bluetoothd give up what it does; that it did says nothing about the other side.
    pub(super) fn hang_up(mac: Mac, reach: &Reach) -> Option<Self> {
        let (bluez, path) = (reach.bluez.clone()?, reach.paths.get(&mac)?.clone());
        let call = async move {
            // Nothing is left to be done where that fails.
            drop(disconnect(&bluez, &path).await);
            Verdict::Nothing.into()
        };
        Some(Self::Call(call.boxed()))
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Page(_) => "Page",
            Self::Ping(_) => "Ping",
            Self::Call(_) => "Call",
        })
    }
}

/// Connects all profiles that both sides have, and ends that again.
async fn connect(bluez: Bluez, path: String) -> End {
    let connected =
        async { Ok::<_, BluezError>(bluez.device(&path).await?.connect().await?) }.await;
    if connected.is_ok() {
        // It answered, whatever comes of this.
        drop(disconnect(&bluez, &path).await);
    }
    let trouble = connected.as_ref().err().and_then(Lack::of).map(Trouble::Daemon);
    End { verdict: of_bluez(connected.as_ref().copied()), trouble }
}

async fn disconnect(bluez: &Bluez, path: &str) -> Result<(), BluezError> {
    Ok(bluez.device(path).await?.disconnect().await?)
}
