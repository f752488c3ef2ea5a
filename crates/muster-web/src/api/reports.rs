//! Reports over what was heard: the tables that `muster report` prints.
#![expect(unused_qualifications, reason = "the route macro qualifies what it is given")]

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use muster_report::reports::Report;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Routes, Stamp};
use crate::app::App;
use crate::extract::{Asked, Named};
use crate::problem::Problem;
use crate::reports::{Wanted, table};

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/reports/{name}", read)
}

/// What it is about. Intervals and hours count that begin in the time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// From here; if absent, as far back as the report usually goes.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Stamp>,
    /// Up to here; now if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Stamp>,
    /// Only of this monitor, by name.
    monitor: Option<String>,
    /// Only of monitors at this place, or in it.
    place: Option<String>,
    /// Only of this person's devices, by short name.
    person: Option<String>,
    /// In `unseen`: not heard for more than so many days; 7 by default.
    #[param(minimum = 1, maximum = 3650)]
    days: Option<u32>,
    /// In `busiest` and `recent`: at most so many rows, 1 to 1000; 10 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `json` by default, `csv` or `xlsx`.
    #[serde(default)]
    format: Format,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// `{"items": [...], "next": null}`.
    #[default]
    Json,
    /// With a header line.
    Csv,
    /// A workbook with one sheet.
    Xlsx,
}

/// A report.
///
/// `hourly`, `monitors`, `devices`, `overlap`, `gaps`, `days`, `busiest`, `pattern`, `signals`,
/// `nearest`, `new`, `unseen`, `regulars`, `recent` or `occupancy`; docs/reports.md says what their
/// columns are.
#[utoipa::path(get, path = "/api/v1/reports/{name}", tag = "history",
    params(("name" = String, Path, description = "Which"), Which),
    responses((status = 200, body = Object)))]
pub(crate) async fn read(
    State(app): State<App>,
    Named(name): Named<String>,
    Asked(which): Asked<Which>,
) -> Result<Response, Problem> {
    let report = Report::named(&name).ok_or_else(|| {
        let all = Report::ALL.iter().map(|(it, _)| (*it).to_owned());
        Problem::missing("report", &name).near(all.collect())
    })?;
    let (table, _) = table(&app, &which.wanted(report)?).await?;
    let (kind, body) = match which.format {
        Format::Json => {
            let items = muster_report::json(&table).map_err(|it| unwritten(&it))?;
            let body = format!("{{\"items\":{},\"next\":null}}", items.trim_end());
            ("application/json", body.into_bytes())
        }
        Format::Csv => {
            let body = muster_report::csv(&table).map_err(|it| unwritten(&it))?;
            ("text/csv; charset=utf-8", body.into_bytes())
        }
        Format::Xlsx => {
            let now = app.hub.now().wall;
            (WORKBOOK, muster_report::xlsx(&table, now).map_err(|it| unwritten(&it))?)
        }
    };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

impl Which {
    /// Refuses what a report could only leave out of account.
    fn fits(&self, report: Report) -> Result<(), Problem> {
        for (name, given) in [
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("monitor", self.monitor.is_some()),
            ("place", self.place.is_some()),
            ("days", self.days.is_some()),
            ("limit", self.limit.is_some()),
        ] {
            if given && !report.takes(name) {
                let what = format!("`{name}` has no meaning in this report: {}", report.name());
                return Err(Problem::wrong(what));
            }
        }
        Ok(())
    }

    fn wanted(&self, report: Report) -> Result<Wanted, Problem> {
        self.fits(report)?;
        let within = |what: &str, given: usize, most: usize| {
            let fits = (1..=most).contains(&given);
            fits.then_some(given)
                .ok_or_else(|| Problem::wrong(format!("{what} is 1 to {most}: {given}")))
        };
        let days = self.days.unwrap_or(Wanted::DAYS);
        within("days", days as usize, 3650)?;
        Ok(Wanted {
            report,
            from: self.from.map(|it| it.0),
            to: self.to.map(|it| it.0),
            monitor: self.monitor.clone(),
            place: self.place.clone(),
            person: self.person.clone(),
            days,
            limit: within("limit", self.limit.unwrap_or(Wanted::LIMIT), 1000)?,
        })
    }
}

fn unwritten(cause: &dyn std::error::Error) -> Problem {
    Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, cause.to_string())
}

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
