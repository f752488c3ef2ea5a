//! `[readings]`: of what length of time the best signal is kept.

use std::time::Duration;

use muster_core::policy::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Length;

/// Of each interval the strongest signal of a device is kept, at each monitor and of all of them. Days of
/// a fleet are counted by these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReadingSettings {
    /// The length of an interval, of which an hour holds a whole number. What is stored keeps the length
    /// that it was measured with.
    pub interval: Length<10, 3_600>,
}

impl ReadingSettings {
    /// Key and reason where an hour does not hold a whole number of them.
    pub(crate) fn clash(&self) -> Option<(String, String)> {
        let rest = HOUR.as_nanos() % self.interval.get().as_nanos().max(1);
        let what = format!("an hour does not hold a whole number of these: {}", self.interval);
        (rest != 0).then(|| ("readings.interval".to_owned(), what))
    }
}

impl Default for ReadingSettings {
    fn default() -> Self {
        Self { interval: Length::secs(Policy::default().interval.as_secs()) }
    }
}

const HOUR: Duration = Duration::from_hours(1);
