//! A terminal that is drawn upon, and given back as it was.

use std::io::{self, Stdout, Write as _, stdout};
use std::pin::Pin;
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{Event, EventStream, KeyCode, KeyModifiers};
use crossterm::style::Print;
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{execute, queue};
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;

use crate::failure::{Exit, Failure};
use crate::stop;

/// The terminal, while it is ours.
pub(super) struct Screen {
    runtime: Runtime,
    keys: EventStream,
    out: Stdout,
    stop: Pin<Box<dyn Future<Output = ()>>>,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Look again: time has passed, or somebody asked for it.
    Look,
    /// Draw again: the terminal has another size.
    Draw,
    /// Somebody has seen enough.
    End,
}

impl Screen {
    pub(super) fn open() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Failure::new(Exit::Failed, "cannot start").because(it))?;
        let stop = {
            let _inside = runtime.enter();
            Box::pin(stop::asked()?)
        };
        terminal::enable_raw_mode().map_err(no_terminal)?;
        // From here on dropping gives it back.
        let mut screen = Self { runtime, keys: EventStream::new(), out: stdout(), stop };
        execute!(screen.out, EnterAlternateScreen, Hide).map_err(no_terminal)?;
        Ok(screen)
    }

    pub(super) fn draw(&mut self, text: &str) -> Result<(), Failure> {
        let out = &mut self.out;
        let mut put = || -> io::Result<()> {
            for (row, line) in (0_u16..).zip(text.lines()) {
                queue!(out, MoveTo(0, row), Clear(ClearType::CurrentLine), Print(line))?;
            }
            let rows = u16::try_from(text.lines().count()).unwrap_or(u16::MAX);
            if rows < size().1 {
                queue!(out, MoveTo(0, rows), Clear(ClearType::FromCursorDown))?;
            }
            out.flush()
        };
        put().map_err(no_terminal)
    }

    /// Waits for a key, another size, a signal, or for so long.
    pub(super) fn wait(&mut self, length: Duration) -> Result<Wish, Failure> {
        let Self { runtime, keys, stop, .. } = self;
        runtime.block_on(async {
            let mut over = std::pin::pin!(tokio::time::sleep(length));
            loop {
                let event = tokio::select! {
                    () = stop.as_mut() => return Ok(Wish::End),
                    () = over.as_mut() => return Ok(Wish::Look),
                    event = keys.next() => event,
                };
                match event {
                    Some(Ok(event)) => {
                        if let Some(wish) = wish(&event) {
                            return Ok(wish);
                        }
                    }
                    Some(Err(cause)) => return Err(no_terminal(cause)),
                    None => return Ok(Wish::End),
                }
            }
        })
    }
}

/// Columns and lines.
pub(super) fn size() -> (u16, u16) {
    // Serial lines say 0.
    terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0).unwrap_or(USUAL)
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        drop(execute!(self.out, LeaveAlternateScreen, Show));
        drop(terminal::disable_raw_mode());
    }
}

fn wish(event: &Event) -> Option<Wish> {
    if matches!(event, Event::Resize(..)) {
        return Some(Wish::Draw);
    }
    let key = event.as_key_press_event()?;
    let held = key.modifiers == KeyModifiers::CONTROL;
    if key.code == KeyCode::Esc {
        return Some(Wish::End);
    }
    match (key.code.as_char()?, held) {
        ('c' | 'd', true) | ('q', false) => Some(Wish::End),
        (' ' | 'r', false) => Some(Wish::Look),
        ('l', true) => Some(Wish::Draw),
        _ => None,
    }
}

fn no_terminal(cause: io::Error) -> Failure {
    Failure::new(Exit::Failed, "cannot draw on the terminal")
        .because(cause)
        .hint("print it once: muster top --once")
}

/// What terminals have that do not say.
const USUAL: (u16, u16) = (80, 24);
