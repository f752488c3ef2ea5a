//! A pairing with a host that is played by hand, well and badly.

use super::*;

const RANDOM_OF_PHONE: Word = [0x11; 16];
const RANDOM_OF_HOST: Word = [0x22; 16];
const ANSWER: [u8; 7] = [RESPONSE, 4, 0, 1, 16, IDENTITY, ENCRYPTION];

fn ends() -> (End, End) {
    (("4A:00:00:00:00:01".parse().unwrap(), true), ("02:00:00:00:00:01".parse().unwrap(), false))
}

fn begun() -> (Pairing, [u8; 7]) {
    let address = "00:1B:DC:00:00:01".parse().unwrap();
    let me = Identity { address, is_random: false, key: [7; 16] };
    let (pairing, step) = Pairing::begin(Some(me), ends(), RANDOM_OF_PHONE);
    let Step::Say(request) = step else { panic!("{step:?}") };
    (pairing, request.try_into().unwrap())
}

fn say(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], content].concat()
}

/// A pairing of which the link is encrypted, where the host gives a kind of keys.
fn encrypted(kinds: u8) -> (Pairing, Vec<Step>) {
    let (mut pairing, request) = begun();
    let mut answer = ANSWER;
    answer[6] = kinds;
    let models = (request, answer);
    let proof = |random| confirmation(&[0; 16], random, models, ends());
    assert_eq!(
        pairing.receive(&answer),
        [Step::Say(say(CONFIRM, &proof(&RANDOM_OF_PHONE)))],
        "its proof comes before its chance"
    );
    let shown = pairing.receive(&say(CONFIRM, &proof(&RANDOM_OF_HOST)));
    assert_eq!(shown, [Step::Say(say(RANDOM, &RANDOM_OF_PHONE))]);
    let key = short_term_key(&[0; 16], &RANDOM_OF_HOST, &RANDOM_OF_PHONE);
    assert_eq!(pairing.receive(&say(RANDOM, &RANDOM_OF_HOST)), [Step::Encrypt(key)]);
    let steps = pairing.encrypted();
    (pairing, steps)
}

#[test]
fn keys_are_taken_then_given() {
    let (mut pairing, steps) = encrypted(ENCRYPTION);
    assert!(steps.is_empty(), "the host's keys come first");
    assert!(pairing.receive(&say(KEY, &[9; 16])).is_empty());
    let last = pairing.receive(&say(KEY_NUMBER, &[1, 2, 3, 3, 3, 3, 3, 3, 3, 3]));
    let bond = Bond { key: [9; 16], number: [3, 3, 3, 3, 3, 3, 3, 3, 1, 2] };
    let given = [
        Step::Say(say(IDENTITY_KEY, &[7; 16])),
        Step::Say(vec![IDENTITY_ADDRESS, 0, 1, 0, 0, 0xdc, 0x1b, 0]),
        Step::Paired(bond),
    ];
    assert_eq!(last, given);
    assert!(pairing.receive(&[FAILED, 1]).is_empty(), "it is over");

    // A host that gives none is told at once.
    let (_, steps) = encrypted(0);
    assert_eq!(steps.len(), 3);
}

#[test]
fn a_host_that_breaks_the_rules_is_told_why() {
    let failed = |reason| vec![Step::Say(vec![FAILED, reason]), Step::Failed(reason)];
    for (frame, reason) in [
        (vec![], UNSPECIFIED),
        (vec![RESPONSE], INVALID_PARAMETERS),
        (vec![RESPONSE, 4, 0, 1, 16, IDENTITY | SIGNATURE, 0], INVALID_PARAMETERS),
        (vec![RESPONSE, 4, 0, 1, 6, 0, 0], INVALID_PARAMETERS),
        (vec![RESPONSE, 4, 0, 1, 17, 0, 0], INVALID_PARAMETERS),
        (say(CONFIRM, &[0; 16]), UNSPECIFIED),
    ] {
        assert_eq!(begun().0.receive(&frame), failed(reason), "{frame:?}");
    }
    let (mut pairing, _) = begun();
    pairing.receive(&ANSWER);
    pairing.receive(&say(CONFIRM, &[5; 16]));
    assert_eq!(pairing.receive(&say(RANDOM, &RANDOM_OF_HOST)), failed(CONFIRM_VALUE));
    for frame in [say(SIGNATURE_KEY, &[0; 16]), vec![KEY], vec![KEY_NUMBER, 1], vec![0x7f]] {
        let (mut pairing, _) = encrypted(ENCRYPTION);
        let steps = pairing.receive(&frame);
        assert!(matches!(steps[..], [Step::Say(_), Step::Failed(_)]), "{frame:?}: {steps:?}");
    }
    assert_eq!(begun().0.receive(&[FAILED, 5]), [Step::Failed(5)]);
    assert!(begun().0.receive(&[SECURITY_REQUEST, 1]).is_empty());
    assert!(begun().0.encrypted().is_empty(), "before its time");
}
