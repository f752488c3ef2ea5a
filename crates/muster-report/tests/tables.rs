//! What people, spreadsheets and scripts get to see of a table.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use insta::assert_snapshot;
use jiff::tz::TimeZone;
use muster_core::time::Time;
use muster_report::stays::{StayRow, table};
use muster_report::{Cell, Column, Style, Table, csv, details, json, text};

#[test]
fn stays() {
    let stays = table(&[
        StayRow {
            who: "Anna".into(),
            person: Some("anna".into()),
            device: None,
            place: "Home".into(),
            from: at("2026-11-20T17:02:11Z"),
            to: Some(at("2026-11-21T07:10:00Z")),
            ended: "left".into(),
            covered: 1.0,
        },
        StayRow {
            who: "Bert's phone".into(),
            person: None,
            device: Some(7),
            place: "Home".into(),
            from: at("2026-11-21T06:00:00Z"),
            to: None,
            ended: "open".into(),
            covered: 0.9999,
        },
    ]);
    assert_snapshot!(text(&stays, &style(80)), @r"
    who           place  from              to     ended  covered
    Anna          Home   2026-11-20 18:02  08:10  left     100 %
    Bert's phone  Home   2026-11-21 07:00         open      99 %
    ");
    assert_snapshot!(csv(&stays).unwrap(), @r"
    who,person,device,place,from,to,ended,covered
    Anna,anna,,Home,2026-11-20T17:02:11Z,2026-11-21T07:10:00Z,left,1
    Bert's phone,,7,Home,2026-11-21T06:00:00Z,,open,0.9999
    ");
    assert_snapshot!(json(&stays).unwrap(), @r#"
    [{"who":"Anna","person":"anna","device":null,"place":"Home","from":"2026-11-20T17:02:11Z","to":"2026-11-21T07:10:00Z","ended":"left","covered":1.0},
     {"who":"Bert's phone","person":null,"device":7,"place":"Home","from":"2026-11-21T06:00:00Z","to":null,"ended":"open","covered":0.9999}]
    "#);
}

#[test]
fn a_narrow_terminal_does_without_the_optional() {
    let wide = devices();
    assert_snapshot!(text(&wide, &style(80)), @r"
    presence  id  name                vendor
    present    7  Anna's phone        A maker with a rather long name
    away      12  kitchen-television
    ");
    assert_snapshot!(text(&wide, &style(40)), @r"
    presence  id  name
    present    7  Anna's phone
    away      12  kitchen-television
    ");
    assert_snapshot!(text(&wide, &style(24)), @r"
    presence  id  name
    present    7  Anna's
                  phone
    away      12  kitchen-te
                  levision
    ");
    assert!(csv(&wide).unwrap().starts_with("presence,id,name,vendor\n"));
}

#[test]
fn colour_marks_states_and_the_header_alone() {
    let shown = text(&devices(), &Style { colour: true, ..style(40) });
    assert_eq!(
        shown,
        "\x1b[1mpresence  id  name\x1b[0m\n\
         \x1b[32mpresent\x1b[0m    7  Anna's phone\n\
         \x1b[2maway\x1b[0m      12  kitchen-television\n"
    );
}

#[test]
fn hostile_text_is_only_text() {
    let mut table = Table::new(&[Column::new("name")]);
    table.push(vec![Cell::Text("=1+1\u{1b}[2J\n".into())]);
    assert_eq!(text(&table, &style(80)), "name\n=1+1\u{fffd}[2J\u{fffd}\n");
    assert_eq!(csv(&table).unwrap(), "name\n'=1+1\u{fffd}[2J\u{fffd}\n");
    let mut reversed = Table::new(&[Column::new("name")]);
    reversed.push(vec![Cell::List(vec!["txt\u{202e}gpj.exe".into()])]);
    assert_eq!(csv(&reversed).unwrap(), "name\ntxt\u{fffd}gpj.exe\n");
    assert_eq!(json(&table).unwrap(), "[{\"name\":\"=1+1\\u001b[2J\\n\"}]\n");
}

#[test]
fn nothing_is_nothing() {
    let table = Table::new(&[Column::new("name")]);
    assert_eq!(text(&table, &style(80)), "");
    assert_eq!(csv(&table).unwrap(), "name\n");
    assert_eq!(json(&table).unwrap(), "[]\n");
}

#[test]
fn one_thing_in_detail() {
    let pairs = [
        ("name", Cell::Text("Anna's phone".into())),
        ("owner", Cell::Empty),
        (
            "identities",
            Cell::List(vec!["mac:b8:27:eb:01:02:03".into(), "mac:da:a1:19:0:0:1".into()]),
        ),
        ("last seen", Cell::Time(at("2026-11-21T08:00:00Z"))),
    ];
    assert_snapshot!(details(&pairs, &style(80)), @r"
    name        Anna's phone
    identities  mac:b8:27:eb:01:02:03
                mac:da:a1:19:0:0:1
    last seen   2026-11-21 09:00
    ");
}

fn devices() -> Table {
    let mut table = Table::new(&[
        Column::new("presence"),
        Column::new("id"),
        Column::new("name"),
        Column::optional("vendor"),
    ]);
    let row = |presence: &str, id, name: &str, vendor: Option<&str>| {
        vec![
            Cell::State(presence.into()),
            Cell::Whole(id),
            Cell::Text(name.into()),
            Cell::text(vendor),
        ]
    };
    table.push(row("present", 7, "Anna's phone", Some("A maker with a rather long name")));
    table.push(row("away", 12, "kitchen-television", None));
    table
}

fn style(width: u16) -> Style {
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    Style { width: Some(width), colour: false, zone, now: at("2026-11-21T10:00:00Z") }
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}
