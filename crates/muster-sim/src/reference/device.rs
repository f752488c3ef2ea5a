//! A device's stays: arrivals, departures and moves between sites, one second after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_core::fact::{Listener, SIGHTING, SourceKind};
use muster_core::identity::{DeviceId, PlaceId};
use muster_core::stay::{Ended, Subject};

use super::grid::{Ear, Grid};
use super::{Case, Judged, Told};

/// One site as the device appears there.
struct Site {
    id: PlaceId,
    ears: Vec<Ear>,
    /// Heard by any listener of the site.
    heard: Vec<bool>,
    open: Option<Open>,
    after_assumed: bool,
}

/// The stay that goes on.
struct Open {
    from: usize,
    last: usize,
    after_gap: bool,
    /// Seconds inside it in which nobody who is decisive could hear.
    uncovered: Vec<usize>,
}

/// How a stay ends, and when that may be said.
struct End {
    decided: usize,
    ended: Ended,
    to_latest: Option<usize>,
}

/// The stays of one device.
pub(super) fn stays(case: &Case<'_>, device: DeviceId) -> Vec<Judged> {
    let grid = Grid::new(case);
    let mut sites = sites(&grid, case, device);
    let mut judged = Vec::new();
    let mut starts: Vec<(usize, usize)> = Vec::new();
    for (index, site) in sites.iter().enumerate() {
        starts.extend(spans(&site.heard).into_iter().map(|(from, _)| (from, index)));
    }
    starts.sort_unstable();
    let report = |site: &Site, open: &Open, end: Option<End>| told(&grid, device, site, open, end);
    for (from, at) in starts {
        let Some(site) = sites.get_mut(at) else { continue };
        if let Some(open) = &site.open
            && let Some(end) = departure(case, &grid, site, open, Some(from))
        {
            site.after_assumed = end.ended == Ended::Assumed;
            judged.push(report(site, open, Some(end)));
            site.open = None;
        }
        let to = span_end(&site.heard, from);
        let last = to - seconds(SIGHTING);
        if let Some(open) = &mut site.open {
            let decisive: Vec<&Ear> =
                site.ears.iter().filter(|it| is_decisive(case, it, open.last)).collect();
            let nobody = |s: &usize| !decisive.iter().any(|it| it.bridged[*s]);
            open.uncovered.extend((open.last + seconds(SIGHTING)..from).filter(nobody));
            open.last = last;
            continue;
        }
        if !confirmed(case, site, from) {
            continue;
        }
        site.open = Some(Open { from, last, after_gap: site.after_assumed, uncovered: Vec::new() });
        site.after_assumed = false;
        for (_, other) in sites.iter_mut().enumerate().filter(|(index, _)| *index != at) {
            if let Some(end) = superseded(case, &grid, other, from)
                && let Some(open) = other.open.take()
            {
                other.after_assumed = end.ended == Ended::Assumed;
                judged.push(report(other, &open, Some(end)));
            }
        }
    }
    for site in &sites {
        if let Some(open) = &site.open {
            judged.push(report(site, open, departure(case, &grid, site, open, None)));
        }
    }
    judged
}

fn sites(grid: &Grid, case: &Case<'_>, device: DeviceId) -> Vec<Site> {
    let ears = grid.ears(case, device);
    let ids: BTreeSet<PlaceId> = ears.iter().map(|it| it.site).collect();
    let mut ears: Vec<Option<Ear>> = ears.into_iter().map(Some).collect();
    ids.into_iter()
        .map(|id| {
            let mine = |it: &mut Option<Ear>| it.take_if(|it| it.site == id);
            let ears: Vec<Ear> = ears.iter_mut().filter_map(mine).collect();
            let heard = (0..grid.length).map(|s| ears.iter().any(|it| it.heard[s])).collect();
            Site { id, ears, heard, open: None, after_assumed: false }
        })
        .collect()
}

/// Whether the heard time that begins at `from` is more than a passer-by's.
fn confirmed(case: &Case<'_>, site: &Site, from: usize) -> bool {
    let within = seconds(case.policy.ble.confirm_within);
    let window = || (from..from + within).filter(|s| *s < site.heard.len());
    let ears = site.ears.iter().filter(|it| window().any(|s| it.heard[s]));
    let confirm_for = ears.map(|it| it.patience.confirm_for).min().unwrap_or_default();
    window().filter(|s| site.heard[*s]).count() >= seconds(SIGHTING + confirm_for)
}

/// Walks from the last evidence to the next, second by second, until a rule says that it is over.
fn departure(
    case: &Case<'_>,
    grid: &Grid,
    site: &Site,
    open: &Open,
    next: Option<usize>,
) -> Option<End> {
    let e = open.last;
    let stop = next.unwrap_or(grid.frontier).min(grid.frontier);
    let decisive: Vec<Decisive<'_>> = site
        .ears
        .iter()
        .filter(|it| is_decisive(case, it, e))
        .map(|ear| Decisive { ear, gap: long_gap(case, ear, e, stop) })
        .collect();
    let known: Vec<&Ear> =
        site.ears.iter().filter(|it| (open.from..=e).any(|s| it.heard[s])).collect();
    let hold = seconds(case.policy.unknown_hold);
    let mut united = (Vec::new(), 0);
    for t in e + 1..=stop {
        let alive: Vec<&Ear> =
            decisive.iter().filter(|it| !it.dropped(case, t)).map(|it| it.ear).collect();
        let silent = silence(&alive, e, t, &mut united);
        if !alive.is_empty() && alive.iter().all(|it| it.is_heard_out(silent, hold, e, t)) {
            let to_latest = last_gap_end(&alive, e, t);
            return Some(End { decided: t, ended: Ended::Left, to_latest });
        }
        if alive.is_empty() {
            let ends = decisive.iter().filter(|it| it.dropped_at(case) == Some(t));
            let end = ends.filter_map(|it| it.gap.map(|(_, end)| end)).max();
            let to_latest = end.filter(|it| *it < grid.frontier);
            return Some(End { decided: t, ended: Ended::Assumed, to_latest });
        }
        if let Some(deciding) = other_medium(case, &decisive, &known, e, t) {
            let to_latest = last_gap_end(&deciding, e, t);
            return Some(End { decided: t, ended: Ended::Left, to_latest });
        }
    }
    None
}

/// How much of [e, t) all of them cover together. `known` remembers the sum up to the second
/// before, while the listeners stay the same.
fn silence(ears: &[&Ear], e: usize, t: usize, known: &mut (Vec<Listener>, usize)) -> usize {
    let all = |s: usize| ears.iter().all(|it| it.bridged[s]);
    let who: Vec<Listener> = ears.iter().map(|it| it.listener.clone()).collect();
    if known.0 == who {
        known.1 += usize::from(all(t - 1));
    } else {
        *known = (who, (e..t).filter(|s| all(*s)).count());
    }
    known.1
}

/// Where the last hole in what all of them cover together between `e` and `t` ends. Seconds at the
/// end for which a listener's coverage may only be on its way are no hole.
fn last_gap_end(ears: &[&Ear], e: usize, t: usize) -> Option<usize> {
    let covers = |ear: &Ear, s: usize| {
        let last = (e..t).rev().find(|it| ear.bridged[*it]);
        ear.bridged[s] || last.is_some_and(|it| it < s && t - it - 1 <= seconds(ear.patience.cycle))
    };
    (e..t).rev().find(|s| !ears.iter().all(|it| covers(it, *s))).map(|it| it + 1)
}

/// Who decides at `t` because a decisive listener is dark and another medium is not: that medium's
/// listeners, and the decisive ones that are awake.
fn other_medium<'a>(
    case: &Case<'_>,
    decisive: &[Decisive<'a>],
    known: &[&'a Ear],
    e: usize,
    t: usize,
) -> Option<Vec<&'a Ear>> {
    let medium = |ear: &Ear| ear.listener.source;
    let asked = decisive.iter().filter(|it| !it.dropped(case, t)).map(|it| it.ear);
    let (dark, awake): (Vec<&Ear>, Vec<&Ear>) = asked.partition(|it| is_dark(case, it, e, t));
    let hold = seconds(case.policy.unknown_hold);
    let waited = awake.iter().all(|it| it.is_heard_out(it.silence(e, t), hold, e, t));
    if dark.is_empty() || !waited {
        return None;
    }
    let media: BTreeSet<SourceKind> = known.iter().map(|it| medium(it)).collect();
    media.into_iter().filter(|it| dark.iter().all(|dark| medium(dark) != *it)).find_map(|it| {
        let group = known.iter().copied().filter(|ear| medium(ear) == it);
        let waited = group.clone().all(|ear| ear.silence(e, t) >= hold);
        waited.then(|| group.chain(awake.iter().copied()).collect())
    })
}

/// Whether a listener has been in a gap for `unknown_after`, or for its source's rhythm if that is
/// longer.
fn is_dark(case: &Case<'_>, ear: &Ear, e: usize, t: usize) -> bool {
    let gap = (e..t).rev().take_while(|s| !ear.bridged[*s]).count();
    let cycle = ear.patience.cycle;
    gap > 0 && gap >= seconds(case.policy.unknown_after).max(seconds(cycle))
}

/// What happens to a stay elsewhere when one is confirmed that began at `from`; none: it goes on.
fn superseded(case: &Case<'_>, grid: &Grid, site: &Site, from: usize) -> Option<End> {
    let open = site.open.as_ref()?;
    if let Some(end) = departure(case, grid, site, open, Some(from))
        && end.decided <= from
    {
        return Some(end);
    }
    let until = from + seconds(case.policy.conflict_within);
    let conflict = (from + 1..=until).any(|s| is_evidence(&site.heard, s));
    (!conflict).then_some(End { decided: from, ended: Ended::Moved, to_latest: None })
}

/// A listener whose silence is asked for, and the gap that would make us do without it.
struct Decisive<'a> {
    ear: &'a Ear,
    gap: Option<(usize, usize)>,
}

impl Decisive<'_> {
    fn dropped_at(&self, case: &Case<'_>) -> Option<usize> {
        self.gap.map(|(start, _)| start + seconds(case.policy.unknown_max))
    }

    fn dropped(&self, case: &Case<'_>, t: usize) -> bool {
        self.dropped_at(case).is_some_and(|it| it <= t)
    }
}

/// The first gap in bridged coverage after `e` that is longer than `unknown_max`.
fn long_gap(case: &Case<'_>, ear: &Ear, e: usize, stop: usize) -> Option<(usize, usize)> {
    let missing: Vec<bool> = ear.bridged.iter().map(|it| !it).collect();
    let mut start = e;
    while start < stop {
        let end = (start..stop).find(|s| !missing[*s]).unwrap_or(stop);
        if end - start > seconds(case.policy.unknown_max) {
            return Some((start, end));
        }
        start = (end..stop).find(|s| missing[*s]).unwrap_or(stop);
    }
    None
}

/// Whether a listener heard the device shortly before its last evidence `e`.
fn is_decisive(case: &Case<'_>, ear: &Ear, e: usize) -> bool {
    let recent = e.saturating_sub(seconds(case.policy.decisive_within));
    last_evidence(ear, e).is_some_and(|it| it >= recent)
}

/// The last evidence that a listener has at or before `e`.
fn last_evidence(ear: &Ear, e: usize) -> Option<usize> {
    (0..=e).rev().find(|s| is_evidence(&ear.heard, *s))
}

/// Whether something heard at this second would be within a heard span: its next 30 s are.
fn is_evidence(heard: &[bool], second: usize) -> bool {
    heard.get(second..second + seconds(SIGHTING)).is_some_and(|it| it.iter().all(|it| *it))
}

/// The runs of heard seconds, from and to.
fn spans(heard: &[bool]) -> Vec<(usize, usize)> {
    (0..heard.len())
        .filter(|s| heard[*s] && !s.checked_sub(1).is_some_and(|it| heard[it]))
        .map(|from| (from, span_end(heard, from)))
        .collect()
}

fn span_end(heard: &[bool], from: usize) -> usize {
    (from..heard.len()).find(|s| !heard[*s]).unwrap_or(heard.len())
}

fn told(grid: &Grid, device: DeviceId, site: &Site, open: &Open, end: Option<End>) -> Judged {
    let told = Told {
        subject: Subject::Device(device),
        site: site.id,
        from: grid.time(open.from),
        last: grid.time(open.last),
        ended: end.as_ref().map_or(Ended::Open, |it| it.ended),
        to_latest: end.as_ref().and_then(|it| it.to_latest).map(|it| grid.time(it)),
        uncovered: Duration::from_secs(open.uncovered.len() as u64),
        after_gap: open.after_gap,
    };
    let uncovered = open.uncovered.iter().map(|it| grid.time(*it)).collect();
    Judged { told, decided: end.map(|it| grid.time(it.decided)), uncovered }
}

fn seconds(it: Duration) -> usize {
    usize::try_from(it.as_secs()).unwrap_or(usize::MAX)
}
