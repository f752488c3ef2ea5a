//! Links between our own pages: the file and the heading must be there.

use super::tree::{Tree, numbered};

/// Every relative link and picture of every Markdown page leads to a file, and to a heading in it
/// where it names one.
pub(crate) fn resolve(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.texts_ending(&[".md"]) {
        let mut in_code = false;
        for (number, line) in numbered(text) {
            in_code ^= line.trim_start().starts_with("```");
            if in_code {
                continue;
            }
            for target in targets(line).into_iter().filter(|it| !leads_out(it)) {
                if !exists(tree, path, &target) {
                    found.push(format!("{path}:{number}: {target} is not there"));
                }
            }
        }
    }
    found
}

/// What a line links to: `[text](target)`, `src="target"`, `href="target"`, `srcset="target"`.
fn targets(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let plain: String = line.split('`').step_by(2).collect();
    for (open, close) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"'), ("srcset=\"", '"')] {
        for rest in plain.split(open).skip(1) {
            let target = rest.split(close).next().unwrap_or_default();
            found.push(target.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    found
}

fn leads_out(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

fn exists(tree: &Tree, from: &str, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { from.to_owned() } else { join(from, file) };
    tree.has(&file) && (heading.is_empty() || has_heading(tree, &file, heading))
}

fn has_heading(tree: &Tree, file: &str, heading: &str) -> bool {
    let text = tree.text(file).unwrap_or_default();
    let titles = text.lines().filter(|it| it.starts_with('#'));
    titles.map(|it| anchor(it.trim_start_matches('#').trim())).any(|it| it == heading)
}

/// The anchor that renderers give a heading.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it.to_ascii_lowercase() }).collect()
}

/// `target` as seen from the page `from`, without `.` and `..`.
fn join(from: &str, target: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn a_link_to_nothing_is_found() {
        says("no link, [text] (aside)", "");
        says("[map](../README.md) and [it](b.md), [out](https://example.org/x)", "");
        says("[deep](b.md#what-it-is-not) <img src=\"pictures/now.png\">", "");
        says("`[code](gone.md)`", "");
        says("```\n[code](gone.md)\n```", "");
        says("[map](README.md)", "docs/a.md:1: README.md is not there");
        says(
            "![picture](pictures/gone.png \"A title\")",
            "docs/a.md:1: pictures/gone.png is not there",
        );
        says("<img src=\"gone.png\">", "docs/a.md:1: gone.png is not there");
        says("\n[deep](b.md#gone)", "docs/a.md:2: b.md#gone is not there");
        says("[deep](#gone)", "docs/a.md:1: #gone is not there");
    }

    #[track_caller]
    fn says(page: &str, expected: &str) {
        let expected: &[&str] = if expected.is_empty() { &[] } else { &[expected] };
        let others = ("docs/b.md", "# B\n\n## What it is, not\n");
        let files = [("README.md", ""), others, ("docs/pictures/now.png", ""), ("docs/a.md", page)];
        check(resolve, &files, expected);
    }
}
