//! Finds the file, reads it, lets the environment override it, and remembers who said what.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::config::Config;
use crate::error::{ConfigError, Problem};
use crate::keys::{Key, Shape, keys};
use crate::plain;
use crate::suggest;

/// A configuration, and who said what in it.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    origins: BTreeMap<String, Origin>,
}

/// Who said what a key is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody.
    Default,
    /// The file, on this line, counted from 1.
    File {
        /// Which file.
        file: PathBuf,
        /// Which line.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

impl Loaded {
    /// Reads the given file, else the first that exists of `./muster.toml` and
    /// `/etc/muster/muster.toml`, else none; then the variables that begin with `MUSTER__`.
    pub fn find(
        given: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let environment = overrides(environment)?;
        let file = match given {
            Some(given) => Some(given.to_owned()),
            None => STANDARD.iter().map(PathBuf::from).find(|it| it.exists()),
        };
        let Some(file) = file else { return Self::read("", None, &environment) };
        let unreadable = |cause| ConfigError::Unreadable { file: file.clone(), cause };
        let text = text_of(&file).map_err(unreadable)?;
        Self::read(&text, Some(&file), &environment)
    }

    /// Reads a text; `environment` holds names without `MUSTER__` and their values.
    pub fn read(
        text: &str,
        file: Option<&Path>,
        environment: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let mut reading = Reading::new(text, file);
        let document = DeTable::parse(text).map_err(|it| reading.no_toml(&it))?;
        reading.walk(document.get_ref(), "", "");
        if reading.problems.is_empty() {
            // With the text, so that a wrong value is said with its line.
            Config::deserialize(
                toml::Deserializer::parse(text).map_err(|it| reading.no_toml(&it))?,
            )
            .map_err(|it| reading.misfit(&it))?;
        }
        let table: Table = toml::from_str(text).map_err(|it| reading.no_toml(&it))?;
        let config = reading.overridden(table, environment);
        for (path, what) in config.iter().flat_map(Config::clashes) {
            let place = reading.place_of(&path);
            reading.problems.push(Problem { place, key: path, what, meant: None });
        }
        match config {
            Some(config) if reading.problems.is_empty() => {
                Ok(Self { config, file: file.map(Path::to_owned), origins: reading.origins })
            }
            _ => Err(ConfigError::Wrong { problems: reading.problems }),
        }
    }

    /// Who said what a key is set to.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// What a key is set to, as TOML; none: nothing.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Value> {
        let whole = Value::try_from(&self.config).ok()?;
        key.split('.').try_fold(whole, |at, word| {
            let listed = || at.get(word.parse::<usize>().ok()?);
            at.get(word).or_else(listed).cloned()
        })
    }
}

/// One reading of one text.
struct Reading<'a> {
    text: &'a str,
    file: Option<&'a Path>,
    keys: Vec<Key>,
    spots: BTreeMap<String, usize>,
    origins: BTreeMap<String, Origin>,
    problems: Vec<Problem>,
}

impl<'a> Reading<'a> {
    fn new(text: &'a str, file: Option<&'a Path>) -> Self {
        Self {
            text,
            file,
            keys: keys(),
            spots: BTreeMap::new(),
            origins: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Notes where every key is said, and reports those that nobody knows. `path` has the numbers
    /// of array elements in it, `known` has not.
    fn walk(&mut self, table: &DeTable<'_>, path: &str, known: &str) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name = key.get_ref().as_ref();
            let (path, known_path) = (joined(path, name), joined(known, name));
            self.spots.insert(path.clone(), key.span().start);
            let found = self.keys.iter().find(|it| it.path == known_path);
            let Some(section) = found.map(Key::is_section) else {
                let problem = Problem {
                    place: self.place(key.span().start),
                    key: path,
                    what: "there is no such key".to_owned(),
                    meant: suggest::meant(known, name, &self.keys),
                };
                self.problems.push(problem);
                continue;
            };
            if section {
                self.walk_section(value, &path, &known_path);
            } else if let Some(file) = self.file {
                let line = self.line_column(key.span().start).0;
                self.origins.insert(path, Origin::File { file: file.to_owned(), line });
            }
        }
    }

    fn walk_section(&mut self, value: &Spanned<DeValue<'_>>, path: &str, known: &str) {
        if let Some(table) = value.get_ref().as_table() {
            self.walk(table, path, known);
        }
        for (at, item) in value.get_ref().as_array().into_iter().flatten().enumerate() {
            if let Some(table) = item.get_ref().as_table() {
                self.walk(table, &joined(path, &at.to_string()), known);
            }
        }
    }

    /// Applies the overrides one by one, so that a wrong one can be named.
    fn overridden(&mut self, table: Table, environment: &[(String, String)]) -> Option<Config> {
        let mut table = table;
        for (name, text) in environment {
            let variable = format!("{PREFIX}{name}");
            let path = name.to_lowercase().replace("__", ".");
            let problem = |what: String, meant| Problem {
                place: variable.clone(),
                key: String::new(),
                what,
                meant,
            };
            let key = match self.named(&path) {
                Ok(key) => key,
                Err((what, meant)) => {
                    self.problems.push(problem(what.to_owned(), meant));
                    continue;
                }
            };
            let mut with = table.clone();
            let value = value_of(key, text);
            place_value(&mut with, &path, value);
            match Config::deserialize(Value::Table(with.clone())) {
                Ok(_) => {
                    table = with;
                    self.origins.insert(path, Origin::Environment(variable));
                }
                // A wrong file was reported already, and would be blamed on every variable.
                Err(_) if !self.problems.is_empty() => {}
                Err(wrong) => {
                    let what = plain::said(wrong.message(), key_of(&self.keys, &path));
                    self.problems.push(problem(what, None));
                }
            }
        }
        Config::deserialize(Value::Table(table)).ok()
    }

    /// The key that a variable names, or what is wrong with the name and what was meant.
    fn named(&self, path: &str) -> Result<&Key, (&'static str, Option<String>)> {
        let Some(key) = self.keys.iter().find(|it| it.path == path) else {
            let (section, last) = path.rsplit_once('.').unwrap_or(("", path));
            let meant = suggest::meant(section, last, &self.keys);
            // A sibling comes by its name, anything else by its path; advice in words is for files.
            let whole = meant.map(|it| if it.contains('.') { it } else { joined(section, &it) });
            let known = whole.filter(|it| self.keys.iter().any(|key| key.path == *it));
            let variable = known.map(|it| it.to_uppercase().replace('.', "__"));
            return Err(("there is no such key", variable.map(|it| format!("{PREFIX}{it}"))));
        };
        if key.is_section() {
            return Err(("it is a section, and only keys can be set here", None));
        }
        let listed =
            |it: &&Key| it.shape == Shape::Sections && path.starts_with(&format!("{}.", it.path));
        if self.keys.iter().any(|it| listed(&it)) {
            return Err(("it lies in a list, which only a file can hold", None));
        }
        Ok(key)
    }

    fn no_toml(&self, wrong: &toml::de::Error) -> ConfigError {
        let place = self.place(wrong.span().map_or(0, |it| it.start));
        let what = plain::one_line(wrong.message());
        ConfigError::Syntax { problem: Problem { place, key: String::new(), what, meant: None } }
    }

    /// A value that does not fit its key.
    fn misfit(&mut self, wrong: &toml::de::Error) -> ConfigError {
        let at = wrong.span().map_or(0, |it| it.start);
        let line = self.line_column(at).0;
        let here = self.spots.iter().filter(|(_, spot)| self.line_column(**spot).0 == line);
        // The last key before it on its line, or the section that begins there.
        let key = here.max_by_key(|(_, spot)| (**spot <= at, **spot));
        let key = key.map(|(key, _)| key.clone());
        let mut problems = std::mem::take(&mut self.problems);
        let key = key.unwrap_or_default();
        problems.push(Problem {
            place: self.place(at),
            what: plain::said(wrong.message(), key_of(&self.keys, &key)),
            key,
            meant: None,
        });
        ConfigError::Wrong { problems }
    }

    fn place_of(&self, path: &str) -> String {
        match (self.origins.get(path), self.spots.get(path)) {
            (Some(Origin::Environment(name)), _) => name.clone(),
            (_, Some(spot)) => self.place(*spot),
            _ => self.place(0),
        }
    }

    fn place(&self, at: usize) -> String {
        let (line, column) = self.line_column(at);
        let file =
            self.file.map_or_else(|| "configuration".to_owned(), |it| it.display().to_string());
        format!("{file}, line {line}, column {column}")
    }

    fn line_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |it| it.chars().count()) + 1;
        (line, column)
    }
}

/// The text of a regular file: anything else may never end, or never begin.
fn text_of(file: &Path) -> io::Result<String> {
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|it| {
        let sound = it.as_bytes().get(..it.utf8_error().valid_up_to()).unwrap_or_default();
        let line = sound.split(|it| *it == b'\n').count();
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })
}

fn overrides(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in environment {
        let Some(rest) = name.to_str().and_then(|it| it.strip_prefix(PREFIX)) else { continue };
        let Ok(value) = value.into_string() else {
            let what = "the value is not UTF-8".to_owned();
            let place = format!("{PREFIX}{rest}");
            let problem = Problem { place, key: String::new(), what, meant: None };
            return Err(ConfigError::Wrong { problems: vec![problem] });
        };
        found.push((rest.to_owned(), value));
    }
    // The environment has no order of its own.
    found.sort();
    Ok(found)
}

/// A text key takes the variable as it is; every other key reads it as TOML.
fn value_of(key: &Key, text: &str) -> Value {
    let verbatim = || Value::String(text.to_owned());
    let textual =
        key.form == "text" || key.form.starts_with(['l', '"']) && !key.form.starts_with("list");
    if textual {
        return verbatim();
    }
    let read = toml::from_str::<Table>(&format!("it = {text}")).ok();
    read.and_then(|mut it| it.remove("it")).unwrap_or_else(verbatim)
}

fn place_value(table: &mut Table, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value);
        return;
    };
    let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
    // What is no table here was refused when the file was read.
    if let Some(inner) = inner.as_table_mut() {
        place_value(inner, rest, value);
    }
}

fn joined(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// The key at a path in which numbers may stand for the entries of lists.
fn key_of<'a>(keys: &'a [Key], path: &str) -> Option<&'a Key> {
    let words = path.split('.').filter(|it| it.parse::<usize>().is_err());
    let plain: Vec<&str> = words.collect();
    let plain = plain.join(".");
    keys.iter().find(|it| it.path == plain)
}

const PREFIX: &str = "MUSTER__";
const STANDARD: [&str; 2] = ["muster.toml", "/etc/muster/muster.toml"];
/// A house needs a few kilobytes; a larger file is another file.
const MAX_BYTES: u64 = 1 << 20;
