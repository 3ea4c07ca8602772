//! Importing packs and publishing editions.

use std::collections::{BTreeSet, HashSet};

use kizuna_domain::content::pack::{Manifest, Pack, PackArticle, PackProblem, Reason, Support};
use kizuna_domain::content::picture::{self, Picture, PictureName};
use kizuna_domain::content::{Item, Owner, approved};
use kizuna_domain::ids::{ArticleId, EditionId, RevisionId, TrackId};
use kizuna_store::content::{self, Edition, Track};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{ReadTx, StoreError, WriteTx, media};

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Code of the track.
    pub track: String,
    /// Articles in the pack.
    pub articles: usize,
    /// Articles whose words are new.
    pub new_revisions: usize,
    /// Articles that the pack no longer has and that leave the next edition.
    pub withdrawn: usize,
    /// Articles that the required specialists have approved.
    pub approved: usize,
    /// Consultation desks.
    pub desks: usize,
    /// Number of the edition that holds all this.
    pub edition: u32,
    /// True where that edition was published now.
    pub published: bool,
}

/// Imports a pack and publishes it as an edition; the same pack again changes nothing.
///
/// A desk pack is shared by all tenants; a tenant's pack belongs to `tenant`.
pub fn import(env: &Env, tenant: Option<&Tenant>, pack: &Pack) -> Result<Imported, EngineError> {
    let owner = match (pack.manifest.owner, tenant) {
        (Owner::Desk, _) => None,
        (Owner::Tenant, Some(tenant)) => Some(tenant),
        (Owner::Tenant, None) => {
            return Err(EngineError::Rule(
                "this pack belongs to a municipality; say which with --tenant CODE".to_owned(),
            ));
        }
    };
    let unknown = env.db.read(|tx| unknown_pictures(tx, pack))?;
    if !unknown.is_empty() {
        return Err(EngineError::Pack(unknown));
    }
    let note = Note::new(env, Actor::CommandLine, owner.map(Tenant::scope), "content.import");
    let new_track = TrackId::new(env.ids.next());
    let new_edition = EditionId::new(env.ids.next());
    let ids: Vec<(ArticleId, RevisionId)> = pack
        .articles
        .iter()
        .map(|_| (ArticleId::new(env.ids.next()), RevisionId::new(env.ids.next())))
        .collect();
    let imported = env.db.write(|tx| {
        let track = put_track(tx, owner, new_track, &pack.manifest)?;
        let mut done = Imported {
            track: track.code.clone(),
            articles: pack.articles.len(),
            desks: pack.desks.len(),
            ..Imported::default()
        };
        for picture in &pack.pictures {
            media::put(tx, picture)?;
        }
        let kept: HashSet<&str> = pack.articles.iter().map(|article| article.id.as_str()).collect();
        for (_, article) in content::articles(tx, track.id)? {
            if !kept.contains(article.id.as_str()) {
                content::withdraw_article(tx, track.id, &article.id)?;
                done.withdrawn += 1;
            }
        }
        for (article, (new_article, new_revision)) in pack.articles.iter().zip(&ids) {
            let put = content::put_article(tx, track.id, *new_article, *new_revision, article)?;
            done.new_revisions += usize::from(put.is_new);
        }
        if let Some(tenant) = owner.or(tenant) {
            for desk in &pack.desks {
                tenants::put_desk(tx, tenant.scope(), desk)?;
            }
            if let Some(support) = &pack.support {
                tenants::put_support(tx, tenant.scope(), support)?;
            }
        }
        publish(tx, &track, new_edition, note.at, &mut done)?;
        match owner {
            Some(tenant) => tenants::touch(tx, tenant.scope())?,
            None => tenants::touch_all(tx)?,
        }
        note.write(
            tx,
            &track.code,
            &format!("edition={} articles={}", done.edition, done.articles),
        )?;
        Ok(done)
    })?;
    Ok(imported)
}

/// The articles that show a picture which neither came with the pack nor is kept; what is kept stays, so that asking
/// before the transaction is enough.
fn unknown_pictures(tx: &mut ReadTx<'_>, pack: &Pack) -> Result<Vec<PackProblem>, StoreError> {
    let brought: HashSet<&PictureName> = pack.pictures.iter().map(Picture::name).collect();
    let mut unknown = Vec::new();
    for article in &pack.articles {
        for name in picture::shown(&article.revision.body) {
            if !brought.contains(&name) && !media::has(tx, &name)? {
                unknown.push(PackProblem {
                    file: article.id.clone(),
                    reason: Reason::new(
                        format!("写真「{name}」がありません。フォルダーの形の原稿パックで、写真といっしょに取りこんでください"),
                        format!("the picture '{name}' is not here; import the pack in the folder form, with its pictures"),
                    ),
                });
            }
        }
    }
    Ok(unknown)
}

fn put_track(
    tx: &mut WriteTx<'_>,
    owner: Option<&Tenant>,
    new: TrackId,
    manifest: &Manifest,
) -> Result<Track, StoreError> {
    let known = match owner {
        Some(tenant) => content::track_for(tx, tenant.scope(), &manifest.track)?.filter(|track| track.tenant.is_some()),
        None => content::track_of_desk(tx, &manifest.track)?,
    };
    let track = Track {
        id: known.as_ref().map_or(new, |track| track.id),
        tenant: owner.map(|tenant| tenant.id),
        code: manifest.track.clone(),
        title: manifest.title.clone(),
        language: manifest.language.clone(),
        sender_label: manifest.sender_label.clone(),
        approvals_required: manifest.approvals(),
    };
    match known {
        None => content::add_track(tx, &track)?,
        Some(known) if known != track => content::change_track(tx, &track)?,
        Some(_) => {}
    }
    Ok(track)
}

/// Freezes the track's articles as a new edition, unless the latest edition is exactly that.
fn publish(
    tx: &mut WriteTx<'_>,
    track: &Track,
    new: EditionId,
    now: jiff::Timestamp,
    done: &mut Imported,
) -> Result<(), StoreError> {
    let items: Vec<Item> = content::articles(tx, track.id)?
        .into_iter()
        .map(|(revision, article)| Item {
            approved: approved(&article.reviews, track.approvals_required),
            article: article.id,
            revision,
            placement: article.placement,
        })
        .collect();
    done.approved = items.iter().filter(|item| item.approved).count();
    let latest = content::edition(tx, track.id, None)?;
    if let Some(latest) = latest.as_ref().filter(|latest| latest.items == items) {
        done.edition = latest.number;
        return Ok(());
    }
    let edition = Edition {
        number: latest.map_or(1, |latest| latest.number + 1),
        items,
    };
    content::add_edition(tx, new, track.id, &edition, now)?;
    done.edition = edition.number;
    done.published = true;
    Ok(())
}

/// A track as a pack: everything that an import of it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// What it is.
    pub manifest: Manifest,
    /// The articles with their reviews.
    pub articles: Vec<PackArticle>,
    /// The tenant's desks, where the track is a tenant's.
    pub desks: Vec<kizuna_domain::content::Desk>,
    /// The pictures that the articles show, each once.
    pub pictures: Vec<Picture>,
    /// The words of the tenant's page of support, where the track is a tenant's.
    pub support: Option<Support>,
}

/// Reads a track for an export.
pub fn export(tx: &mut ReadTx<'_>, tenant: &Tenant, code: &str) -> Result<Option<Exported>, StoreError> {
    let Some(track) = content::track_for(tx, tenant.scope(), code)? else {
        return Ok(None);
    };
    let (desks, support) = match track.owner() {
        Owner::Tenant => (
            tenants::desks(tx, tenant.scope())?,
            tenants::support(tx, tenant.scope())?,
        ),
        Owner::Desk => (Vec::new(), None),
    };
    let articles: Vec<PackArticle> = content::articles(tx, track.id)?
        .into_iter()
        .map(|(_, article)| article)
        .collect();
    let names: BTreeSet<PictureName> = articles
        .iter()
        .flat_map(|article| picture::shown(&article.revision.body))
        .collect();
    let mut pictures = Vec::with_capacity(names.len());
    for name in names {
        let bytes = media::get(tx, &name)?;
        pictures.extend(bytes.and_then(|bytes| Picture::new(bytes).ok()));
    }
    Ok(Some(Exported {
        manifest: Manifest {
            format: kizuna_domain::content::pack::FORMAT,
            track: track.code.clone(),
            title: track.title.clone(),
            owner: track.owner(),
            language: track.language.clone(),
            sender_label: track.sender_label.clone(),
            approvals_required: Some(track.approvals_required),
            covers: None,
        },
        articles,
        desks,
        pictures,
        support,
    }))
}
