//! Tracks, articles, revisions, reviews and the frozen editions.

use jiff::Timestamp;
use kizuna_domain::content::pack::PackArticle;
use kizuna_domain::content::{ITEMS_MAX, Item, Owner, Placement, Review, Revision};
use kizuna_domain::ids::{ArticleId, EditionId, RevisionId, TenantId, TrackId};

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// Reviews one revision may have.
const REVIEWS_MAX: i64 = 50;
/// Tracks one owner may have.
const TRACKS_MAX: i64 = 1_000;

/// A track as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Identifier.
    pub id: TrackId,
    /// The tenant that owns it; the desk where absent.
    pub tenant: Option<TenantId>,
    /// Code, unique per owner.
    pub code: String,
    /// Name for staff.
    pub title: String,
    /// BCP 47 tag of its words.
    pub language: String,
    /// Heading above its part of a message.
    pub sender_label: String,
    /// Approving specialists that a revision needs.
    pub approvals_required: u8,
}

impl Track {
    /// Who answers for it.
    pub fn owner(&self) -> Owner {
        if self.tenant.is_some() {
            Owner::Tenant
        } else {
            Owner::Desk
        }
    }
}

fn track(row: &Row<'_>) -> Result<Track, StoreError> {
    Ok(Track {
        id: row.id(0, TrackId::from_bytes)?,
        tenant: row
            .bytes_opt(1)?
            .map(|bytes| TenantId::from_bytes(bytes).ok_or_else(|| StoreError::corrupt("an identifier", 1)))
            .transpose()?,
        code: row.text(2)?.to_owned(),
        title: row.text(3)?.to_owned(),
        language: row.text(4)?.to_owned(),
        sender_label: row.text(5)?.to_owned(),
        approvals_required: u8::try_from(row.int(6)?).unwrap_or(u8::MAX),
    })
}

sql!(
    OF_DESK,
    "SELECT id, tenant_id, code, title, language, sender_label, approvals_required FROM tracks
               WHERE tenant_id IS NULL AND code = $1"
);
sql!(
    OF_TENANT,
    "SELECT id, tenant_id, code, title, language, sender_label, approvals_required FROM tracks
                 WHERE tenant_id = $1 AND code = $2"
);

/// The track with this code: the tenant's own, else the desk's.
pub fn track_for(tx: &mut ReadTx<'_>, scope: Scope, code: &str) -> Result<Option<Track>, StoreError> {
    match tx.one(OF_TENANT, args![scope.bytes(), code], track)? {
        Some(own) => Ok(Some(own)),
        None => track_of_desk(tx, code),
    }
}

/// The desk's track with this code.
pub fn track_of_desk(tx: &mut ReadTx<'_>, code: &str) -> Result<Option<Track>, StoreError> {
    tx.one(OF_DESK, args![code], track)
}

sql!(
    TRACKS,
    "SELECT id, tenant_id, code, title, language, sender_label, approvals_required FROM tracks
              WHERE tenant_id IS NULL OR tenant_id = $1 ORDER BY code, tenant_id IS NOT NULL LIMIT $2"
);

/// The desk's tracks and the tenant's own, by code, the desk's first where both have one.
pub fn tracks(tx: &mut ReadTx<'_>, scope: Scope) -> Result<Vec<Track>, StoreError> {
    tx.all(TRACKS, args![scope.bytes(), TRACKS_MAX], track)
}

sql!(
    ADD_TRACK,
    "INSERT INTO tracks (id, tenant_id, code, title, language, sender_label, approvals_required)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)"
);
sql!(
    CHANGE_TRACK,
    "UPDATE tracks SET title = $2, language = $3, sender_label = $4, approvals_required = $5 WHERE id = $1"
);

/// Creates a track.
pub fn add_track(tx: &mut WriteTx<'_>, track: &Track) -> Result<(), StoreError> {
    let tenant = track.tenant.as_ref().map(TenantId::bytes);
    let approvals = i64::from(track.approvals_required);
    let args = args![
        track.id.bytes(),
        tenant,
        &track.code,
        &track.title,
        &track.language,
        &track.sender_label,
        approvals
    ];
    tx.exec(ADD_TRACK, args).map(|_| ())
}

/// Changes what a track is called and needs.
pub fn change_track(tx: &mut WriteTx<'_>, track: &Track) -> Result<(), StoreError> {
    let approvals = i64::from(track.approvals_required);
    let args = args![
        track.id.bytes(),
        &track.title,
        &track.language,
        &track.sender_label,
        approvals
    ];
    tx.exec_one(CHANGE_TRACK, args)
}

sql!(ARTICLE, "SELECT id FROM articles WHERE track_id = $1 AND code = $2");
sql!(
    ADD_ARTICLE,
    "INSERT INTO articles (id, track_id, code, placement, revision_id) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (track_id, code) DO UPDATE SET placement = $4, revision_id = $5"
);
sql!(
    REVISION,
    "SELECT id FROM revisions WHERE article_id = $1 AND digest = $2"
);
sql!(
    NEXT_REVISION,
    "SELECT COALESCE(MAX(number), 0) + 1 FROM revisions WHERE article_id = $1"
);
sql!(
    ADD_REVISION,
    "INSERT INTO revisions (id, article_id, number, digest, document) VALUES ($1, $2, $3, $4, $5)"
);
sql!(DROP_REVIEWS, "DELETE FROM reviews WHERE revision_id = $1");
sql!(
    ADD_REVIEW,
    "INSERT INTO reviews (revision_id, number, document) VALUES ($1, $2, $3)"
);

/// What putting an article changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutArticle {
    /// Its current revision.
    pub revision: RevisionId,
    /// True where the words are new and therefore a new revision.
    pub is_new: bool,
}

/// Creates or changes an article; new words become a new revision, the same words stay the one they were.
pub fn put_article(
    tx: &mut WriteTx<'_>,
    track: TrackId,
    new_article: ArticleId,
    new_revision: RevisionId,
    article: &PackArticle,
) -> Result<PutArticle, StoreError> {
    let known = tx.one(ARTICLE, args![track.bytes(), &article.id], |row| {
        row.id(0, ArticleId::from_bytes)
    })?;
    let id = known.unwrap_or(new_article);
    let digest = article.revision.digest();
    let same = tx.one(REVISION, args![id.bytes(), digest.as_slice()], |row| {
        row.id(0, RevisionId::from_bytes)
    })?;
    let revision = same.unwrap_or(new_revision);
    let placement = serde_json::to_string(&article.placement).unwrap_or_default();
    tx.exec(
        ADD_ARTICLE,
        args![id.bytes(), track.bytes(), &article.id, &placement, revision.bytes()],
    )?;
    if same.is_none() {
        let number = tx.one(NEXT_REVISION, args![id.bytes()], |row| row.int(0))?.unwrap_or(1);
        let document = serde_json::to_string(&article.revision).unwrap_or_default();
        tx.exec(
            ADD_REVISION,
            args![revision.bytes(), id.bytes(), number, digest.as_slice(), &document],
        )?;
    }
    tx.exec(DROP_REVIEWS, args![revision.bytes()])?;
    for (number, review) in (1..).zip(&article.reviews) {
        let document = serde_json::to_string(review).unwrap_or_default();
        tx.exec(ADD_REVIEW, args![revision.bytes(), number, &document])?;
    }
    Ok(PutArticle {
        revision,
        is_new: same.is_none(),
    })
}

sql!(
    DROP_ARTICLE,
    "UPDATE articles SET placement = $3 WHERE track_id = $1 AND code = $2"
);
sql!(
    ARTICLES,
    "SELECT a.code, a.placement, r.document, a.revision_id FROM articles a
                JOIN revisions r ON r.id = a.revision_id WHERE a.track_id = $1 ORDER BY a.code LIMIT $2"
);
sql!(
    REVIEWS,
    "SELECT document FROM reviews WHERE revision_id = $1 ORDER BY number LIMIT $2"
);

/// The articles of a track with their current words, placements and reviews, by id; those without a place are left out.
pub fn articles(tx: &mut ReadTx<'_>, track: TrackId) -> Result<Vec<(RevisionId, PackArticle)>, StoreError> {
    let rows = tx.all(ARTICLES, args![track.bytes(), ITEMS_MAX as i64], |row| {
        let placement: Placement = row.json(1)?;
        let revision: Revision = row.json(2)?;
        Ok((
            row.text(0)?.to_owned(),
            placement,
            revision,
            row.id(3, RevisionId::from_bytes)?,
        ))
    })?;
    let mut found = Vec::with_capacity(rows.len());
    for (id, placement, revision, revision_id) in rows {
        if placement.slots.is_empty() && placement.on.is_empty() {
            continue;
        }
        let reviews = tx.all(REVIEWS, args![revision_id.bytes(), REVIEWS_MAX], |row| {
            row.json::<Review>(0)
        })?;
        found.push((
            revision_id,
            PackArticle {
                id,
                revision,
                placement,
                reviews,
            },
        ));
    }
    Ok(found)
}

/// Takes an article out of its track's next edition; its revisions stay, because messages were sent with them.
pub fn withdraw_article(tx: &mut WriteTx<'_>, track: TrackId, code: &str) -> Result<(), StoreError> {
    let nowhere = r#"{"slots":[],"on":[]}"#;
    tx.exec_one(DROP_ARTICLE, args![track.bytes(), code, nowhere])
}

/// A frozen edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its number within the track, from 1.
    pub number: u32,
    /// Its frozen items.
    pub items: Vec<Item>,
}

sql!(
    LATEST,
    "SELECT number, document FROM editions WHERE track_id = $1 ORDER BY number DESC LIMIT 1"
);
sql!(
    NUMBERED,
    "SELECT number, document FROM editions WHERE track_id = $1 AND number = $2"
);

fn edition_row(row: &Row<'_>) -> Result<Edition, StoreError> {
    let number = u32::try_from(row.int(0)?).map_err(|_| StoreError::corrupt("an edition number", 0))?;
    Ok(Edition {
        number,
        items: row.json(1)?,
    })
}

/// An edition of a track: the one with this number, else the latest.
pub fn edition(tx: &mut ReadTx<'_>, track: TrackId, number: Option<u32>) -> Result<Option<Edition>, StoreError> {
    match number {
        Some(number) => tx.one(NUMBERED, args![track.bytes(), i64::from(number)], edition_row),
        None => tx.one(LATEST, args![track.bytes()], edition_row),
    }
}

sql!(
    ADD_EDITION,
    "INSERT INTO editions (id, track_id, number, document, published_at) VALUES ($1, $2, $3, $4, $5)"
);

/// Freezes an edition.
pub fn add_edition(
    tx: &mut WriteTx<'_>,
    id: EditionId,
    track: TrackId,
    edition: &Edition,
    now: Timestamp,
) -> Result<(), StoreError> {
    let document = serde_json::to_string(&edition.items).unwrap_or_default();
    let args = args![
        id.bytes(),
        track.bytes(),
        i64::from(edition.number),
        &document,
        now.as_millisecond()
    ];
    tx.exec(ADD_EDITION, args).map(|_| ())
}

sql!(
    TEXTS,
    "SELECT r.id, r.document FROM revisions r JOIN articles a ON a.id = r.article_id WHERE a.track_id = $1"
);

/// The words of the revisions that `wanted` names, of one track.
pub fn texts(
    tx: &mut ReadTx<'_>,
    track: TrackId,
    wanted: &dyn Fn(RevisionId) -> bool,
) -> Result<Vec<(RevisionId, Revision)>, StoreError> {
    let mut found = Vec::new();
    tx.each(TEXTS, args![track.bytes()], &mut |row| {
        let id = row.id(0, RevisionId::from_bytes)?;
        if wanted(id) {
            found.push((id, row.json(1)?));
        }
        Ok(())
    })?;
    Ok(found)
}
