//! DHCP, DHCP for IPv6 and mDNS, written by libraries that share no code with our readers.

use dhcproto::{Encodable, Encoder, v4, v6};
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::*;

fn request(options: Vec<v4::DhcpOption>) -> v4::Message {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = v4::Message::new(none, none, none, none, &ANNA.0);
    message.set_opcode(v4::Opcode::BootRequest);
    for option in options {
        message.opts_mut().insert(option);
    }
    message
}

fn dhcp(message: &v4::Message) -> Vec<u8> {
    udp4(Ipv4Addr::UNSPECIFIED, (68, 67), &message.to_vec().unwrap())
}

#[test]
fn dhcp_requests() {
    use v4::DhcpOption as Option4;
    let full = |name: &str| {
        let flags = v4::fqdn::FqdnFlags::new(0).set_e(true);
        Option4::ClientFQDN(v4::fqdn::ClientFQDN::new(flags, Name::from_ascii(name).unwrap()))
    };
    let asked = Option4::RequestedIpAddress(ANNA_4);
    let is = Option4::MessageType;
    for (options, want, name, class) in [
        (vec![is(v4::MessageType::Discover)], "dhcp discover b8:27:eb:01:02:03 []", None, None),
        (
            vec![
                is(v4::MessageType::Request),
                asked,
                Option4::Hostname("annas-phone".into()),
                Option4::ClassIdentifier(b"android-dhcp-14".to_vec()),
                full("other.example.org."),
            ],
            "dhcp request b8:27:eb:01:02:03 [192.168.1.20]",
            Some("annas-phone"),
            Some("android-dhcp-14"),
        ),
        (
            vec![is(v4::MessageType::Inform), full("annas-laptop.example.org.")],
            "dhcp inform b8:27:eb:01:02:03 []",
            Some("annas-laptop"),
            None,
        ),
        (
            vec![is(v4::MessageType::Release), Option4::Hostname("\u{1b}[2J<b>\u{202e}".into())],
            "dhcp release b8:27:eb:01:02:03 []",
            Some("[2J<b>"),
            None,
        ),
    ] {
        let frame = good(&dhcp(&request(options)));
        assert_eq!(brief(&frame), want);
        assert_eq!((frame.name(), frame.vendor_class()), (name, class), "{want}");
        let LanBody::Dhcp(it) = &frame.body else { panic!("{}", frame.kind()) };
        assert!(it.from_client);
        assert_eq!((frame.heard(), frame.own_name()), (Some(ANNA), name));
        assert_eq!(frame.spoken_for(), None);
    }
}

#[test]
fn a_server_speaks_for_its_client() {
    let mut message = request(vec![
        v4::DhcpOption::MessageType(v4::MessageType::Ack),
        v4::DhcpOption::Hostname("given-name".into()),
    ]);
    message.set_opcode(v4::Opcode::BootReply).set_yiaddr(BORIS_4).set_chaddr(&BORIS.0);
    let frame = good(&udp4(ANNA_4, (67, 68), &message.to_vec().unwrap()));
    assert_eq!(brief(&frame), "dhcp ack 7c:2f:80:a1:b2:c3 [192.168.1.30]");
    assert_eq!((frame.heard(), frame.spoken_for()), (Some(ANNA), Some(BORIS)));
    assert_eq!((frame.name(), frame.own_name()), (Some("given-name"), None));
}

#[test]
fn dhcp_by_hand() {
    let bare = request(vec![]).to_vec().unwrap();
    let with = |options: &[u8]| [&bare[..236], &[99, 130, 83, 99], options].concat();
    let read = |bytes: &[u8]| ethernet(&udp4(Ipv4Addr::UNSPECIFIED, (68, 67), bytes));
    let op = |bytes: &[u8]| brief(&read(bytes).unwrap().unwrap());
    assert_eq!(op(&bare[..236]), "dhcp bootp b8:27:eb:01:02:03 []");
    assert_eq!(op(&with(&[0, 53, 1, 200])), "dhcp 200 b8:27:eb:01:02:03 []");
    // The end mark ends, and need not be there.
    assert_eq!(op(&with(&[53, 1, 1, 255, 53])), "dhcp discover b8:27:eb:01:02:03 []");
    // A name as text in option 81; options go on in the field of the boot file.
    let name = read(&with(b"\x51\x07\0\0\0host.x\xff")).unwrap_err();
    assert_eq!(name.to_string(), "malformed dhcp frame: it ends inside an option");
    let name = read(&with(b"\x51\x08\0\0\0host.\xff")).unwrap();
    assert_eq!(name.unwrap().name(), Some("host"));
    let mut overloaded = with(&[52, 1, 1]);
    overloaded[108..118].copy_from_slice(b"\x0c\x05house\xff\0\0");
    assert_eq!(read(&overloaded).unwrap().unwrap().name(), Some("house"));
    overloaded[109] = 200;
    let wrong = read(&overloaded).unwrap_err().to_string();
    assert_eq!(wrong, "malformed dhcp frame: an option ends outside its field");
    let wrong = read(&bare[..200]).unwrap_err().to_string();
    assert_eq!(wrong, "malformed dhcp frame: it ends inside its fixed fields");
}

#[test]
fn dhcp6() {
    let mut association = v6::DhcpOptions::new();
    association.insert(v6::DhcpOption::IAAddr(v6::IAAddr {
        addr: ANNA_6,
        preferred_life: 1,
        valid_life: 2,
        opts: v6::DhcpOptions::new(),
    }));
    let mut message = v6::Message::new(v6::MessageType::Request);
    let identifier = [&[0, 3, 0, 1][..], &BORIS.0].concat();
    message.opts_mut().insert(v6::DhcpOption::ClientId(identifier));
    message.opts_mut().insert(v6::DhcpOption::IANA(v6::IANA {
        id: 1,
        t1: 2,
        t2: 3,
        opts: association,
    }));
    let mut bytes = Vec::new();
    message.encode(&mut Encoder::new(&mut bytes)).unwrap();
    bytes.extend(b"\0\x27\0\x0c\x01\x05annas\x04home");
    bytes.extend(b"\0\x10\0\x0a\0\0\x01\x37\0\x04MSFT");
    let frame = good(&udp6(ANNA_6, (546, 547), &bytes));
    assert_eq!(brief(&frame), "dhcp6 request b8:27:eb:01:02:03 [fe80::12ab:cdef]");
    assert_eq!((frame.name(), frame.vendor_class()), (Some("annas"), Some("MSFT")));
    bytes[0] = 7;
    let reply = good(&udp6(ANNA_6, (547, 546), &bytes));
    assert_eq!(brief(&reply), "dhcp6 reply 7c:2f:80:a1:b2:c3 [fe80::12ab:cdef]");
    assert_eq!(reply.spoken_for(), Some(BORIS));
    bytes.pop();
    let wrong = ethernet(&udp6(ANNA_6, (546, 547), &bytes)).unwrap_err().to_string();
    assert_eq!(wrong, "malformed dhcp6 frame: it ends inside an option");
}

fn address(name: &str, ttl: u32, ip: impl Into<IpAddr>) -> Record {
    let data = match ip.into() {
        IpAddr::V4(it) => RData::A(it.into()),
        IpAddr::V6(it) => RData::AAAA(it.into()),
    };
    Record::from_rdata(Name::from_utf8(name).unwrap(), ttl, data)
}

fn response(answers: Vec<Record>) -> Message {
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.add_answers(answers);
    message
}

fn mdns(message: &Message) -> LanFrame {
    good(&udp4(ANNA_4, (5353, 5353), &message.to_vec().unwrap()))
}

/// Announced records and what they tell.
struct Case {
    what: &'static str,
    answers: Vec<Record>,
    brief: &'static str,
    name: Option<&'static str>,
    own: Option<&'static str>,
}

#[test]
fn mdns_names() {
    let six: Ipv6Addr = "fd00::20".parse().unwrap();
    for case in [
        Case {
            what: "its own name, with all its addresses",
            answers: vec![
                address("annas-phone.local.", 120, ANNA_4),
                address("Annas-Phone.local.", 120, six),
            ],
            brief: "mdns response b8:27:eb:01:02:03 [192.168.1.20 fd00::20]",
            name: Some("annas-phone"),
            own: Some("annas-phone"),
        },
        Case {
            what: "a sleeper's name before its own",
            answers: vec![
                address("macbook.local.", 120, BORIS_4),
                address("apple-tv.local.", 120, ANNA_4),
            ],
            brief: "mdns response b8:27:eb:01:02:03 [192.168.1.20]",
            name: Some("apple-tv"),
            own: Some("apple-tv"),
        },
        Case {
            what: "only a sleeper's name",
            answers: vec![address("macbook.local.", 120, BORIS_4)],
            brief: "mdns response b8:27:eb:01:02:03 [192.168.1.20]",
            name: Some("macbook"),
            own: None,
        },
        Case {
            what: "goodbye",
            answers: vec![address("annas-phone.local.", 0, ANNA_4)],
            brief: "mdns response b8:27:eb:01:02:03 [192.168.1.20]",
            name: Some("annas-phone"),
            own: None,
        },
        Case {
            what: "goodbye to one name, and another",
            answers: vec![
                address("annas-phone.local.", 0, ANNA_4),
                address("annas-phone-2.local.", 120, ANNA_4),
            ],
            brief: "mdns response b8:27:eb:01:02:03 [192.168.1.20]",
            name: Some("annas-phone-2"),
            own: Some("annas-phone-2"),
        },
    ] {
        let frame = mdns(&response(case.answers));
        assert_eq!(brief(&frame), case.brief, "{}", case.what);
        assert_eq!(frame.name(), case.name, "{}", case.what);
        let LanBody::Mdns(it) = &frame.body else { panic!("{}", frame.kind()) };
        assert_eq!((it.own_name(), frame.own_name()), (case.own, case.own), "{}", case.what);
    }
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_utf8("_ipp._tcp.local.").unwrap(), RecordType::PTR));
    query.add_authority(address("annas-phone.local.", 120, ANNA_4));
    let frame = mdns(&query);
    assert_eq!((frame.op().as_str(), frame.name()), ("query", Some("annas-phone")));
}

#[test]
fn looping_and_oversized_names() {
    let head = |answers: u8| [0, 0, 0x84, 0, 0, 0, 0, answers, 0, 0, 0, 0];
    let tail = [&[0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4][..], &ANNA_4.octets()].concat();
    let with = |name: &[u8]| {
        let bytes = [&head(1)[..], name, &tail].concat();
        ethernet(&udp4(ANNA_4, (5353, 5353), &bytes))
            .map(|it| it.unwrap().name().map(str::to_owned))
    };
    assert_eq!(with(b"\x04anna\x05local\0"), Ok(Some("anna".to_owned())));
    let wrong =
        Err(DecodeError::new("mdns", "a name does not end, is too long or points forwards"));
    for (what, name) in [
        ("to itself", &b"\xc0\x0c"[..]),
        ("to itself behind a label", b"\x01a\xc0\x0c"),
        ("forwards", b"\xc0\x20"),
        ("out of the message", b"\xff\xff"),
        ("of an unknown kind", b"\x41a\0"),
        ("too long", &[&[63; 64][..]; 5].concat()),
    ] {
        assert_eq!(with(name), wrong, "{what}");
    }
    // A pointer backwards, to the name of the record before.
    let two = [&head(2)[..], b"\x04anna\0", &tail, b"\xc0\x0c", &tail].concat();
    let frame = good(&udp4(ANNA_4, (5353, 5353), &two));
    let LanBody::Mdns(it) = &frame.body else { panic!("{}", frame.kind()) };
    assert_eq!(it.announced.len(), 2);
    assert_eq!(it.announced[1].name, "anna");
    // Names are cleaned; what is nothing then is left out.
    assert_eq!(with(b"\x05\x1b[31m\0"), Ok(Some("[31m".to_owned())));
    assert_eq!(with(b"\x01\x07\x05local\0"), Ok(None));
    let cut = [&head(9)[..], b"\x04anna\0", &tail].concat();
    let cut = ethernet(&udp4(ANNA_4, (5353, 5353), &cut)).unwrap_err().to_string();
    assert_eq!(cut, "malformed mdns frame: it ends inside a record");
}
