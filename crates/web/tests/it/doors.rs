//! Every page behind a token: what is forged, another town's or meant for something else opens nothing and changes nothing.

use kizuna_domain::day::Day;
use kizuna_domain::people::Follower;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::links;
use kizuna_store::tenants::Tenant;
use kizuna_store::{audit, mails};
use kizuna_web::routes::{Audience, Route, table};

use crate::support::{Place, TODAY};

const FORM: &str = "application/x-www-form-urlencoded";
/// What a form might say; every page takes from it what it knows.
const FIELDS: &str = "step=pause&which=all&born_y=2026&which=1&mail=x%40reader.example&way=web&date_of=&key=1";

/// What a token opens; empty where none of these does.
fn opens(route: &Route) -> &'static str {
    match route.path.split('/').nth(2) {
        Some("stop") => "stop",
        Some("words") => "words",
        Some("my" | "fresh") => "own",
        _ => "",
    }
}

/// The links of one family, by what they open.
fn tokens(place: &Place, town: &Tenant, until: Day) -> [(&'static str, String); 3] {
    let (keys, reader) = (&place.env().keys, place.family(town, "そら").subscriber);
    [
        ("stop", links::stop_token(keys, town.id, reader)),
        ("words", links::words_token(keys, town.id, links::Holder::first(reader))),
        (
            "own",
            links::own_token(keys, town.id, links::Holder::first(reader), until),
        ),
    ]
}

/// A token with one letter changed: of the reader's number, or of the signature.
fn forged(token: &str, at: usize) -> String {
    let letter = if token[at..].starts_with('A') { "B" } else { "A" };
    format!("{}{letter}{}", &token[..at], &token[at + 1..])
}

/// What there is to change in a town: families, entries of the record, and mails that wait.
fn state(place: &Place, town: &Tenant) -> (Vec<Follower>, String, usize) {
    let (env, scope) = (place.env(), town.scope());
    let entries = env.db.read(|tx| audit::latest(tx, Some(scope), None, 1_000)).unwrap();
    let waiting = env
        .db
        .read(|tx| mails::due(tx, &env.keys, scope, env.clock.now(), 1_000))
        .unwrap();
    (place.followers(town), format!("{entries:?}"), waiting.len())
}

#[test]
fn a_wrong_link_opens_no_page_and_changes_nothing() {
    let place = Place::bare();
    let [town, other] = [("hidamari", "ひだまり市"), ("asahi", "あさひ市")]
        .map(|(code, name)| place.town(code, name, TenantKind::Municipality, "json"));
    place.run();
    let today: Day = TODAY.parse().unwrap();
    let ours = tokens(&place, &town, today + 1);
    let mut wrong: Vec<(&str, String)> = vec![("", "x".to_owned()), ("", "あ".to_owned()), ("", "A".repeat(3_000))];
    wrong.extend(tokens(&place, &other, today + 1).map(|(_, token)| ("", token)));
    for (_, token) in &ours {
        wrong.push(("", forged(token, 3)));
        wrong.push(("", forged(token, token.len() - 2)));
        wrong.push(("", token[..token.len() - 1].to_owned()));
    }
    wrong.extend(ours);
    let child = place.family(&town, "そら").subscription.to_string();
    let before = [&town, &other].map(|town| state(&place, town));

    let doors: Vec<Route> = table()
        .into_iter()
        .filter(|route| route.audience == Audience::Reader && route.path.contains("{token}"))
        .collect();
    assert!(doors.len() > 40, "{} doors were tried", doors.len());
    for route in &doors {
        let right = opens(route);
        for (kind, token) in &wrong {
            if !right.is_empty() && *kind == right {
                continue;
            }
            for way in ["line", "mail"] {
                let mut path = route.path.to_owned();
                for (part, value) in [
                    ("{tenant}", "hidamari"),
                    ("{token}", token),
                    ("{subscription}", &child),
                    ("{day}", TODAY),
                    ("{way}", way),
                ] {
                    path = path.replace(part, value);
                }
                let path = path.replace('あ', "%E3%81%82");
                let answer = match route.method {
                    "GET" => place.get(&path),
                    _ => place.post(&path, FORM, FIELDS),
                };
                let status = answer.status;
                if route.path.contains("/fresh/") {
                    // Whether a link was ever good is not told: the answer is the same for all.
                    assert_eq!(answer.header("location"), "/hidamari/fresh");
                    continue;
                }
                assert!(status.is_client_error(), "{status} for {} {path}", route.method);
                answer.says("<h1").is_silent_about("そら");
            }
        }
    }
    assert_eq!([&town, &other].map(|town| state(&place, town)), before);
}

#[test]
fn a_link_that_is_over_changes_nothing_on_any_page() {
    let place = Place::bare();
    let town = place.town("hidamari", "ひだまり市", TenantKind::Municipality, "json");
    place.run();
    let today: Day = TODAY.parse().unwrap();
    let child = place.family(&town, "そら").subscription.to_string();
    let [_, _, (_, over)] = tokens(&place, &town, today - 1);
    let before = state(&place, &town);
    let own = table().into_iter().filter(|route| route.path.contains("/my/{token}"));
    for route in own {
        let path = route.path.replace("{tenant}", "hidamari").replace("{token}", &over);
        let path = path.replace("{subscription}", &child);
        let answer = match route.method {
            "GET" => place.get(&path),
            _ => place.post(&path, FORM, FIELDS),
        };
        assert!(answer.status.is_client_error(), "{} {path}", answer.status);
        answer.says("使").is_silent_about("そら");
    }
    assert_eq!(state(&place, &town), before);
}
