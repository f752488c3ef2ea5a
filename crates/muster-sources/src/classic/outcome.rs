//! What came of a question: a table over everything that a controller, the kernel or bluetoothd may
//! say of it.
//!
//! Silence is one thing alone: a page that went out and that nobody answered. Whatever the other
//! side had a part in means that it is there; all else tells nothing.
//!
//! **Invariant:** total; what no table names tells nothing.

mod bluez;

use muster_core::fact::Outcome;
use nix::errno::Errno;

pub(crate) use bluez::of_bluez;

/// What came of a question, or of an attempt to put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The other side had a part in it: it is there.
    Answered,
    /// It was paged to the end, and did not answer.
    Silent,
    /// Nothing can be concluded about it.
    Nothing,
    /// This machine could not ask: neither is anything known about others meanwhile.
    Fault,
}

impl Verdict {
    /// As the engine is told.
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Answered => Outcome::Answered,
            Self::Silent => Outcome::Silent,
            Self::Nothing | Self::Fault => Outcome::NoEvidence,
        }
    }
}

/// What a controller's error code says of a page to another device (Core Specification, Vol 1, Part F,
/// 1.3 and 2). A lost link (0x08, 0x22) is neither: some controllers report a page like that.
pub(crate) fn of_status(code: u8) -> Verdict {
    STATUS.iter().find(|(it, _)| *it == code).map_or(Nothing, |(_, verdict)| *verdict)
}

/// What the error of a socket that was connecting says. The kernel makes it of the controller's error
/// (`bt_to_errno` in `net/bluetooth/lib.c`) or its own.
///
/// Only for errors that came while connecting: those of `connect` itself are this machine's, which
/// says `ECONNREFUSED` too.
pub(crate) fn of_socket(error: Errno) -> Verdict {
    SOCKET.iter().find(|(it, _)| *it == error).map_or(Nothing, |(_, verdict)| *verdict)
}

/// What an error that stopped the question before it went out says: never anything about the other side.
pub(crate) fn of_start(error: Errno) -> Verdict {
    // Somebody else's connection to it is being made, or ours is not gone yet.
    if matches!(error, Errno::EALREADY | Errno::EAGAIN | Errno::EINTR) { Nothing } else { Fault }
}

use Verdict::{Answered, Fault, Nothing, Silent};

/// Every code that is assigned.
const STATUS: &[(u8, Verdict)] = &[
    (0x00, Answered), // success
    (0x01, Fault),    // unknown command
    (0x02, Nothing),  // unknown connection identifier: what was cancelled
    (0x03, Fault),    // hardware failure
    (0x04, Silent),   // page timeout
    (0x05, Answered), // authentication failure
    (0x06, Answered), // PIN or key missing
    (0x07, Fault),    // memory capacity exceeded
    (0x08, Nothing),  // connection timeout
    (0x09, Fault),    // connection limit exceeded
    (0x0a, Nothing),  // synchronous connection limit exceeded
    (0x0b, Answered), // connection already exists
    (0x0c, Fault),    // command disallowed: the controller is at something else
    (0x0d, Answered), // rejected: limited resources
    (0x0e, Answered), // rejected: security reasons
    (0x0f, Answered), // rejected: unacceptable address
    (0x10, Answered), // connection accept timeout exceeded: its host did not decide
    (0x11, Fault),    // unsupported feature or parameter
    (0x12, Fault),    // invalid command parameters
    (0x13, Answered), // remote user terminated the connection
    (0x14, Answered), // remote device did: low resources
    (0x15, Answered), // remote device did: power off
    (0x16, Nothing),  // connection terminated by the local host
    (0x17, Answered), // repeated attempts
    (0x18, Answered), // pairing not allowed
    (0x19, Answered), // unknown LMP PDU
    (0x1a, Answered), // unsupported remote feature
    (0x1b, Nothing),  // SCO offset rejected
    (0x1c, Nothing),  // SCO interval rejected
    (0x1d, Nothing),  // SCO air mode rejected
    (0x1e, Answered), // invalid LMP parameters
    (0x1f, Nothing),  // unspecified
    (0x20, Answered), // unsupported LMP parameter value
    (0x21, Answered), // role change not allowed
    (0x22, Nothing),  // LMP response timeout
    (0x23, Answered), // LMP transaction collision
    (0x24, Answered), // LMP PDU not allowed
    (0x25, Answered), // encryption mode not acceptable
    (0x26, Answered), // link key cannot be changed
    (0x27, Nothing),  // quality of service not supported
    (0x28, Nothing),  // instant passed
    (0x29, Answered), // pairing with unit key not supported
    (0x2a, Answered), // different transaction collision
    (0x2c, Nothing),  // quality of service: unacceptable parameter
    (0x2d, Nothing),  // quality of service rejected
    (0x2e, Nothing),  // channel classification not supported
    (0x2f, Answered), // insufficient security
    (0x30, Nothing),  // parameter out of mandatory range
    (0x32, Answered), // role switch pending
    (0x34, Nothing),  // reserved slot violation
    (0x35, Answered), // role switch failed
    (0x36, Nothing),  // extended inquiry response too large
    (0x37, Answered), // secure simple pairing not supported by its host
    (0x38, Answered), // its host is busy pairing
    (0x39, Nothing),  // no suitable channel found
    (0x3a, Fault),    // controller busy
    (0x3b, Nothing),  // unacceptable connection parameters
    (0x3c, Nothing),  // advertising timeout
    (0x3d, Nothing),  // wrong message integrity code
    (0x3e, Nothing),  // connection failed to be established: low energy
    (0x3f, Nothing),  // was: MAC connection failed
    (0x40, Nothing),  // coarse clock adjustment rejected
    (0x41, Nothing),  // type 0 submap not defined
    (0x42, Nothing),  // unknown advertising identifier
    (0x43, Fault),    // limit reached
    (0x44, Nothing),  // operation cancelled by host
    (0x45, Nothing),  // packet too long
];

const SOCKET: &[(Errno, Verdict)] = &[
    (Errno::EHOSTDOWN, Silent),         // 0x04
    (Errno::ECONNREFUSED, Answered),    // 0x0d to 0x0f, or its L2CAP
    (Errno::EACCES, Answered),          // 0x05, 0x18, or its L2CAP asks for more security
    (Errno::EBADE, Answered),           // 0x06
    (Errno::ECONNRESET, Answered),      // 0x13 to 0x15, or it ended the channel
    (Errno::ELOOP, Answered),           // 0x17
    (Errno::EPROTO, Answered),          // 0x19, 0x1e, 0x23 to 0x25
    (Errno::EPROTONOSUPPORT, Answered), // 0x1a
    (Errno::EALREADY, Answered),        // 0x0b
    (Errno::ETIMEDOUT, Nothing),        // 0x08 and 0x10, or the kernel's own patience
    (Errno::ECONNABORTED, Nothing),     // 0x16
    (Errno::ENOTCONN, Nothing),         // 0x02
    (Errno::EOPNOTSUPP, Nothing),       // 0x11, 0x20, 0x27, 0x29
    (Errno::ENOSYS, Nothing),           // any other code
    (Errno::EBADRQC, Fault),            // 0x01
    (Errno::EIO, Fault),                // 0x03
    (Errno::ENOMEM, Fault),             // 0x07
    (Errno::EMLINK, Fault),             // 0x09, 0x0a
    (Errno::EBUSY, Fault),              // 0x0c
    (Errno::EINVAL, Fault),             // 0x12
    (Errno::EHOSTUNREACH, Fault),       // no adapter leads there
    (Errno::ENETDOWN, Fault),           // the adapter is off
    (Errno::ENODEV, Fault),             // the adapter is gone
    (Errno::ERFKILL, Fault),            // the radio is blocked
    (Errno::EPERM, Fault),
    (Errno::ENOBUFS, Fault),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(wanted: Verdict) -> Vec<u8> {
        (0..=u8::MAX).filter(|it| of_status(*it) == wanted).collect()
    }

    #[test]
    fn every_code_of_the_specification_is_decided_once() {
        // Vol 1, Part F, 1.3: all up to 0x45 but these four, which are reserved.
        let assigned: Vec<u8> = (0..=0x45).filter(|it| ![0x2b, 0x31, 0x33].contains(it)).collect();
        let listed: Vec<u8> = STATUS.iter().map(|it| it.0).collect();
        assert_eq!(listed, assigned, "each once, in order");
        assert_eq!(codes(Silent), [0x04], "a page that nobody answered, and nothing else");
        assert_eq!(codes(Fault), [0x01, 0x03, 0x07, 0x09, 0x0c, 0x11, 0x12, 0x3a, 0x43]);
        let by_the_other_side = [
            0x00, 0x05, 0x06, 0x0b, 0x0d, 0x0e, 0x0f, 0x10, 0x13, 0x14, 0x15, 0x17, 0x18, 0x19,
            0x1a, 0x1e, 0x20, 0x21, 0x23, 0x24, 0x25, 0x26, 0x29, 0x2a, 0x2f, 0x32, 0x35, 0x37,
            0x38,
        ];
        assert_eq!(codes(Answered), by_the_other_side);
    }

    #[test]
    fn every_error_number_of_the_kernel_is_total_and_agrees_with_its_code() {
        // bt_to_errno: the codes that become each number. Where those differ among themselves, the
        // number must not claim more than each of them.
        let made_of: &[(Errno, &[u8])] = &[
            (Errno::EBADRQC, &[0x01]),
            (Errno::ENOTCONN, &[0x02]),
            (Errno::EIO, &[0x03]),
            (Errno::EHOSTDOWN, &[0x04]),
            (Errno::EBADE, &[0x06]),
            (Errno::ENOMEM, &[0x07]),
            (Errno::ETIMEDOUT, &[0x08, 0x10]),
            (Errno::EMLINK, &[0x09]),
            (Errno::EALREADY, &[0x0b]),
            (Errno::EBUSY, &[0x0c]),
            (Errno::ECONNREFUSED, &[0x0d, 0x0e, 0x0f]),
            (Errno::EINVAL, &[0x12]),
            (Errno::ECONNRESET, &[0x13, 0x14, 0x15]),
            (Errno::ECONNABORTED, &[0x16]),
            (Errno::ELOOP, &[0x17]),
            (Errno::EACCES, &[0x05, 0x18]),
            (Errno::EPROTONOSUPPORT, &[0x1a]),
            (Errno::EPROTO, &[0x19, 0x1e, 0x23, 0x24, 0x25]),
        ];
        for (number, codes) in made_of {
            for code in *codes {
                let (mine, its) = (of_socket(*number), of_status(*code));
                assert!(mine == its || mine == Nothing, "{number} {code:#04x}: {mine:?} {its:?}");
            }
        }
        for raw in 0..=4096 {
            let number = Errno::from_raw(raw);
            assert_eq!(of_socket(number) == Silent, number == Errno::EHOSTDOWN, "{number}");
            assert!(!matches!(of_start(number), Answered | Silent), "{number}");
        }
        let mut seen: Vec<i32> = SOCKET.iter().map(|it| it.0 as i32).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), SOCKET.len(), "each once");
    }
}
