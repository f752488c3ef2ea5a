//! Neighbours that connect to the adapter on low energy, as a host meets them.

use super::*;

/// A private neighbour, and a host that advertises that one can connect.
fn advertised() -> Story {
    let key = "07".repeat(16);
    let mut story = Story::of(&[&format!("advertiser {TAG} irk={key}")]);
    story.send(0x2006, &[0, 8, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
    story.send(0x200a, &[1]);
    story.controller.take_packets();
    story
}

fn refused(story: &mut Story, line: &str) -> String {
    let request = Request::parse(line).unwrap();
    story.controller.request(request, story.at).unwrap_err().to_string()
}

fn value(story: &mut Story, key: &str) -> String {
    let state = story.controller.request(Request::State, story.at).unwrap();
    let (_, value) = state.split_once(&format!(" {key}=")).unwrap();
    value.split_once(' ').unwrap().0.to_owned()
}

/// The frames that the phone's Security Manager sent.
fn said(story: &mut Story) -> Vec<Vec<u8>> {
    let packets = story.controller.take_packets();
    let frames = packets.iter().filter(|it| it[0] == hci::DATA && it[7..9] == [6, 0]);
    frames.map(|it| it[9..].to_vec()).collect()
}

fn frame(story: &mut Story, body: &[u8]) {
    let length = u8::try_from(body.len()).unwrap();
    let head = [hci::DATA, 1, 0x20, length + 4, 0, length, 0, 6, 0];
    let packet = [&head[..], body].concat();
    story.controller.receive(&packet, story.at);
}

#[test]
fn one_connects_where_that_is_offered() {
    let mut story = advertised();
    story.send(0x200a, &[0]);
    assert_eq!(
        refused(&mut story, &format!("advertiser {TAG} pair")),
        "the adapter does not answer it"
    );
    // Not connectable.
    story.send(0x2006, &[0, 8, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
    story.send(0x200a, &[1]);
    assert_eq!(value(&mut story, "advertising"), "on");
    refused(&mut story, &format!("advertiser {TAG} connect"));

    let mut story = advertised();
    story.ask(&format!("advertiser {TAG} connect"));
    let told = story.events(0, hci::LOW_ENERGY);
    assert_eq!((&told[0][..6], told[0].len()), (&[1, 0, 1, 0, 1, 1][..], 19));
    assert_eq!(value(&mut story, "advertising"), "off");
    assert_eq!(value(&mut story, "links"), TAG);
    story.send(0x2016, &[1, 0]);
    assert_eq!(story.events(0, hci::LOW_ENERGY), [[4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
    story.send(0x2013, &[1, 0, 6, 0, 12, 0, 0, 0, 42, 0, 0, 0, 0, 0]);
    assert_eq!(story.events(0, hci::LOW_ENERGY), [[3, 0, 1, 0, 12, 0, 0, 0, 42, 0]]);
    // A link of low energy is none of BR/EDR.
    story.send(0x0411, &[1, 0]);
    assert_eq!(story.events(0, hci::COMMAND_STATUS)[0][0], hci::UNKNOWN_CONNECTION);
    story.ask(&format!("advertiser {TAG} reachable=no"));
    assert_eq!(story.events(0, hci::DISCONNECTION_COMPLETE), [[0, 1, 0, 8]]);
}

#[test]
fn a_set_of_bluetooth_5_says_what_ended_it() {
    let mut story = Story::of(&[&format!("advertiser {TAG}")]);
    story.send(0x2036, &[&[2, 0x13, 0][..], &[0; 22]].concat());
    story.send(0x2039, &[1, 1, 2, 0, 0, 0]);
    assert_eq!(value(&mut story, "advertising"), "connectable");
    story.ask(&format!("advertiser {TAG} connect"));
    assert_eq!(story.events(0, hci::LOW_ENERGY)[1], [0x12, 0, 2, 1, 0, 0]);
}

#[test]
fn a_key_that_is_not_the_phones_ends_its_link() {
    let mut story = advertised();
    story.ask(&format!("advertiser {TAG} pair"));
    let request = said(&mut story).remove(0);
    assert_eq!(request[0], 1);
    assert_eq!(
        refused(&mut story, &format!("advertiser {TAG} pair")),
        "something of that kind is under way"
    );
    // Nobody asked for one yet.
    story.send(0x201a, &[&[1, 0][..], &[0; 16]].concat());
    let answer = story.events(0, hci::COMMAND_COMPLETE);
    assert_eq!(answer, [[1, 0x1a, 0x20, hci::COMMAND_DISALLOWED, 1, 0]]);

    // The adapter and its neighbour, as one that confirms knows them.
    let on_air = value(&mut story, "private").split_once('/').unwrap().1.parse().unwrap();
    let adapter = "02:00:00:00:00:01".parse().unwrap();
    let response = [2, 3, 0, 1, 16, 0, 0];
    let models = (request.try_into().unwrap(), response);
    let ends = ((on_air, true), (adapter, false));
    let proof = crate::cipher::confirmation(&[0; 16], &[5; 16], models, ends);
    frame(&mut story, &response);
    frame(&mut story, &[&[3][..], &proof].concat());
    frame(&mut story, &[&[4][..], &[5; 16]].concat());
    assert_eq!(story.events(0, hci::LOW_ENERGY), [[5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
    story.send(0x201a, &[&[1, 0][..], &[0; 16]].concat());
    assert_eq!(story.events(0, hci::DISCONNECTION_COMPLETE), [[0, 1, 0, 5]]);
    assert_eq!(value(&mut story, "screens"), format!("{TAG}/failed-3d"));
}

#[test]
fn a_host_that_talks_nonsense_is_answered_or_hung_up_on() {
    let mut story = advertised();
    let mut noise = Noise(11);
    for _ in 0..5_000 {
        story.send(0x200a, &[1]);
        story.ask(&format!("advertiser {TAG} pair"));
        assert_eq!(said(&mut story).len(), 1, "it begins");
        for _ in 0..4 {
            let length = usize::try_from(noise.bits() % 18).unwrap();
            // Of the kinds that there are, and a few that there are not.
            let mut body = noise.word().to_vec();
            body.insert(0, noise.bits().to_le_bytes()[0] % 14);
            body.truncate(length);
            frame(&mut story, &body);
            story.send(0x201a, &noise.word());
        }
        if value(&mut story, "links") != "none" {
            story.ask(&format!("advertiser {TAG} disconnect"));
        }
        assert!(value(&mut story, "screens").starts_with(&format!("{TAG}/failed")));
        story.controller.take_packets();
    }
}

#[test]
fn every_command_is_answered_once_on_a_link_of_low_energy() {
    let mut story = advertised();
    story.ask(&format!("advertiser {TAG} connect"));
    story.controller.take_packets();
    for opcode in (0x0400..0x0480).chain(0x2000..0x2080).filter(|it| *it != 0x0406) {
        for length in [2, 14, 18, 64] {
            story.is_answered_once(opcode, &[&[1, 0][..], &vec![0; length - 2]].concat());
        }
    }
    assert_eq!(value(&mut story, "links"), TAG);
}

#[test]
fn a_private_address_changes_and_resolves() {
    let mut story = advertised();
    let first = value(&mut story, "private");
    story.ask(&format!("advertiser {TAG} rotate"));
    let second = value(&mut story, "private");
    assert_ne!(first, second);
    for it in [first, second] {
        let address: Address = it.split_once('/').unwrap().1.parse().unwrap();
        let chance = address.0[3..].try_into().unwrap();
        assert_eq!(private_address(&[7; 16], chance), address, "as who has the key finds");
    }
    story.send(0x200c, &[1, 1]);
    let heard = story.events(300, hci::LOW_ENERGY);
    let on_air =
        value(&mut story, "private").split_once('/').unwrap().1.parse::<Address>().unwrap();
    assert_eq!((heard.len(), heard[0][3], &heard[0][4..10]), (1, 1, &on_air.0[..]));
    story.ask("advertiser 00:00:00:00:00:09");
    assert!(refused(&mut story, "advertiser 00:00:00:00:00:09 rotate").contains("irk"));
}

#[test]
fn one_that_is_restless_is_never_heard_twice_from_the_same_address() {
    let key = "07".repeat(16);
    let mut story = Story::of(&[&format!("advertiser {TAG} irk={key} restless=yes interval=100")]);
    story.send(0x200c, &[1, 0]);
    let heard = story.events(1_100, hci::LOW_ENERGY);
    let addresses: BTreeSet<&[u8]> = heard.iter().map(|it| &it[4..10]).collect();
    assert!((9..=11).contains(&heard.len()), "{}", heard.len());
    assert_eq!(addresses.len(), heard.len());
}
