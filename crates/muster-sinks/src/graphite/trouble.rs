//! Why lines were not delivered, in the words of whoever set the sink up.

use std::io;
use std::time::Duration;

/// All of it may be over by the next try.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Nobody there, or not reachable.
    #[error("cannot connect to {address}")]
    Connect {
        address: String,
        #[source]
        cause: io::Error,
    },
    /// It was closed in an orderly way.
    #[error("the peer closed the connection")]
    Closed,
    /// It broke.
    #[error("the connection broke")]
    Lost {
        #[source]
        cause: io::Error,
    },
    /// The peer, or the way to it, hangs.
    #[error("the peer took nothing for {} s", patience.as_secs_f32())]
    Stuck { patience: Duration },
    /// Graphite never says anything.
    #[error("the peer answers, so this is not where graphite takes plaintext lines")]
    Answers,
}
