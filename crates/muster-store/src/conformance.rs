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

mod sequence;

mod compare;

mod model;

mod scene;

/// What came of a case.
pub type Outcome = Result<(), Broken>;

/// A case.
pub type Case = for<'a> fn(&'a dyn Store) -> BoxFuture<'a, Outcome>;

/// A case that makes up what it writes, from a seed.
pub type MadeUp = for<'a> fn(&'a dyn Store, u64) -> BoxFuture<'a, Outcome>;

/// The cases with their names.
pub const CASES: &[(&str, Case)] = &[
    ("an empty store has nothing", |it| Box::pin(cases::empty(it))),
    ("changes are numbered densely", |it| Box::pin(cases::numbers(it))),
    ("rows are replaced by their keys", |it| Box::pin(cases::replaces(it))),
    ("sightings widen what was seen", |it| Box::pin(cases::seen(it))),
    ("the best reading of an interval wins", |it| Box::pin(cases::readings(it))),
    ("the best of all listeners wins", |it| Box::pin(cases::winners(it))),
    ("an identity's details are replaced as a whole", |it| Box::pin(cases::details(it))),
    ("any value comes back", |it| Box::pin(cases::extremes(it))),
    ("stays share an instant with the window", |it| Box::pin(cases::stays(it))),
    ("changes come in order and in bounds", |it| Box::pin(cases::windows(it))),
    ("states are told for any time", |it| Box::pin(cases::states(it))),
    ("cursors are kept", |it| Box::pin(cases::cursors(it))),
    ("identities go unless somebody speaks of them", |it| Box::pin(retention::identities(it))),
    ("readings go by a limit of their own", |it| Box::pin(retention::readings(it))),
    ("what is still needed stays", |it| Box::pin(retention::keeps(it))),
];

/// The cases that make up what they write, with their names.
pub const MADE_UP: &[(&str, MadeUp)] = &[
    ("readers see whole commits", |it, seed| Box::pin(cases::whole_commits(it, seed))),
    ("a history is as modelled", |it, seed| Box::pin(cases::made_up(it, seed))),
    ("any sequence of operations", |it, seed| Box::pin(sequence::any(it, seed))),
    ("what is too old goes", |it, seed| Box::pin(retention::forgets(it, seed))),
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
