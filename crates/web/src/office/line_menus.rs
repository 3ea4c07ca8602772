//! メニュー: what families see under their talk in LINE, one picture for each stage, and whether LINE shows it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kizuna_domain::day::Day;
use kizuna_domain::menu::MenuStage;
use kizuna_engine::menus::{self, Desired};
use kizuna_engine::{EngineError, actions};

use super::line::Tab;
use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::format;
use crate::guard::{Office, Shared, blocking};

#[derive(Template)]
#[template(path = "office/line_menus.html")]
struct MenusPage {
    shell: Shell,
    tab: Tab,
    stages: Vec<Card>,
    state: Telling,
    /// Whether the menus of the account are ours to change.
    is_ours: bool,
    /// Drafts that something keeps from being shown, as they were when somebody asked.
    faults: Vec<(&'static str, &'static str)>,
}

/// One stage.
struct Card {
    code: &'static str,
    name: &'static str,
    for_whom: &'static str,
    /// Empty where something is to be mended first.
    svg: String,
    tag: (&'static str, &'static str),
}

/// How far showing the menus has come.
struct Telling {
    words: String,
    problem: String,
    /// Whether a press of the button would change something.
    is_news: bool,
}

/// For whom a stage's menu is, in a sentence.
pub(super) fn for_whom(stage: MenuStage) -> &'static str {
    match stage {
        MenuStage::Start => "友だちに追加した人みんなに、登録するまで出ます。",
        MenuStage::Pregnancy => "おなかに赤ちゃんがいる人に出ます。上の子がいても、こちらです。",
        MenuStage::Child => "「うまれました」のあとに出ます。予定日をすぎただけでは、変わりません。",
        MenuStage::Stopped => "止めた人に出ます。相談先を、しずかに残します。",
    }
}

/// An instant as staff read it.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", Day::of(at, zone).japanese(), format::time(at, zone))
}

/// Shows the menus.
pub(crate) async fn get(State(site): State<Shared>, office: Office) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office, Vec::new())).await?;
    page(StatusCode::OK, &shown)
}

/// Asks to show them to families; the service does it, because LINE takes minutes.
pub(crate) async fn publish(State(site): State<Shared>, office: Office) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let faults = actions::line::publish_menus(&site.env, &office.tenant, office.actor())?;
        if faults.is_empty() {
            return Ok(Redirect::to(&format!("/{}/line/menus", office.tenant.code)).into_response());
        }
        let faults = faults.iter().map(|(stage, _)| (stage.code(), stage.ja())).collect();
        page(StatusCode::UNPROCESSABLE_ENTITY, &look(site, &office, faults)?)
    })
    .await
}

fn look(site: &Site, office: &Office, faults: Vec<(&'static str, &'static str)>) -> Result<MenusPage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    let state = env.db.read(|tx| menus::state(tx, tenant))?;
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let account = menus::account(env, tenant)?;
    let mode = account.as_ref().and_then(|account| account.settings.get("mode"));
    let is_ours = account.is_some() && mode.is_none_or(|mode| mode != "guest");
    Ok(MenusPage {
        shell: Shell::new(office, Here::Line, "LINEのメニュー").with_error(!faults.is_empty()),
        tab: Tab::Menus,
        state: tell(&state, &zone),
        stages: state.menus.iter().map(card).collect(),
        is_ours,
        faults,
    })
}

fn tell(state: &menus::State, zone: &TimeZone) -> Telling {
    let is_news = state.menus.iter().any(|menu| menu.changed);
    let Some(publication) = &state.publication else {
        return Telling {
            words: "まだLINEに出していません。家族には、メニューが見えません。".to_owned(),
            problem: String::new(),
            is_news,
        };
    };
    let words = match publication.done_at {
        Some(done) => format!("{}に、LINEに出しました。", moment(done, zone)),
        None => format!(
            "準備中です（{}から）。数分から、はじめてのときは10分ほどかかります。このページを開きなおすと、新しくなります。",
            moment(publication.asked_at, zone)
        ),
    };
    Telling {
        words,
        problem: publication.problem.clone().unwrap_or_default(),
        is_news,
    }
}

fn card(menu: &Desired) -> Card {
    let checked = menus::check(&menu.draft);
    let tag = match (&checked, menu.changed, &menu.shown) {
        (Err(_), _, _) => ("err", "直すところがあります"),
        (Ok(_), false, Some(_)) => ("ok", "LINEに出ています"),
        (Ok(_), false, None) => ("plan", "準備中"),
        (Ok(_), true, Some(_)) => ("warn", "まだ出していない変更があります"),
        (Ok(_), true, None) => ("", "まだ出していません"),
    };
    Card {
        code: menu.draft.stage.code(),
        name: menu.draft.stage.ja(),
        for_whom: for_whom(menu.draft.stage),
        svg: checked.map(|(_, svg)| svg).unwrap_or_default(),
        tag,
    }
}
