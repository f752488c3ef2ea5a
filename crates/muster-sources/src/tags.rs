//! The rules for texts of apps, as the configuration says them.

use muster_config::tags::{Carrier, Case, TagSettings};
use muster_config::value::Prefix;
use muster_wire::bluetooth::tag::{CarrierKind, TagRules};

/// Which texts are identities.
#[must_use]
pub fn rules(settings: &TagSettings) -> TagRules {
    let carrier = |it: &Carrier| match it {
        Carrier::Name => CarrierKind::Name,
        Carrier::ServiceData => CarrierKind::ServiceData,
        Carrier::ManufacturerData => CarrierKind::Manufacturer,
        Carrier::ServiceUuid => CarrierKind::Service,
    };
    let length = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
    TagRules::new(settings.prefixes.iter().map(Prefix::get).cloned().collect())
        .only_in(settings.from.iter().map(carrier).collect())
        .in_any_case(settings.case == Case::Any)
        .of_length(length(settings.shortest.get())..=length(settings.longest.get()))
}
