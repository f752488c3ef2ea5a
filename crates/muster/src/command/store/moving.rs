//! `muster store move`: everything goes into another place, and the configuration says then that it is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use muster_config::store::{StoreSettings, Tls};
use muster_config::value::FilePath;
use muster_store::Access;
use muster_store::transfer::{self, Sole, Uncopied};
use serde_json::json;

use crate::cli::{Destination, Encrypted, MoveArgs};
use crate::command::copies::started;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::{Folder, STORE};
use crate::output::Output;
use crate::owner::Owner;
use crate::password;
use crate::privileges;
use crate::shelf::{Shelf, exit};

/// Copies, verifies, and says what to change. The store stays where it is.
pub(crate) fn run(context: &Context, args: MoveArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let data = context.data()?;
    let data = std::path::absolute(&data).unwrap_or(data);
    let config = &context.config()?.config.store;
    let from = Shelf::of(config, &data);
    from.refuse_nothing()?;
    let became = privileges::act_as_owner(&data)?;
    let (settings, folder) = destination(args, &data)?;
    let mut fresh = None;
    if settings.url.is_none() {
        refuse_mistyped(&folder)?;
        let taken = Folder::take_to_try(&folder);
        fresh = Some(taken.map_err(|it| untaken(it, &folder, became.as_ref()))?.1);
    }
    let to = Shelf::of(&settings, &folder);
    if from.place() == to.place() {
        let what = format!("the store is there already: {}", to.place());
        return Err(Failure::new(Exit::Usage, what).hint("give another place"));
    }
    let copied = started()?.block_on(copy(&from, &to))?;
    if let Some(it) = fresh {
        it.keep();
    }
    let rows: u64 = copied.values().sum();
    let said = format!("copied and verified: {rows} rows into {}", to.place());
    let thing = json!({ "from": from.place(), "to": to.place(), "rows": rows, "tables": copied });
    output.done(&said, &thing)?;
    output.note(
        "a hub that is started now, or waits as a standby, goes on with the old store: stop all of them first",
    );
    for line in next(&settings, config, &folder, &data) {
        output.note(&line);
    }
    output.note(&format!(
        "the old store is as it was, delete it when the hub runs on the new one: {}",
        from.place()
    ));
    Ok(())
}

/// What helps where the new folder cannot be had by whom this works as.
fn untaken(failure: Failure, folder: &Path, became: Option<&Owner>) -> Failure {
    let folder = folder.display();
    match became.map(Owner::account) {
        Some(who) if failure.is_denied() => failure.hint(format!(
            "root works as {who}, whom the store belongs to; make the folder theirs: install -d -o {who} \
             -m 700 {folder}"
        )),
        Some(_) | None => failure.hint("choose another folder with --to DIR"),
    }
}

/// A URL with a slip in it is no folder.
fn refuse_mistyped(folder: &Path) -> Result<(), Failure> {
    let name = folder.display().to_string();
    let is_url = ["postgres", "mysql", "mariadb"].iter().any(|it| name.contains(&format!("{it}:")));
    if !folder.exists() && (is_url || name.contains('@')) {
        let what = format!("this is neither a URL nor a folder that exists: {name}");
        let hint = "a server is postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE";
        return Err(Failure::new(Exit::Usage, what).hint(hint));
    }
    Ok(())
}

/// How many rows of each table.
type Rows = BTreeMap<&'static str, u64>;

async fn copy(from: &Shelf<'_>, to: &Shelf<'_>) -> Result<Rows, Failure> {
    // Whoever writes makes and changes tables; here there have to be some, and of this version.
    let look = from.open(Access::ReadOnly).await.map_err(|it| from.unreadable(it))?.store;
    look.close().await.map_err(|it| from.unreadable(it))?;
    let source =
        from.open(Access::ReadWrite).await.map_err(|it| super::taken(from, it, AGAIN))?.store;
    let copied = match to.fill().await {
        Ok(blank) => {
            transfer::copy(&Sole(&*source), blank).await.map_err(|it| uncopied(&to.place(), it))
        }
        Err(error) => Err(uncopied(&to.place(), Uncopied::Not(error))),
    };
    // What it was opened for is done; it loses nothing either way.
    source.close().await.ok();
    copied
}

/// The settings of the new place, and its data folder.
fn destination(args: MoveArgs, data: &Path) -> Result<(StoreSettings, PathBuf), Failure> {
    let MoveArgs { to, password_file, tls, ca_file } = args;
    let tls = tls.map(|it| match it {
        Encrypted::Off => Tls::Off,
        Encrypted::Require => Tls::Require,
        Encrypted::Verify => Tls::Verify,
    });
    let (url, folder) = match to {
        Destination::Server(url) => (Some(url), data.to_owned()),
        Destination::Folder(folder) => {
            let named = folder.file_name().is_some_and(|it| it == STORE);
            let folder = folder.parent().filter(|_| named).map_or(folder.clone(), Path::to_owned);
            let folder = if folder.as_os_str().is_empty() { ".".into() } else { folder };
            (None, std::path::absolute(&folder).unwrap_or(folder))
        }
    };
    let settings = StoreSettings { url, password_file, tls, ca_file, ..StoreSettings::default() };
    if let Some((key, what)) = settings.clashes().into_iter().next() {
        let flag = key.trim_start_matches("store.").replace('_', "-");
        return Err(Failure::new(Exit::Usage, format!("--{flag}: {what}")));
    }
    Ok((settings, folder))
}

/// What to change in the configuration, line by line.
fn next(to: &StoreSettings, from: &StoreSettings, folder: &Path, data: &Path) -> Vec<String> {
    if to.url.is_some() {
        let mut said = vec!["change the configuration, and start the hub:".to_owned()];
        said.push("[store]".to_owned());
        let mut line = |key: &str, value: Option<String>| {
            said.extend(value.map(|it| format!("{key} = {}", toml::Value::String(it))));
        };
        let file = |it: &Option<FilePath>| {
            let path = it.as_ref().map(|it| Path::new(it.as_str()))?;
            Some(std::path::absolute(path).unwrap_or(path.to_owned()).display().to_string())
        };
        line("url", to.url.as_ref().map(ToString::to_string));
        line("password_file", file(&to.password_file));
        let tls = to.tls.map(|it| match it {
            Tls::Off => "off",
            Tls::Require => "require",
            Tls::Verify => "verify",
        });
        line("tls", tls.map(str::to_owned));
        line("ca_file", file(&to.ca_file));
        let old = [
            ("password_file", from.password_file.is_some() && to.password_file.is_none()),
            ("tls", from.tls.is_some() && to.tls.is_none()),
            ("ca_file", from.ca_file.is_some() && to.ca_file.is_none()),
        ];
        let old = old.iter().filter(|(_, is_over)| *is_over);
        said.extend(old.map(|(key, _)| format!("take {key} of the old server out of [store]")));
        return said;
    }
    let mut said = Vec::new();
    if from.url.is_some() {
        said.push(
            "take url, password_file, tls and ca_file out of [store] in the configuration, and \
             start the hub"
                .to_owned(),
        );
    }
    if folder != data {
        let folder = folder.display();
        said.push(format!("the hub's data folder is then, by `data` or --data: {folder}"));
        said.push(format!(
            "keys stay where they are, copy the folder secrets, if there is one, from: {}",
            data.display()
        ));
    }
    said
}

fn uncopied(to: &str, error: Uncopied) -> Failure {
    let error = match error {
        Uncopied::Not(error) => error,
        Uncopied::Unknown(error) => {
            let what = format!("it is not known whether everything is copied into: {to}");
            return Failure::new(Exit::Unreachable, what).because(error).hint(LOOK);
        }
    };
    let hint = password::remedy(&error).map_or_else(String::new, |(_, hint)| format!("{hint}; "));
    Failure::new(exit(&error), format!("not copied into: {to}"))
        .because(error)
        .hint(format!("{hint}the store is as it was; type it again when that is mended"))
}

const LOOK: &str = "type it again: if it says that one is there already and left alone, all of it was copied, and only \
                    the configuration is to be changed; else it copies anew. The old store is as it was";
const AGAIN: &str = "stop every hub and standby of this store, type this again, and start the hub when \
                     the configuration is changed";

#[cfg(test)]
mod tests {
    use muster_core::ports::StoreError;

    use super::*;

    #[test]
    fn what_was_for_the_old_server_has_to_go() {
        let file = |it: &str| FilePath::try_from(it.to_owned()).ok();
        let from = StoreSettings {
            url: "postgres://anna@old.local/home".parse().ok(),
            password_file: file("/etc/muster/old"),
            tls: Some(Tls::Off),
            ca_file: file("/etc/muster/ca.pem"),
            ..StoreSettings::default()
        };
        let to = StoreSettings {
            url: "mysql://anna@new.local/home".parse().ok(),
            password_file: file("/etc/muster/new"),
            ..StoreSettings::default()
        };
        let said = next(&to, &from, Path::new("/data"), Path::new("/data")).join("\n");
        assert!(said.contains("password_file = \"/etc/muster/new\""), "{said}");
        assert!(!said.contains("take password_file"), "{said}");
        assert!(said.contains("take tls of the old server out of [store]"), "{said}");
        assert!(said.contains("take ca_file of the old server out of [store]"), "{said}");
    }

    #[test]
    fn what_is_not_known_is_not_said_to_be_undone() {
        let lost = || StoreError::Unavailable { what: "it went away".into(), cause: "gone".into() };
        let told = |it| format!("{:?}", uncopied("postgres://db.local/home", it));
        assert!(told(Uncopied::Not(lost())).contains("not copied into"));
        let unknown = told(Uncopied::Unknown(lost()));
        assert!(!unknown.contains("not copied") && unknown.contains("not known"), "{unknown}");
        assert!(unknown.contains("type it again: if it says"), "{unknown}");
    }

    #[test]
    fn a_slip_in_a_url_makes_no_folder() {
        for it in ["/home/anna/postgres:/db.local/home", "/home/anna/muster@db.local/home"] {
            refuse_mistyped(Path::new(it)).unwrap_err();
        }
        refuse_mistyped(Path::new("/home/anna/new")).unwrap();
    }
}
