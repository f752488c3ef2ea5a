//! Serves the pages over a house in memory, to work on them without a network.
//!
//! `cargo run -p muster-web --example house -- --listen 127.0.0.1:8080` and open the address that it
//! prints. Every ten seconds somebody comes or goes. Other arguments are ignored, so that it can
//! stand in for the program in the browser tests.

use std::sync::Arc;
use std::time::Duration;

use muster_core::directory::{DeviceKind, Edit};
use muster_core::identity::DeviceId;
use muster_core::snapshot::Presence;
use muster_core::time::Time;
use muster_web::{Guard, Hub, router};

#[path = "../tests/support/mod.rs"]
mod support;

use support::{House, described};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let house = House::at(now);
    furnish(&house).await;
    let wanted = std::env::args().skip_while(|it| it != "--listen").nth(1);
    let wanted = wanted.unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(wanted).await?;
    let address = listener.local_addr()?;
    #[expect(clippy::print_stdout, reason = "the address is what one runs it for")]
    {
        println!("http://{address}/");
    }
    let visitor = Arc::clone(&house);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            visitor.hear(7, Presence::Present);
            tokio::time::sleep(Duration::from_secs(10)).await;
            visitor.hear(7, Presence::Away);
        }
    });
    let hub: Arc<dyn Hub> = house;
    axum::serve(listener, router(hub, Guard::Loopback { port: address.port() })).await
}

/// A family of three with their things.
async fn furnish(house: &House) {
    let things = [
        ("3c:22:fb:10:20:01", "Annas-iPhone", true),
        ("b8:27:eb:44:55:66", "raspberrypi", true),
        ("00:1b:a9:aa:bb:cc", "BRW001BA9AABBCC", true),
        ("de:ad:00:12:34:56", "", true),
        ("3c:22:fb:10:20:05", "Berts-iPhone", false),
        ("f0:18:98:77:88:99", "Cleos-MacBook", true),
        ("c2:0f:ee:12:00:07", "Pixel-8", false),
        ("50:c7:bf:01:02:03", "HS110", true),
    ];
    for (mac, hostname, here) in things {
        house.meet(mac, (!hostname.is_empty()).then_some(hostname), here);
    }
    house.simulate();
    for (name, display) in [("anna", "Anna"), ("bert", "Bert"), ("cleo", "Cleo")] {
        house.told(Edit::AddPerson { name: name.into(), display: display.into() }).await;
    }
    let owned = [
        (1, "anna", "Anna's phone", DeviceKind::Phone),
        (5, "bert", "Bert's phone", DeviceKind::Phone),
        (6, "cleo", "Cleo's laptop", DeviceKind::Laptop),
    ];
    for (id, owner, name, kind) in owned {
        house.told(described(id, Some(name), Some(kind))).await;
        let person = house.snapshot().directory.person_named(owner);
        let from = Time::from_secs(0);
        house.told(Edit::Assign { device: DeviceId(id), person, from }).await;
    }
    house.told(described(3, Some("Printer"), Some(DeviceKind::Printer))).await;
}

#[expect(clippy::disallowed_methods, reason = "an example is its own shell")]
fn now() -> Time {
    jiff::Timestamp::now().into()
}
