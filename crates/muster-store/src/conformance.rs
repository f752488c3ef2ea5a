//! What every store has to do, as cases that any implementation of the port can be put through:
//! the databases here, and a store in memory elsewhere.
//!
//! The cases compare with a model of maps and loops that shares no code with any store. Each wants
//! a store of its own, empty; what it finds wrong it says.

use std::fmt::Debug;

use muster_core::ports::{BoxFuture, Store, StoreError};

pub use compare::agrees;
pub use model::Model;
pub use scene::Scene;

mod cases;

mod retention;

mod compare;

mod model;

mod scene;

/// What came of a case.
pub type Outcome = Result<(), Broken>;

/// A case, with the seed of whatever it makes up.
pub type Case = for<'a> fn(&'a dyn Store, u64) -> BoxFuture<'a, Outcome>;

/// All cases with their names.
pub const CASES: &[(&str, Case)] = &[
    ("an empty store has nothing", |store, _| Box::pin(cases::empty(store))),
    ("sightings widen what was seen", |store, _| Box::pin(cases::seen(store))),
    ("changes are numbered densely", |store, _| Box::pin(cases::numbers(store))),
    ("rows are replaced by their keys", |store, _| Box::pin(cases::replaces(store))),
    ("the best reading of an interval wins", |store, _| Box::pin(cases::readings(store))),
    ("an identity's details are replaced as a whole", |store, _| Box::pin(cases::details(store))),
    ("any value comes back", |store, _| Box::pin(cases::extremes(store))),
    ("stays share an instant with the window", |store, _| Box::pin(cases::stays(store))),
    ("changes come in order and in bounds", |store, _| Box::pin(cases::windows(store))),
    ("states are told for any time", |store, _| Box::pin(cases::states(store))),
    ("cursors are kept", |store, _| Box::pin(cases::cursors(store))),
    ("readers see whole commits", |store, seed| Box::pin(cases::whole_commits(store, seed))),
    ("a made-up history is as modelled", |store, seed| Box::pin(cases::made_up(store, seed))),
    ("what is too old goes", |store, seed| Box::pin(retention::forgets(store, seed))),
    ("what is still needed stays", |store, _| Box::pin(retention::keeps(store))),
];

/// What a store did wrong.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It gave another answer than it should.
    #[error("{what}: got {got}, want {want}")]
    Differs {
        /// What was asked.
        what: String,
        /// The answer.
        got: String,
        /// The right one.
        want: String,
    },
    /// It gave none.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// Ok if both are equal.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, got: &T, want: &T) -> Outcome {
    if got == want {
        return Ok(());
    }
    let (what, got, want) = (what.to_owned(), format!("{got:?}"), format!("{want:?}"));
    Err(Broken::Differs { what, got, want })
}
