//! What was noticed, here or by far monitors, on its way into the step: who is behind private
//! addresses, what stands for strangers, what is counted of it, and who waits for which answer.
//!
//! **Invariant:** every upload is answered once; while the machine's clock is not set none is taken,
//! because its facts are dated by it.

use std::collections::BTreeMap;

use muster_core::broadcast::Broadcast;
use muster_core::directory::TokenHash;
use muster_core::fact::Fact;
use muster_core::ingest::Ticket;
use muster_core::time::Now;
use muster_core::uplink::{Lane, Reply, Upload};
use tokio::sync::oneshot;

use super::{LOOK_AT_CLOCK, Runtime};
use crate::belief::Belief;
use crate::pseudonyms::Pseudonyms;

/// Who waits for an answer.
pub(super) type Waiting = BTreeMap<Ticket, oneshot::Sender<Reply>>;

impl Runtime {
    /// The same loop, in which strangers are known by these alone; none: as they are.
    pub(crate) fn masking(self, pseudonyms: Option<Pseudonyms>) -> Self {
        Self { pseudonyms, ..self }
    }

    /// Takes what a source of this machine noticed.
    pub(super) fn facts(&mut self, facts: Vec<Fact>, now: Now) {
        self.pulses.note(&facts, now);
        let facts = self.recogniser.recognise(facts, self.last);
        self.tell_found();
        if let Some(hold) = &mut self.hold {
            hold.keep(&facts, self.last);
        }
        // Who stands for a stranger depends on the day, so dates come first.
        let facts = self.masked(Belief::dated(facts, self.last, now));
        let intake = self.step.handle_facts(facts, now);
        self.log_refused(&intake, now);
    }

    /// Takes an upload of whoever shows this token.
    pub(super) fn upload(
        &mut self,
        token: &TokenHash,
        upload: Upload,
        answer: oneshot::Sender<Reply>,
        now: Now,
    ) {
        // Asked here once more: what was revoked while it was read is not taken.
        let Some(rights) = self.step.engine().directory().rights_of(token) else {
            drop(answer.send(Reply::Unauthorised));
            return;
        };
        if self.hold.is_some() {
            self.step.handle_sign_of_life(&rights.monitor, &upload.header, now);
            drop(answer.send(Reply::Busy { after: LOOK_AT_CLOCK }));
            return;
        }
        let is_live = upload.header.lane == Lane::Live;
        let Some((ticket, facts)) = self.step.handle_upload(upload, &rights, now) else {
            drop(answer.send(Reply::Unauthorised));
            return;
        };
        self.uploads.insert(ticket, answer);
        // What is counted of the last minutes is none of what was kept for long.
        let facts = if is_live {
            self.pulses.note(&facts, now);
            self.recogniser.recognise(facts, self.last)
        } else {
            self.recogniser.recognise_kept(facts)
        };
        let facts = self.masked(facts);
        self.tell_found();
        let intake = self.step.handle_facts(facts, now);
        self.step.handle_intake(ticket, &intake);
        self.log_refused(&intake, now);
    }

    /// Keeps what was sent by whoever is known.
    pub(super) fn broadcasts(&mut self, all: Vec<Broadcast>) {
        let mut named = self.recogniser.name(all);
        if let Some(it) = &mut self.pseudonyms {
            named = it.unsign(named, self.step.engine());
        }
        self.broadcasts.keep(named);
    }

    /// Strangers have the names of today.
    pub(super) fn turn(&mut self, now: Now) {
        if let Some(it) = &mut self.pseudonyms {
            it.turn(now);
        }
    }

    pub(super) fn masked(&mut self, facts: Vec<Fact>) -> Vec<Fact> {
        match &mut self.pseudonyms {
            Some(it) => it.mask(facts, self.step.engine()),
            None => facts,
        }
    }

    /// Says what there is to say to those who wait.
    pub(super) fn answer_uploads(&mut self, now: Now) {
        while let Some((ticket, reply)) = self.step.poll_reply(now) {
            if let Some(answer) = self.uploads.remove(&ticket) {
                // Whoever sent it may have gone, and sends it again.
                drop(answer.send(reply));
            }
        }
    }

    fn tell_found(&mut self) {
        for found in self.recogniser.take_found() {
            // Once for each key: nobody remembers when the hub ends, and it is found again.
            self.found.send(found).ok();
        }
    }
}
