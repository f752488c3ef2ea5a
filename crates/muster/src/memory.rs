//! Gives back what memory is needed once: for the start, for a handshake, for what waited.
//!
//! The kernel keeps every page of the program's code that was ever touched, with 64 KiB around it, and the
//! allocator of the C library keeps what was freed, for each thread by itself. Of a program that does little
//! most of the time, that is nearly all that is resident.
//!
//! **Invariant:** only what can be read again is let go: pages of files that were mapped before the program
//! began, and cannot have been written to. Those mappings stay where they are until its end.

use std::ops::Range;
use std::time::Duration;
use std::{fs, io};

/// The program's code in memory.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Where it and its constants are, by address.
    code: Vec<Range<usize>>,
}

impl Memory {
    /// Has what is freed go back at once. To be called while there is one thread, and nothing was loaded yet
    /// but the program and its libraries.
    pub(crate) fn begin() -> Self {
        let maps = fs::read_to_string(MAPS);
        let maps = maps.inspect_err(|it| tracing::warn!("more memory is needed: {MAPS}: {it}"));
        let code = maps.iter().flat_map(|it| it.lines()).filter_map(code).collect();
        // Setting either also ends that the allocator raises both by itself, for as long as it runs.
        set(libc::M_MMAP_THRESHOLD, LARGE);
        set(libc::M_TRIM_THRESHOLD, LARGE);
        Self { code }
    }

    /// Gives back, ever more seldom, what was not needed since the last time. Runs until dropped.
    pub(crate) async fn keep_small(self) {
        let mut pause = FIRST;
        loop {
            tokio::time::sleep(pause).await;
            self.give_back();
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// What is needed after all, the kernel maps again, and reads again if it must.
    fn give_back(&self) {
        for pages in &self.code {
            let_go(pages);
        }
        trim();
    }
}

/// A line of [`MAPS`] (proc(5)), if it is about code or constants as they are in their file. What the linker
/// has to change begins further on in a file, and is not executed.
fn code(line: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (addresses, rights, offset) = (words.next()?, words.next()?, words.next()?);
    let inode = words.nth(1)?;
    let is_begin = offset.bytes().all(|it| it == b'0');
    let is_kept = inode != "0" && (rights == "r-xp" || rights == "r--p" && is_begin);
    let (from, to) = addresses.split_once('-').filter(|_| is_kept)?;
    let address = |it| usize::from_str_radix(it, 16).ok();
    Some(address(from)?..address(to)?)
}

#[expect(
    unsafe_code,
    reason = "no safe wrapper of madvise(2) is possible: it can discard anything"
)]
fn let_go(pages: &Range<usize>) {
    // SAFETY: private pages of a file that were never written to are read from it again when they are
    // touched; the mapping is one of those that stay (see the module).
    let done = unsafe {
        libc::madvise(pages.start as *mut libc::c_void, pages.len(), libc::MADV_DONTNEED)
    };
    if done != 0 {
        tracing::debug!("code stays in memory: {}", io::Error::last_os_error());
    }
}

#[expect(unsafe_code, reason = "no safe wrapper of mallopt(3) among what is linked anyway")]
fn set(parameter: libc::c_int, value: libc::c_int) {
    // SAFETY: it sets a number, under the allocator's own lock.
    if unsafe { libc::mallopt(parameter, value) } == 0 {
        tracing::debug!("the allocator does not know parameter {parameter}");
    }
}

#[expect(unsafe_code, reason = "no safe wrapper of malloc_trim(3) among what is linked anyway")]
fn trim() {
    // SAFETY: it gives back what is free, under the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}

/// The process's own mappings.
const MAPS: &str = "/proc/self/maps";
/// By then a program is started.
const FIRST: Duration = Duration::from_secs(30);
/// What is needed all the time is mapped again in less than a millisecond each time.
const LONGEST: Duration = Duration::from_mins(5);
/// So many bytes are given back when they are free: the allocator's own beginning (mallopt(3)).
const LARGE: libc::c_int = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_in_its_file_is_let_go() {
        for (line, want) in [
            ("1000-3000 r--p 00000000 fe:00 77    /usr/bin/muster", Some(0x1000..0x3000)),
            ("3000-8000 r-xp 00002000 fe:00 77    /usr/bin/muster", Some(0x3000..0x8000)),
            ("3000-8000 r-xp 00002000 fe:00 77    /usr/bin/muster (deleted)", Some(0x3000..0x8000)),
            // Addresses that the linker put in, variables, memory, the kernel's own.
            ("8000-9000 r--p 00007000 fe:00 77    /usr/bin/muster", None),
            ("9000-a000 rw-p 00008000 fe:00 77    /usr/bin/muster", None),
            ("a000-b000 rw-p 00000000 00:00 0     [heap]", None),
            ("b000-c000 r--p 00000000 00:00 0     ", None),
            ("c000-d000 r-xp 00000000 00:00 0     [vdso]", None),
            ("d000-e000 rwxp 00000000 fe:00 77    /usr/bin/muster", None),
            ("e000-f000 r--s 00000000 fe:00 78    /dev/shm/other", None),
            ("", None),
        ] {
            assert_eq!(code(line), want, "{line}");
        }
    }

    #[test]
    fn what_was_let_go_is_there_when_it_is_needed() {
        let memory = Memory::begin();
        let here = what_was_let_go_is_there_when_it_is_needed as fn() as usize;
        assert!(memory.code.iter().any(|it| it.contains(&here)), "{:?}", memory.code);
        let resident = || {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|it| it.strip_prefix("RssFile:")).unwrap();
            line.trim_end_matches("kB").trim().parse::<u64>().unwrap()
        };
        let before = resident();
        memory.give_back();
        let after = resident();
        assert!(after < before, "{before} KiB, then {after} KiB");
    }
}
