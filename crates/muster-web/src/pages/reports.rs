//! *Reports*: what was heard over hours and days, as pictures and tables, and to take away.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use muster_core::snapshot::Snapshot;
use muster_core::span::Span;
use muster_core::time::Time;
use muster_report::reports::Report;
use muster_report::{Holds, Style, shown};
use serde::Deserialize;

use super::picture::{Drawing, Picture};
use super::show::Clock;
use super::{Frame, Refusal, show_as};
use crate::app::App;
use crate::extract::Asked;
use crate::problem::Problem;
use crate::reports::{Wanted, table};
use crate::when::When;

#[derive(Template)]
#[template(path = "reports.html")]
struct Page {
    frame: Frame,
    /// What was asked for, as it was typed.
    search: Search,
    report: Report,
    monitors: Vec<String>,
    places: Vec<String>,
    /// Short names, and what people read.
    people: Vec<(String, String)>,
    refusal: Option<Refusal>,
    found: Option<Found>,
}

/// A report.
struct Found {
    from: When,
    to: When,
    pictures: Vec<Picture>,
    /// Whether there would be some of a shorter time.
    too_long: bool,
    /// Names, and whether the cells are numbers.
    heads: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
    /// Rows for which there is no room.
    more: usize,
    /// The same for programs, but for the format.
    link: String,
}

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    report: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    monitor: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    person: String,
}

pub(super) async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Asked(search): Asked<Search>,
) -> Response {
    let snapshot = app.snapshot();
    let clock = Clock::of(&app);
    let report = Report::named(&search.report).unwrap_or(Report::Hourly);
    let found = match wanted(&search, report, clock.zone()) {
        Ok(wanted) => found(&app, &clock, &wanted).await,
        Err(problem) => Err(problem),
    };
    let status = found.as_ref().map_or_else(Problem::status, |_| StatusCode::OK);
    let refusal = found.as_ref().err().map(Refusal::from);
    let page = Page {
        frame: Frame::new(&app, &snapshot, &headers, "/reports", "Reports"),
        report,
        monitors: monitors(&snapshot),
        places: snapshot.directory.places.values().map(|it| it.name.to_string()).collect(),
        people: people(&snapshot),
        refusal,
        found: found.ok(),
        search,
    };
    show_as(status, &page)
}

impl Page {
    /// Whether what is typed there means anything.
    fn takes(&self, what: &str) -> bool {
        self.report.takes(what)
    }
}

async fn found(app: &App, clock: &Clock, wanted: &Wanted) -> Result<Found, Problem> {
    let (table, window) = table(app, wanted).await?;
    let style = Style { width: None, colour: false, zone: clock.zone().clone(), now: clock.now };
    let (columns, mut rows) = shown(&table, &style);
    let more = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    let is_number = |it: Holds| matches!(it, Holds::Whole | Holds::Decimal | Holds::Share);
    let head = |it: &muster_report::Column| (it.name.replace('_', " "), is_number(it.holds));
    let drawing = Drawing { interval: app.hub.interval(), zone: clock.zone().clone() };
    let pictures = Picture::of(wanted.report, &table, window, &drawing);
    Ok(Found {
        from: clock.when(window.from),
        to: clock.when(window.to),
        too_long: pictures.is_empty() && Picture::draws(wanted.report) && !rows.is_empty(),
        pictures,
        heads: columns.iter().map(head).collect(),
        rows,
        more,
        link: link(wanted, window),
    })
}

fn wanted(search: &Search, report: Report, zone: &TimeZone) -> Result<Wanted, Problem> {
    if !search.report.is_empty() && Report::named(&search.report).is_none() {
        return Err(Problem::missing("report", &search.report));
    }
    // What means nothing in this report was chosen for the one before it.
    let given = |what: &str, text: &str| {
        let text = Some(text.trim()).filter(|it| !it.is_empty() && report.takes(what));
        text.map(str::to_owned)
    };
    let day = |what: &str, text: &str| given(what, text).map(|it| date(&it)).transpose();
    let (from, to) = (day("from", &search.from)?, day("to", &search.to)?);
    let last = to.map(|it| it.tomorrow().map_err(|_| no_date(&search.to))).transpose()?;
    let start = |it: Date| Some(Time::from(it.to_zoned(zone.clone()).ok()?.timestamp()));
    Ok(Wanted {
        report,
        from: from.and_then(start),
        to: last.and_then(start),
        monitor: given("monitor", &search.monitor),
        place: given("place", &search.place),
        person: given("person", &search.person),
        days: Wanted::DAYS,
        limit: if report.takes("limit") { SHORT } else { Wanted::LIMIT },
    })
}

fn date(text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| no_date(text))
}

fn no_date(text: &str) -> Problem {
    Problem::wrong(format!("that is no date: {text}")).hint("write it as in 2026-11-21")
}

/// The same report of the interface.
fn link(wanted: &Wanted, window: Span) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let report = wanted.report;
    if report.takes("from") {
        query.append_pair("from", &window.from.to_string());
        query.append_pair("to", &window.to.to_string());
    }
    if report.takes("limit") {
        query.append_pair("limit", &wanted.limit.to_string());
    }
    for (key, value) in
        [("monitor", &wanted.monitor), ("place", &wanted.place), ("person", &wanted.person)]
    {
        query.extend_pairs(value.iter().map(|it| (key, it)));
    }
    format!("/api/v1/reports/{}?{}", report.name(), query.finish())
}

fn monitors(snapshot: &Snapshot) -> Vec<String> {
    let mut all: Vec<String> =
        snapshot.listeners.iter().map(|it| it.listener.monitor.to_string()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn people(snapshot: &Snapshot) -> Vec<(String, String)> {
    let all = snapshot.directory.people.values();
    all.map(|it| (it.name.to_string(), it.display.to_string())).collect()
}

/// A table of more is slow to draw on a phone; the rest can be taken away as a file.
const SHOWN: usize = 500;
/// How many rows a report has that could have any number.
const SHORT: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn search(report: &str, from: &str, to: &str) -> Search {
        Search { report: report.into(), from: from.into(), to: to.into(), ..Search::default() }
    }

    #[test]
    fn days_are_inclusive_and_those_of_the_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let asked = search("hourly", "2026-10-25", "2026-10-25");
        let it = wanted(&asked, Report::Hourly, &zone).unwrap();
        let day = Span::new(it.from.unwrap(), it.to.unwrap());
        assert_eq!(day.length().as_secs(), 25 * 3_600, "a night with an hour twice");
        assert_eq!(day.from.to_string(), "2026-10-24T22:00:00Z");
        let open = wanted(&search("hourly", "", " "), Report::Hourly, &zone).unwrap();
        assert_eq!((open.from, open.to), (None, None));
    }

    #[test]
    fn what_is_no_date_is_told_and_what_means_nothing_is_left_out() {
        let zone = TimeZone::UTC;
        for text in ["yesterday", "2026-13-01", "9999-12-31x"] {
            let problem = wanted(&search("days", text, ""), Report::Days, &zone).unwrap_err();
            assert!(problem.detail.contains(text), "{problem:?}");
        }
        let last = wanted(&search("days", "", "9999-12-31"), Report::Days, &zone);
        assert!(last.is_err(), "there is no day after it");
        assert!(wanted(&search("dayly", "", ""), Report::Hourly, &zone).is_err());
        let asked = Search { monitor: "attic".into(), ..search("new", "", "") };
        assert_eq!(wanted(&asked, Report::New, &zone).unwrap().monitor, None);
    }

    #[test]
    fn the_link_asks_for_the_same() {
        let asked = Search {
            monitor: "attic & cellar".into(),
            ..search("recent", "2026-11-20", "2026-11-20")
        };
        let it = wanted(&asked, Report::Recent, &TimeZone::UTC).unwrap();
        let window = Span::new(it.from.unwrap(), it.to.unwrap());
        assert_eq!(
            link(&it, window),
            "/api/v1/reports/recent?from=2026-11-20T00%3A00%3A00Z&to=2026-11-21T00%3A00%3A00Z\
             &limit=50&monitor=attic+%26+cellar"
        );
    }
}
