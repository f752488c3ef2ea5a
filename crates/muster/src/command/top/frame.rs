//! What is on the screen: a head, and tables cut to what fits.

use muster_core::time::Time;
use muster_report::{Style, Table, safe, text};
use serde_json::{Value, json};

use crate::shape::Now;

/// One look at everything.
#[derive(Debug)]
pub(super) struct Frame {
    at: Time,
    now: Now,
    /// Whether a hub runs; else it is what is stored.
    live: bool,
    /// Why it is not newer.
    stale: Option<String>,
    pub(super) sections: Vec<Section>,
}

/// A table with its title.
#[derive(Debug)]
pub(super) struct Section {
    title: &'static str,
    table: Table,
    /// The rows with everything that is known about them.
    all: Vec<Value>,
}

impl Section {
    pub(super) fn new(title: &'static str, table: Table, all: Vec<Value>) -> Self {
        Self { title, table, all }
    }

    /// Its key in JSON: the first word of its title.
    fn key(&self) -> String {
        self.title.split(", ").next().unwrap_or(self.title).replace(' ', "_")
    }
}

impl Frame {
    pub(super) fn new(at: Time, now: Now, live: bool) -> Self {
        Self { at, now, live, stale: None, sections: Vec::new() }
    }

    /// The same, when there is nothing newer.
    pub(super) fn stale(self, why: &str) -> Self {
        Self { stale: Some(why.to_owned()), ..self }
    }

    /// For programs.
    pub(super) fn value(&self) -> Value {
        let mut all = json!({
            "at": self.at.to_string(),
            "live": self.live,
            "simulated": self.now.simulated,
            "degraded": self.now.degraded,
            "devices_present": self.now.devices_present,
            "guests": self.now.guests,
        });
        if let Some(fields) = all.as_object_mut() {
            fields.extend(self.sections.iter().map(|it| (it.key(), it.all.clone().into())));
        }
        all
    }

    /// For people: at most `height` lines.
    pub(super) fn text(&self, style: &Style, height: Option<u16>) -> String {
        let mut rows: Vec<usize> = self.sections.iter().map(|it| it.table.rows.len()).collect();
        let Some(height) = height.map(usize::from) else {
            return self.with(&rows, style).join("\n") + "\n";
        };
        loop {
            let mut lines = self.with(&rows, style);
            let longest = rows.iter_mut().max().filter(|it| **it > 1);
            match longest {
                Some(it) if lines.len() > height => *it -= 1,
                _ => {
                    lines.truncate(height);
                    return lines.join("\n");
                }
            }
        }
    }

    /// All lines, with so many rows of each table.
    fn with(&self, rows: &[usize], style: &Style) -> Vec<String> {
        let mut lines = self.head(style);
        for (section, &shown) in self.sections.iter().zip(rows) {
            let hidden = section.table.rows.len() - shown;
            let mut table = section.table.clone();
            table.rows.truncate(shown);
            let more = if hidden > 0 { format!("  ({hidden} more)") } else { String::new() };
            lines.push(String::new());
            lines.push(bold(&format!("{}{more}", section.title.to_uppercase()), style));
            let body = text(&table, style);
            if body.is_empty() {
                lines.push("nothing".to_owned());
            }
            lines.extend(body.lines().map(str::to_owned));
        }
        lines
    }

    fn head(&self, style: &Style) -> Vec<String> {
        let time = self.at.timestamp().to_zoned(style.zone.clone()).strftime("%F %T");
        let Now { devices_present, guests, .. } = self.now;
        let verb = if devices_present == 1 { "device is" } else { "devices are" };
        let mut lines =
            vec![format!("muster  {time}  {devices_present} {verb} here, {guests} nobody's")];
        lines.extend(
            self.now.simulated.then(|| "simulated: nobody and nothing of this is real".to_owned()),
        );
        lines.extend((!self.live).then(|| "no hub runs: this is what is stored".to_owned()));
        let degraded = self.now.degraded.as_deref();
        lines.extend(degraded.map(|it| format!("nothing is stored at the moment: {it}")));
        let outdated = self.stale.as_deref();
        lines.extend(outdated.map(|it| format!("nothing newer is known: {it}")));
        lines.iter().map(|it| clipped(&safe::terminal(it), style.width)).collect()
    }
}

fn bold(line: &str, style: &Style) -> String {
    if style.colour { format!("\x1b[1m{line}\x1b[0m") } else { line.to_owned() }
}

fn clipped(line: &str, width: Option<u16>) -> String {
    line.chars().take(width.map_or(usize::MAX, usize::from)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use muster_report::{Cell, Column};

    use super::*;

    fn frame(rows: [usize; 2]) -> Frame {
        let now = json!({
            "simulated": false, "degraded": "no space left on device", "devices_present": 3, "guests": 1,
        });
        let now = serde_json::from_value(now).unwrap();
        let mut frame = Frame::new(Time::from_secs(1_795_219_200), now, true);
        for (title, rows) in ["people", "devices, 24 h"].into_iter().zip(rows) {
            let mut table = Table::new(&[Column::new("name")]);
            for it in 0..rows {
                table.push(vec![Cell::Text(format!("{title} {it}"))]);
            }
            frame.sections.push(Section::new(title, table, vec![json!({ "device": 1 })]));
        }
        frame
    }

    fn style() -> Style {
        let now = Time::from_secs(1_795_219_200);
        Style { width: Some(60), colour: false, zone: TimeZone::UTC, now }
    }

    #[test]
    fn everything_fits_and_the_longest_table_gives_way_first() {
        let whole = frame([2, 30]).text(&style(), None);
        assert_eq!(whole.lines().count(), 2 + 3 + 2 + 3 + 30);
        assert!(whole.ends_with("devices, 24 h 29\n"));
        for height in [1_u16, 5, 10, 20, 39, 40, 41, 100] {
            let text = frame([2, 30]).text(&style(), Some(height));
            let lines = text.lines().count();
            assert_eq!(lines, usize::from(height).min(40), "{text}");
            if (12..40).contains(&height) {
                assert!(text.contains("people 1"), "{text}");
                let hidden = 40 - usize::from(height);
                assert!(text.contains(&format!("DEVICES, 24 H  ({hidden} more)")), "{text}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_at_the_top() {
        let text = frame([0, 0]).stale("the hub went away\u{1b}[2J").text(&style(), Some(30));
        let lines: Vec<&str> = text.lines().collect();
        let head = [
            "muster  2026-11-21 00:00:00  3 devices are here, 1 nobody's",
            "nothing is stored at the moment: no space left on device",
            "nothing newer is known: the hub went away\u{fffd}[2J",
            "",
            "PEOPLE",
            "nothing",
        ];
        assert_eq!(lines.get(..6), Some(&head[..]));
    }

    #[test]
    fn programs_get_every_row() {
        let value = frame([2, 30]).value();
        assert_eq!(value["devices"], json!([{ "device": 1 }]));
        assert_eq!(value["degraded"], "no space left on device");
        assert_eq!(value["at"], "2026-11-21T00:00:00Z");
    }
}
