//! What a family enters: read from the form, checked, shown again with what is wrong, or looked at before it counts.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::Response;
use kizuna_domain::age::DUE_AT;
use kizuna_domain::day::Day;
use kizuna_domain::people::Relation;
use kizuna_domain::place::PlaceCode;
use kizuna_domain::position::Anchor;
use kizuna_domain::registration::{self, DateProblem, NicknameProblem, Situation, mail_address, nickname};
use kizuna_domain::tenant::{Area, Asks, Wording};
use kizuna_engine::actions::registration::Registration;
use kizuna_engine::ways::{LineWay, Ways};
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::date_field::{Asked, DateField, Parts, ends, sentence};
use super::dates;
use super::entry_words::{EntryWords, WayWords, wording};
use super::{Desks, Frame, Way};
use crate::error::{PageError, Policy, page};
use crate::format::query_word;
use crate::language::Language;
use crate::line::login::Luggage;

/// The form as it comes in; a part that is missing is empty.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(super) step: String,
    kind: String,
    due_y: String,
    due_m: String,
    due_d: String,
    birth_y: String,
    birth_m: String,
    birth_d: String,
    way: String,
    mail: String,
    who: String,
    area: String,
    nick: String,
    words: String,
    agree: String,
    /// The place whose link led here.
    p: String,
    /// An invitation that was accepted, so that the language can still be changed.
    with: String,
    /// The mark of a form that was looked at, by which the second of two presses is known.
    pub(super) once: String,
}

/// Codes of the relations, in the order of their words.
const WHO: [(&str, Relation); 4] = [
    ("mother", Relation::Mother),
    ("partner", Relation::Partner),
    ("grandparent", Relation::Grandparent),
    ("other", Relation::Other),
];

/// What is wrong with an entry: the first thing only, so that one thing is mended at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    Kind,
    Date(Situation, DateProblem),
    Way,
    Mail,
    Nickname(NicknameProblem),
}

impl Problem {
    /// The field to go to.
    fn target(self) -> &'static str {
        match self {
            Problem::Kind => "pregnant",
            Problem::Date(Situation::Pregnant, _) => "due_d",
            Problem::Date(Situation::Raising, _) => "birth_d",
            Problem::Way => "way-mail",
            Problem::Mail => "mail",
            Problem::Nickname(_) => "nick",
        }
    }

    fn sentence(self, tenant: &Tenant, language: Language) -> String {
        let words = EntryWords::of(language);
        match self {
            Problem::Kind => words.no_kind.to_owned(),
            Problem::Date(situation, problem) => sentence(problem, situation, tenant, language),
            Problem::Way => words.no_way.to_owned(),
            Problem::Mail => words.no_mail.to_owned(),
            Problem::Nickname(NicknameProblem::TooLong) => words.long_nick.to_owned(),
            Problem::Nickname(NicknameProblem::Invisible) => words.strange_nick.to_owned(),
        }
    }
}

/// An entry in which nothing is wrong.
pub(super) struct Checked {
    pub(super) registration: Registration,
    pub(super) anchor: Anchor,
    pub(super) way: Way,
    /// The address, folded; empty unless it is asked for.
    pub(super) mail: String,
}

impl Entry {
    /// The form before anything was chosen: the likely years, and the words of the page's language where there are some.
    pub(super) fn fresh(today: Day, asks: &Asks, language: Language, place: &str) -> Entry {
        let likely = today + DUE_AT / 2;
        let tag = match language {
            Language::Ja => "ja",
            Language::Easy => "ja-Hira",
            Language::En => "en",
        };
        let own = asks.wordings.iter().find(|wording| wording.language == tag);
        Entry {
            kind: "pregnant".to_owned(),
            due_y: likely.year().to_string(),
            birth_y: today.year().to_string(),
            way: "mail".to_owned(),
            words: own
                .or(asks.wordings.first())
                .map_or_else(String::new, |own| own.language.clone()),
            p: place.to_owned(),
            ..Entry::default()
        }
    }

    /// Puts in what an invitation brings: with a date, whoever was invited need not type it.
    pub(super) fn invite(&mut self, with: &str, anchor: Option<Anchor>) {
        with.clone_into(&mut self.with);
        let Some(anchor) = anchor else { return };
        let parts = |day: Day| {
            [
                day.year().to_string(),
                day.month().to_string(),
                day.day_of_month().to_string(),
            ]
        };
        match anchor {
            Anchor::Due(due) => {
                "pregnant".clone_into(&mut self.kind);
                [self.due_y, self.due_m, self.due_d] = parts(due);
            }
            Anchor::Birth { on, .. } => {
                "raising".clone_into(&mut self.kind);
                [self.birth_y, self.birth_m, self.birth_d] = parts(on);
            }
        }
    }

    fn situation(&self) -> Option<Situation> {
        match self.kind.as_str() {
            "pregnant" => Some(Situation::Pregnant),
            "raising" => Some(Situation::Raising),
            _ => None,
        }
    }

    fn parts(&self, situation: Situation) -> Parts {
        let [year, month, day] = match situation {
            Situation::Pregnant => [&self.due_y, &self.due_m, &self.due_d],
            Situation::Raising => [&self.birth_y, &self.birth_m, &self.birth_d],
        };
        Parts {
            year: year.clone(),
            month: month.clone(),
            day: day.clone(),
        }
    }

    /// Checks everything; `fixed` is the way of whoever came by a ticket, `ways` what the form let choose from.
    pub(super) fn check(
        &self,
        tenant: &Tenant,
        today: Day,
        fixed: Option<Way>,
        ways: &Ways,
    ) -> Result<Checked, Problem> {
        let asks = &tenant.settings.asks;
        let situation = self.situation().ok_or(Problem::Kind)?;
        let customs = &tenant.settings.customs;
        let day = self.parts(situation).read();
        let anchor = day
            .and_then(|day| registration::anchor(situation, day, today, ends(tenant), customs))
            .map_err(|problem| Problem::Date(situation, problem))?;
        let way = match (fixed, ways.mail.is_some(), ways.web) {
            (Some(way), _, _) => way,
            (None, true, false) => Way::Mail,
            (None, false, true) => Way::Web,
            (None, _, _) => match self.way.as_str() {
                "mail" if ways.mail.is_some() => Way::Mail,
                "web" if ways.web => Way::Web,
                _ => return Err(Problem::Way),
            },
        };
        let mail = if fixed.is_none() && way == Way::Mail {
            mail_address(&self.mail).ok_or(Problem::Mail)?
        } else {
            String::new()
        };
        let name = if asks.nickname { nickname(&self.nick) } else { Ok(None) };
        let area = asks.areas.iter().find(|area| area.code == self.area);
        let chosen = asks.wordings.iter().find(|wording| wording.language == self.words);
        let relation = WHO.iter().find(|(code, _)| asks.relation && *code == self.who);
        Ok(Checked {
            registration: Registration {
                relation: relation.map_or(Relation::Unsaid, |(_, relation)| *relation),
                nickname: name.map_err(Problem::Nickname)?,
                area: area.map(|area| area.code.clone()),
                language: chosen.map(|chosen| chosen.language.clone()),
                is_ticked: asks.consent && self.has_agreed(),
                place: self.place(),
                ..Registration::new(anchor, wording(way))
            },
            anchor,
            way,
            mail,
        })
    }

    /// What travels on to the next page, by name.
    fn hidden(&self) -> [(&'static str, &str); 15] {
        [
            ("kind", &self.kind),
            ("due_y", &self.due_y),
            ("due_m", &self.due_m),
            ("due_d", &self.due_d),
            ("birth_y", &self.birth_y),
            ("birth_m", &self.birth_m),
            ("birth_d", &self.birth_d),
            ("way", &self.way),
            ("mail", &self.mail),
            ("who", &self.who),
            ("area", &self.area),
            ("nick", &self.nick),
            ("words", &self.words),
            ("p", &self.p),
            ("with", &self.with),
        ]
    }

    /// True where the box was ticked.
    pub(super) fn has_agreed(&self) -> bool {
        self.agree == "yes"
    }

    fn place(&self) -> Option<PlaceCode> {
        self.p.parse().ok()
    }
}

/// One choice of several.
struct Choice<'a> {
    code: &'a str,
    label: &'a str,
    chosen: bool,
}

/// Where LINE begins.
struct LineCard {
    address: String,
    /// The word to send in the talk; empty where LINE itself says who comes.
    word: String,
}

#[derive(Template)]
#[template(path = "reader/register.html")]
struct RegisterPage<'a> {
    frame: Frame,
    words: &'static EntryWords,
    action: &'a str,
    /// What whoever comes back from LINE without having gone on there is told.
    left_line: Option<&'static str>,
    /// What is wrong, with the id of the field to go to.
    problem: Option<(String, &'static str)>,
    /// Id of the place to mend.
    target: String,
    line: Option<LineCard>,
    /// True where nothing can be registered here but by LINE.
    is_closed: bool,
    due: DateField,
    birth: DateField,
    /// The two ways to choose from, where there are two.
    ways: Option<[(&'static WayWords, &'static str, bool); 2]>,
    asks_mail: bool,
    who: Vec<Choice<'static>>,
    areas: Vec<Choice<'a>>,
    asks_nick: bool,
    wordings: Vec<Choice<'a>>,
    entry: &'a Entry,
    desks: Desks,
}

impl RegisterPage<'_> {
    fn is_pregnant(&self) -> bool {
        self.entry.situation() == Some(Situation::Pregnant)
    }

    fn is_raising(&self) -> bool {
        self.entry.situation() == Some(Situation::Raising)
    }

    /// True where something is wrong with a field.
    fn is_at(&self, field: &str) -> bool {
        self.problem.as_ref().is_some_and(|(_, target)| *target == field)
    }
}

/// Where and for whom a form stands.
pub(super) struct Ground<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) language: Language,
    pub(super) today: Day,
    pub(super) ways: &'a Ways,
    /// The way of whoever came by a ticket.
    pub(super) fixed: Option<Way>,
    /// Address that the form is sent to.
    pub(super) action: &'a str,
    /// True for whoever comes back from LINE without having gone on there.
    pub(super) has_left_line: bool,
}

impl Ground<'_> {
    fn frame(&self, entry: &Entry) -> Frame {
        let mut frame = Frame::new(self.tenant, self.language);
        if let Some(place) = entry.place() {
            frame.behind = format!("&p={place}");
        }
        // Words of a token only; anything else is none.
        if !entry.with.is_empty()
            && entry
                .with
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        {
            frame.behind.push_str("&with=");
            frame.behind.push_str(&entry.with);
        }
        frame
    }

    /// The form, with what is wrong.
    pub(super) fn form(&self, entry: &Entry, problem: Option<Problem>, desks: Desks) -> Result<Response, PageError> {
        let (tenant, language) = (self.tenant, self.language);
        let words = EntryWords::of(language);
        let asks = &tenant.settings.asks;
        let field = |name, class, situation| {
            let problem = match problem {
                Some(Problem::Date(found, problem)) if found == situation => Some(problem),
                _ => None,
            };
            let asked = Asked { name, class, situation };
            let (legend, hint) = match situation {
                Situation::Pregnant => words.due,
                Situation::Raising => words.birth,
            };
            let parts = entry.parts(situation);
            DateField::new(&asked, tenant, language, self.today, &parts, problem).named(legend, hint)
        };
        let is_open = self.fixed.is_none();
        let (mail, web) = (is_open && self.ways.mail.is_some(), is_open && self.ways.web);
        let choice = |way, code| (words.way(way), code, entry.way == code);
        let who = WHO.iter().zip(words.who).filter(|_| asks.relation);
        let wordings = if asks.wordings.len() < 2 {
            &[]
        } else {
            asks.wordings.as_slice()
        };
        let due = field("due", "for-pregnant", Situation::Pregnant);
        let birth = field("birth", "for-raising", Situation::Raising);
        let target = problem.map_or_else(String::new, |problem| match problem {
            Problem::Date(Situation::Pregnant, _) => due.target(),
            Problem::Date(Situation::Raising, _) => birth.target(),
            other => other.target().to_owned(),
        });
        let shown = RegisterPage {
            frame: self.frame(entry),
            words,
            action: self.action,
            target,
            left_line: self.has_left_line.then_some(words.line_left),
            problem: problem.map(|problem| (problem.sentence(tenant, language), problem.target())),
            line: self.line_card(entry),
            is_closed: is_open && !mail && !web,
            due,
            birth,
            ways: (mail && web).then(|| [choice(Way::Mail, "mail"), choice(Way::Web, "web")]),
            asks_mail: mail,
            who: who
                .map(|((code, _), label)| Choice {
                    code,
                    label,
                    chosen: entry.who == *code,
                })
                .collect(),
            areas: asks.areas.iter().map(|area| area_choice(area, entry)).collect(),
            asks_nick: asks.nickname,
            wordings: wordings.iter().map(|wording| wording_choice(wording, entry)).collect(),
            entry,
            desks,
        };
        let status = if problem.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        Ok(kept(page(status, &shown)?))
    }

    fn line_card(&self, entry: &Entry) -> Option<LineCard> {
        let place = entry.place();
        let way = self.ways.line.as_ref().filter(|_| self.fixed.is_none())?;
        Some(match way {
            LineWay::Login => LineCard {
                address: Luggage::new(place, &entry.with).way_out(&self.tenant.code, self.language, ""),
                word: String::new(),
            },
            LineWay::Friend(id) => match place {
                // Opens the talk with the word in it; the code behind it counts the place.
                Some(place) => {
                    let word = format!("登録 {place}");
                    LineCard {
                        address: format!("https://line.me/R/oaMessage/%40{id}/?{}", query_word(&word)),
                        word,
                    }
                }
                None => LineCard {
                    address: format!("https://line.me/R/ti/p/%40{id}"),
                    word: "登録".to_owned(),
                },
            },
        })
    }

    /// What was entered and where the family stands today; `mark` is that of this form, `notice` what keeps it from
    /// being registered.
    pub(super) fn look(
        &self,
        entry: &Entry,
        checked: &Checked,
        mark: &str,
        notice: Option<Notice>,
    ) -> Result<Response, PageError> {
        let words = EntryWords::of(self.language);
        let asks = &self.tenant.settings.asks;
        let status = notice.map_or(StatusCode::OK, Notice::status);
        let shown = LookPage {
            frame: self.frame(entry),
            words,
            action: self.action,
            look: Look::new(self.tenant, self.language, self.today, checked),
            notice: notice.map_or("", |notice| notice.words(words)),
            asks_consent: asks.consent,
            button: if self.fixed.is_none() && checked.way == Way::Mail {
                words.mail_button
            } else {
                words.register_button
            },
            entry,
            mark,
        };
        Ok(kept(page(status, &shown)?))
    }
}

fn area_choice<'a>(area: &'a Area, entry: &Entry) -> Choice<'a> {
    Choice {
        code: &area.code,
        label: &area.name,
        chosen: entry.area == area.code,
    }
}

fn wording_choice<'a>(wording: &'a Wording, entry: &Entry) -> Choice<'a> {
    Choice {
        code: &wording.language,
        label: &wording.name,
        chosen: entry.words == wording.language,
    }
}

/// Why a look did not become a registration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// The box was not ticked.
    Agree,
    /// Too much was asked for in this hour.
    Crowded,
}

impl Notice {
    fn status(self) -> StatusCode {
        match self {
            Notice::Agree => StatusCode::UNPROCESSABLE_ENTITY,
            Notice::Crowded => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn words(self, words: &EntryWords) -> &'static str {
        match self {
            Notice::Agree => words.no_agree,
            Notice::Crowded => words.crowded,
        }
    }
}

/// What is looked at before it counts.
pub(super) struct Look {
    pub(super) stage: String,
    pub(super) past_due: bool,
    /// What was given, with its names.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) kept: &'static str,
    pub(super) purpose: String,
}

impl Look {
    pub(super) fn new(tenant: &Tenant, language: Language, today: Day, checked: &Checked) -> Look {
        let words = EntryWords::of(language);
        let asks = &tenant.settings.asks;
        let ((legend, _), date) = match checked.anchor {
            Anchor::Due(due) => (words.due, due),
            Anchor::Birth { on, .. } => (words.birth, on),
        };
        let mut facts = vec![(legend, dates::day(date, language))];
        if !checked.mail.is_empty() {
            facts.push((words.mail_label, checked.mail.clone()));
        }
        let given = &checked.registration;
        let who = WHO
            .iter()
            .zip(words.who)
            .find(|((_, relation), _)| *relation == given.relation);
        facts.extend(who.map(|(_, label)| (words.who_legend, label.to_owned())));
        facts.extend(given.nickname.clone().map(|name| (words.nick_label, name)));
        let area = asks.areas.iter().find(|area| Some(&area.code) == given.area.as_ref());
        facts.extend(area.map(|area| (words.area_label, area.name.clone())));
        let chosen = asks.wordings.iter().filter(|_| asks.wordings.len() > 1);
        let chosen = chosen
            .into_iter()
            .find(|one| Some(&one.language) == given.language.as_ref());
        facts.extend(chosen.map(|chosen| (words.wording_legend, chosen.name.clone())));
        Look {
            stage: dates::stage(&checked.anchor, today, tenant.settings.customs, language),
            past_due: matches!(checked.anchor, Anchor::Due(due) if due < today),
            facts,
            kept: words.way(checked.way).kept,
            purpose: asks.purpose.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "reader/register_look.html")]
struct LookPage<'a> {
    frame: Frame,
    words: &'static EntryWords,
    action: &'a str,
    look: Look,
    notice: &'static str,
    asks_consent: bool,
    button: &'static str,
    entry: &'a Entry,
    mark: &'a str,
}

/// Our own few lines beside what every page may do, and whether there is a connection.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same answer with the lines that keep what was typed; for pages that hold no form of this kind they forget it.
pub(super) fn scripted(mut response: Response) -> Response {
    response.extensions_mut().insert(Policy(POLICY));
    response
}

/// The same answer, kept by the browser itself: going back shows what was typed and asks for nothing again.
fn kept(response: Response) -> Response {
    let mut response = scripted(response);
    let own = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(CACHE_CONTROL, own);
    response
}
