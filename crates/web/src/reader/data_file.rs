//! The files in which a reader takes their data away: one to read, one for programs.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use kizuna_domain::people::{PointState, Relation, SubscriptionState};
use kizuna_domain::trouble::Trouble;
use kizuna_engine::EngineError;
use kizuna_engine::actions::data::{self, Export, LetterState};
use kizuna_store::tenants::Tenant;

use super::data::nothing_here;
use super::dates;
use crate::error::{Finished, PageError, page};
use crate::format;
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

struct Words {
    title: &'static str,
    written: &'static str,
    registered: &'static str,
    relation: &'static str,
    relations: [&'static str; 5],
    language: &'static str,
    area: &'static str,
    reference: &'static str,
    hour: &'static str,
    addresses: &'static str,
    address_states: [&'static str; 5],
    trouble: &'static str,
    troubles: [&'static str; 5],
    children: &'static str,
    due: &'static str,
    birth: &'static str,
    nickname: &'static str,
    since: &'static str,
    resumed: &'static str,
    states: [&'static str; 3],
    consents: &'static str,
    purpose: &'static str,
    given: &'static str,
    withdrawn: &'static str,
    letters: &'static str,
    outcomes: [&'static str; 5],
    none: &'static str,
}

static JA: Words = Words {
    title: "お預かりしている記録",
    written: "書き出した日時",
    registered: "登録した日時",
    relation: "続柄",
    relations: ["母親", "父親・パートナー", "祖父母", "ほかの家族", "えらんでいません"],
    language: "ことば",
    area: "地区",
    reference: "自治体の番号",
    hour: "えらんだ時間",
    addresses: "届け先",
    address_states: [
        "確かめを待っています",
        "届けています",
        "届かないため、使っていません",
        "ブロックされています",
        "はずしました",
    ],
    trouble: "届かなかった日",
    troubles: [
        "アドレスがないという返事",
        "受信設定で止められました",
        "受信設定で止められたようです",
        "受信箱がいっぱい",
        "つながりませんでした",
    ],
    children: "お子さん",
    due: "出産予定日",
    birth: "誕生日",
    nickname: "呼び名",
    since: "登録した日",
    resumed: "お休みなどが終わった日",
    states: ["受け取り中", "お休み中", "終わり"],
    consents: "同意",
    purpose: "ことばを届けるため",
    given: "同意した日時",
    withdrawn: "取り消した日時",
    letters: "お届けしたことば",
    outcomes: [
        "送りました",
        "これからです",
        "送りませんでした",
        "届きませんでした",
        "届いたか、わかりません",
    ],
    none: "ありません",
};

static EASY: Words = Words {
    title: "｜記録《きろく》",
    written: "この ファイルを つくった とき",
    registered: "｜登録《とうろく》した とき",
    relation: "｜家族《かぞく》の ｜関係《かんけい》",
    relations: [
        "お｜母《かあ》さん",
        "お｜父《とう》さん・パートナー",
        "おじいさん・おばあさん",
        "ほかの ｜家族《かぞく》",
        "えらんで いません",
    ],
    language: "ことば",
    area: "｜住《す》んでいる ところ",
    reference: "｜市《し》や｜町《まち》の ｜番号《ばんごう》",
    hour: "えらんだ ｜時間《じかん》",
    addresses: "とどける ところ",
    address_states: [
        "｜確《たし》かめるのを まって います",
        "とどけて います",
        "とどかないので、つかって いません",
        "ブロック されて います",
        "はずしました",
    ],
    trouble: "とどかなかった ｜日《ひ》",
    troubles: [
        "アドレスが ありません",
        "スマートフォンの ｜設定《せってい》で ｜止《と》まりました",
        "スマートフォンの ｜設定《せってい》で ｜止《と》まったようです",
        "メールの ｜箱《はこ》が いっぱいでした",
        "つながりませんでした",
    ],
    children: "｜子《こ》ども",
    due: "｜生《う》まれる ｜予定《よてい》の ｜日《ひ》",
    birth: "｜生《う》まれた ｜日《ひ》",
    nickname: "｜呼《よ》び｜名《な》",
    since: "｜登録《とうろく》した ｜日《ひ》",
    resumed: "｜休《やす》みが おわった ｜日《ひ》",
    states: ["とどいて います", "｜休《やす》んで います", "おわり"],
    consents: "「いいです」と ｜言《い》った ｜記録《きろく》",
    purpose: "ことばを とどける ため",
    given: "「いいです」と ｜言《い》った とき",
    withdrawn: "やめた とき",
    letters: "とどけた ことば",
    outcomes: [
        "おくりました",
        "これから おくります",
        "おくりませんでした",
        "とどきませんでした",
        "とどいたか わかりません",
    ],
    none: "ありません",
};

static EN: Words = Words {
    title: "Your records",
    written: "Written at",
    registered: "Registered at",
    relation: "Relation",
    relations: [
        "Mother",
        "Father or partner",
        "Grandparent",
        "Other family",
        "Not chosen",
    ],
    language: "Language",
    area: "Area",
    reference: "Number of the municipality",
    hour: "Hour you chose",
    addresses: "Where we write to",
    address_states: [
        "waits to be confirmed",
        "in use",
        "not in use: it refuses",
        "blocked by you",
        "taken away by you",
    ],
    trouble: "Did not arrive on",
    troubles: [
        "the address does not exist, we were told",
        "stopped by your mail filter",
        "stopped by your mail filter, it seems",
        "the mailbox was full",
        "the server could not be reached",
    ],
    children: "Children",
    due: "Due date",
    birth: "Birthday",
    nickname: "Nickname",
    since: "Registered on",
    resumed: "A pause or block ended on",
    states: ["receiving", "paused", "ended"],
    consents: "What you agreed to",
    purpose: "To receive words",
    given: "Agreed at",
    withdrawn: "Withdrawn at",
    letters: "What we sent",
    outcomes: [
        "sent",
        "still to come",
        "not sent",
        "did not arrive",
        "nobody knows whether it arrived",
    ],
    none: "none",
};

/// One part of the file: a heading and rows of what and which; rows of one thing stand together.
struct Part {
    heading: &'static str,
    things: Vec<Vec<(&'static str, String)>>,
}

#[derive(Template)]
#[template(path = "reader/data_file.html")]
struct DataFile {
    words: &'static Words,
    tag: &'static str,
    town: String,
    about: Vec<(&'static str, String)>,
    parts: Vec<Part>,
    letters: Vec<(String, String, &'static str)>,
}

/// The file to read.
pub(crate) async fn html(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    let (tenant, export) = exported(&site, language, own).await?;
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let shown = readable(export, language, &zone);
    Ok(attached(page(StatusCode::OK, &shown)?, "kiroku.html"))
}

/// The file for programs.
pub(crate) async fn json(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    let (_, export) = exported(&site, language, own).await?;
    let text = serde_json::to_string_pretty(&export).unwrap_or_default();
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    let mut response = ([(CONTENT_TYPE, kind)], text).into_response();
    response.extensions_mut().insert(Finished);
    Ok(attached(response, "kiroku.json"))
}

async fn exported(site: &Shared, language: Language, own: Own) -> Result<(Tenant, Export), PageError> {
    blocking(site, move |site| {
        let export = data::export(&site.env, &own.tenant, own.reader)?;
        let export = export.ok_or_else(|| nothing_here(&own.tenant, language))?;
        Ok((own.tenant, export))
    })
    .await
}

/// As something to save, under a name that tells nothing.
fn attached(mut response: Response, name: &'static str) -> Response {
    let saved = match name {
        "kiroku.json" => HeaderValue::from_static("attachment; filename=\"kiroku.json\""),
        _ => HeaderValue::from_static("attachment; filename=\"kiroku.html\""),
    };
    response.headers_mut().insert(CONTENT_DISPOSITION, saved);
    response
}

fn readable(export: Export, language: Language, zone: &TimeZone) -> DataFile {
    let words = language.pick(&JA, &EASY, &EN);
    let [mother, partner, grandparent, other, unsaid] = words.relations;
    let relation = match export.relation {
        Relation::Mother => mother,
        Relation::Partner => partner,
        Relation::Grandparent => grandparent,
        Relation::Other => other,
        Relation::Unsaid => unsaid,
    };
    let mut about = vec![
        (words.written, format::instant(export.at, zone)),
        (words.registered, format::instant(export.registered_at, zone)),
        (words.relation, relation.to_owned()),
        (words.language, export.language),
    ];
    about.extend(export.area.map(|area| (words.area, area)));
    about.extend(export.reference.map(|reference| (words.reference, reference)));
    let hour = export.hour.map(|hour| dates::time(&format!("{hour:02}:00"), language));
    about.extend(hour.map(|hour| (words.hour, hour)));
    let [pending, verified, suppressed, blocked, retired] = words.address_states;
    let [gone, refused, filtered, full, away] = words.troubles;
    let addresses = export.addresses.into_iter().map(|known| {
        let state = match known.state {
            PointState::Pending => pending,
            PointState::Verified => verified,
            PointState::Suppressed | PointState::Bouncing => suppressed,
            PointState::Blocked => blocked,
            PointState::Retired => retired,
        };
        let mut rows = vec![(channel(&known.channel), format!("{}（{state}）", known.address))];
        rows.extend(known.troubles.iter().map(|trouble| {
            let what = match trouble.what {
                Trouble::Gone => gone,
                Trouble::Blocked => refused,
                Trouble::Filtered => filtered,
                Trouble::Full => full,
                Trouble::Away => away,
            };
            (words.trouble, format!("{}（{what}）", trouble.day.japanese()))
        }));
        rows
    });
    let [active, paused, ended] = words.states;
    let children = export.children.into_iter().map(|child| {
        let state = match child.state {
            SubscriptionState::Active => active,
            SubscriptionState::Paused => paused,
            SubscriptionState::Ended => ended,
        };
        let mut rows: Vec<(&'static str, String)> = Vec::new();
        rows.extend(child.due_on.map(|day| (words.due, day.japanese())));
        rows.extend(child.birth_on.map(|day| (words.birth, day.japanese())));
        rows.extend(child.nickname.map(|name| (words.nickname, name)));
        rows.push((words.since, format!("{}（{state}）", child.registered_on.japanese())));
        rows.extend(child.resumed_on.map(|day| (words.resumed, day.japanese())));
        rows
    });
    let consents = export.consents.into_iter().map(|consent| {
        let purpose = match consent.purpose.as_str() {
            "messages" => words.purpose.to_owned(),
            other => other.to_owned(),
        };
        let given = format::instant(consent.given_at, zone);
        let mut rows = vec![(
            words.given,
            format!("{given}　{purpose}（{}、{}）", consent.wording, consent.method),
        )];
        rows.extend(
            consent
                .withdrawn_at
                .map(|at| (words.withdrawn, format::instant(at, zone))),
        );
        rows
    });
    let parts = vec![
        Part {
            heading: words.children,
            things: children.collect(),
        },
        Part {
            heading: words.addresses,
            things: addresses.collect(),
        },
        Part {
            heading: words.consents,
            things: consents.collect(),
        },
    ];
    let [sent, waiting, not_sent, failed, unknown] = words.outcomes;
    let letters = export.letters.into_iter().map(|letter| {
        let outcome = match letter.state {
            LetterState::Sent => sent,
            LetterState::Waiting => waiting,
            LetterState::NotSent => not_sent,
            LetterState::Failed => failed,
            LetterState::Unknown => unknown,
        };
        (letter.day.japanese(), letter.titles.join("／"), outcome)
    });
    DataFile {
        words,
        tag: language.tag(),
        town: export.town,
        about,
        parts,
        letters: letters.collect(),
    }
}

/// A channel as families call it.
fn channel(code: &str) -> &'static str {
    match code {
        "line" => "LINE",
        "email" => "メール",
        _ => "届け先",
    }
}
