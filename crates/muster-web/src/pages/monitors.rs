//! *Monitors*: what each channel hears, what it cannot, and when it listened; and whether the sinks
//! get through.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use muster_core::ports::Inability;
use muster_core::series::{SinkHealth, SinkState};
use muster_core::span::{Span, SpanSet};

use super::fleet::{Asked, Fleet};
use super::places::{Places, Refused};
use super::show::{Clock, medium};
use super::{Frame, refuse, show_as};
use crate::app::App;
use crate::coverage::{self, Channel, Hearing};
use crate::problem::Problem;
use crate::when::{When, length};

#[derive(Template)]
#[template(path = "monitors.html")]
struct Page {
    frame: Frame,
    channels: Vec<Line>,
    sinks: Vec<SinkLine>,
    fleet: Fleet,
    places: Places,
}

/// One channel.
struct Line {
    id: String,
    monitor: String,
    medium: &'static str,
    channel: String,
    /// Where it stands, when there is more than one place.
    place: Option<String>,
    /// For the style sheet and for people.
    state: (&'static str, &'static str),
    revoked: Option<When>,
    /// Whether it told whom it heard, and never when it listened.
    tells: bool,
    covered_to: Option<When>,
    can: Vec<String>,
    cannot: Vec<Inability>,
    /// Reports within the last minute, and when the last one came.
    pulse: Option<(u32, When)>,
    strangers: Option<usize>,
    strip: Strip,
}

/// One sink.
struct SinkLine {
    name: String,
    target: String,
    /// For the style sheet and for people.
    state: (&'static str, &'static str),
    since: Option<When>,
    delivered_to: Option<When>,
    waiting: u64,
    dropped: u64,
    lost: Option<(When, When)>,
    last_error: Option<(When, String)>,
}

/// The last day as a picture and in words.
struct Strip {
    /// Where on the strip it heard: start and width in minutes of [`DAY`].
    bars: Vec<(i64, i64)>,
    /// Full hours: where, and which.
    hours: Vec<(i64, String)>,
    /// The whole of it in a sentence.
    summary: String,
    /// When it did not hear, newest first.
    gaps: Vec<(When, When, String)>,
}

pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    render(&app, &headers, StatusCode::OK, None, Asked::default()).await
}

/// The page, perhaps with a form that was refused.
pub(super) async fn render(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    refused: Option<Refused>,
    asked: Asked,
) -> Response {
    let clock = Clock::of(app);
    let window = Span::new(clock.now - DAY, clock.now);
    let channels = match coverage::channels(app, window).await {
        Ok(channels) => channels,
        Err(error) => return refuse(&Problem::from(error)),
    };
    let snapshot = app.snapshot();
    let lines = channels.into_iter().enumerate();
    let places = snapshot.directory.places.len();
    let page = Page {
        frame: Frame::new(app, &snapshot, headers, "/monitors", "Monitors"),
        channels: lines.map(|(at, it)| Line::of(at, it, places, window, &clock)).collect(),
        sinks: app.hub.sinks().into_iter().map(|it| SinkLine::of(it, &clock)).collect(),
        fleet: Fleet::of(app, &snapshot, asked, &clock),
        places: Places::of(app, &snapshot, refused),
    };
    show_as(status, &page)
}

impl SinkLine {
    fn of(it: SinkHealth, clock: &Clock) -> Self {
        let class = match it.state {
            SinkState::Delivering => "present",
            SinkState::Starting => "arriving",
            SinkState::Failing => "unknown",
        };
        Self {
            name: it.name,
            target: it.target,
            state: (class, it.state.word()),
            since: it.since.map(|it| clock.when(it)),
            delivered_to: it.delivered_to.map(|it| clock.when(it)),
            waiting: it.backlog,
            dropped: it.dropped,
            lost: it.lost.map(|it| (clock.when(it.from), clock.when(it.to))),
            last_error: it.last_error.map(|it| (clock.when(it.at), it.what)),
        }
    }
}

impl Line {
    fn of(at: usize, it: Channel, places: usize, window: Span, clock: &Clock) -> Self {
        let state = it.state();
        let shown = match state {
            Hearing::Listens => ("present", "listening"),
            Hearing::Starts => ("arriving", "starting"),
            Hearing::Dark => ("unknown", "not listening"),
            Hearing::Tells => ("arriving", "tells whom it hears"),
            Hearing::Revoked => ("away", "revoked"),
        };
        Self {
            id: format!("channel-{at}"),
            monitor: it.listener.monitor.to_string(),
            medium: medium(it.listener.source),
            channel: it.listener.channel.to_string(),
            place: (places > 1).then_some(it.place),
            state: shown,
            revoked: it.revoked.map(|it| clock.when(it)),
            tells: state == Hearing::Tells,
            covered_to: it.covered_to.map(|it| clock.when(it)),
            can: it.can,
            cannot: it.cannot,
            pulse: it.pulse.map(|it| (it.per_minute, clock.when(it.last))),
            strangers: it.strangers,
            strip: Strip::of(&it.spans, it.covered_to.is_none() && it.told, window, clock),
        }
    }
}

impl Strip {
    fn of(spans: &[Span], unsaid: bool, window: Span, clock: &Clock) -> Self {
        let set: SpanSet = spans.iter().copied().collect();
        let minute = |it: Duration| i64::try_from(it.as_secs() / 60).unwrap_or(0);
        let shown = set.bridged(SHORT);
        let bars = shown.spans().iter().map(|it| {
            let from = minute(it.from.since(window.from));
            (from, (minute(it.to.since(window.from)) - from).max(1))
        });
        let share = set.measure().as_secs_f64() / window.length().as_secs_f64() * 100.0;
        let gaps = shown.gaps(window);
        let mut gaps: Vec<_> = gaps
            .spans()
            .iter()
            .filter(|it| it.length() > SHORT)
            .map(|it| (clock.when(it.from), clock.when(it.to), length(it.length())))
            .collect();
        gaps.reverse();
        if unsaid {
            gaps.clear();
        }
        let summary = if unsaid {
            "never said when it listened, so its silence means nothing".to_owned()
        } else if spans.is_empty() {
            "did not listen in the last 24 hours".to_owned()
        } else {
            format!("listened {share:.0} % of the last 24 hours")
        };
        Self { bars: bars.collect(), hours: hours(window, clock), summary, gaps }
    }
}

/// Every sixth hour by the clock on the wall.
fn hours(window: Span, clock: &Clock) -> Vec<(i64, String)> {
    let minutes = 0..i64::try_from(DAY.as_secs() / 60).unwrap_or(0);
    let first = window.from.floor(Duration::from_mins(1));
    let local = |minute: i64| {
        let at = first + Duration::from_mins(minute.unsigned_abs());
        at.timestamp().to_zoned(clock.zone().clone())
    };
    minutes
        .map(|it| (it, local(it)))
        .filter(|(_, it)| it.minute() == 0 && it.hour() % 6 == 0)
        .map(|(at, it)| (at, it.strftime("%H:%M").to_string()))
        .collect()
}

const DAY: Duration = Duration::from_hours(24);

/// Gaps up to this long cannot be seen on the strip and are not worth a line.
const SHORT: Duration = Duration::from_mins(2);
