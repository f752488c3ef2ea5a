//! The local network: who is there, by the frames they send and the answers they give.
//!
//! Layers that combine, each by what this process may do:
//!
//! - the kernel's neighbour table (`neighbours`), read without any rights;
//! - pokes (`poke`), which make the kernel ask, also without rights: together a probing source;
//! - with `CAP_NET_RAW` a packet socket (`packet`) that hears ARP, DHCP, mDNS and neighbour
//!   discovery as they pass, judged by `judge`;
//! - and questions of its own (`sweep`): known stations one by one, then everybody else.
//!
//! Each watched interface is one channel; `life` says when the network behind it is proved, and so when
//! silence counts. Everything but `netlink`, `packet`, `ears`, `asker` and `source` is pure.

mod source;

mod scan;

mod links;

mod channel;

mod ears;

mod life;

mod silences;

mod asker;

mod reach;

mod status;

mod judge;

mod book;

mod recorded;

mod neighbours;

mod poke;

mod sweep;

mod wants;

mod walk;

mod pacer;

mod netlink;

mod packet;

mod filter;

pub use packet::PacketSocket;
pub(crate) use recorded::Recorded;
pub use scan::{Length, Scan, scan};
pub use source::{Lan, needed_capabilities};
