//! Pictures in messages: an address shows the same picture for ever.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use kizuna_domain::content::pack::Pack;
use kizuna_domain::content::picture::{Picture, embed};
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::{EngineError, actions};
use kizuna_store::{Db, Location, media, migrate};
use kizuna_web::router;
use tower::ServiceExt as _;

use crate::support::{Place, starter_pack};

fn png(inside: &[u8]) -> Picture {
    Picture::new([b"\x89PNG\r\n\x1a\n", inside].concat()).unwrap()
}

/// The starter pack with this picture, always under the same file name, in every article.
fn pack_with(picture: &Picture) -> Pack {
    let mut pack = starter_pack("starter-ja");
    for article in &mut pack.articles {
        let body = format!("{}\n\n![手帳の表紙](techo.png)", article.revision.body);
        article.revision.body = embed(&body, |_| Ok::<_, ()>(picture.name().clone())).unwrap();
    }
    pack.pictures = vec![picture.clone()];
    pack
}

/// The headers and bytes of a picture that must be there.
fn fetch(place: &Place, picture: &Picture) -> (HeaderMap, Vec<u8>) {
    let request = Request::get(format!("/media/{}", picture.name()))
        .body(Body::empty())
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let answer = router(Arc::clone(&place.site)).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let headers = answer.headers().clone();
        (
            headers,
            to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec(),
        )
    })
}

#[test]
fn an_old_address_shows_the_old_picture_after_a_new_one_a_restart_and_three_years() {
    let place = Place::open();
    let (old, new) = (png(b"old\xff\x00"), png(b"new"));
    actions::content::import(place.env(), None, &pack_with(&old)).unwrap();
    assert_eq!(fetch(&place, &old).1, old.bytes());

    let done = actions::content::import(place.env(), None, &pack_with(&new)).unwrap();
    assert_eq!(done.new_revisions, done.articles, "another picture is another text");
    place.town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    place.run();
    place.clock.set("2029-11-22T00:00:00Z");
    place.run();
    for picture in [&old, &new] {
        assert_eq!(fetch(&place, picture).1, picture.bytes());
    }

    let reopened = Db::open(&Location::File(place.folder.path().join("kizuna.db"))).unwrap();
    migrate::verify(&reopened).unwrap();
    let kept = reopened.read(|tx| media::get(tx, old.name())).unwrap();
    assert_eq!(kept.as_deref(), Some(old.bytes()));
}

#[test]
fn a_picture_says_what_it_is_and_may_be_kept() {
    let place = Place::open();
    let picture = png(b"");
    let path = format!("/media/{}", picture.name());
    assert_eq!(place.get(&path).status, StatusCode::NOT_FOUND);
    actions::content::import(place.env(), None, &pack_with(&picture)).unwrap();

    let (headers, _) = fetch(&place, &picture);
    assert_eq!(headers["content-type"], "image/png");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    for other in [
        "/media/techo.png",
        "/media/..%2Fkizuna.db",
        &path.replace(".png", ".jpg"),
    ] {
        assert_eq!(place.get(other).status, StatusCode::NOT_FOUND, "{other}");
    }
}

#[test]
fn an_article_whose_picture_is_nowhere_is_not_imported() {
    let place = Place::open();
    let mut pack = pack_with(&png(b"lost"));
    pack.pictures.clear();
    let refused = actions::content::import(place.env(), None, &pack);
    let Err(EngineError::Pack(problems)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problems.len(), pack.articles.len());
    assert!(
        problems[0].reason.ja.contains("フォルダーの形"),
        "{}",
        problems[0].reason.ja
    );
}

#[test]
fn staff_see_the_picture_where_readers_will() {
    let place = Place::demo();
    let picture = png(b"shown");
    actions::content::import(place.env(), None, &pack_with(&picture)).unwrap();
    place.get("/hidamari/today").says(&format!(
        "<img class=\"talk__picture\" src=\"/media/{}\" alt=\"手帳の表紙\"",
        picture.name()
    ));
}
