//! 全市アカウントに間借り: everything to hand to the owner of the city-wide account, ready to copy.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::menu::{Area, Button, Intent, Menu, MenuAction};
use kizuna_engine::line_check::webhook_address;
use kizuna_engine::menus::{self, Desired};

use super::line::Tab;
use super::line_menu::action_words;
use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Office, Shared, blocking};

/// Widths of pictures that LINE recommends.
const WIDTHS: [u32; 3] = [2_500, 1_200, 800];

#[derive(Template)]
#[template(path = "office/line_guest.html")]
struct GuestPage {
    shell: Shell,
    tab: Tab,
    is_guest: bool,
    entry: String,
    callback: String,
    liff: String,
    endpoint: String,
    letter: String,
    menus: Vec<Plan>,
}

/// What to write to the owner of the account.
#[derive(Template)]
#[template(path = "office/line_letter.txt")]
struct Letter<'a> {
    town: &'a str,
    sender: &'a str,
    entry: &'a str,
    callback: &'a str,
    liff: &'a str,
    endpoint: &'a str,
}

/// One stage's menu as somebody sets it up by hand.
struct Plan {
    code: &'static str,
    name: &'static str,
    bar: String,
    sizes: Vec<String>,
    /// Empty where something is to be mended first.
    buttons: Vec<Row>,
}

/// One button.
struct Row {
    label: String,
    action: &'static str,
    to: String,
    /// Left, top, width and height for each of the sizes.
    areas: Vec<String>,
}

/// Shows the page.
pub(crate) async fn get(State(site): State<Shared>, office: Office) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office)).await?;
    page(StatusCode::OK, &shown)
}

fn look(site: &Site, office: &Office) -> Result<GuestPage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    let base = format!("{}/{}", tenant.settings.base_url, tenant.code);
    let state = env.db.read(|tx| menus::state(tx, tenant))?;
    let account = menus::account(env, tenant)?;
    let mode = account.as_ref().and_then(|account| account.settings.get("mode"));
    let (entry, endpoint) = (
        enter(&base, Intent::Register),
        webhook_address(&tenant.settings.base_url, &tenant.code),
    );
    let (callback, liff) = (format!("{base}/line/callback"), format!("{base}/line/liff"));
    let letter = Letter {
        town: &tenant.name,
        sender: &tenant.settings.sender_name,
        entry: &entry,
        callback: &callback,
        liff: &liff,
        endpoint: &endpoint,
    };
    Ok(GuestPage {
        shell: Shell::new(office, Here::Line, "全市アカウントに間借り"),
        tab: Tab::Guest,
        is_guest: mode.is_some_and(|mode| mode == "guest"),
        letter: letter.render()?,
        entry,
        callback,
        liff,
        endpoint,
        menus: state.menus.iter().map(|menu| plan(menu, &base)).collect(),
    })
}

/// The address that signs a reader in by LINE and leads to what they asked for.
fn enter(base: &str, intent: Intent) -> String {
    format!("{base}/line/enter?to={}", intent.code())
}

fn plan(menu: &Desired, base: &str) -> Plan {
    let stage = menu.draft.stage;
    let buttons = menu
        .draft
        .clone()
        .check()
        .map(|menu| rows(&menu, base))
        .unwrap_or_default();
    let size = menu.draft.template.size;
    let sizes = WIDTHS.map(|width| size.scaled_to(width));
    Plan {
        code: stage.code(),
        name: stage.ja(),
        bar: menu.draft.bar.clone(),
        sizes: sizes.map(|size| format!("{} × {}", size.width, size.height)).into(),
        buttons,
    }
}

fn rows(menu: &Menu, base: &str) -> Vec<Row> {
    let size = menu.document().template.size;
    let areas = WIDTHS.map(|width| menu.areas(size.scaled_to(width)));
    let buttons = (0..).zip(&menu.document().buttons);
    let row = |(number, button): (usize, &Button)| {
        let (action, to) = action_words(&button.action);
        let to = to.unwrap_or_else(|| match &button.action {
            MenuAction::Ask(intent) => enter(base, *intent),
            MenuAction::Link(to) | MenuAction::Call(to) => to.clone(),
        });
        let areas = areas.iter().filter_map(|areas| areas.get(number));
        Row {
            label: button.spoken(),
            action,
            to,
            areas: areas.map(bounds).collect(),
        }
    };
    buttons.map(row).collect()
}

fn bounds(area: &Area) -> String {
    format!("x {}　y {}　幅 {}　高さ {}", area.x, area.y, area.width, area.height)
}
