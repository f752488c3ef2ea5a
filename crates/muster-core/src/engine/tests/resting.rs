//! Stories of an adapter that listens for 10 s of each 300 s and rests in between.

use super::*;

const PERIOD: i64 = 300;
const LISTENS: i64 = 10;

fn house() -> House {
    let policy = Policy::default().with_resting_adapters(Duration::from_secs(290));
    let restored = Restored {
        since: Engine::since(&policy, now(0).wall),
        frontier: now(0).wall,
        ..Restored::default()
    };
    let listener = Arc::new(Listener::new("hub", SourceKind::Ble, "hci0"));
    House { engine: Engine::new(policy, restored, now(0)), listener, told: Vec::new() }
}

impl House {
    /// The window with this number, in which the device is heard at one second or not at all. Its
    /// coverage is told 8 s behind its end: as late as the end of a turn is noticed.
    fn window(&mut self, number: i64, heard: Option<i64>) -> &mut Self {
        let from = number * PERIOD;
        self.wait(from);
        if let Some(second) = heard {
            self.wait(from + second).seen(from + second);
        }
        self.wait(from + LISTENS + 8);
        let span = Span::new(now(from).wall, now(from + LISTENS).wall);
        self.tell(from + LISTENS + 8, FactBody::Coverage(span))
    }
}

#[test]
fn resting_makes_nobody_unknown_and_sends_nobody_away() {
    let mut house = house();
    // A controller that reports each device once while it listens, at any second of it.
    for number in 0..48 {
        house.window(number, Some(number * 7 % LISTENS));
    }
    assert_eq!(house.told(), ["device:1 discovered 0", "device:1 arrived 0"]);
    let stay = house.engine.stays().next().unwrap();
    assert_eq!(stay.uncovered, Duration::ZERO, "its rhythm is no gap");
}

#[test]
fn who_is_heard_in_every_other_window_stays() {
    let mut house = house();
    house.window(0, Some(3)).window(1, Some(3));
    for number in 2..48 {
        house.window(number, (number % 2 == 1).then_some(3));
    }
    assert_eq!(house.told(), ["device:1 discovered 3", "device:1 arrived 3"]);
}

/// Silence of `away_after` is not enough: it takes as much listening in vain as without any rest.
#[test]
fn a_departure_takes_three_windows_in_vain() {
    let mut house = house();
    house.window(0, Some(2)).window(1, Some(9)).told();
    house.window(2, None).window(3, None).wait(4 * PERIOD + 5);
    assert_eq!(house.told(), [""; 0], "900 s behind the last sign");
    house.window(4, None);
    assert_eq!(house.told(), ["device:1 left 309"]);
}

#[test]
fn windows_that_do_not_come_make_unknown_and_never_left() {
    let mut house = house();
    house.window(0, Some(2)).window(1, Some(9)).told();
    // Its rhythm and the patience of every listener: 290 s + 30 s behind 310 s.
    house.wait(629);
    assert_eq!(house.told(), [""; 0]);
    house.wait(3 * 3600);
    assert_eq!(house.told(), ["device:1 unknown 310 hub/ble/hci0 does not hear"]);
    house.window(37, Some(1));
    assert_eq!(house.told(), ["device:1 known 11118"]);
    assert_eq!(house.engine.standing_of(DeviceId(1)).presence, Presence::Present);
}

#[test]
fn who_passes_by_once_is_nobody() {
    let mut house = house();
    house.window(0, Some(5)).window(1, None).window(2, None).wait(PERIOD * 3);
    assert_eq!(house.told(), ["device:1 discovered 5"]);
}
