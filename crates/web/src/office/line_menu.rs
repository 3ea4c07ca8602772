//! One stage's menu in the making: a plain form with a preview, and its picture as a file.
//!
//! Every press keeps the draft, right or wrong; what is wrong stands beside its field.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::menu::{
    Button, Colour, Icon, Intent, KEY_COLOURS, Menu, MenuAction, MenuDocument, MenuProblem, MenuStage, Template as Rows,
};
use kizuna_domain::text::tel;
use kizuna_engine::actions;
use kizuna_engine::menus::{self, MenuFault};
use kizuna_paper::menu::{DrawError, draw};

use super::line_menus::for_whom;
use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Office, Shared, blocking};

/// Buttons of the largest ready arrangement.
const BUTTONS_MAX: usize = 6;

#[derive(Template)]
#[template(path = "office/line_menu.html")]
struct MenuPage {
    shell: Shell,
    code: &'static str,
    name: &'static str,
    for_whom: &'static str,
    svg: String,
    bar: String,
    templates: Vec<Choice>,
    colours: Vec<Choice>,
    buttons: Vec<ButtonRow>,
    wrong: Wrong,
}

/// One option of a list.
struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

/// The fields of one button.
struct ButtonRow {
    number: usize,
    label: String,
    icons: Vec<Choice>,
    actions: Vec<Choice>,
    to: String,
    wrong: Vec<String>,
    wrong_to: Vec<String>,
}

/// What is wrong, where it stands.
#[derive(Default)]
struct Wrong {
    whole: Vec<String>,
    bar: Vec<String>,
    colour: Vec<String>,
    buttons: BTreeMap<usize, Vec<String>>,
    /// About where a button leads.
    to: BTreeMap<usize, Vec<String>>,
}

impl Wrong {
    fn count(&self) -> usize {
        let of_buttons = self.buttons.values().chain(self.to.values());
        self.whole.len() + self.bar.len() + self.colour.len() + of_buttons.map(Vec::len).sum::<usize>()
    }

    fn of(faults: &[MenuFault], document: &MenuDocument) -> Wrong {
        let mut wrong = Wrong::default();
        for fault in faults {
            let words = fault.ja();
            match place(fault, document) {
                Place::Whole => wrong.whole.push(words),
                Place::Bar => wrong.bar.push(words),
                Place::Colour => wrong.colour.push(words),
                Place::Button(number) => wrong.buttons.entry(number).or_default().push(words),
                Place::To(number) => wrong.to.entry(number).or_default().push(words),
            }
        }
        wrong
    }
}

/// Where a fault stands in the form.
enum Place {
    Whole,
    Bar,
    Colour,
    Button(usize),
    To(usize),
}

fn place(fault: &MenuFault, document: &MenuDocument) -> Place {
    let find = |is: &dyn Fn(&Button) -> bool| document.buttons.iter().position(is);
    let button = |is: &dyn Fn(&Button) -> bool| find(is).map_or(Place::Whole, Place::Button);
    let labelled = |label: &str| button(&|button| button.spoken() == label);
    let leading = |is: &dyn Fn(&Button) -> bool| find(is).map_or(Place::Whole, Place::To);
    match fault {
        MenuFault::Rule(problem) => match problem {
            MenuProblem::Bar { .. } => Place::Bar,
            MenuProblem::Invisible { text } if *text == document.bar => Place::Bar,
            MenuProblem::Pale { .. } => Place::Colour,
            MenuProblem::Invisible { text: label }
            | MenuProblem::EmptyLine { label }
            | MenuProblem::Lines { label }
            | MenuProblem::Long { label, .. }
            | MenuProblem::Congratulates { label }
            | MenuProblem::OtherStage { label, .. } => labelled(label),
            MenuProblem::Phone { label } => leading(&|button| button.spoken() == *label),
            MenuProblem::Scheme { uri } => leading(&|button| button.action == MenuAction::Link(uri.clone())),
            MenuProblem::UriLong { length } => {
                leading(&|button| matches!(&button.action, MenuAction::Link(uri) if uri.len() == *length))
            }
            MenuProblem::Width { .. }
            | MenuProblem::Height { .. }
            | MenuProblem::Ratio { .. }
            | MenuProblem::Areas { .. }
            | MenuProblem::EmptyRow
            | MenuProblem::SmallCells
            | MenuProblem::Buttons { .. }
            | MenuProblem::NoDesks
            | MenuProblem::NoStop
            | MenuProblem::NoRegister
            | MenuProblem::Name { .. }
            | MenuProblem::NoPage { .. } => Place::Whole,
        },
        MenuFault::Drawing(error) => match error {
            DrawError::Letters(letters) => button(&|button| button.label.contains(&letters[..])),
            DrawError::TooWide { label } => button(&|button| button.label == *label),
            DrawError::TooLarge { .. } | DrawError::Broken(_) => Place::Whole,
        },
    }
}

/// Shows the form; under a name that ends in `.png`, the picture.
pub(crate) async fn get(
    State(site): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    office: Office,
) -> Result<Response, PageError> {
    if let Some(code) = name.strip_suffix(".png") {
        let stage = MenuStage::from_code(code).ok_or(PageError::NotFound)?;
        return blocking(&site, move |site| picture(site, &office, stage)).await;
    }
    let stage = MenuStage::from_code(&name).ok_or(PageError::NotFound)?;
    let shown = blocking(&site, move |site| look(site, &office, stage)).await?;
    page(StatusCode::OK, &shown)
}

/// Keeps the draft, or goes back to the ready menu.
pub(crate) async fn post(
    State(site): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    office: Office,
    Form(typed): Form<BTreeMap<String, String>>,
) -> Result<Redirect, PageError> {
    let stage = MenuStage::from_code(&name).ok_or(PageError::NotFound)?;
    blocking(&site, move |site| {
        let draft = if typed.get("press").is_some_and(|press| press == "ready") {
            Menu::ready(stage).document().clone()
        } else {
            read(stage, &typed)
        };
        actions::line::draft_menu(&site.env, &office.tenant, &draft, office.actor())?;
        Ok(Redirect::to(&format!(
            "/{}/line/menus/{}",
            office.tenant.code,
            stage.code()
        )))
    })
    .await
}

/// The menu as typed. What cannot be chosen in the form cannot come from it, and is read as the first choice.
fn read(stage: MenuStage, typed: &BTreeMap<String, String>) -> MenuDocument {
    let get = |name: &str| typed.get(name).map_or("", |value| value.trim());
    let templates = Rows::ready();
    let chosen = get("template")
        .parse()
        .ok()
        .and_then(|number: usize| templates.get(number));
    let template = chosen.or(templates.first()).map(|(_, template)| template.clone());
    let template = template.unwrap_or_else(Rows::six);
    let mut buttons: Vec<Button> = (0..BUTTONS_MAX)
        .filter_map(|number| {
            let get = |field: &str| get(&format!("{field}{number}"));
            let (action, to) = (get("do"), get("to").to_owned());
            let action = match action {
                "link" => MenuAction::Link(to),
                "call" => MenuAction::Call(to),
                intent => MenuAction::Ask(Intent::from_code(intent)?),
            };
            Some(Button {
                label: get("label").replace("\r\n", "\n"),
                icon: Icon::from_code(get("icon")).unwrap_or(Icon::Page),
                action,
            })
        })
        .collect();
    // More places than buttons: the new ones begin as what is missing most.
    let places: u32 = template.rows.iter().sum();
    let mut spare = Intent::ALL.iter().filter(|intent| intent.suits(stage));
    while buttons.len() < places as usize
        && let Some(intent) = spare.next()
    {
        if !buttons.iter().any(|button| button.action == MenuAction::Ask(*intent)) {
            buttons.push((*intent).into());
        }
    }
    MenuDocument {
        stage,
        bar: get("bar").to_owned(),
        colour: get("colour").parse().unwrap_or_default(),
        template,
        buttons,
    }
}

fn look(site: &Site, office: &Office, stage: MenuStage) -> Result<MenuPage, PageError> {
    let draft = draft(site, office, stage)?;
    let (svg, wrong) = match menus::check(&draft) {
        Ok((_, svg)) => (svg, Wrong::default()),
        Err(faults) => (String::new(), Wrong::of(&faults, &draft)),
    };
    let templates = (0..)
        .zip(Rows::ready())
        .map(|(number, (words, template)): (usize, _)| Choice {
            value: number.to_string(),
            words: words.to_owned(),
            chosen: template == draft.template,
        });
    let is_key = KEY_COLOURS.iter().any(|(_, colour)| *colour == draft.colour);
    let own = (!is_key).then_some(("いまの色", draft.colour));
    let colours = KEY_COLOURS
        .iter()
        .copied()
        .chain(own)
        .map(|(words, colour): (&str, Colour)| Choice {
            value: colour.to_string(),
            words: words.to_owned(),
            chosen: colour == draft.colour,
        });
    let buttons = (0..)
        .zip(&draft.buttons)
        .map(|(number, button)| row(stage, number, button, &wrong));
    Ok(MenuPage {
        shell: Shell::new(office, Here::Line, format!("メニュー（{}）", stage.ja())).with_error(wrong.count() > 0),
        code: stage.code(),
        name: stage.ja(),
        for_whom: for_whom(stage),
        svg,
        bar: draft.bar.clone(),
        templates: templates.collect(),
        colours: colours.collect(),
        buttons: buttons.collect(),
        wrong,
    })
}

fn row(stage: MenuStage, number: usize, button: &Button, wrong: &Wrong) -> ButtonRow {
    let intents = Intent::ALL.iter().filter(|intent| intent.suits(stage));
    let mut actions: Vec<Choice> = intents
        .map(|intent| Choice {
            value: intent.code().to_owned(),
            words: intent.label().to_owned(),
            chosen: button.action == MenuAction::Ask(*intent),
        })
        .collect();
    let (is_link, is_call, to) = match &button.action {
        MenuAction::Ask(_) => (false, false, ""),
        MenuAction::Link(url) => (true, false, url.as_str()),
        MenuAction::Call(phone) => (false, true, phone.as_str()),
    };
    for (value, words, chosen) in [
        ("link", "ページをひらく", is_link),
        ("call", "電話をかける", is_call),
        ("", "このボタンは使わない", false),
    ] {
        actions.push(Choice {
            value: value.to_owned(),
            words: words.to_owned(),
            chosen,
        });
    }
    let icons = Icon::ALL.iter().map(|icon| Choice {
        value: icon.code().to_owned(),
        words: icon.ja().to_owned(),
        chosen: *icon == button.icon,
    });
    ButtonRow {
        number,
        label: button.label.clone(),
        icons: icons.collect(),
        actions,
        to: to.to_owned(),
        wrong: wrong.buttons.get(&number).cloned().unwrap_or_default(),
        wrong_to: wrong.to.get(&number).cloned().unwrap_or_default(),
    }
}

fn draft(site: &Site, office: &Office, stage: MenuStage) -> Result<MenuDocument, PageError> {
    let all = site.env.db.read(|tx| menus::state(tx, &office.tenant))?;
    let menu = all.of(stage).ok_or(PageError::NotFound)?;
    Ok(menu.draft.clone())
}

fn picture(site: &Site, office: &Office, stage: MenuStage) -> Result<Response, PageError> {
    let menu = draft(site, office, stage)?.check().map_err(|_| PageError::NotFound)?;
    let picture = draw(&menu).map_err(|_| PageError::NotFound)?;
    let name = format!("inline; filename=\"kizuna-{}.png\"", stage.code());
    let headers = [
        (header::CONTENT_TYPE, "image/png".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, picture.png).into_response())
}

/// What a press of a button does, in words for those who set it up by hand.
pub(super) fn action_words(action: &MenuAction) -> (&'static str, Option<String>) {
    match action {
        MenuAction::Ask(_) => ("リンク", None),
        MenuAction::Link(url) => ("リンク", Some(url.clone())),
        MenuAction::Call(phone) => ("リンク（電話）", tel(phone)),
    }
}
