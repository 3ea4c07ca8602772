//! A reader's own home: where the children stand today, today's words in short, and every way to change something.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::people::SubscriptionState;
use kizuna_domain::position::Anchor;
use kizuna_engine::actions::addresses;
use kizuna_engine::links::{self, Holder};

use super::Frame;
use super::dates;
use super::desks::Desks;
use super::own;
use super::reading::{Ways, opened};
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

/// Titles of today's words that are shown, so that the way to read them stays on the first screen.
const TITLES_MAX: usize = 5;

/// A row of the page: the last part of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    Birth,
    Date,
    Child,
    Pause,
    Delivery,
    Invite,
    Move,
    Data,
    Stop,
}

impl Row {
    /// Every row in the order of the page; the way out is last.
    pub(crate) const ALL: [Row; 9] = [
        Row::Birth,
        Row::Date,
        Row::Child,
        Row::Pause,
        Row::Delivery,
        Row::Invite,
        Row::Move,
        Row::Data,
        Row::Stop,
    ];

    /// The page below `/{tenant}/my/{token}`.
    pub(crate) const fn page(self) -> &'static str {
        match self {
            Row::Birth => "birth",
            Row::Date => "date",
            Row::Child => "child",
            Row::Pause => "pause",
            Row::Delivery => "delivery",
            Row::Invite => "invite",
            Row::Move => "move",
            Row::Data => "data",
            Row::Stop => "stop",
        }
    }

    const fn words(self, words: &Words) -> Said {
        match self {
            Row::Birth => words.birth,
            Row::Date => words.date,
            Row::Child => words.child,
            Row::Pause => words.pause,
            Row::Delivery => words.delivery,
            Row::Invite => words.invite,
            Row::Move => words.moving,
            Row::Data => words.data,
            Row::Stop => words.stop,
        }
    }
}

#[derive(Template)]
#[template(path = "reader/my.html")]
struct MyPage {
    frame: Frame,
    words: &'static Words,
    /// Name, where given, and stage of each child.
    children: Vec<(String, String)>,
    is_paused: bool,
    /// Titles of today's words, and whether there are more.
    today: Vec<String>,
    has_more: bool,
    /// The way to repair an address that does not work.
    trouble: Option<String>,
    ways: Ways,
    /// Address, words, and more words of each row.
    rows: Vec<(String, Said)>,
    desks: Desks,
}

/// Shows it; whoever stopped gets the page of those who stopped.
pub(crate) async fn get(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let tenant = &own.tenant;
        let archive = opened(site, tenant, own.reader, language)?;
        let words = language.pick(&JA, &EASY, &EN);
        let customs = &tenant.settings.customs;
        let is_pregnant = archive
            .children
            .iter()
            .any(|child| matches!(child.anchor, Anchor::Due(_)));
        let is_living = !archive.children.is_empty();
        let rows = Row::ALL.into_iter().filter(|row| match row {
            Row::Birth => is_pregnant,
            Row::Date | Row::Pause => is_living,
            Row::Child | Row::Delivery | Row::Invite | Row::Move | Row::Data | Row::Stop => true,
        });
        let letters = archive.todays(&site.env, tenant)?;
        let mut today: Vec<String> = letters
            .into_iter()
            .flat_map(|letter| letter.draft.sections)
            .map(|section| section.title)
            .filter(|title| !title.is_empty())
            .collect();
        let has_more = today.len() > TITLES_MAX;
        today.truncate(TITLES_MAX);
        let children = archive.children.iter().map(|child| {
            let name = child.nickname.clone().unwrap_or_default();
            (name, dates::stage(&child.anchor, archive.today, *customs, language))
        });
        let holder = site.env.db.read(|tx| Holder::of(tx, tenant.scope(), own.reader))?;
        let trouble = addresses::trouble(&site.env, tenant, own.reader)?;
        let shown = MyPage {
            frame: Frame::new(tenant, language),
            words,
            children: children.filter(|(_, stage)| !stage.is_empty()).collect(),
            is_paused: archive
                .children
                .iter()
                .any(|child| child.state == SubscriptionState::Paused),
            today,
            has_more,
            trouble: trouble.map(|_| own::address(&own, "address", language)),
            ways: Ways::new(tenant, &links::words_token(&site.env.keys, tenant.id, holder), language),
            rows: rows
                .map(|row| (own::address(&own, row.page(), language), row.words(words)))
                .collect(),
            desks: Desks::of(site, tenant, language)?,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

/// What stands in a row, and one more line.
type Said = (&'static str, &'static str);

struct Words {
    title: &'static str,
    today_is: &'static str,
    today_is_after: &'static str,
    paused: &'static str,
    /// What a banner says, and its link.
    trouble: Said,
    today: &'static str,
    none: &'static str,
    more: &'static str,
    read: &'static str,
    past: &'static str,
    can: &'static str,
    birth: Said,
    date: Said,
    child: Said,
    pause: Said,
    delivery: Said,
    invite: Said,
    moving: Said,
    data: Said,
    stop: Said,
    desks: &'static str,
    desks_all: &'static str,
}

static JA: Words = Words {
    title: "あなたのページ",
    today_is: "きょうは",
    today_is_after: "です",
    paused: "いまは、お休み中です。",
    trouble: ("メールが届いていないようです。", "届くように直す"),
    today: "きょうのことば",
    none: "きょうのことばは ありません。",
    more: "ほかにもあります。",
    read: "ことばを読む",
    past: "これまでのことば",
    can: "できること",
    birth: ("うまれました", "子育てのことばに切りかえます"),
    date: ("日付を直す", "予定日や誕生日がちがうとき"),
    child: ("子どもをふやす・ふたご", "きょうだいの分も、いっしょに届きます"),
    pause: ("お休み", "しばらく止めて、またはじめられます"),
    delivery: ("受け取り方・時間", "LINE・メール、届く時間"),
    invite: ("家族に知らせる", "家族も、同じことばを受け取れます"),
    moving: ("ひっこす", "ほかのまちで、つづきを受け取ります"),
    data: ("記録の写し・消す", "内容を見る、リンクを新しくする、消す"),
    stop: ("止める", "理由は聞きません。すぐに止まります"),
    desks: "話したいとき、困ったとき",
    desks_all: "相談先をぜんぶ見る",
};

static EASY: Words = Words {
    title: "あなたの ページ",
    today_is: "きょうは",
    today_is_after: "です",
    paused: "いまは お｜休《やす》みです。",
    trouble: (
        "メールが ｜届《とど》いていないようです。",
        "｜直《なお》す ページを ｜開《ひら》く",
    ),
    today: "きょうの ことば",
    none: "きょうの ことばは ありません。",
    more: "ほかにも あります。",
    read: "ことばを ｜読《よ》む",
    past: "｜前《まえ》の ことば",
    can: "できる こと",
    birth: (
        "｜赤《あか》ちゃんが ｜生《う》まれました",
        "｜子育《こそだ》ての ことばに なります",
    ),
    date: (
        "｜日《ひ》にちを ｜直《なお》す",
        "｜予定日《よていび》や ｜誕生日《たんじょうび》が ちがう とき",
    ),
    child: ("｜子《こ》どもを ふやす・ふたご", "｜何人《なんにん》でも いいです"),
    pause: (
        "お｜休《やす》み",
        "｜少《すこ》し ｜止《と》めます。また ｜始《はじ》められます",
    ),
    delivery: (
        "｜受《う》け｜取《と》り｜方《かた》・｜時間《じかん》",
        "LINE・メール、｜届《とど》く ｜時間《じかん》",
    ),
    invite: (
        "｜家族《かぞく》に ｜知《し》らせる",
        "｜家族《かぞく》も ことばを ｜読《よ》めます",
    ),
    moving: ("｜引《ひ》っ｜越《こ》す", "｜別《べつ》の まちで ｜続《つづ》けます"),
    data: (
        "｜記録《きろく》を ｜見《み》る・｜消《け》す",
        "あなたが ｜入《い》れた ものを ｜見《み》ます。リンクを ｜新《あたら》しく する ことも、｜消《け》す ことも できます",
    ),
    stop: (
        "｜止《と》める",
        "｜理由《りゆう》は ｜聞《き》きません。すぐに ｜止《と》まります",
    ),
    desks: "｜話《はな》したい とき、｜困《こま》った とき",
    desks_all: "｜相談《そうだん》できる ところを ぜんぶ ｜見《み》る",
};

static EN: Words = Words {
    title: "Your page",
    today_is: "Today is",
    today_is_after: "",
    paused: "Messages are paused at the moment.",
    trouble: ("It seems that mail does not reach you.", "Repair it"),
    today: "Today\u{2019}s words",
    none: "There are no words today.",
    more: "And more.",
    read: "Read the words",
    past: "Earlier words",
    can: "What you can do",
    birth: ("The baby is here", "Words for families with a child begin"),
    date: ("Change a date", "If the due date or birthday is another"),
    child: ("Add a child, or twins", "Words for brothers and sisters come together"),
    pause: ("Pause", "Nothing comes for a while; you can go on later"),
    delivery: ("How and when messages come", "LINE, e-mail, the hour"),
    invite: ("Tell the family", "They can get the same words"),
    moving: ("Moving away", "Go on in another town"),
    data: ("Your data", "See what is kept, make your links anew, or erase"),
    stop: ("Stop the messages", "We do not ask why. They stop at once"),
    desks: "If you want to talk or need help",
    desks_all: "All desks and their hours",
};

#[cfg(test)]
mod tests {
    use super::Row;
    use crate::routes::table;

    #[test]
    fn every_row_leads_to_a_page() {
        let table = table();
        let is_there = |row: &Row| {
            let page = format!("/{{tenant}}/my/{{token}}/{}", row.page());
            table.iter().any(|route| route.method == "GET" && route.path == page)
        };
        let missing: Vec<Row> = Row::ALL.into_iter().filter(|row| !is_there(row)).collect();
        assert_eq!(missing, []);
    }
}
