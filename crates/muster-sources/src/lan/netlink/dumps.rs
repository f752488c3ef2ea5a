//! Which description to ask the kernel for next, and what became of each request.
//!
//! Pure: it is told what was sent and what came back. The kernel refuses a second dump on a socket
//! while one is under way, so they go one after the other.
//!
//! **Invariant:** what was wanted stays wanted until it was told whole; after a failure nothing is
//! sent before [`Dumps::resume`], so a kernel that always refuses is not asked in a tight loop.

use std::collections::VecDeque;

use super::Dump;

/// The requests of one socket.
#[derive(Debug, Default)]
pub(super) struct Dumps {
    wanted: VecDeque<Dump>,
    under_way: Option<Request>,
    sequence: u32,
    /// Something failed: wait for the next [`Self::resume`].
    waits: bool,
    failures: u32,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    dump: Dump,
    number: u32,
    begun: bool,
}

impl Dumps {
    /// Wants a description, unless it is waiting already.
    pub(super) fn want(&mut self, dump: Dump) {
        if !self.wanted.contains(&dump) {
            self.wanted.push_back(dump);
        }
    }

    /// Forgets what is under way: its answer may lack what was lost.
    pub(super) fn start_over(&mut self) {
        self.under_way = None;
    }

    /// The request to send now, with its number.
    pub(super) fn next(&mut self) -> Option<(Dump, u32)> {
        if self.waits || self.under_way.is_some() {
            return None;
        }
        let dump = self.wanted.pop_front()?;
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.under_way = Some(Request { dump, number: self.sequence, begun: false });
        Some((dump, self.sequence))
    }

    /// A message with this number came; the description that begins with it, if one does.
    pub(super) fn begins(&mut self, number: u32) -> Option<Dump> {
        let request = self.under_way.as_mut().filter(|it| it.number == number && !it.begun)?;
        request.begun = true;
        Some(request.dump)
    }

    /// The description with this number was told whole.
    pub(super) fn ends(&mut self, number: u32) -> Option<Dump> {
        let request = self.under_way.take_if(|it| it.number == number)?;
        self.failures = 0;
        Some(request.dump)
    }

    /// The request with this number was not taken, or refused: it stays wanted.
    pub(super) fn fails(&mut self, number: u32) {
        if let Some(request) = self.under_way.take_if(|it| it.number == number) {
            self.wanted.retain(|it| *it != request.dump);
            self.wanted.push_front(request.dump);
            self.waits = true;
            self.failures += 1;
        }
    }

    /// Time has passed: what failed may be tried again. How often it has failed in a row.
    pub(super) fn resume(&mut self) -> u32 {
        self.waits = false;
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other() {
        let mut dumps = Dumps::default();
        dumps.want(Dump::Links);
        dumps.want(Dump::Addresses);
        dumps.want(Dump::Links);
        assert_eq!(dumps.next(), Some((Dump::Links, 1)));
        assert_eq!(dumps.next(), None, "one is under way");
        assert_eq!(dumps.begins(7), None, "a notification, or an answer of old");
        assert_eq!(dumps.begins(1), Some(Dump::Links));
        assert_eq!(dumps.begins(1), None, "only once");
        assert_eq!(dumps.ends(1), Some(Dump::Links));
        assert_eq!(dumps.next(), Some((Dump::Addresses, 2)));
        assert_eq!(dumps.ends(2), Some(Dump::Addresses));
        assert_eq!(dumps.next(), None);
    }

    #[test]
    fn what_failed_is_asked_again_and_not_at_once() {
        let mut dumps = Dumps::default();
        dumps.want(Dump::Links);
        dumps.want(Dump::Addresses);
        for failures in 1..=3 {
            let (dump, number) = dumps.next().unwrap();
            assert_eq!(dump, Dump::Links, "in its place");
            dumps.want(Dump::Links);
            dumps.fails(number);
            assert_eq!(dumps.next(), None, "not before time has passed");
            assert_eq!(dumps.resume(), failures);
        }
        let (dump, number) = dumps.next().unwrap();
        assert_eq!(dumps.ends(number), Some(dump));
        assert_eq!(dumps.resume(), 0);
        assert_eq!(dumps.next().unwrap().0, Dump::Addresses);
    }

    #[test]
    fn what_was_under_way_when_something_was_lost_is_not_believed() {
        let mut dumps = Dumps::default();
        dumps.want(Dump::Links);
        let (_, old) = dumps.next().unwrap();
        dumps.start_over();
        dumps.want(Dump::Links);
        let (_, new) = dumps.next().unwrap();
        assert_eq!((dumps.begins(old), dumps.ends(old)), (None, None));
        assert_eq!((dumps.begins(new), dumps.ends(new)), (Some(Dump::Links), Some(Dump::Links)));
    }
}
