//! Loading what a tenant sends: its settings, its series at their editions, its texts and desks.

use std::collections::HashSet;

use kizuna_domain::content::Owner;
use kizuna_domain::ids::RevisionId;
use kizuna_domain::run::compose::Library;
use kizuna_domain::run::plan::{Programme, Series};
use kizuna_store::tenants::Tenant;
use kizuna_store::{ReadTx, StoreError, content, fence, tenants};

/// What planning and composing need, read at one moment.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The series and settings.
    pub programme: Programme,
    /// The texts and desks.
    pub library: Library,
    /// Tracks that are adopted but have no edition, by code.
    pub missing: Vec<String>,
}

/// Loads a tenant's programme; desk series come first.
pub fn load(tx: &mut ReadTx<'_>, tenant: &Tenant) -> Result<Loaded, StoreError> {
    let mut series = Vec::new();
    let mut texts = Vec::new();
    let mut missing = Vec::new();
    for adoption in &tenant.settings.adopt {
        let track = content::track_for(tx, tenant.scope(), &adoption.track)?;
        let edition = match &track {
            Some(track) => content::edition(tx, track.id, adoption.edition)?,
            None => None,
        };
        let (Some(track), Some(edition)) = (track, edition) else {
            missing.push(adoption.track.clone());
            continue;
        };
        let wanted: HashSet<RevisionId> = edition.items.iter().map(|item| item.revision).collect();
        texts.extend(content::texts(tx, track.id, &|id| wanted.contains(&id))?);
        let owner = track.owner();
        series.push(Series::new(
            adoption.clone(),
            owner,
            track.language,
            track.sender_label,
            edition.number,
            edition.items,
        ));
    }
    series.sort_by_key(|series| match series.owner {
        Owner::Desk => 0,
        Owner::Tenant => 1,
    });
    let desks = tenants::desks(tx, tenant.scope())?;
    let fenced_through = fence::get(tx)?.and_then(|fence| fence.fenced_through);
    Ok(Loaded {
        programme: Programme {
            tenant: tenant.id,
            settings: tenant.settings.clone(),
            series,
            fenced_through,
        },
        library: Library::new(texts, desks),
        missing,
    })
}
