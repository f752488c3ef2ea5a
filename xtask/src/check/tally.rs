//! Counts tests from what the runners print: nextest, `cargo test` and `node --test`.
//!
//! A pure reader of text; the counts are for the last line of the check and decide nothing. That
//! a runner failed is known from its exit code.

use std::fmt;

/// How many tests there were, over all runners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Tests that passed.
    pub(super) passed: u64,
    /// Tests that failed, timed out ones included.
    pub(super) failed: u64,
    /// Tests that a runner left out.
    pub(super) skipped: u64,
}

impl Tally {
    /// Adds every summary line in `output`.
    pub(super) fn add(&mut self, output: &str) {
        for line in output.lines() {
            let line = without_colour(line);
            let line = line.trim();
            if let Some(counts) = cargo_summary(line) {
                counts.split([',', ';', '(']).for_each(|it| self.add_count(it));
            } else if let Some(count) = node_summary(line) {
                self.add_node_count(count);
            }
        }
    }

    /// One count of a cargo or nextest summary, such as `12 passed`.
    fn add_count(&mut self, count: &str) {
        let Some((number, what)) = count.trim().split_once(' ') else { return };
        let Ok(number) = number.parse::<u64>() else { return };
        match what.trim_end_matches([')', '.']) {
            "passed" => self.passed += number,
            "failed" | "timed out" | "exec failed" => self.failed += number,
            "skipped" | "ignored" => self.skipped += number,
            _ => {}
        }
    }

    /// One count of node's summary, such as `pass 12`.
    fn add_node_count(&mut self, count: &str) {
        let Some((what, number)) = count.split_once(' ') else { return };
        let Ok(number) = number.trim().parse::<u64>() else { return };
        match what {
            "pass" => self.passed += number,
            "fail" | "cancelled" => self.failed += number,
            "skipped" | "todo" => self.skipped += number,
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn cargo_summary(line: &str) -> Option<&str> {
    if let Some(counts) = line.strip_prefix("test result: ") {
        return counts.split_once(". ").map(|(_, it)| it);
    }
    let (_, rest) = line.strip_prefix("Summary [")?.split_once(']')?;
    rest.split_once(" run: ").map(|(_, it)| it)
}

fn node_summary(line: &str) -> Option<&str> {
    line.strip_prefix("# ").or_else(|| line.strip_prefix("\u{2139} "))
}

fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(it) = chars.next() {
        if it == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(it);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries() {
        check("", [0, 0, 0]);
        check("     Summary [   0.045s] 12 tests run: 12 passed, 0 skipped", [12, 0, 0]);
        check(
            "Summary [ 9.1s] 7 tests run: 5 passed (1 slow), 1 failed, 1 timed out, 2 skipped",
            [5, 2, 2],
        );
        check("Summary [ 9.1s] 3/7 tests run: 2 passed, 1 failed, 0 skipped", [2, 1, 0]);
        check(
            "\u{1b}[32;1m Summary\u{1b}[0m [ 1s] \u{1b}[1m3\u{1b}[0m tests run: \u{1b}[1m3\u{1b}[0m \u{1b}[32mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped",
            [3, 0, 0],
        );
        check(
            "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.1s",
            [4, 0, 1],
        );
        check(
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            [4, 2, 0],
        );
        check("# tests 6\n# pass 5\n# fail 1\n# cancelled 0\n# skipped 0\n# todo 0", [5, 1, 0]);
        check("\u{2139} pass 5\n\u{2139} fail 0", [5, 0, 0]);
        check("test stories ... ok\nrunning 3 tests", [0, 0, 0]);
    }

    #[test]
    fn runs_add_up() {
        let mut tally = Tally::default();
        tally.add("Summary [ 1s] 2 tests run: 2 passed, 0 skipped\n");
        tally.add("test result: ok. 3 passed; 0 failed;\n");
        assert_eq!(tally.to_string(), "5 passed, 0 failed");
    }

    #[track_caller]
    fn check(output: &str, [passed, failed, skipped]: [u64; 3]) {
        let mut tally = Tally::default();
        tally.add(output);
        assert_eq!(tally, Tally { passed, failed, skipped }, "{output}");
    }
}
