//! Stories of the host interface, octet by octet.

use super::*;
use crate::bluetooth::advertisement::{Advertisement, Kind};

fn event(packet: &[u8]) -> Event<'_> {
    match super::event(packet) {
        Ok(Hci::Event(it)) => it,
        other => panic!("{other:?}"),
    }
}

fn command(packet: &[u8]) -> Command<'_> {
    match super::command(packet) {
        Ok(Hci::Command(it)) => it,
        other => panic!("{other:?}"),
    }
}

/// An event with a code and these parameters.
fn packet(code: u8, parameters: &[u8]) -> Vec<u8> {
    [&[code, u8::try_from(parameters.len()).unwrap()], parameters].concat()
}

/// Address, type, signal, kind and data in brief.
fn brief(it: &Advertisement<'_>) -> String {
    let address =
        it.address.map_or_else(String::new, |it| format!("{} {}", it.mac, it.kind.word()));
    let kind = match it.kind {
        Kind::LowEnergy(event) => event.word(),
        Kind::Inquiry => "inquiry",
        Kind::Unknown => "unknown",
    };
    format!("{address} {:?} {kind} {:?}", it.rssi, it.data)
}

const A: [u8; 6] = [6, 5, 4, 3, 2, 0x41];
const B: [u8; 6] = [6, 5, 4, 3, 2, 0xc1];

#[test]
fn reports_of_both_generations() {
    let mut two = vec![0x02, 2, 0x00, 1];
    two.extend(A);
    two.extend([3, 2, 1, 6, 0xc4, 0x04, 0]);
    two.extend(B);
    two.extend([0, 127]);
    let whole = packet(0x3e, &two);
    let all: Vec<_> = event(&whole).advertisements().map(|it| brief(&it)).collect();
    let want = [
        "41:02:03:04:05:06 rpa Some(-60) adv_ind [2, 1, 6]",
        "c1:02:03:04:05:06 public None scan_rsp []",
    ];
    assert_eq!(all, want);
    let scan_response = event(&whole).advertisements().nth(1).unwrap().kind.event().unwrap();
    assert_eq!(scan_response.is_connectable(), None);

    let mut extended = vec![0x0d, 1, 0b0000_0101, 0, 1];
    extended.extend(B);
    extended.extend([1, 0, 0xff, 0x7f, 0xb0, 0, 0, 0xfe]);
    extended.extend(A);
    extended.extend([1, 0xaa]);
    let whole = packet(0x3e, &extended);
    let it = event(&whole).advertisements().next().unwrap();
    assert_eq!(brief(&it), "c1:02:03:04:05:06 random_static Some(-80) adv_ext_ind [170]");
    assert_eq!(it.tx_power, None);
    assert!(!it.kind.event().unwrap().is_partial());
    let mut piece = whole.clone();
    piece[4] |= 0b10_0000;
    assert!(event(&piece).advertisements().all(|it| it.kind.event().unwrap().is_partial()));
    assert_eq!(it.target.unwrap().kind.word(), "rpa");
    // Nobody's address.
    let mut anonymous = whole.clone();
    anonymous[6] = 0xff;
    assert_eq!(event(&anonymous).advertisements().next().unwrap().address, None);

    let mut directed = vec![0x0b, 1, 1, 1];
    directed.extend(A);
    directed.push(1);
    directed.extend(B);
    directed.push(0xa6);
    let whole = packet(0x3e, &directed);
    let it = event(&whole).advertisements().next().unwrap();
    assert_eq!(brief(&it), "41:02:03:04:05:06 rpa Some(-90) adv_direct_ind []");

    for length in 3..two.len() {
        assert!(super::event(&packet(0x3e, &two[..length])).is_err(), "{length}");
    }
    assert!(super::event(&packet(0x3e, &[])).is_err());
}

#[test]
fn answers_to_an_inquiry() {
    let class = [0x0c, 0x02, 0x5a];
    let plain = [&[1][..], &A, &[1, 0, 0], &class, &[0, 0]].concat();
    let signal = [&[1][..], &A, &[1, 0], &class, &[0, 0, 0xba]].concat();
    let mut extended = signal.clone();
    extended.extend([5, 9, b'A', b'n', b'n', b'a']);
    extended.resize(255, 0);
    for (code, parameters, want) in [
        (0x02, &plain, "41:02:03:04:05:06 classic None inquiry"),
        (0x22, &signal, "41:02:03:04:05:06 classic Some(-70) inquiry"),
        (0x2f, &extended, "41:02:03:04:05:06 classic Some(-70) inquiry"),
    ] {
        let whole = packet(code, parameters);
        let it = event(&whole).advertisements().next().unwrap();
        assert!(brief(&it).starts_with(want), "{}", brief(&it));
        assert_eq!(it.class, Some(0x005a_020c));
        let name = (code == 0x2f).then_some(&b"Anna"[..]);
        assert_eq!(it.name(), name);
        assert!(super::event(&packet(code, &parameters[..13])).is_err());
    }
}

#[test]
fn what_happens_to_connections() {
    let device = |packet: &[u8]| match event(packet).body {
        EventBody::Device { address, name, handle, status } => {
            format!("{} {} {name:?} {handle:?} {status:?}", address.mac, address.kind.word())
        }
        EventBody::Connection { handle, status, reason } => format!("{handle} {status} {reason:?}"),
        EventBody::Answer { opcode, status, address } => {
            format!("{opcode:#06x} {status:?} {:?}", address.map(|it| it.mac.to_string()))
        }
        EventBody::Other { status } => format!("other {status:?}"),
        EventBody::Reports(_) => "reports".to_owned(),
    };
    let name = [&[0][..], &A, b"Anna\0\0"].concat();
    let silent = [&[4][..], &A, &[0; 6]].concat();
    let connected = [&[0, 0x0b, 0][..], &A, &[1, 0]].concat();
    let connected_le = [&[0x01, 0, 0x40, 0, 1, 1][..], &B, &[0; 7]].concat();
    let key = [&A[..], &[0x99; 17]].concat();
    for (code, parameters, word, want) in [
        (
            0x07,
            &name[..],
            "remote_name",
            "41:02:03:04:05:06 classic Some([65, 110, 110, 97, 0, 0]) None Some(0)",
        ),
        (0x07, &silent, "remote_name", "41:02:03:04:05:06 classic None None Some(4)"),
        (
            0x03,
            &connected,
            "connection_complete",
            "41:02:03:04:05:06 classic None Some(11) Some(0)",
        ),
        (
            0x3e,
            &connected_le,
            "le_connection_complete",
            "c1:02:03:04:05:06 random_static None Some(64) Some(0)",
        ),
        (0x05, &[0, 0x0b, 0, 0x13], "disconnection_complete", "11 0 Some(19)"),
        (0x0e, &[1, 0x03, 0x0c, 0], "command_complete", "0x0c03 Some(0) None"),
        (0x0e, &[1, 0, 0], "command_complete", "0x0000 None None"),
        (
            0x0e,
            &[1, 0x09, 0x10, 0, 6, 5, 4, 3, 2, 1],
            "command_complete",
            "0x1009 Some(0) Some(\"01:02:03:04:05:06\")",
        ),
        (0x0f, &[0x0c, 1, 0x19, 0x04], "command_status", "0x0419 Some(12) None"),
        (0x01, &[0], "inquiry_complete", "other Some(0)"),
        // Of a key only whose it is.
        (0x18, &key, "link_key_notification", "41:02:03:04:05:06 classic None None None"),
        (0x13, &[1, 0, 0, 1, 0], "completed_packets", "other None"),
    ] {
        let whole = packet(code, parameters);
        assert_eq!(event(&whole).word(), Some(word));
        assert_eq!(device(&whole), want, "{word}");
        let cut = packet(code, &parameters[..1]);
        assert_eq!(super::event(&cut).is_ok(), matches!(code, 0x01 | 0x13), "{word}");
    }
    assert_eq!(event(&packet(0xee, &[1])).word(), None);
}

#[test]
fn commands_tell_whom_they_are_about() {
    let of = |opcode: u16, parameters: &[u8]| {
        let length = [u8::try_from(parameters.len()).unwrap()];
        [&opcode.to_le_bytes()[..], &length, parameters].concat()
    };
    let ask = of(0x0419, &[&A[..], &[1, 0, 0, 0]].concat());
    assert_eq!(command(&ask).word(), Some("remote_name_request"));
    assert_eq!(command(&ask).address().unwrap().mac.to_string(), "41:02:03:04:05:06");
    let own = of(0x2005, &B);
    assert_eq!(command(&own).address().unwrap().kind.word(), "random_static");
    let connect = of(0x200d, &[&[0x60, 0, 0x30, 0, 0, 1][..], &A, &[0; 13]].concat());
    assert_eq!(command(&connect).address().unwrap().kind.word(), "rpa");
    assert_eq!(command(&of(0x0406, &[0x0b, 0, 0x13])).handle(), Some(11));
    assert_eq!(
        command(&of(0x2042, &[1, 2, 0, 0, 0, 0])).scan(),
        Some(Scan::On { each_once: true })
    );
    assert_eq!(command(&of(0x200c, &[0, 0])).scan(), Some(Scan::Off));
    assert_eq!(command(&of(0x200c, &[1])).scan(), None);
    let response = of(0x0c52, &[&[0][..], &[2, 10, 4]].concat());
    assert_eq!(command(&response).data(), Some(&[2, 10, 4][..]));
    assert_eq!(command(&of(0x2008, &[3, 2, 1, 6, 0, 0])).data(), Some(&[2, 1, 6][..]));
    assert_eq!(command(&of(0x2037, &[0, 3, 1, 3, 2, 1, 6])).data(), Some(&[2, 1, 6][..]));
    assert_eq!(command(&of(0x2037, &[0, 3, 1, 4, 2, 1, 6])).data(), None);
    assert_eq!(command(&of(0x0c13, b"hub\0")).name(), Some(&b"hub\0"[..]));
    assert!(super::command(&[0, 0, 1]).is_err() && super::command(&[0]).is_err());
}

#[test]
fn types_of_packets() {
    assert_eq!(parse(&[2, 0, 0, 0, 0]), Ok(None));
    assert_eq!(parse(&[5]), Ok(None));
    assert!(parse(&[]).is_err() && parse(&[9, 1]).is_err());
    assert!(matches!(parse(&[4, 1, 1, 0]), Ok(Some(Hci::Event(_)))));
    assert!(matches!(parse(&[1, 3, 0x0c, 0]), Ok(Some(Hci::Command(_)))));
}
