//! What is wrong with a store on a server before anybody writes there, and what mends it.
//!
//! Pure: what the server says was asked by others, this only says what follows.

use muster_config::value::{Database, ServerKind};
use muster_core::ports::StoreError;
use muster_store::server::{Holds, Survey};

use super::{Remark, State, fine, remark};
use crate::failure::Exit;
use crate::password;

/// What is to be said of a database on a server.
pub(crate) fn judge(database: &Database, found: &Result<Survey, StoreError>) -> Vec<Remark> {
    let found = match found {
        Ok(it) => it,
        Err(error) => {
            let unread = password::remedy(error);
            let (exit, hint) =
                unread.unwrap_or((Exit::Unreachable, "muster config explain store.url".to_owned()));
            return vec![remark(CONNECTION, State::Wrong(exit), said(error), Some(hint))];
        }
    };
    let mut remarks = vec![connection(database, found), version(found), encoding(found)];
    remarks.push(clock(found));
    remarks.push(rights(database, found));
    remarks.push(writing(found));
    remarks.push(holds(found));
    remarks
}

fn said(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable { what, .. } | StoreError::Refused { what } => what.clone(),
        StoreError::Newer { .. } | StoreError::Damaged { .. } => error.to_string(),
    }
}

fn connection(database: &Database, it: &Survey) -> Remark {
    let login = it.login.as_ref().map_or(String::new(), |it| format!(", let in by {it}"));
    match &it.encryption {
        Some(how) => fine(CONNECTION, format!("encrypted ({how}){login}")),
        None if database.is_on_this_machine() => {
            fine(CONNECTION, format!("on this machine, not encrypted{login}"))
        }
        None => {
            let what = format!("others on the way can read along{login}");
            remark(CONNECTION, State::Lacking, what, Some("set store.tls = \"verify\"".to_owned()))
        }
    }
}

fn version(it: &Survey) -> Remark {
    match &it.unfit {
        None => fine(VERSION, it.version.clone()),
        Some(what) => remark(VERSION, State::Wrong(Exit::Failed), what.clone(), None),
    }
}

fn encoding(it: &Survey) -> Remark {
    let own = if it.encoding.to_lowercase().starts_with("utf8") {
        String::new()
    } else {
        "; muster's tables have their own, which keeps every character".to_owned()
    };
    // One that has no room for names is no fit server.
    let own = if it.unfit.is_some() { String::new() } else { own };
    fine(ENCODING, format!("{}{own}", it.encoding))
}

fn clock(it: &Survey) -> Remark {
    let off = it.clock_ahead.saturating_abs().saturating_sub(it.unsure);
    if off <= MOST_OFF {
        return fine(CLOCK, format!("as this machine's, within {} ms", MOST_OFF / 1000));
    }
    let way = if it.clock_ahead > 0 { "ahead of" } else { "behind" };
    let what = format!("the server's is {} s {way} this machine's", off / 1_000_000);
    remark(CLOCK, State::Lacking, what, Some("look at both: timedatectl".to_owned()))
}

fn rights(database: &Database, it: &Survey) -> Remark {
    let Some(lacking) = &it.lacking else {
        return fine(RIGHTS, "granted by a role, which is not looked into".to_owned());
    };
    let Some(first) = lacking.first() else {
        let what = match it.holds {
            Holds::Nothing => "tables may be made",
            Holds::Others
            | Holds::Store(..)
            | Holds::Interrupted
            | Holds::Unreadable
            | Holds::Unseen => "tables may be read and written",
        };
        return fine(RIGHTS, what.to_owned());
    };
    let Database { kind, user, name, .. } = database;
    let more = match lacking.len() {
        1 => String::new(),
        many => format!(", and {} more", many - 1),
    };
    let hint = match kind {
        ServerKind::Postgres => format!(
            "on the server: psql -c 'ALTER DATABASE \"{name}\" OWNER TO \"{user}\"' -c 'GRANT ALL ON \
             SCHEMA public TO \"{user}\"' -c 'GRANT ALL ON ALL TABLES IN SCHEMA public TO \"{user}\"' \
             {name}"
        ),
        ServerKind::MariaDb => {
            format!("on the server: mariadb -e \"GRANT ALL ON {name}.* TO '{user}'@'%'\"")
        }
    };
    let what = format!("{user} lacks {first}{more}");
    remark(RIGHTS, State::Wrong(Exit::NotAllowed), what, Some(hint))
}

fn writing(it: &Survey) -> Remark {
    if it.is_read_only {
        let what = "the server only lets read, as a standby does".to_owned();
        let hint = Some("give the address of the one that writes in store.url".to_owned());
        return remark(WRITING, State::Wrong(Exit::Unreachable), what, hint);
    }
    match &it.risk {
        None => fine(WRITING, "what is answered is on the server's disk".to_owned()),
        Some(how) => {
            let what = "a power cut there may lose what was answered".to_owned();
            remark(WRITING, State::Lacking, what, Some(how.clone()))
        }
    }
}

fn holds(it: &Survey) -> Remark {
    let wrong = |what: &str, hint: &str| {
        remark(STORE, State::Wrong(Exit::Failed), what.to_owned(), Some(hint.to_owned()))
    };
    match it.holds {
        Holds::Nothing => fine(STORE, "the database is empty, muster serve makes the store".into()),
        Holds::Others => wrong(
            "the database holds tables that are not muster's",
            "give it a database of its own",
        ),
        Holds::Unreadable => {
            let what = "there are tables of muster's, and what they hold is not known: this user may \
                        not read `schema`";
            remark(
                STORE,
                State::Wrong(Exit::NotAllowed),
                what.to_owned(),
                Some(RIGHTS_FIRST.into()),
            )
        }
        Holds::Unseen => {
            let what = "not known: this user has rights on single tables, and the server shows it \
                        no others; one that makes tables needs rights on the whole database";
            let hint = Some(RIGHTS_FIRST.to_owned());
            remark(STORE, State::Wrong(Exit::NotAllowed), what.to_owned(), hint)
        }
        Holds::Interrupted => wrong(
            "a copy into the database was interrupted",
            "type that muster store move or restore once more, or give another database",
        ),
        Holds::Store(found, newest) if found > newest => wrong(
            "the store is newer than this muster",
            "use the muster that wrote it, or a newer one",
        ),
        Holds::Store(found, newest) if found < newest => {
            let what = "the store is of an older muster".to_owned();
            remark(STORE, State::Lacking, what, Some("start muster serve once".to_owned()))
        }
        Holds::Store(..) => match &it.led_by {
            Some(who) => fine(STORE, format!("there is one, {who} writes to it")),
            None => fine(STORE, "there is one, nobody writes to it".to_owned()),
        },
    }
}

const CONNECTION: &str = "connection";
const VERSION: &str = "version";
const ENCODING: &str = "character set";
const CLOCK: &str = "clock";
const RIGHTS: &str = "rights";
const WRITING: &str = "writing";
const STORE: &str = "store";
const RIGHTS_FIRST: &str = "see to the rights first, then: muster doctor --store";
/// A difference of clocks that people notice, in microseconds.
const MOST_OFF: i64 = 2_000_000;

#[cfg(test)]
mod tests {
    use muster_config::value::DatabaseUrl;

    use super::*;

    fn survey() -> Survey {
        Survey {
            version: "10.11.6-MariaDB".to_owned(),
            unfit: None,
            encoding: "utf8mb4".to_owned(),
            encryption: Some("TLSv1.3".to_owned()),
            login: Some("ed25519".to_owned()),
            clock_ahead: -1_000_000,
            unsure: 500,
            is_read_only: false,
            risk: None,
            holds: Holds::Store(2, 2),
            lacking: Some(Vec::new()),
            led_by: None,
        }
    }

    /// What is not fine, and what is to be typed.
    fn not_fine(url: &str, it: Survey) -> Vec<(&'static str, State, String)> {
        let url: DatabaseUrl = url.parse().unwrap();
        let all = judge(url.get(), &Ok(it)).into_iter();
        let all = all.filter(|it| it.state != State::Fine);
        all.map(|it| (it.part, it.state, it.hint.unwrap_or_default())).collect()
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_type() {
        let url = "mysql://muster@db.local/home";
        assert_eq!(not_fine(url, survey()), []);
        let wrong = |it: Survey, part: &str, state: State, words: &str| {
            let told = not_fine(url, it);
            let [(named, how, hint)] = &told[..] else { panic!("{told:?}") };
            assert!(*named == part && *how == state && hint.contains(words), "{told:?}");
        };
        let lacking = State::Lacking;
        let failed = State::Wrong(Exit::Failed);
        let none = Survey { encryption: None, ..survey() };
        wrong(none.clone(), "connection", lacking, "store.tls");
        assert_eq!(not_fine("mysql://muster@localhost/home", none), []);
        wrong(Survey { unfit: Some("old".into()), ..survey() }, "version", failed, "");
        let ahead = Survey { clock_ahead: 90_000_000, ..survey() };
        wrong(ahead, "clock", lacking, "timedatectl");
        let rights = Survey { lacking: Some(vec!["INSERT".into(), "CREATE".into()]), ..survey() };
        wrong(rights, "rights", State::Wrong(Exit::NotAllowed), "GRANT ALL ON home.* TO 'muster'");
        let standby = Survey { is_read_only: true, ..survey() };
        wrong(standby, "writing", State::Wrong(Exit::Unreachable), "store.url");
        wrong(Survey { risk: Some("fsync".into()), ..survey() }, "writing", lacking, "fsync");
        wrong(Survey { holds: Holds::Others, ..survey() }, "store", failed, "of its own");
        wrong(Survey { holds: Holds::Interrupted, ..survey() }, "store", failed, "store move");
        wrong(Survey { holds: Holds::Store(3, 2), ..survey() }, "store", failed, "newer");
        wrong(Survey { holds: Holds::Store(1, 2), ..survey() }, "store", lacking, "muster serve");
        let unreadable = Survey { holds: Holds::Unreadable, ..survey() };
        wrong(unreadable, "store", State::Wrong(Exit::NotAllowed), "rights first");
        assert_eq!(not_fine(url, Survey { lacking: None, ..survey() }), []);
    }
}
