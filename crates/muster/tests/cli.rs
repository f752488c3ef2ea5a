//! The real binary over a store without a hub: what people and scripts get to see.

mod support;

use muster_core::time::Time;
use support::House;

fn house() -> House {
    House::lived_in("2026-11-20T06:00:00Z".parse::<Time>().unwrap_or_default())
}

#[test]
fn look() {
    let house = house();
    for args in [
        "who --all",
        "who here",
        "who",
        "person list",
        "person show anna",
        "device list",
        "device show annas-phone",
        "device show 3",
        "place list",
        "monitor list",
        "report stays --from 2026-11-20 --to 2026-11-20",
        "report stays --from 2026-11-20 --to 2026-11-20 --of both --format csv",
        "explain anna",
        "explain anna --at 2026-11-20T08:30:00Z",
        "explain bert --at 2026-11-20T11:30:00Z",
        "explain kitchen-tv",
        "explain ana",
        "person add clara",
        "person home clara --until 18:00",
        "device name 192.168.1.40 TV",
        "device assign TV clara",
        "who",
        "person show clara",
        "place add Kitchen --in here",
        "monitor place hub Kitchen",
        "place list",
        "person add Clara",
        "place remove here",
        "config explain enabled",
        "report stays --format json --from -2d",
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let said = house.ask(&args);
        println!("$ muster {}\n{}{}[{}]\n", args.join(" "), said.out, said.err, said.code);
    }
}
