//! Pairing on BR/EDR, as a host meets it: who asks whom for what, and what comes of it.

use super::*;

/// A phone that is on its way to pair, with the link that the host gave it.
fn knocked(pairs: &str, act: &str) -> Story {
    let mut story = Story::of(&[&format!("phone {PHONE} pairs={pairs}")]);
    story.send(0x0c1a, &[2]);
    knock(&mut story, act);
    story
}

fn knock(story: &mut Story, act: &str) {
    story.ask(&format!("phone {PHONE} {act}"));
    let asked = story.events(0, hci::CONNECTION_REQUEST);
    assert_eq!(asked, [[&phone()[..], &[0x0c, 0x02, 0x5a, 1]].concat()]);
    story.send(0x0409, &[&phone()[..], &[1]].concat());
    assert_eq!(codes(&told(story)), [hci::CONNECTION_COMPLETE]);
    story.send(0x041c, &[1, 0, 1]);
}

fn phone() -> [u8; 6] {
    PHONE.parse::<Address>().unwrap().0
}

/// The event's code and body, without the answers to commands.
fn told(story: &mut Story) -> Vec<(u8, Vec<u8>)> {
    let packets = story.controller.take_packets();
    let events = packets.into_iter().filter(|it| it[0] == hci::EVENT);
    let events = events.map(|it| (it[1], it[3..].to_vec()));
    events
        .filter(|it| {
            !matches!(
                it.0,
                hci::COMMAND_COMPLETE | hci::COMMAND_STATUS | hci::REMOTE_EXTENDED_FEATURES
            )
        })
        .collect()
}

fn codes(told: &[(u8, Vec<u8>)]) -> Vec<u8> {
    told.iter().map(|it| it.0).collect()
}

fn reply(story: &mut Story, opcode: u16, rest: &[u8]) -> Vec<(u8, Vec<u8>)> {
    story.send(opcode, &[&phone()[..], rest].concat());
    told(story)
}

fn screen(story: &mut Story) -> String {
    let state = story.controller.request(Request::State, story.at).unwrap();
    let (_, screens) = state.split_once(" screens=").unwrap();
    screens.split_once(' ').unwrap().0.replace(&format!("{PHONE}/"), "")
}

#[test]
fn a_phone_pairs_and_shows_its_key_ever_after() {
    let mut story = knocked("just-works", "pair");
    let begun = told(&mut story);
    assert_eq!(codes(&begun), [hci::CAPABILITY_RESPONSE, hci::CAPABILITY_REQUEST]);
    assert_eq!(begun[0].1[6..], [3, 0, 4]);
    assert_eq!(codes(&reply(&mut story, 0x042b, &[1, 0, 4])), [hci::CONFIRMATION_REQUEST]);
    assert_eq!(screen(&mut story), "none");
    let paired = reply(&mut story, 0x042c, &[]);
    let wanted = [hci::SIMPLE_PAIRING_COMPLETE, hci::KEY_NOTIFICATION, hci::ENCRYPTION_CHANGE];
    assert_eq!(codes(&paired), wanted);
    let (key, kind) = paired[1].1[6..].split_at(16);
    assert_eq!((kind, paired[2].1.as_slice()), (&[4][..], &[0, 1, 0, 1][..]));
    assert_eq!(screen(&mut story), "paired");

    // Whatever becomes of the adapter.
    story.controller.reset();
    story.send(0x0c1a, &[2]);
    knock(&mut story, "connect");
    assert_eq!(codes(&told(&mut story)), [hci::KEY_REQUEST]);
    assert_eq!(reply(&mut story, 0x040b, key), [(hci::ENCRYPTION_CHANGE, vec![0, 1, 0, 1])]);

    // A host that has another key, or none, is not whom it paired with.
    for (opcode, rest, shown) in [(0x040b, &[9; 16][..], "failed-05"), (0x040c, &[], "failed-06")] {
        story.ask(&format!("phone {PHONE} disconnect"));
        assert_eq!(told(&mut story), [(hci::DISCONNECTION_COMPLETE, vec![0, 1, 0, 0x13])]);
        knock(&mut story, "connect");
        told(&mut story);
        let ended = reply(&mut story, opcode, rest);
        assert_eq!(ended, [(hci::DISCONNECTION_COMPLETE, vec![0, 1, 0, 5])]);
        assert_eq!(screen(&mut story), shown);
        knock(&mut story, "connect");
        told(&mut story);
    }
    story.ask(&format!("phone {PHONE} forget"));
    assert_eq!(screen(&mut story), "none");
}

#[test]
fn a_phone_keeps_the_link_that_it_opens() {
    let mut story = knocked("just-works", "connect");
    let asks_for_directory = |packets: &[Vec<u8>]| {
        let wanted = [hci::DATA, 1, 0x20, 12, 0, 8, 0, 1, 0, 2, 1, 4, 0, 1, 0, 0x40, 0];
        packets.iter().filter(|it| **it == wanted).count()
    };
    assert_eq!(asks_for_directory(&story.controller.take_packets()), 1);
    story.ask(&format!("phone {PHONE} disconnect"));
    story.ask(&format!("phone {PHONE} connect"));
    story.send(0x0409, &[&phone()[..], &[1]].concat());
    story.events(1999, hci::CONNECTION_COMPLETE);
    assert_eq!(story.controller.deadline(), Some(story.at + Duration::from_millis(1)));
    story.controller.advance(story.at + Duration::from_millis(1));
    assert_eq!(
        asks_for_directory(&story.controller.take_packets()),
        1,
        "asked nothing, it goes on"
    );
}

#[test]
fn a_number_is_compared_where_both_can_and_one_wants() {
    // What the host shows and wants; whether there is a number, and what the key proves.
    for (pairs, host, is_compared) in [
        ("numeric-comparison", [1, 0, 4], true),
        ("numeric-comparison", [3, 0, 5], false),
        ("numeric-comparison", [0, 0, 5], false),
        ("just-works", [1, 0, 5], false),
    ] {
        let mut story = knocked(pairs, "pair");
        told(&mut story);
        let asked = reply(&mut story, 0x042b, &host);
        let number = u32::from_le_bytes(asked[0].1[6..].try_into().unwrap());
        let shown = if is_compared { format!("{number:06}") } else { "none".to_owned() };
        assert_eq!(screen(&mut story), shown, "{pairs} {host:?}");
        let paired = reply(&mut story, 0x042c, &[]);
        assert_eq!(paired[1].1[22], 4 + u8::from(is_compared), "{pairs} {host:?}");
    }
    let mut story = knocked("numeric-comparison", "pair");
    told(&mut story);
    let refused = reply(&mut story, 0x042b, &[2, 0, 5]);
    assert_eq!(codes(&refused), [hci::SIMPLE_PAIRING_COMPLETE, hci::DISCONNECTION_COMPLETE]);
}

#[test]
fn a_host_refuses_at_every_door() {
    for (replies, shown) in [
        (&[(0x0434, &[0x18][..])][..], "failed-18"),
        (&[(0x042b, &[1, 0, 4][..]), (0x042d, &[])][..], "failed-05"),
    ] {
        let mut story = knocked("just-works", "pair");
        told(&mut story);
        let mut last = Vec::new();
        for (opcode, rest) in replies {
            last = reply(&mut story, *opcode, rest);
        }
        assert_eq!(codes(&last), [hci::SIMPLE_PAIRING_COMPLETE, hci::DISCONNECTION_COMPLETE]);
        assert_eq!(screen(&mut story), shown);
    }
    let mut story = Story::of(&[&format!("phone {PHONE}")]);
    let pair = Request::parse(&format!("phone {PHONE} pair")).unwrap();
    let refused = story.controller.request(pair, story.at).unwrap_err().to_string();
    assert_eq!(refused, "the adapter does not answer it");

    story.send(0x0c1a, &[2]);
    story.ask(&format!("phone {PHONE} pair"));
    told(&mut story);
    assert_eq!(reply(&mut story, 0x040a, &[0x0f])[0].1[0], 0x0f);
    assert_eq!(screen(&mut story), "failed-0f");
    // One that says nothing lets it wait, up to a time.
    story.ask(&format!("phone {PHONE} pair"));
    assert_eq!(story.events(5059, hci::CONNECTION_COMPLETE).len(), 0);
    assert_eq!(story.events(1, hci::CONNECTION_COMPLETE)[0][0], hci::ACCEPT_TIMEOUT);
}

#[test]
fn a_host_pairs_with_a_phone_unless_that_declines() {
    let mut story = Story::of(&[&format!("phone {PHONE} pairs=numeric-comparison")]);
    story.page();
    story.events(60, hci::CONNECTION_COMPLETE);
    let authenticate = |story: &mut Story| {
        story.send(0x0411, &[1, 0]);
        assert_eq!(codes(&told(story)), [hci::KEY_REQUEST]);
    };
    authenticate(&mut story);
    // Nothing is shown before it is asked for, nor twice.
    assert!(reply(&mut story, 0x042c, &[]).is_empty());
    assert_eq!(codes(&reply(&mut story, 0x040c, &[])), [hci::CAPABILITY_REQUEST]);
    let asked = reply(&mut story, 0x042b, &[1, 0, 5]);
    assert_eq!(codes(&asked), [hci::CAPABILITY_RESPONSE, hci::CONFIRMATION_REQUEST]);
    let paired = reply(&mut story, 0x042c, &[]);
    let wanted =
        [hci::SIMPLE_PAIRING_COMPLETE, hci::KEY_NOTIFICATION, hci::AUTHENTICATION_COMPLETE];
    assert_eq!(codes(&paired), wanted);
    story.send(0x0413, &[1, 0, 1]);
    assert_eq!(told(&mut story), [(hci::ENCRYPTION_CHANGE, vec![0, 1, 0, 1])]);

    story.ask(&format!("phone {PHONE} forget"));
    story.ask(&format!("phone {PHONE} pairs=no"));
    authenticate(&mut story);
    assert_eq!(codes(&reply(&mut story, 0x040c, &[])), [hci::CAPABILITY_REQUEST]);
    let refused = reply(&mut story, 0x042b, &[1, 0, 5]);
    assert_eq!(codes(&refused), [hci::SIMPLE_PAIRING_COMPLETE, hci::AUTHENTICATION_COMPLETE]);
    assert_eq!(refused[1].1, [0x18, 1, 0]);

    // Who walks away in the middle has not paired.
    authenticate(&mut story);
    story.ask(&format!("phone {PHONE} reachable=no"));
    assert_eq!(told(&mut story), [(hci::DISCONNECTION_COMPLETE, vec![0, 1, 0, 8])]);
    assert_eq!(screen(&mut story), "failed-08");
}
