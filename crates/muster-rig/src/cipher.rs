//! The functions by which low energy pairs and hides addresses (Bluetooth Core Specification 5.4, volume 3,
//! part H, section 2.2), over numbers in the order of the wire: least octet first.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};

use crate::address::Address;

/// 128 bits: a key, a random number, or what proves that somebody knows one.
pub(crate) type Word = [u8; 16];

/// One end of a link: its address, and whether that is of its own making.
pub(crate) type End = (Address, bool);

/// A resolvable private address of whoever has `key`, from 24 bits of chance, of which two are fixed
/// (volume 6, part B, section 1.3.2.2).
pub(crate) fn private_address(key: &Word, [low, middle, high]: [u8; 3]) -> Address {
    let high = high & 0x3f | 0x40;
    let mut chance = [0; 16];
    chance[..3].copy_from_slice(&[low, middle, high]);
    let [a, b, c, ..] = encrypt(key, &chance);
    Address([a, b, c, low, middle, high])
}

/// c1: what proves to have had `random` before it is shown. The pairing request and response are taken
/// as they were sent.
pub(crate) fn confirmation(
    key: &Word,
    random: &Word,
    (request, response): ([u8; 7], [u8; 7]),
    (initiator, responder): (End, End),
) -> Word {
    let mut first = [0; 16];
    (first[0], first[1]) = (u8::from(initiator.1), u8::from(responder.1));
    first[2..9].copy_from_slice(&request);
    first[9..].copy_from_slice(&response);
    let mut second = [0; 16];
    second[..6].copy_from_slice(&responder.0.0);
    second[6..12].copy_from_slice(&initiator.0.0);
    encrypt(key, &xor(&encrypt(key, &xor(random, &first)), &second))
}

/// s1: the key of a link until there is one that lasts.
pub(crate) fn short_term_key(key: &Word, responder: &Word, initiator: &Word) -> Word {
    let mut both = [0; 16];
    both[..8].copy_from_slice(&initiator[..8]);
    both[8..].copy_from_slice(&responder[..8]);
    encrypt(key, &both)
}

/// e: AES-128, which counts from the greatest octet.
fn encrypt(key: &Word, text: &Word) -> Word {
    let (mut key, mut text) = (*key, *text);
    key.reverse();
    text.reverse();
    let mut block = text.into();
    Aes128::new(&key.into()).encrypt_block(&mut block);
    let mut text: Word = block.into();
    text.reverse();
    text
}

fn xor(a: &Word, b: &Word) -> Word {
    std::array::from_fn(|at| a[at] ^ b[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the specification writes numbers, greatest octet first.
    fn word(number: u128) -> Word {
        number.to_le_bytes()
    }

    #[test]
    fn the_specifications_own_examples_come_out() {
        // Volume 3, part H, sections 2.2.3 and 2.2.4; volume 6, part B, appendix: sample data of ah.
        let random = word(0x5783_D521_56AD_6F0E_6388_274E_C670_2EE0);
        let request = [0x01, 0x01, 0, 0, 0x10, 0x07, 0x07];
        let response = [0x02, 0x03, 0, 0, 0x08, 0, 0x05];
        let initiator = ("A1:A2:A3:A4:A5:A6".parse().unwrap(), true);
        let responder = ("B1:B2:B3:B4:B5:B6".parse().unwrap(), false);
        let got = confirmation(&[0; 16], &random, (request, response), (initiator, responder));
        assert_eq!(got, word(0x1E1E_3FEF_8789_88EA_D2A7_4DC5_BEF1_3B86));

        let responder = word(0x000F_0E0D_0C0B_0A09_1122_3344_5566_7788);
        let initiator = word(0x0102_0304_0506_0708_99AA_BBCC_DDEE_FF00);
        let got = short_term_key(&[0; 16], &responder, &initiator);
        assert_eq!(got, word(0x9A1F_E1F0_E8B0_F49B_5B42_16AE_796D_A062));

        let key = word(0xEC02_34A3_57C8_AD05_3410_10A6_0A39_7D9B);
        let address = private_address(&key, [0x94, 0x81, 0x70]);
        assert_eq!(address.to_string(), "70:81:94:0D:FB:AA");
    }
}
