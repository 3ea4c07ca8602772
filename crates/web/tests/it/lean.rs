//! What families load is packed, because a phone pays for each byte; what stands behind a cookie is not.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use kizuna_web::{Peer, router};
use tower::ServiceExt as _;

use crate::support::Place;

/// Bytes of a page as they leave for a browser that unpacks, and whether they are packed.
fn sent(place: &Place, path: &str) -> (usize, bool) {
    let request = Request::get(path).header(header::ACCEPT_ENCODING, "gzip, br");
    let request = request.header(header::HOST, "127.0.0.1:8117");
    let request = request.extension(ConnectInfo(Peer("127.0.0.1:40000".parse().unwrap())));
    let request = request.body(Body::empty());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let answer = router(Arc::clone(&place.site)).oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let packed = answer.headers().get(header::CONTENT_ENCODING).cloned();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (body.len(), packed.is_some_and(|packing| packing == "gzip"))
    })
}

#[test]
fn what_families_load_is_packed_and_what_staff_see_is_not() {
    let place = Place::demo();
    let stop = place.stop_path(&place.tenant("hidamari"), "まめ");
    let page = place.get(&stop).body;
    let style = page.split("href=\"").find(|part| part.contains(".css")).unwrap();
    let style = style.split('"').next().unwrap();
    for path in [stop.as_str(), style] {
        let (size, packed) = sent(&place, path);
        let plain = place.get(path).body.len();
        assert!(packed && size * 3 < plain * 2, "{path}: {size} of {plain}");
    }
    let (size, packed) = sent(&place, "/hidamari/today");
    assert!(!packed, "data of families beside what others typed");
    assert_eq!(size, place.get("/hidamari/today").body.len());
}
