//! What a host gets to hear, told as what is sent and asked at which millisecond.

use super::*;

mod simple_pairing;

mod peripheral;

const PHONE: &str = "00:1A:7D:00:00:01";
const TAG: &str = "C0:11:22:33:44:55";

struct Story {
    controller: Controller,
    at: Duration,
}

impl Story {
    fn of(requests: &[&str]) -> Self {
        let address = "02:00:00:00:00:01".parse().unwrap();
        let mut story = Self { controller: Controller::new(address, true), at: Duration::ZERO };
        for request in requests {
            story.ask(request);
        }
        story
    }

    fn ask(&mut self, line: &str) {
        self.controller.request(Request::parse(line).unwrap(), self.at).unwrap();
    }

    fn send(&mut self, opcode: u16, parameters: &[u8]) {
        let [low, high] = opcode.to_le_bytes();
        let length = u8::try_from(parameters.len()).unwrap();
        let packet = [&[hci::COMMAND, low, high, length], parameters].concat();
        self.controller.receive(&packet, self.at);
    }

    /// Sends a command, and has one answer to it.
    #[track_caller]
    fn is_answered_once(&mut self, opcode: u16, parameters: &[u8]) {
        self.send(opcode, parameters);
        let [low, high] = opcode.to_le_bytes();
        let packets = self.controller.take_packets();
        let answers = packets.iter().filter(|it| match it.as_slice() {
            [hci::EVENT, hci::COMMAND_COMPLETE, _, 1, a, b, ..]
            | [hci::EVENT, hci::COMMAND_STATUS, 4, _, 1, a, b] => [*a, *b] == [low, high],
            _ => false,
        });
        let length = parameters.len();
        assert_eq!(answers.count(), 1, "{opcode:04x}, {length} bytes: {packets:02x?}");
    }

    /// Lets time pass, as whoever wakes at each deadline does; the events of a kind told by then.
    fn events(&mut self, after_ms: u64, code: u8) -> Vec<Vec<u8>> {
        let end = self.at + Duration::from_millis(after_ms);
        while let Some(due) = self.controller.deadline().filter(|it| *it <= end) {
            self.at = due.max(self.at);
            self.controller.advance(self.at);
        }
        self.at = end;
        let packets = self.controller.take_packets();
        let bodies = packets.iter().filter(|it| it[0] == hci::EVENT && it[1] == code);
        bodies.map(|it| it[3..].to_vec()).collect()
    }

    fn page(&mut self) {
        let phone: Address = PHONE.parse().unwrap();
        self.send(0x0405, &[&phone.0[..], &[0x18, 0xcc, 1, 0, 0, 0, 1]].concat());
    }
}

#[test]
fn every_command_is_answered_once_whatever_its_parameters() {
    let mut story = Story::of(&[&format!("phone {PHONE}")]);
    for group in [1, 2, 3, 4, 5, 8, 0x3f] {
        for command in 0..0x80 {
            let opcode = group << 10 | command;
            for length in [0, 1, 2, 7, 64, 255] {
                story.is_answered_once(opcode, &vec![1; length]);
            }
        }
    }
}

#[test]
fn packets_that_are_none_are_passed_over() {
    let mut story = Story::of(&[&format!("phone {PHONE}")]);
    story.page();
    story.events(100, hci::CONNECTION_COMPLETE);
    let mut noise = Noise(7);
    for _ in 0..20_000 {
        let length = noise.bits() % 24;
        let mut packet: Vec<u8> = (0..length).map(|_| noise.bits().to_le_bytes()[0] % 8).collect();
        // Data on the link that stands, of frames that are short enough to end.
        for (at, fixed) in [(0, hci::DATA), (1, 1), (2, 0x20), (6, 0), (8, 0)] {
            packet.get_mut(at).into_iter().for_each(|it| *it = fixed);
        }
        story.controller.receive(&packet, story.at);
    }
    assert!(story.controller.take_packets().len() > 1000);
}

#[test]
fn a_filter_reports_a_device_once_per_scan_unless_the_controller_keeps_none() {
    let reports = |story: &mut Story| {
        story.send(0x200c, &[1, 1]);
        let found = story.events(2000, hci::LOW_ENERGY);
        story.send(0x200c, &[0, 0]);
        assert!(story.events(1000, hci::LOW_ENERGY).is_empty(), "it does not listen");
        found
    };
    let mut story = Story::of(&[&format!("advertiser {TAG} rssi=-47 interval=100 data=020106")]);
    for _ in 0..2 {
        let report = [2, 1, 3, 1, 0x55, 0x44, 0x33, 0x22, 0x11, 0xc0, 3, 2, 1, 6, 0xd1];
        assert_eq!(reports(&mut story), [report]);
    }
    story.ask("duplicates reported");
    let count = reports(&mut story).len();
    assert!((18..=20).contains(&count), "{count}");
    story.ask("hang");
    assert!(reports(&mut story).is_empty());
    story.ask("resume");
    story.ask(&format!("remove {TAG}"));
    assert!(reports(&mut story).is_empty());
}

#[test]
fn an_active_scan_is_answered_and_a_passive_one_is_not() {
    let tag = format!("advertiser {TAG} connectable=yes response=020a04");
    for (is_active, kinds) in [(0, vec![0]), (1, vec![0, 4])] {
        let mut story = Story::of(&[&tag]);
        story.send(0x200b, &[is_active, 0x10, 0, 0x10, 0, 0, 0]);
        story.send(0x200c, &[1, 1]);
        let found = story.events(300, hci::LOW_ENERGY);
        assert_eq!(found.iter().map(|it| it[2]).collect::<Vec<_>>(), kinds);
    }
}

#[test]
fn long_advertisements_are_heard_by_extended_scans_only() {
    let data = "ff".repeat(100);
    let mut story = Story::of(&[&format!("advertiser {TAG} data={data}")]);
    story.send(0x200c, &[1, 0]);
    assert!(story.events(1000, hci::LOW_ENERGY).is_empty());
    story.send(0x200c, &[0, 0]);
    story.send(0x2042, &[1, 1, 0, 0, 0, 0]);
    let found = story.events(1000, hci::LOW_ENERGY);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][..5], [0x0d, 1, 0, 0, 1]);
    assert_eq!(found[0].len(), 26 + 100);

    // What fits is still of the old kind, and says so.
    story.ask(&format!("advertiser {TAG} connectable=yes name=Tag"));
    story.send(0x2042, &[1, 1, 0, 0, 0, 0]);
    assert_eq!(story.events(1000, hci::LOW_ENERGY)[0][2], 0x13);
}

#[test]
fn a_page_is_answered_or_times_out() {
    let mut story = Story::of(&[&format!("phone {PHONE} reachable=no answers_after=60")]);
    let outcome = |story: &mut Story, after| {
        let told = story.events(after, hci::CONNECTION_COMPLETE);
        told.first().map(|it| it[0])
    };
    story.page();
    assert_eq!(outcome(&mut story, 5119), None);
    assert_eq!(outcome(&mut story, 1), Some(hci::PAGE_TIMEOUT));
    // The host's own time-out, in slots.
    story.send(0x0c18, &1600_u16.to_le_bytes());
    story.page();
    assert_eq!(outcome(&mut story, 999), None);
    assert_eq!(outcome(&mut story, 1), Some(hci::PAGE_TIMEOUT));
    story.ask("page-timeout 300");
    story.page();
    assert_eq!(outcome(&mut story, 300), Some(hci::PAGE_TIMEOUT));

    story.ask(&format!("phone {PHONE} reachable=yes"));
    story.page();
    story.page();
    let told = story.events(59, hci::COMMAND_STATUS);
    assert_eq!([told[0][0], told[1][0]], [hci::SUCCESS, hci::COMMAND_DISALLOWED]);
    assert_eq!(outcome(&mut story, 1), Some(hci::SUCCESS));
    story.page();
    assert_eq!(story.events(0, hci::COMMAND_STATUS)[0][0], hci::CONNECTION_EXISTS);

    story.ask(&format!("phone {PHONE} reachable=no"));
    let ended = story.events(0, hci::DISCONNECTION_COMPLETE);
    assert_eq!(ended, [[hci::SUCCESS, 1, 0, hci::CONNECTION_TIMEOUT]]);
}

#[test]
fn a_controller_that_hung_has_lost_its_links() {
    let mut story = Story::of(&[&format!("phone {PHONE}")]);
    story.page();
    story.events(100, hci::CONNECTION_COMPLETE);
    story.ask("resume");
    assert!(story.events(0, hci::DISCONNECTION_COMPLETE).is_empty(), "it did not hang");
    story.ask("hang");
    story.send(0x0406, &[1, 0, 0x13]);
    assert!(story.events(3000, hci::DISCONNECTION_COMPLETE).is_empty());
    story.ask("resume");
    let ended = story.events(0, hci::DISCONNECTION_COMPLETE);
    assert_eq!(ended, [[hci::SUCCESS, 1, 0, hci::CONNECTION_TIMEOUT]]);
}

#[test]
fn names_and_inquiries_are_answered() {
    let mut story = Story::of(&[&format!("phone {PHONE} rssi=-55 name=Anna's phone")]);
    let phone: Address = PHONE.parse().unwrap();
    story.send(0x0419, &[&phone.0[..], &[1, 0, 0, 0]].concat());
    let named = story.events(100, hci::REMOTE_NAME);
    assert_eq!(named[0][0], hci::SUCCESS);
    assert!(named[0][7..].starts_with(b"Anna's phone\0"));

    story.send(0x0401, &[0x33, 0x8b, 0x9e, 4, 0]);
    let found = story.events(2560, hci::EXTENDED_INQUIRY_RESULT);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].len(), found[0][14]), (255, 0xc9));
    assert!(story.events(2559, hci::INQUIRY_COMPLETE).is_empty());
    assert_eq!(story.events(1, hci::INQUIRY_COMPLETE), [[hci::SUCCESS]]);

    // A reset ends what was begun.
    story.send(0x0401, &[0x33, 0x8b, 0x9e, 4, 0]);
    story.send(0x0c03, &[]);
    assert!(story.events(6000, hci::INQUIRY_COMPLETE).is_empty());
}
