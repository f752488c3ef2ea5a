//! The kernel's filter: only frames that can tell who is there wake this process.
//!
//! ARP; DHCP, `DHCPv6` and mDNS by their ports; `ICMPv6` 133 to 136 (neighbour discovery). A classic
//! BPF program, written with named places so that a reader can check it line by line.

use socket2::SockFilter;

/// The program for a packet socket on Ethernet. What it passes, it passes whole.
pub(super) fn program() -> Vec<SockFilter> {
    instructions().into_iter().map(|(code, yes, no, k)| SockFilter::new(code, yes, no, k)).collect()
}

fn instructions() -> Vec<Instruction> {
    assemble(&[
        // A tagged frame belongs to another network, although its tag has been taken off.
        load(WORD, VLAN_TAG_PRESENT),
        check(EQUAL, 0, Next, Drop),
        load(HALF, 12),
        check(EQUAL, 0x0806, Pass, Next),
        check(EQUAL, 0x0800, Go(IPV4), Next),
        check(EQUAL, 0x86dd, Next, Drop),
        // IPv6 without extension headers; neighbour discovery must not have any (RFC 6980).
        load(BYTE, 20),
        check(EQUAL, UDP, Go(UDP6), Next),
        check(EQUAL, ICMP6, Next, Drop),
        load(BYTE, 54),
        check(AT_LEAST, 133, Next, Drop),
        check(ABOVE, 136, Drop, Pass),
        load(HALF, 54).at(UDP6),
        check(EQUAL, MDNS, Pass, Next),
        check(AT_LEAST, 546, Next, Drop),
        check(ABOVE, 547, Drop, Pass),
        // UDP in the first fragment, which holds the ports; the header may have options.
        load(BYTE, 23).at(IPV4),
        check(EQUAL, UDP, Next, Drop),
        load(HALF, 20),
        check(ANY_BIT, 0x1fff, Drop, Next),
        load(HEADER_LENGTH, 14),
        load(HALF_BEHIND_HEADER, 14),
        check(EQUAL, MDNS, Pass, Next),
        check(EQUAL, 67, Pass, Next),
        check(EQUAL, 68, Pass, Next),
        load(HALF_BEHIND_HEADER, 16),
        check(EQUAL, MDNS, Pass, Next),
        check(EQUAL, 67, Pass, Next),
        check(EQUAL, 68, Pass, Drop),
    ])
}

#[derive(Clone, Copy)]
struct Line {
    code: u16,
    value: u32,
    yes: Jump,
    no: Jump,
    name: Option<Place>,
}

impl Line {
    const fn at(mut self, name: Place) -> Self {
        self.name = Some(name);
        self
    }
}

#[derive(Clone, Copy)]
enum Jump {
    Next,
    Go(Place),
    Pass,
    Drop,
}

use Jump::{Drop, Go, Next, Pass};

type Place = &'static str;
/// Code, distances when the check holds and when not, value.
type Instruction = (u16, u8, u8, u32);

const fn load(code: u16, value: u32) -> Line {
    Line { code, value, yes: Next, no: Next, name: None }
}

const fn check(code: u16, value: u32, yes: Jump, no: Jump) -> Line {
    Line { code, value, yes, no, name: None }
}

/// Resolves the names. Behind the last line stand `return everything` and `return nothing`.
fn assemble(lines: &[Line]) -> Vec<Instruction> {
    let mut out: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(here, line)| {
            let distance = |jump: Jump| {
                let target = match jump {
                    Next => here + 1,
                    Go(name) => {
                        lines.iter().position(|it| it.name == Some(name)).unwrap_or(lines.len() + 1)
                    }
                    Pass => lines.len(),
                    Drop => lines.len() + 1,
                };
                u8::try_from(target.saturating_sub(here + 1)).unwrap_or(u8::MAX)
            };
            (line.code, distance(line.yes), distance(line.no), line.value)
        })
        .collect();
    out.push((RETURN, 0, 0, u32::MAX));
    out.push((RETURN, 0, 0, 0));
    out
}

const IPV4: Place = "ipv4";
const UDP6: Place = "udp in ipv6";
const UDP: u32 = 17;
const ICMP6: u32 = 58;
const MDNS: u32 = 5353;
/// `SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT`: an ancillary load, not an offset.
const VLAN_TAG_PRESENT: u32 = 0xffff_f000 + 48;

// Instructions of classic BPF (class | size | mode), as in linux/bpf_common.h.
const WORD: u16 = 0x20;
const HALF: u16 = 0x28;
const BYTE: u16 = 0x30;
const HALF_BEHIND_HEADER: u16 = 0x48;
const HEADER_LENGTH: u16 = 0xb1;
const EQUAL: u16 = 0x15;
const ABOVE: u16 = 0x25;
const AT_LEAST: u16 = 0x35;
const ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

#[cfg(test)]
mod tests {
    use muster_core::identity::Mac;
    use muster_wire::lan::build;

    use super::*;

    /// The kernel's machine, as far as the program uses it.
    fn passes(frame: &[u8], tagged: bool) -> bool {
        let byte = |at: u32| frame.get(usize::try_from(at).unwrap()).copied().map(u32::from);
        let half = |at: u32| Some(byte(at)? << 8 | byte(at + 1)?);
        let (mut a, mut x, mut at) = (0, 0, 0_usize);
        let program = instructions();
        for _ in 0..100 {
            let (code, yes, no, k) = program[at];
            at += 1;
            let loaded = match code {
                WORD => Some(u32::from(tagged)),
                HALF => half(k),
                BYTE => byte(k),
                HALF_BEHIND_HEADER => half(x + k),
                HEADER_LENGTH => {
                    x = byte(k).unwrap_or(0) % 16 * 4;
                    Some(a)
                }
                RETURN => return k > 0,
                _ => Some(a),
            };
            let Some(loaded) = loaded else { return false };
            a = loaded;
            let met = match code {
                EQUAL => a == k,
                ABOVE => a > k,
                AT_LEAST => a >= k,
                ANY_BIT => a & k != 0,
                _ => continue,
            };
            at += usize::from(if met { yes } else { no });
        }
        panic!("the program does not end");
    }

    fn udp4(header: u8, fragment: u16, from: u16, to: u16) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0, 0x40 + header, 0, 0, 40, 0, 0]);
        frame.extend(fragment.to_be_bytes());
        frame.extend([64, 17]);
        frame.resize(14 + usize::from(header) * 4, 0);
        frame.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
        frame
    }

    fn six(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, next, 255]);
        frame.resize(54, 0);
        frame.extend(rest);
        frame
    }

    #[test]
    fn passes_what_tells_who_is_there() {
        let me = (Mac([2, 0, 0, 0, 0, 1]), "10.0.0.1".parse().unwrap());
        let arp = build::arp_request(me, "10.0.0.2".parse().unwrap(), None);
        let sender = (me.0, "fe80::1".parse().unwrap());
        let solicitation = build::neighbour_solicitation(sender, "fe80::2".parse().unwrap(), None);
        for frame in [
            &arp[..],
            &solicitation,
            &udp4(5, 0, 68, 67),
            &udp4(5, 0, 67, 68),
            &udp4(5, 0, 5353, 5353),
            &udp4(15, 0x2000, 40000, 67),
            &udp4(5, 0, 1, 5353),
            &six(58, &[133, 0]),
            &six(58, &[136, 0]),
            &six(17, &546_u16.to_be_bytes()),
            &six(17, &547_u16.to_be_bytes()),
            &six(17, &5353_u16.to_be_bytes()),
        ] {
            assert!(passes(frame, false), "{frame:02x?}");
            assert!(!passes(frame, true), "{frame:02x?}");
        }
    }

    #[test]
    fn drops_the_rest() {
        let mut tcp = udp4(5, 0, 67, 67);
        tcp[23] = 6;
        let mut other = udp4(5, 0, 67, 67);
        other[12] = 0x88;
        for frame in [
            &tcp[..],
            &other,
            &udp4(5, 1, 68, 67),
            &udp4(5, 0, 69, 66),
            &udp4(6, 0, 40000, 5354),
            &six(58, &[132, 0]),
            &six(58, &[137, 0]),
            &six(17, &545_u16.to_be_bytes()),
            &six(17, &548_u16.to_be_bytes()),
            &six(6, &[2, 34]),
            &[0; 13],
            &[],
        ] {
            assert!(!passes(frame, false), "{frame:02x?}");
        }
    }
}
