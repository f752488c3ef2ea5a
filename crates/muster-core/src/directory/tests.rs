//! Stories of the directory: what was edited, and what is then known.

use super::*;

fn directory(edits: impl IntoIterator<Item = Edit>) -> Directory {
    let mut directory = Directory::default();
    for edit in edits {
        directory.apply(edit).unwrap();
    }
    directory
}

fn person(name: &str) -> Edit {
    Edit::AddPerson { name: name.to_owned(), display: String::new() }
}

fn place(name: &str) -> Edit {
    Edit::AddPlace { name: name.to_owned(), parent: None }
}

#[test]
fn the_number_of_somebody_who_was_removed_is_not_given_again() {
    let remove = |id| Edit::RemovePerson { person: PersonId(id) };
    let mut all = directory([person("anna"), person("ben"), remove(2), person("clara")]);
    assert_eq!(all.person_named("clara"), Some(PersonId(3)));
    all.apply(remove(1)).unwrap();
    all.apply(remove(3)).unwrap();
    all.apply(person("anna")).unwrap();
    assert_eq!(all.person_named("anna"), Some(PersonId(4)));
}

#[test]
fn the_number_of_a_place_that_was_removed_is_not_given_again() {
    let remove = Edit::RemovePlace { place: PlaceId(2) };
    let all = directory([place("attic"), remove, place("cellar")]);
    let cellar = all.places.iter().find(|(_, it)| &*it.name == "cellar");
    assert_eq!(cellar.map(|it| *it.0), Some(PlaceId(3)));
}
