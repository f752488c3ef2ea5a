//! Stories of recorded radio.

use muster_wire::bluetooth::decode;
use muster_wire::frame::LinkType;

use super::*;

/// A capture, packet by packet; the first at second 0.
#[derive(Default)]
struct Story {
    radio: Radio,
    packets: Vec<(i64, LinkType, Vec<u8>)>,
}

impl Story {
    fn hci(mut self, second: i64, packet: &[u8]) -> Self {
        self.packets.push((second, LinkType::HCI, packet.to_vec()));
        self
    }

    /// The host asks its controller, which does it.
    fn done(self, second: i64, opcode: u16, parameters: &[u8]) -> Self {
        let [low, high] = opcode.to_le_bytes();
        let length = u8::try_from(parameters.len()).unwrap();
        let asked = [&[1, low, high, length], parameters].concat();
        self.hci(second, &asked).hci(second, &[4, 0x0e, 4, 1, low, high, 0])
    }

    /// An advertisement with this data, from an address of this type.
    fn heard(self, second: i64, (kind, address): (u8, [u8; 6]), rssi: i8, data: &[u8]) -> Self {
        let length = u8::try_from(data.len()).unwrap();
        let [rssi] = rssi.to_le_bytes();
        let report = [&[0x02, 1, 0, kind][..], &address, &[length], data, &[rssi]].concat();
        let head = [4, 0x3e, u8::try_from(report.len()).unwrap()];
        self.hci(second, &[&head[..], &report].concat())
    }

    /// Facts in brief, coverage joined.
    fn told(mut self) -> Vec<String> {
        let mut recorded = self.radio.capture("attic", "friday");
        let mut facts = Vec::new();
        for (second, link, bytes) in &self.packets {
            let packet = decode(*link, bytes).unwrap().unwrap();
            facts.extend(recorded.packet(&packet, Time::from_secs(*second)));
        }
        facts.extend(recorded.end().unwrap());
        let mut lines: Vec<String> = Vec::new();
        let mut covered: Vec<(i64, i64)> = Vec::new();
        for it in facts {
            assert_eq!((&*it.listener.monitor, &*it.listener.channel), ("attic", "friday"));
            match it.body {
                FactBody::Coverage(span) => match covered.last_mut() {
                    Some((_, to)) if *to == span.from.secs() => *to = span.to.secs(),
                    _ => covered.push((span.from.secs(), span.to.secs())),
                },
                FactBody::Sighting(heard) => {
                    let rssi = heard.rssi.map_or_else(String::new, |it| format!(" {it}"));
                    lines.push(format!("{} {}{rssi}", heard.at.secs(), heard.identity));
                }
                FactBody::Detail(it) => lines.push(format!("{} is {}", it.identity, it.value)),
                FactBody::Probe(it) => {
                    lines.push(format!("{} {} {:?}", it.at.secs(), it.identity, it.outcome));
                }
                FactBody::Level(it) => lines.push(format!("{it:?}")),
            }
        }
        lines.extend(covered.iter().map(|(from, to)| format!("covered {from}..{to}")));
        lines
    }
}

const TAG: (u8, [u8; 6]) = (0, [6, 5, 4, 3, 2, 1]);
const PHONE: (u8, [u8; 6]) = (1, [6, 5, 4, 3, 2, 0x41]);
const SCAN: u16 = 0x200c;

#[test]
fn who_names_himself_is_sighted_and_who_hides_is_told_as_hidden() {
    let app = [&[20, 0xff, 0xff, 0xff][..], b"ATT-USER-1a2b3c4d"].concat();
    let keys = [5, 9, b'K', b'e', b'y', b's'];
    let story = Story::default()
        .heard(0, TAG, -60, &keys)
        .heard(1, PHONE, -50, &app)
        .heard(2, PHONE, -50, &[])
        .heard(2, (1, [7, 5, 4, 3, 2, 0x42]), -50, &keys);
    let want = [
        "ble:01:02:03:04:05:06 is Keys",
        "0 ble:01:02:03:04:05:06 -60",
        "1 private:41:02:03:04:05:06 -50",
        "1 tag:ATT-USER-1a2b3c4d -50",
        "2 private:41:02:03:04:05:06 -50",
        "private:42:02:03:04:05:07 is Keys",
        "2 private:42:02:03:04:05:07 -50",
        "covered 0..2",
    ];
    assert_eq!(story.told(), want);
}

#[test]
fn what_everybody_sent_last_is_told_with_those_whom_it_names() {
    let app = [&[20, 0xff, 0xff, 0xff][..], b"ATT-USER-1a2b3c4d"].concat();
    let mut story = Story::default()
        .heard(0, TAG, -60, &[2, 1, 4])
        .heard(1, PHONE, -50, &app)
        .heard(3, TAG, -64, &[2, 1, 6])
        .hci(
            4,
            &[&[4, 0x3e, 17, 2, 1, 4, 0][..], &TAG.1, &[5, 4, 9, b'K', b'e', b'y'], &[200]]
                .concat(),
        );
    let packets = std::mem::take(&mut story.packets);
    let mut recorded = story.radio.capture("attic", "friday");
    for (second, link, bytes) in &packets {
        recorded.packet(&decode(*link, bytes).unwrap().unwrap(), Time::from_secs(*second));
    }
    drop(recorded);
    let told = story.radio.broadcasts().into_iter().map(|it| {
        let who: Vec<String> = it.identities.iter().map(ToString::to_string).collect();
        let read = kept::read(&it.octets).unwrap();
        let kind = read.kind.event().map_or("", Event::word);
        let from = read.address.unwrap();
        format!(
            "{} {:?} {kind} {} {} {:?}",
            it.at.secs(),
            it.rssi,
            from.mac,
            who.join(" "),
            read.data
        )
    });
    let tag = "01:02:03:04:05:06 ble:01:02:03:04:05:06";
    let phone = "00:00:00:00:00:00 private:41:02:03:04:05:06 tag:ATT-USER-1a2b3c4d";
    let want = [
        format!("1 Some(-50) adv_ind {phone} {app:?}"),
        format!("3 Some(-64) adv_ind {tag} [2, 1, 6]"),
        format!("4 Some(-56) scan_rsp {tag} [4, 9, 75, 101, 121]"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), want);
}

#[test]
fn within_a_second_only_what_is_stronger_is_told_again() {
    let at = |story: Story, rssi| story.heard(5, TAG, rssi, &[]);
    let story = [-60, -70, -60, -55].into_iter().fold(Story::default(), at);
    let told = story.heard(6, TAG, -90, &[]).told();
    let sightings: Vec<&str> = told.iter().map(String::as_str).take(3).collect();
    let who = "ble:01:02:03:04:05:06";
    assert_eq!(sightings, [format!("5 {who} -60"), format!("5 {who} -55"), format!("6 {who} -90")]);
}

#[test]
fn only_listening_is_covered_where_the_capture_shows_it() {
    let covered = |story: Story| -> Vec<String> {
        story.told().into_iter().filter(|it| it.starts_with("covered")).collect()
    };
    let day = || Story::default().done(0, 0x0c03, &[]);
    let listened = day().done(10, SCAN, &[1, 0]).heard(50, TAG, -60, &[]).done(90, SCAN, &[0, 0]);
    assert_eq!(covered(listened.done(200, 0x1001, &[])), ["covered 10..90"]);
    // To the end, and anew after a reset; a refused command changes nothing.
    let open =
        day().done(10, SCAN, &[1, 0]).done(60, 0x0c03, &[]).done(70, 0x2042, &[1, 0, 0, 0, 0, 0]);
    let refused = open.hci(75, &[1, 0x0c, 0x20, 2, 0, 0]).hci(75, &[4, 0x0e, 4, 1, 0x0c, 0x20, 12]);
    assert_eq!(covered(refused.done(100, 0x1001, &[])), ["covered 10..60", "covered 70..100"]);
    // Where each device is reported once, silence tells nothing behind the first window.
    let once = day().done(10, SCAN, &[1, 1]).done(300, SCAN, &[0, 0]).done(310, SCAN, &[1, 1]);
    assert_eq!(covered(once.done(315, SCAN, &[0, 0])), ["covered 10..20", "covered 310..315"]);
    // Begun while it listened already.
    let late = Story::default().heard(5, TAG, -60, &[]).heard(40, TAG, -60, &[]);
    assert_eq!(covered(late.done(50, SCAN, &[0, 0]).done(90, 0x1001, &[])), ["covered 5..50"]);
    assert_eq!(covered(day().done(100, 0x1001, &[])), [""; 0]);
}

#[test]
fn questions_to_classic_devices_have_outcomes() {
    let a = [6, 5, 4, 3, 2, 1];
    let name = |status: u8| [&[4, 0x07, 12, status][..], &a, b"Anna\0"].concat();
    let connected = |status: u8| [&[4, 0x03, 11, status, 1, 0][..], &a, &[1, 0]].concat();
    let story = Story::default()
        .hci(1, &name(0))
        .hci(2, &name(4))
        .hci(3, &name(0x0b))
        .hci(4, &connected(4))
        .hci(5, &connected(0))
        .hci(6, &name(0x0c));
    let bt = "bt:01:02:03:04:05:06";
    let want = [
        format!("1 {bt} Answered"),
        format!("2 {bt} Silent"),
        format!("3 {bt} Answered"),
        format!("4 {bt} Silent"),
        format!("5 {bt} Answered"),
        format!("6 {bt} NoEvidence"),
    ];
    assert_eq!(story.told(), want);
}
