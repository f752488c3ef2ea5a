//! The directory's tables, rewritten and read as one.

use std::collections::BTreeMap;
use std::future::Future;

use muster_core::directory::{
    Device, DeviceKind, Directory, Mark, Override, Ownership, Person, Place,
};
use muster_core::identity::{DeviceId, IdentityId, PersonId, PlaceId};

use crate::far::StoreNumber;
use crate::record::{Fields, Record, Sheet, broken};

/// Whole tables of any store, in a transaction that is open.
pub(crate) trait Tables: Send {
    /// Writes these rows in place of all that there were.
    fn replace<R: Record>(
        &mut self,
        rows: &[R],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
    /// Reads all rows, `order`ed.
    fn all<R: Record>(
        &mut self,
        order: &'static str,
    ) -> impl Future<Output = Result<Vec<R>, sqlx::Error>> + Send;
}

/// Replaces everything. The version is kept elsewhere.
pub(crate) async fn write(
    tables: &mut impl Tables,
    directory: &Directory,
) -> Result<(), sqlx::Error> {
    let Directory { people, devices, groups, places, monitors, overrides, .. } = directory;
    let numbers = Numbers { person: directory.last_person, place: directory.last_place };
    tables.replace(&[numbers]).await?;
    replace(tables, people).await?;
    replace(tables, devices).await?;
    replace(tables, groups).await?;
    replace(tables, places).await?;
    replace(tables, monitors).await?;
    replace(tables, &directory.enrolments).await?;
    let number: Vec<_> = directory.store.into_iter().map(StoreNumber).collect();
    tables.replace(&number).await?;
    let mut manual = Vec::new();
    for (&person, all) in overrides {
        manual.extend(all.iter().cloned().zip(0..).map(|(it, position)| OverrideRow {
            person,
            position,
            it,
        }));
    }
    tables.replace(&manual).await?;
    let mut owned = Vec::new();
    for (device, it) in devices {
        owned.extend(it.owners.iter().zip(0..).map(|(&ownership, position)| OwnershipRow {
            device: *device,
            position,
            ownership,
        }));
    }
    tables.replace(&owned).await
}

/// The directory that was written last, if there was one.
pub(crate) async fn read(
    tables: &mut impl Tables,
    version: Option<u64>,
) -> Result<Directory, sqlx::Error> {
    let Some(version) = version else { return Ok(Directory::default()) };
    let mut devices: BTreeMap<DeviceId, Device> = all(tables).await?;
    for it in tables.all::<OwnershipRow>("ORDER BY device, position").await? {
        let device = devices.get_mut(&it.device).ok_or_else(|| broken(OwnershipRow::TABLE))?;
        device.owners.push(it.ownership);
    }
    let mut overrides: BTreeMap<PersonId, Vec<Override>> = BTreeMap::new();
    for row in tables.all::<OverrideRow>("ORDER BY person, position").await? {
        overrides.entry(row.person).or_default().push(row.it);
    }
    let numbers = tables.all::<Numbers>("").await?;
    let numbers = numbers.first().ok_or_else(|| broken(Numbers::TABLE))?;
    let store = tables.all::<StoreNumber>("").await?;
    Ok(Directory {
        version,
        store: store.first().map(|it| it.0),
        last_person: numbers.person,
        last_place: numbers.place,
        devices,
        people: all(tables).await?,
        groups: all(tables).await?,
        places: all(tables).await?,
        monitors: all(tables).await?,
        enrolments: all(tables).await?,
        overrides,
    })
}

async fn replace<K: Clone, V: Clone>(
    tables: &mut impl Tables,
    entries: &BTreeMap<K, V>,
) -> Result<(), sqlx::Error>
where
    (K, V): Record,
{
    let rows: Vec<(K, V)> = entries.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    tables.replace(&rows).await
}

async fn all<K: Ord, V>(tables: &mut impl Tables) -> Result<BTreeMap<K, V>, sqlx::Error>
where
    (K, V): Record,
{
    Ok(tables.all::<(K, V)>("").await?.into_iter().collect())
}

impl Record for (PersonId, Person) {
    const TABLE: &'static str = "person";
    const COLUMNS: &'static [&'static str] = &["id", "name", "display"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.text(&self.1.name);
        row.text(&self.1.display);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let id = PersonId(row.small()?);
        Ok((id, Person { name: row.text()?.into(), display: row.text()?.into() }))
    }
}

impl Record for (DeviceId, Device) {
    const TABLE: &'static str = "device";
    const COLUMNS: &'static [&'static str] = &["id", "name", "kind", "mark", "carried"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.text(&self.1.name);
        row.text(self.1.kind.word());
        row.text(self.1.mark.word());
        row.maybe(self.1.carried);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let id = DeviceId(row.small()?);
        let name = row.text()?.into();
        let kind: DeviceKind = row.text()?.parse().map_err(|_| broken(Self::TABLE))?;
        let mark: Mark = row.text()?.parse().map_err(|_| broken(Self::TABLE))?;
        let carried = row.maybe()?.map(|it| it != 0);
        Ok((id, Device { name, kind, mark, carried, owners: Vec::new() }))
    }
}

/// Whose a device was from when on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnershipRow {
    pub(crate) device: DeviceId,
    position: u32,
    ownership: Ownership,
}

impl Record for OwnershipRow {
    const TABLE: &'static str = "ownership";
    const COLUMNS: &'static [&'static str] = &["device", "position", "from_at", "person"];
    const KEY: usize = 2;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.device.0);
        row.int(self.position);
        row.time(self.ownership.from);
        row.maybe(self.ownership.person.map(|it| it.0));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let (device, position) = (DeviceId(row.small()?), row.small()?);
        let from = row.time()?;
        let person = row.maybe_small()?.map(PersonId);
        Ok(Self { device, position, ownership: Ownership { from, person } })
    }
}

impl Record for (IdentityId, DeviceId) {
    const TABLE: &'static str = "grouping";
    const COLUMNS: &'static [&'static str] = &["identity", "device"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.int(self.1.0);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok((IdentityId(row.small()?), DeviceId(row.small()?)))
    }
}

impl Record for (PlaceId, Place) {
    const TABLE: &'static str = "place";
    const COLUMNS: &'static [&'static str] = &["id", "name", "parent"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.text(&self.1.name);
        row.maybe(self.1.parent.map(|it| it.0));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let id = PlaceId(row.small()?);
        let name = row.text()?.into();
        Ok((id, Place { name, parent: row.maybe_small()?.map(PlaceId) }))
    }
}

impl Record for (Box<str>, PlaceId) {
    const TABLE: &'static str = "monitor";
    const COLUMNS: &'static [&'static str] = &["name", "place"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.text(&self.0);
        row.int(self.1.0);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok((row.text()?.into(), PlaceId(row.small()?)))
    }
}

/// What somebody said of a person's presence.
#[derive(Clone, Debug)]
pub(crate) struct OverrideRow {
    person: PersonId,
    position: u32,
    it: Override,
}

impl Record for OverrideRow {
    const TABLE: &'static str = "override";
    const COLUMNS: &'static [&'static str] =
        &["person", "position", "home", "at", "until_at", "by_whom"];
    const KEY: usize = 2;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.person.0);
        row.int(self.position);
        row.int(self.it.home);
        row.time(self.it.at);
        row.time(self.it.until);
        row.text(&self.it.by);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let (person, position) = (PersonId(row.small()?), row.small()?);
        let (home, at, until) = (row.flag()?, row.time()?, row.time()?);
        Ok(Self { person, position, it: Override { home, at, until, by: row.text()?.into() } })
    }
}

/// The highest numbers ever given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) person: PersonId,
    pub(crate) place: PlaceId,
}

impl Record for Numbers {
    const TABLE: &'static str = "numbers";
    const COLUMNS: &'static [&'static str] = &["id", "person", "place"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(1);
        row.int(self.person.0);
        row.int(self.place.0);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        row.int()?;
        Ok(Self { person: PersonId(row.small()?), place: PlaceId(row.small()?) })
    }
}
