//! Names, remarks and octets from the radio, made fit to be shown.

/// Text of `bytes` up to the first zero, without what hides or reorders it, bounded; none when nothing
/// is left to see.
#[must_use]
pub fn shown(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|it| *it == 0).unwrap_or(bytes.len());
    crate::text::clean(bytes.get(..end).unwrap_or_default())
}

/// Octets as hexadecimal digits.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    let digit = |it: u8| char::from_digit(it.into(), 16);
    octets.iter().flat_map(|it| [digit(it >> 4), digit(it & 0x0f)]).flatten().collect()
}
