//! Files written here, read back whole and damaged.

use proptest::prelude::*;

use super::*;

/// A pcap file in either order, in microseconds or nanoseconds.
fn pcap(order: Order, is_nano: bool, link: u32, records: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let word = |it: u32| match order {
        Order::Big => it.to_be_bytes(),
        Order::Little => it.to_le_bytes(),
    };
    let magic = if is_nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut out: Vec<u8> =
        [magic, 0x0002_0004, 0, 0, 65535, link].into_iter().flat_map(word).collect();
    for (seconds, fraction, bytes) in records {
        let length = u32::try_from(bytes.len()).unwrap();
        out.extend([*seconds, *fraction, length, length].into_iter().flat_map(word));
        out.extend_from_slice(bytes);
    }
    out
}

/// A btsnoop file: flags, microseconds since 1970 and bytes of each record.
fn btsnoop(link: u32, records: &[(u32, i64, &[u8])]) -> Vec<u8> {
    let mut out = b"btsnoop\0\0\0\0\x01".to_vec();
    out.extend(link.to_be_bytes());
    for (flags, micros, bytes) in records {
        let length = u32::try_from(bytes.len()).unwrap();
        out.extend([length, length, *flags, 0].into_iter().flat_map(u32::to_be_bytes));
        out.extend((micros + 0x00dc_ddb3_0f2f_8000).to_be_bytes());
        out.extend_from_slice(bytes);
    }
    out
}

/// A pcapng file, block by block.
struct Blocks(Order, Vec<u8>);

impl Blocks {
    fn new(order: Order) -> Self {
        let mut it = Self(order, Vec::new());
        it.section();
        it
    }

    fn word(&self, it: u32) -> [u8; 4] {
        match self.0 {
            Order::Big => it.to_be_bytes(),
            Order::Little => it.to_le_bytes(),
        }
    }

    fn half(&self, it: u16) -> [u8; 2] {
        match self.0 {
            Order::Big => it.to_be_bytes(),
            Order::Little => it.to_le_bytes(),
        }
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = [body, &[0; 3][..body.len().next_multiple_of(4) - body.len()]].concat();
        let length = self.word(u32::try_from(padded.len() + 12).unwrap());
        let parts = [&self.word(kind)[..], &length, &padded, &length].concat();
        self.1.extend(parts);
    }

    fn section(&mut self) {
        let body = [&self.word(0x1a2b_3c4d)[..], &self.half(1), &self.half(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body);
    }

    fn interface(&mut self, link: u16, options: &[(u16, &[u8])]) {
        let mut body = [&self.half(link)[..], &[0; 6]].concat();
        for (code, value) in options {
            body.extend(self.half(*code));
            body.extend(self.half(u16::try_from(value.len()).unwrap()));
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body);
    }

    fn packet(&mut self, interface: u32, ticks: u64, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap();
        let high = u32::try_from(ticks >> 32).unwrap();
        let low = u32::try_from(ticks & 0xffff_ffff).unwrap();
        let words = [interface, high, low, length, length].map(|it| self.word(it));
        self.block(6, &[words.as_flattened(), bytes].concat());
    }
}

/// Each record as `number time/length/link`, or `number error`.
fn brief(file: &[u8]) -> Vec<String> {
    Capture::open(file)
        .unwrap()
        .map(|it| match it {
            Ok(it) => format!("{} {}/{}/{}", it.number, it.at.micros(), it.bytes.len(), it.link.0),
            Err(it) => it.to_string(),
        })
        .collect()
}

#[test]
fn pcap_in_every_form() {
    for order in [Order::Big, Order::Little] {
        let file = pcap(order, false, 1, &[(10, 999_999, b"abc"), (11, 0, b"")]);
        assert_eq!(brief(&file), ["1 10999999/3/1", "2 11000000/0/1"]);
        // Nanoseconds; the upper half of the link word tells of check sequences.
        let file = pcap(order, true, 0x0400_0071, &[(10, 999_999_999, b"abc")]);
        assert_eq!(brief(&file), ["1 10999999/3/113"]);
    }
}

#[test]
fn pcapng_in_every_form() {
    for order in [Order::Big, Order::Little] {
        let mut file = Blocks::new(order);
        let hour = file.word(3600);
        let offset = match order {
            Order::Big => [&[0; 4][..], &hour].concat(),
            Order::Little => [&hour[..], &[0; 4]].concat(),
        };
        file.interface(1, &[(2, b"eth0"), (0, b"")]);
        file.interface(113, &[(9, &[9]), (14, &offset)]);
        file.interface(1, &[(9, &[0x8a])]);
        file.interface(1, &[(9, &[3])]);
        file.packet(0, 5_000_001, b"abc");
        file.packet(1, 5_000_001_999, b"abcd");
        file.block(5, b"statistics");
        file.packet(2, 1536, b"");
        file.packet(3, 7, b"x");
        file.section();
        file.interface(276, &[]);
        file.packet(0, 9, b"xy");
        let want =
            ["1 5000001/3/1", "2 3605000001/4/113", "3 1500000/0/1", "4 7000/1/1", "5 9/2/276"];
        assert_eq!(brief(&file.1), want);
    }
}

#[test]
fn btsnoop_in_every_form() {
    let of = |link, records: &[(u32, i64, &[u8])]| -> Vec<(i64, u16, Vec<u8>)> {
        let file = btsnoop(link, records);
        let records = Capture::open(&file[..]).unwrap().map(Result::unwrap);
        records.map(|it| (it.at.micros(), it.link.0, it.bytes)).collect()
    };
    let all: [(u32, i64, &[u8]); 4] = [(0, 1, b"a"), (1, 2, b"b"), (2, 3, b"c"), (3, -4, b"d")];
    // Without its type, the flags tell what a packet is.
    let h1 = [&[0, 0, 0, 0, 2, b'a'][..], b"\0\0\0\x01\x02b", b"\0\0\0\0\x01c", b"\0\0\0\x01\x04d"];
    let want = [1, 2, 3, -4].into_iter().zip(h1).map(|(at, it)| (at, 201, it.to_vec()));
    assert_eq!(of(1001, &all), want.collect::<Vec<_>>());
    assert_eq!(of(1002, &[(3, 7, b"\x04\x0e")]), [(7, 201, b"\0\0\0\x01\x04\x0e".to_vec())]);
    let monitor = of(2001, &[(0x0001_0003, 7, b"\x0e")]);
    assert_eq!(monitor, [(7, 254, b"\0\x01\0\x03\x0e".to_vec())]);
    let mut cut = btsnoop(1002, &[(1, 1, b"abc"), (1, 2, b"abc")]);
    cut.pop();
    assert_eq!(brief(&cut), ["1 1/7/201", "record 2: the file ends inside it"]);
}

#[test]
fn behind_a_broken_record_of_btsnoop_the_next_is_found() {
    let records: Vec<(u32, i64, &[u8])> = (1..6).map(|it| (1, it, &b"abcdef"[..])).collect();
    let file = btsnoop(1002, &records);
    let third = 16 + 2 * (24 + 6);
    let with = |place: usize, to: &[u8]| {
        let mut file = file.clone();
        file[third + place..][..to.len()].copy_from_slice(to);
        brief(&file)
    };
    let but_the_third = |fault: &str| {
        let lost = format!("record 3: {fault}");
        ["1 1/10/201", "2 2/10/201", &lost, "4 4/10/201", "5 5/10/201"].map(str::to_owned)
    };
    // Lengths that lead into, past and far past the records behind.
    let past = "its length leads past the next record";
    assert_eq!(with(0, &[0, 0, 0, 11, 0, 0, 0, 11]), but_the_third(past));
    assert_eq!(with(0, &[0, 0, 0, 50, 0, 0, 0, 50]), but_the_third(past));
    let end = "the file ends inside it";
    assert_eq!(with(0, &[0, 3, 0, 0, 0, 3, 0, 0]), but_the_third(end));
    // Heads that cannot be ones: too long, less than there is, flags and times of nobody.
    let head = "its head cannot be one";
    assert_eq!(with(0, &[0xff; 8]), but_the_third(head));
    assert_eq!(with(0, &[0, 0, 0, 5]), but_the_third(head));
    assert_eq!(with(8, &[0xff]), but_the_third(head));
    assert_eq!(with(16, &[0xff]), but_the_third(head));
    // Nothing but garbage behind: the end.
    let mut lost = file[..third].to_vec();
    lost.extend([0xee; 600]);
    assert_eq!(brief(&lost), ["1 1/10/201", "2 2/10/201", "record 3: its head cannot be one"]);
    // A length that is cut to less leaves bytes that belong to no record.
    let short = with(0, &[0, 0, 0, 2, 0, 0, 0, 2]);
    assert_eq!(
        short[2..],
        ["3 3/6/201", "record 4: its head cannot be one", "5 4/10/201", "6 5/10/201"]
    );
}

#[test]
fn damaged_records_are_told_and_passed() {
    let long = u32::try_from(MAX_RECORD).unwrap() + 1;
    let mut file = pcap(Order::Big, false, 1, &[(1, 0, b"abc"), (2, 0, b""), (3, 0, b"abc")]);
    file[24 + 19 + 8..][..4].copy_from_slice(&long.to_be_bytes());
    let lost = format!("record 2: its length is more than {MAX_RECORD} bytes: {long}");
    assert_eq!(brief(&file), ["1 1000000/3/1".to_owned(), lost.clone()]);
    // If the bytes are really there, the next record is found behind them.
    let mut whole = file[..24 + 19 + 16].to_vec();
    whole.extend(vec![0; MAX_RECORD + 1]);
    whole.extend(&file[24 + 19 + 16..]);
    assert_eq!(brief(&whole), ["1 1000000/3/1".to_owned(), lost, "3 3000000/3/1".to_owned()]);
    for length in [24 + 19 + 1, 24 + 19 + 15] {
        assert_eq!(brief(&file[..length]), ["1 1000000/3/1", "record 2: the file ends inside it"]);
    }

    let mut file = Blocks::new(Order::Little);
    file.interface(1, &[]);
    file.packet(0, 1, b"abc");
    let broken = file.1.len();
    file.packet(7, 2, b"abc");
    file.block(3, b"simple");
    file.packet(0, 4, b"abc");
    let want = [
        "1 1/3/1",
        "record 2: its interface is not described",
        "record 3: it has no time",
        "4 4/3/1",
    ];
    assert_eq!(brief(&file.1), want);
    // A packet longer than its block, then two lengths that differ, then a length of nothing.
    file.1[broken + 8] = 0;
    file.1[broken + 20] = 200;
    assert_eq!(brief(&file.1)[1], "record 2: it is longer than its block");
    let trailer = file.1.len() - 4;
    file.1[trailer] ^= 4;
    assert_eq!(brief(&file.1)[3], "record 4: a block's two lengths differ");
    file.1[broken + 4] = 9;
    let said = brief(&file.1);
    assert_eq!(said.len(), 2);
    assert!(said[1].starts_with("record 2: a block has an impossible length"), "{said:?}");
}

#[test]
fn other_files_are_refused() {
    let open = |bytes: &[u8]| Capture::open(bytes).map(drop).unwrap_err().to_string();
    assert_eq!(open(b"btsnarf\0"), "this is no btsnoop, pcap or pcapng file");
    let broken = "the head of the capture is broken: ";
    assert_eq!(open(b"btsnoop\0"), format!("{broken}the file ends inside it"));
    let other = "its data link is none of 1001, 1002 and 2001";
    assert_eq!(open(&btsnoop(1003, &[])), format!("{broken}{other}"));
    let mut newer = btsnoop(1002, &[]);
    newer[11] = 2;
    assert_eq!(open(&newer), format!("{broken}its version is not 1"));
    let file = pcap(Order::Big, false, 1, &[]);
    assert_eq!(open(&file[..23]), "the head of the capture is broken: the file ends inside it");
    assert!(is_capture(&file) && is_capture(&Blocks::new(Order::Big).1));
    assert!(is_capture(&btsnoop(1001, &[])));
    assert!(!is_capture(b"btsnoop") && !is_capture(b"btsnarf\0") && !is_capture(&file[..3]));
}

#[test]
fn written_files_are_read() {
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    writer.write(Time::from_micros(1_795_251_600_120_001), b"frame").unwrap();
    writer.write(Time::from_secs(-1), b"before 1970").unwrap_err();
    writer.write(Time::from_secs(1), &vec![0; MAX_RECORD + 1]).unwrap_err();
    writer.write(Time::from_secs(1_795_251_601), &[0; 60]).unwrap();
    let file = writer.finish().unwrap();
    assert_eq!(brief(&file), ["1 1795251600120001/5/1", "2 1795251601000000/60/1"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        head in 0..6_usize, bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let ng = Blocks::new(Order::Little).1;
        let whole = pcap(Order::Big, true, 1, &[]);
        let snoop = btsnoop(2001, &[]);
        let head: &[u8] = [&[][..], &whole, &ng, &whole[..4], &ng[..12], &snoop][head];
        let file = [head, &bytes].concat();
        if let Ok(capture) = Capture::open(&file[..]) {
            // Every record takes at least 8 bytes of the file.
            prop_assert!(capture.count() <= file.len() / 8 + 1);
        }
    }

    #[test]
    fn damage_is_read_or_refused(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = Blocks::new(Order::Little);
        file.interface(1, &[(9, &[6]), (14, &[0; 8])]);
        file.packet(0, 1, b"abcdef");
        file.block(2, &[0; 32]);
        file.packet(0, 2, b"abcdef");
        let mut bytes = file.1;
        for (place, with) in places {
            let place = place.index(bytes.len());
            bytes[place] = with;
        }
        if let Ok(capture) = Capture::open(&bytes[..]) {
            prop_assert!(capture.count() <= bytes.len() / 8 + 1);
        }
    }
}
