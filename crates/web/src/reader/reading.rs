//! きょうのことば, and the words of one earlier day: what was sent, as it was sent. Never a day to come.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::people::{Follower, SubscriptionState};
use kizuna_engine::archive::{self, Archive, Letter};
use kizuna_engine::links::{self, Holder};
use kizuna_engine::ways;
use kizuna_store::people;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::dates;
use super::desks::Desks;
use super::registered::registered;
use super::{Closed, Frame, Way, closed};
use crate::Site;
use crate::bubble::Bubble;
use crate::error::{PageError, page};
use crate::guard::{Shared, Words as Held, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/reading.html")]
struct ReadingPage {
    frame: Frame,
    words: &'static Words,
    /// What the heading says: today's words, or those of a day.
    heading: String,
    /// Why there is nothing new, and when there will be.
    news: Vec<String>,
    /// Above words that are not today's.
    newest: Option<String>,
    letters: Vec<Bubble>,
    ways: Ways,
    before: Option<String>,
    after: Option<String>,
    is_today: bool,
    /// A fresh link to the reader's own pages, for whoever has no other way to get one.
    own: Option<String>,
    desks: Desks,
}

/// The addresses of a reader's pages of words.
pub(super) struct Ways {
    code: String,
    base: String,
    language: Language,
}

impl Ways {
    pub(super) fn new(tenant: &Tenant, token: &str, language: Language) -> Ways {
        Ways {
            code: tenant.code.clone(),
            base: format!("/{}/words/{token}", tenant.code),
            language,
        }
    }

    pub(super) fn desks(&self) -> String {
        format!("/{}/desks{}", self.code, self.language.query())
    }

    pub(super) fn today(&self) -> String {
        format!("{}{}", self.base, self.language.query())
    }

    pub(super) fn day(&self, day: Day) -> String {
        format!("{}/day/{day}{}", self.base, self.language.query())
    }

    pub(super) fn past(&self) -> String {
        format!("{}/past{}", self.base, self.language.query())
    }

    /// The list without a query, for a form that brings its own.
    pub(super) fn search(&self) -> String {
        format!("{}/past", self.base)
    }

    pub(super) fn print(&self) -> String {
        format!("{}/print{}", self.base, self.language.query())
    }

    /// The page to print without a query, for a form that brings its own.
    pub(super) fn print_form(&self) -> String {
        format!("{}/print", self.base)
    }
}

/// A letter as its reader sees it on a page: the question after a due date is answered elsewhere.
pub(super) fn bubble(letter: Letter) -> Bubble {
    let mut draft = letter.draft;
    draft.asks = false;
    Bubble::new(draft)
}

/// Opens a reader's words. After a stop the link opens nothing and does not say why: others may hold it too.
pub(super) fn opened(
    site: &Site,
    tenant: &Tenant,
    reader: SubscriberId,
    language: Language,
) -> Result<Archive, PageError> {
    archive::open(&site.env, tenant, reader)?
        .ok_or_else(|| PageError::instead(closed(site, tenant, language, Closed::Gone)))
}

/// What an address of words says besides whose they are.
#[derive(Deserialize)]
pub(crate) struct Said {
    /// Not empty where somebody has just registered to read here.
    #[serde(default)]
    new: String,
}

/// Shows today's words, or the newest ones and when the next come; on the day of a registration to read here, a welcome.
pub(crate) async fn today(
    State(site): State<Shared>,
    language: Language,
    Query(said): Query<Said>,
    held: Held,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let tenant = &held.tenant;
        let archive = opened(site, tenant, held.reader, language)?;
        let own = own(site, tenant, &held, language)?;
        let is_new = |child: &Follower| child.registered_on == archive.today;
        if !said.new.is_empty() && own.is_some() && archive.children.iter().any(is_new) {
            return registered(site, tenant, language, Way::Web, held.reader);
        }
        let words = language.pick(&JA, &EASY, &EN);
        let mut letters = archive.todays(&site.env, tenant)?;
        let (mut news, mut newest, mut shown_on) = (Vec::new(), None, archive.today);
        if letters.is_empty() {
            news = nothing_new(site, tenant, &archive, language)?;
            if let Some(day) = archive.before(archive.today) {
                letters = archive.letters(&site.env, tenant, [day])?;
                newest = Some(
                    words
                        .of_day
                        .replace("{day}", &dates::near_day(day, archive.today, language)),
                );
                shown_on = day;
            }
        }
        let ways = Ways::new(tenant, &held.token, language);
        let shown = ReadingPage {
            frame: Frame::new(tenant, language),
            words,
            heading: words.today.to_owned(),
            news,
            newest,
            letters: letters.into_iter().map(bubble).collect(),
            before: archive.before(shown_on).map(|day| ways.day(day)),
            ways,
            after: None,
            is_today: true,
            own,
            desks: Desks::of(site, tenant, language)?,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

/// Shows the words of one day; a day without words leads to the list.
pub(crate) async fn day(
    State(site): State<Shared>,
    language: Language,
    held: Held,
    Path((_, _, asked)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let tenant = &held.tenant;
        let archive = opened(site, tenant, held.reader, language)?;
        let Ok(day) = asked.parse::<Day>() else {
            return Err(PageError::NotFound);
        };
        let letters = archive.letters(&site.env, tenant, [day])?;
        if letters.is_empty() {
            return Err(PageError::NotFound);
        }
        let words = language.pick(&JA, &EASY, &EN);
        let ways = Ways::new(tenant, &held.token, language);
        let shown = ReadingPage {
            frame: Frame::new(tenant, language),
            words,
            heading: words
                .of_day
                .replace("{day}", &dates::near_day(day, archive.today, language)),
            news: Vec::new(),
            newest: None,
            letters: letters.into_iter().map(bubble).collect(),
            before: archive.before(day).map(|day| ways.day(day)),
            after: archive.after(day).map(|day| ways.day(day)),
            ways,
            is_today: false,
            own: None,
            desks: Desks::of(site, tenant, language)?,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

/// Why today brings nothing, and when the next words come.
fn nothing_new(site: &Site, tenant: &Tenant, archive: &Archive, language: Language) -> Result<Vec<String>, PageError> {
    let words = language.pick(&JA, &EASY, &EN);
    let is_paused = |child: &Follower| child.state == SubscriptionState::Paused;
    if archive.children.is_empty() {
        return Ok(vec![words.finished.to_owned()]);
    }
    if archive.children.iter().all(is_paused) {
        return Ok(vec![words.paused.to_owned()]);
    }
    let Some(next) = archive.next_on(&site.env, tenant)? else {
        return Ok(vec![words.none.to_owned()]);
    };
    let on = if next == archive.today + 1 {
        words.tomorrow.to_owned()
    } else {
        dates::near_day(next, archive.today, language)
    };
    let sentence = if archive.days().len() == 0 {
        words.first
    } else {
        words.next
    };
    Ok(vec![
        sentence
            .replace("{day}", &on)
            .replace("{hour}", &dates::time(&tenant.settings.send_from, language)),
    ])
}

/// True for whoever reads on the web only: no message could bring them a link.
pub(super) fn reads_here_only(site: &Site, tenant: &Tenant, reader: SubscriberId) -> Result<bool, PageError> {
    let channels = site.env.db.read(|tx| people::channels_of(tx, tenant.scope(), reader))?;
    Ok(!channels.is_empty() && channels.iter().all(|channel| channel == ways::WEB))
}

/// Whoever reads on the web only has no address to which a fresh link could go: the reading link is all they have, so it
/// also opens their own pages.
fn own(site: &Site, tenant: &Tenant, held: &Held, language: Language) -> Result<Option<String>, PageError> {
    if !reads_here_only(site, tenant, held.reader)? {
        return Ok(None);
    }
    let env = &site.env;
    let holder = env.db.read(|tx| Holder::of(tx, tenant.scope(), held.reader))?;
    let until = kizuna_engine::run::today(env, tenant)? + links::OWN_DAYS;
    let token = links::own_token(&env.keys, tenant.id, holder, until);
    Ok(Some(format!("/{}/my/{token}{}", tenant.code, language.query())))
}

struct Words {
    today: &'static str,
    of_day: &'static str,
    next: &'static str,
    first: &'static str,
    none: &'static str,
    finished: &'static str,
    paused: &'static str,
    tomorrow: &'static str,
    before: &'static str,
    after: &'static str,
    days: &'static str,
    past: &'static str,
    desks: &'static str,
    desks_all: &'static str,
    own: &'static str,
    own_more: &'static str,
}

static JA: Words = Words {
    today: "きょうのことば",
    of_day: "{day}のことば",
    next: "きょうのことばは ありません。つぎは、{day}の{hour}です。",
    first: "{day}の{hour}に、はじめてのことばが届きます。",
    none: "きょうのことばは ありません。",
    finished: "ことばは、おわりまで届きました。これまでのことばは、いつでも読めます。",
    paused: "お休み中です。新しいことばは、届きません。",
    tomorrow: "あした",
    before: "前の日",
    after: "次の日",
    days: "ほかの日",
    past: "これまでのことば",
    desks: "話したいとき、困ったとき",
    desks_all: "相談先をぜんぶ見る",
    own: "うまれました・日付を直す・お休み・設定",
    own_more: "このページのリンクを知っている人は、読むことも、変えることも、消すこともできます。しまっておき、ほかの人にわたさないでください。家族には、「家族に知らせる」で招待できます。",
};

static EASY: Words = Words {
    today: "きょうの ことば",
    of_day: "{day}の ことば",
    next: "きょうの ことばは ありません。つぎは {day}の {hour}です。",
    first: "{day}の {hour}に、はじめての ことばが ｜届《とど》きます。",
    none: "きょうの ことばは ありません。",
    finished: "ことばは ｜全部《ぜんぶ》 ｜届《とど》きました。｜前《まえ》の ことばは、いつでも ｜読《よ》めます。",
    paused: "いまは お｜休《やす》みです。｜新《あたら》しい ことばは ｜届《とど》きません。",
    tomorrow: "あした",
    before: "｜前《まえ》の ｜日《ひ》",
    after: "｜次《つぎ》の ｜日《ひ》",
    days: "ほかの ｜日《ひ》",
    past: "｜前《まえ》の ことば",
    desks: "｜話《はな》したい とき、｜困《こま》った とき",
    desks_all: "｜相談《そうだん》できる ところを ぜんぶ ｜見《み》る",
    own: "｜赤《あか》ちゃんが ｜生《う》まれた・｜日《ひ》にちを ｜直《なお》す・お｜休《やす》み・｜設定《せってい》",
    own_more: "この ページの リンクを ｜知《し》っている ｜人《ひと》は、｜読《よ》む ことも、｜変《か》える ことも、｜消《け》す ことも できます。ほかの ｜人《ひと》に ｜教《おし》えないでください。｜家族《かぞく》には「｜家族《かぞく》に ｜知《し》らせる」を ｜使《つか》ってください。",
};

static EN: Words = Words {
    today: "Today\u{2019}s words",
    of_day: "Words for {day}",
    next: "There are no words today. The next come {day} at {hour}.",
    first: "Your first words come {day} at {hour}.",
    none: "There are no words today.",
    finished: "All words have been delivered. You can read them here at any time.",
    paused: "Messages are paused. No new words come.",
    tomorrow: "tomorrow",
    before: "Day before",
    after: "Day after",
    days: "Other days",
    past: "Earlier words",
    desks: "If you want to talk or need help",
    desks_all: "All desks and their hours",
    own: "The baby is here, change a date, pause, settings",
    own_more: "Whoever has the link of this page can read, change and erase. Keep it safe and pass it on to nobody. To share with your family, use \u{201c}Tell the family\u{201d}.",
};
