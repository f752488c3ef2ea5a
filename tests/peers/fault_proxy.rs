//! A network that fails on demand: bytes between two programs on this machine, passed on, held back, or cut.
//!
//! It knows nothing of what it carries. Whoever wants a part of it takes it in by path.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What happens to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: they are passed on.
    None,
    /// Every connection is closed, and every new one at once.
    Cut,
    /// They are held back, both ways, until something else is said: as with a cable pulled out.
    Stalled,
    /// What is asked arrives; when an answer comes, the connection is closed instead.
    Unanswered,
}

/// The state that all connections look at.
#[derive(Debug)]
struct Shared {
    fault: Mutex<(Fault, Vec<TcpStream>, u64)>,
    changed: Condvar,
}

/// A way to somebody.
pub(crate) struct FaultProxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// A way to `target` that is well.
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let fault = Mutex::new((Fault::None, Vec::new(), 0));
        let shared = Arc::new(Shared { fault, changed: Condvar::new() });
        let keep = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                connect(stream, target, &keep);
            }
        });
        Self { address, shared }
    }

    /// From here on this happens, and nothing was hit by it yet.
    pub(crate) fn set(&self, fault: Fault) {
        let mut it = self.shared.fault.lock().unwrap();
        (it.0, it.2) = (fault, 0);
        if fault == Fault::Cut {
            it.1.drain(..).for_each(|it| drop(it.shutdown(Shutdown::Both)));
        }
        self.shared.changed.notify_all();
    }

    /// Waits until the fault has hit something since it was set: an answer that was not passed on, a
    /// connection that was refused, bytes that were held back.
    pub(crate) fn until_hit(&self) {
        let it = self.shared.fault.lock().unwrap();
        let (it, _) = self.shared.changed.wait_timeout_while(it, PATIENCE, |it| it.2 == 0).unwrap();
        assert!(it.2 > 0, "nobody met the fault: {:?}", it.0);
    }
}

fn connect(stream: TcpStream, target: SocketAddr, shared: &Arc<Shared>) {
    let mut it = shared.fault.lock().unwrap();
    let far = TcpStream::connect(target);
    let (Ok(far), Fault::None | Fault::Stalled | Fault::Unanswered) = (far, it.0) else {
        it.2 += 1;
        shared.changed.notify_all();
        stream.shutdown(Shutdown::Both).ok();
        return;
    };
    let both = [(&stream, &far, false), (&far, &stream, true)];
    for (from, to, is_answer) in both.map(|(a, b, it)| (a.try_clone(), b.try_clone(), it)) {
        let (Ok(from), Ok(to), shared) = (from, to, Arc::clone(shared)) else { return };
        std::thread::spawn(move || carry(from, to, is_answer, &shared));
    }
    it.1.extend([stream, far]);
}

/// Passes on until one end closes, or a fault says otherwise.
fn carry(mut from: TcpStream, mut to: TcpStream, is_answer: bool, shared: &Shared) {
    let mut bytes = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let mut it = shared.fault.lock().unwrap();
        if it.0 == Fault::Stalled {
            it.2 += 1;
            shared.changed.notify_all();
        }
        let mut it = shared.changed.wait_while(it, |it| it.0 == Fault::Stalled).unwrap();
        if it.0 == Fault::Unanswered && is_answer {
            it.2 += 1;
            shared.changed.notify_all();
            break;
        }
        drop(it);
        if bytes.get(..count).is_none_or(|it| to.write_all(it).is_err()) {
            break;
        }
    }
    for end in [from, to] {
        end.shutdown(Shutdown::Both).ok();
    }
}

/// Longer than a monitor's longest pause on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(3);
