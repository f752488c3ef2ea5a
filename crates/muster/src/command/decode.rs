//! `muster decode`: what a capture, bare advertisements or frames say, one JSON object a line.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _, stdin, stdout};
use std::path::Path;

use muster_core::tag::TagPrefix;
use muster_sources::tags;
use muster_wire::bluetooth::resolve::Resolver;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::capture::{self, Capture};
use muster_wire::decoded::Decoded;
use muster_wire::frame::LinkType;

use crate::cli::{DecodeArgs, DecodeAs, Format};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::keyring;

/// Runs the command.
pub(crate) fn run(context: &Context, args: &DecodeArgs) -> Result<(), Failure> {
    if matches!(context.common.format, Format::Csv | Format::Xlsx) {
        let what = "what a capture says does not fit into columns";
        return Err(
            Failure::new(Exit::Usage, what).hint("without --format: one JSON object a line")
        );
    }
    let (rules, keys) = (rules(context, &args.tag_prefix)?, keyring::resolver(&args.irk_file)?);
    let mut how = How { kind: args.kind, rules, keys };
    let path = Path::new(&args.input);
    if args.input == "-" {
        return decode(stdin().lock(), "standard input", &mut how);
    }
    if !path.exists() && octets(args.input.as_bytes()).is_some_and(|it| it.len() < SHORTEST) {
        let what = format!("this is neither a file nor a whole packet: {}", args.input);
        return Err(Failure::new(Exit::NotFound, what)
            .hint("give a capture file, hexadecimal digits, or - for standard input"));
    }
    if path.exists() || octets(args.input.as_bytes()).is_none() {
        let file = File::open(path).map_err(|cause| {
            let exit = if path.exists() { Exit::NotAllowed } else { Exit::NotFound };
            Failure::new(exit, format!("cannot open: {}", args.input))
                .because(cause)
                .hint("give a capture file, hexadecimal digits, or - for standard input")
        })?;
        return decode(file, &args.input, &mut how);
    }
    decode(args.input.as_bytes(), "the argument", &mut how)
}

/// How to read what tells nothing of itself.
struct How {
    kind: DecodeAs,
    rules: TagRules,
    keys: Resolver,
}

fn rules(context: &Context, prefixes: &[String]) -> Result<TagRules, Failure> {
    let rules = tags::rules(&context.config()?.config.tags);
    if prefixes.is_empty() {
        return Ok(rules);
    }
    let prefixes: Result<Vec<TagPrefix>, _> = prefixes.iter().map(|it| it.parse()).collect();
    let prefixes = prefixes.map_err(|cause| {
        Failure::new(Exit::Usage, "this cannot begin an identifier").because(cause)
    })?;
    Ok(rules.with_prefixes(prefixes))
}

/// Reads a capture, or else lines of hexadecimal digits.
fn decode(input: impl Read, name: &str, how: &mut How) -> Result<(), Failure> {
    let How { kind, rules, keys } = how;
    let unreadable = |cause: io::Error| {
        Failure::new(Exit::Failed, format!("cannot read: {name}")).because(cause)
    };
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut head = Vec::new();
    (&mut input).take(HEAD).read_to_end(&mut head).map_err(unreadable)?;
    let is_capture = capture::is_capture(&head);
    let input = head.as_slice().chain(input);
    if is_capture {
        let records = Capture::open(input).map_err(|cause| {
            Failure::new(Exit::Failed, format!("not a capture: {name}")).because(cause)
        })?;
        let lines = records.flat_map(|it| match it {
            Ok(record) => Decoded::of_record(&record, rules),
            Err(broken) => vec![Decoded::from(&broken)],
        });
        return print(lines, keys);
    }
    // A line longer than any frame is cut, and then is no frame.
    let mut lines = BufReader::new(input);
    let mut frame = 0;
    let mut frames = std::iter::from_fn(|| {
        loop {
            let mut text = Vec::new();
            match (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut text) {
                Ok(0) | Err(_) => return None,
                Ok(_) if text.trim_ascii().is_empty() => {}
                Ok(_) => {
                    frame += 1;
                    return Some((frame, octets(&text)));
                }
            }
        }
    });
    // A few words may stand before the first frame; a file of them is something else.
    let mut before = Vec::new();
    let first = loop {
        match frames.next() {
            Some((frame, None)) if before.len() < WORDS => before.push((frame, None)),
            Some((_, None)) | None if !before.is_empty() => return Err(garbage(name)),
            first => break first,
        }
    };
    let all = before.into_iter().chain(first).chain(frames);
    print(all.flat_map(|(frame, bytes)| bare(frame, *kind, rules, bytes)), keys)
}

fn garbage(name: &str) -> Failure {
    let what = format!("this is neither a capture nor hexadecimal digits: {name}");
    Failure::new(Exit::Failed, what)
        .hint("give a btsnoop, pcap or pcapng file, or hexadecimal digits")
}

fn bare(frame: u64, kind: DecodeAs, rules: &TagRules, bytes: Option<Vec<u8>>) -> Vec<Decoded> {
    let Some(bytes) = bytes else {
        let error = "this is neither a capture nor hexadecimal digits".to_owned();
        return vec![Decoded::Broken { frame, error }];
    };
    let link = match kind {
        DecodeAs::Advertisement => {
            return vec![Decoded::of_advertisement(frame, &bytes, rules)];
        }
        DecodeAs::Hci => LinkType::HCI,
        DecodeAs::Ethernet => LinkType::ETHERNET,
    };
    Decoded::of(frame, None, link, &bytes, rules)
}

fn print(lines: impl Iterator<Item = Decoded>, keys: &mut Resolver) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(stdout().lock());
    for mut line in lines {
        line.resolve(keys);
        if let Err(cause) = writeln!(out, "{}", line.to_json()) {
            return gone(cause);
        }
    }
    out.flush().or_else(gone)
}

/// A reader that has gone away has what it wanted.
fn gone(cause: io::Error) -> Result<(), Failure> {
    if cause.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, "cannot print").because(cause))
}

/// Hexadecimal digits, with or without colons, dashes or spaces between octets.
fn octets(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .iter()
        .filter(|it| !it.is_ascii_whitespace() && !matches!(it, b':' | b'-'))
        .map(|it| char::from(*it).to_digit(16).and_then(|it| u8::try_from(it).ok()))
        .collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|it| it.iter().fold(0, |sum, digit| sum << 4 | digit)).collect())
}

/// Shorter than any advertisement that tells something, so that a mistyped file name is one.
const SHORTEST: usize = 3;
const HEAD: u64 = capture::HEAD as u64;
/// Captures are read in pieces of this size.
const BUFFER: usize = 1 << 16;
/// Lines of words before the first frame.
const WORDS: usize = 8;
/// Three characters for each octet of the longest frame.
const LONGEST_LINE: u64 = 3 * capture::MAX_RECORD as u64;
