//! Reads text and objects into a configuration, and continues after each fault
//! so that the administrator sees all of them at once. Pure.
//!
//! One reader for both sources: a list item of the text and an object become an
//! [`Entry`], and the code that reads entries does not depend on the source.

mod bgp;
mod entry;
mod l2;
mod legacy;
mod pool;
mod selection;
mod selector;
mod text;
mod unique;

use self::entry::Entry;
use self::selection::PoolReferences;
use self::text::Document;
use super::fault::Findings;
use super::overlap;
use super::{
    Config, Faults, IMPLIED_ADVERTISEMENT, Kind, L2Advertisement, Loaded, Object, Sources,
};

/// Reads all sources as one configuration.
pub(super) fn load(sources: &Sources) -> Result<Loaded, Faults> {
    let mut found = Findings::default();
    let config = config(sources, &mut found);
    if !found.faults.is_empty() {
        return Err(found.faults);
    }
    Ok(Loaded {
        config,
        warnings: found.warnings,
    })
}

fn config(sources: &Sources, found: &mut Findings) -> Config {
    let tree = sources
        .text
        .as_deref()
        .and_then(|text| text::tree(text, found));
    let mut objects: Vec<&Object> = sources.objects.iter().collect();
    objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    let mut reader = Reader::default();
    match tree.as_ref().map(|tree| text::document(tree, found)) {
        Some(Some(Document::Native(root))) => reader.native(&root, found),
        Some(Some(Document::Legacy(root))) => legacy::read(&root, &mut reader, found),
        Some(None) | None => {}
    }
    for object in objects {
        if let Some(entry) = Entry::object(object, found) {
            reader.entry(object.kind, &entry, found);
        }
    }
    reader.finish(found)
}

/// The configuration read so far, and the paths needed by later checks.
#[derive(Default)]
struct Reader {
    config: Config,
    names: unique::Names,
    /// Each range with its path.
    locations: Vec<overlap::RangeLocation>,
    /// Each pool named by an advertisement, with the path.
    references: PoolReferences,
    bgp_locations: bgp::Locations,
    /// Whether the ConfigMap has an advertisement section, even an empty one.
    has_advertisement_section: bool,
}

impl Reader {
    fn native(&mut self, root: &super::node::Mapping<'_>, found: &mut Findings) {
        for (field, kind) in text::SECTIONS {
            let Some(section) = root.field(field) else {
                continue;
            };
            self.has_advertisement_section |=
                matches!(kind, Kind::L2Advertisement | Kind::BgpAdvertisement);
            for item in section.items(found).into_iter().flatten() {
                if let Some(entry) = Entry::item(&item, found) {
                    self.entry(kind, &entry, found);
                }
            }
        }
    }

    fn entry(&mut self, kind: Kind, entry: &Entry<'_>, found: &mut Findings) {
        self.names
            .register(kind, &entry.name, &entry.name_path, found);
        match kind {
            Kind::IpAddressPool => {
                let pool = pool::read(entry, &mut self.locations, found);
                self.config.pools.push(pool);
            }
            Kind::L2Advertisement => {
                let advertisement = l2::read(entry, &mut self.references, found);
                self.config.l2_advertisements.push(advertisement);
            }
            _ => {
                let (bgp, locations) = (&mut self.config.bgp, &mut self.bgp_locations);
                bgp::read(kind, entry, bgp, locations, &mut self.references, found);
            }
        }
    }

    fn finish(mut self, found: &mut Findings) -> Config {
        overlap::reject(self.locations, found);
        let pools = &self.config.pools;
        bgp::finish(&self.config.bgp, pools, &self.bgp_locations, found);
        selection::check_pool_references(&self.references, pools, found);
        let is_explicit = self.has_advertisement_section
            || !self.config.l2_advertisements.is_empty()
            || !self.config.bgp.advertisements.is_empty();
        if !is_explicit {
            self.config.l2_advertisements.push(L2Advertisement {
                name: IMPLIED_ADVERTISEMENT.to_owned(),
                ..L2Advertisement::default()
            });
        }
        for pool in &self.config.pools {
            let layer_2 = self.config.l2_advertisements.iter();
            let bgp = self.config.bgp.advertisements.iter();
            let mut announced = layer_2
                .map(|ad| ad.pools.selects(pool))
                .chain(bgp.map(|ad| ad.pools.selects(pool)));
            if !announced.any(|selected| selected) {
                found.warn(
                    "l2Advertisements",
                    format!(
                        "no advertisement selects pool {:?}; its addresses will not be announced",
                        pool.name
                    ),
                );
            }
        }
        self.config
    }
}
