//! What a device sent, as it was heard: for people who ask what it is and why it is known.
//!
//! Never evidence of presence: a source tells sightings beside it. Never stored and never recorded; a
//! running hub keeps the last of each identity, within a bound.

use std::sync::Arc;

use crate::fact::Listener;
use crate::identity::Identity;
use crate::time::Time;

/// One broadcast.
#[derive(Clone, Debug, PartialEq)]
pub struct Broadcast {
    /// Who heard it.
    pub listener: Arc<Listener>,
    /// Whom it names: the identities that sightings are told of because of it, private addresses as
    /// what they are. Only the hub can tell whose those are.
    pub identities: Vec<Identity>,
    /// When it was heard.
    pub at: Time,
    /// How strongly, dBm.
    pub rssi: Option<i8>,
    /// What it says, as `muster_wire::bluetooth::kept` writes and reads it: without a private address.
    pub octets: Box<[u8]>,
}
