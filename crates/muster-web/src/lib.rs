//! The web house: HTTP interface, live pages and assets. It only parses, shows and asks.

pub mod hub;

pub mod host;

pub mod guard;

pub mod subject;

pub mod problem;

pub mod short;

mod label;

mod kind;

mod when;

mod coverage;

mod signals;

mod reports;

mod heard;

mod app;

mod standby;

mod api;

mod pages;

mod assets;

mod extract;

pub use api::openapi;
pub use app::router;
pub use guard::Guard;
pub use host::Host;
pub use hub::{
    EditRefused, Hub, Invitation, InviteWish, Invitee, PairingRefused, PairingWish, Pulse,
    WhyRefused,
};
pub use standby::standby;
