//! Serves an invented town for looking at the pages: `cargo run -p kizuna-web --example pages -- 8117`.

#[path = "../tests/it/support.rs"]
mod support;

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;

use kizuna_domain::tenant::TenantKind;
use support::Place;

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8117".to_owned());
    let place = Place::demo();
    place.run();
    place.empty_town("komorebi", "こもれび町", TenantKind::Practice, "eml");
    let town = place.town("asahi", "あさひ市", TenantKind::Municipality, "eml");
    let mut out = std::io::stdout();
    writeln!(out, "http://127.0.0.1:{port}{}", place.stop_path(&town, "そら"))?;
    for follower in place.followers(&town).iter().take(1) {
        writeln!(out, "{}", follower.subscription)?;
    }
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    kizuna_web::serve(Arc::clone(&place.site), listener, async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
