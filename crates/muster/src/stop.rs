//! When somebody wants the program to end.

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Exit, Failure};

/// Ends at the first signal that asks for it; none of them ends the program by itself from here on. Needs a
/// runtime around it.
pub(crate) fn asked() -> Result<impl Future<Output = ()> + use<>, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|it| Failure::new(Exit::Failed, "cannot wait for signals").because(it))
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
        tracing::info!("stopping");
    })
}
