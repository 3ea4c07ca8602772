//! ひっこす: a one-time code for another town of this installation, and what to do where the new town is none of them.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::day::Day;
use kizuna_engine::actions::moving::{self, Begun};
use kizuna_engine::links::{self, Holder};
use kizuna_engine::{EngineError, run};
use kizuna_store::tenants;
use serde::Deserialize;

use super::{Desks, Frame, dates, own};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::Done;
use crate::format;
use crate::guard::{Door, Own, Shared, blocking};
use crate::language::Language;

/// The words of these pages.
struct Words {
    title: &'static str,
    lead: &'static str,
    choose_title: &'static str,
    choose_label: &'static str,
    choose_hint: &'static str,
    choose_none: &'static str,
    begin_button: &'static str,
    code_title: &'static str,
    /// `{town}` is the new town, `{day}` the last day.
    code_text: &'static str,
    code_how: &'static str,
    code_page: &'static str,
    withdraw_button: &'static str,
    outside_title: &'static str,
    outside_text: &'static str,
    outside_ask: [&'static str; 3],
    stop_text: &'static str,
    stop_button: &'static str,
    said: [(&'static str, &'static str); 3],
    moved_title: &'static str,
    moved_text: &'static str,
    moved_today: &'static str,
    moved_open: &'static str,
    moved_open_text: &'static str,
}

static JA: Words = Words {
    title: "ひっこす",
    lead: "うつる先の市や町でも、つづけて読めることがあります。",
    choose_title: "つづけて読める市や町",
    choose_label: "うつる先",
    choose_hint: "番号を作り、うつる先のページで入れます。入れるまでは、何も変わりません。",
    choose_none: "えらんでください",
    begin_button: "うつるための番号を作る",
    code_title: "うつるための番号",
    code_text: "{town}で使えます。{day}まで、1回だけです。",
    code_how: "うつる先のページをひらいて、この番号を入れてください。入れたときに、ここは止まり、うつる先ではじまります。人には見せないでください。",
    code_page: "うつる先のページをひらく",
    withdraw_button: "この番号をやめる",
    outside_title: "うつる先が、ここにないとき",
    outside_text: "新しい役所の、母子保健か子育ての窓口で、聞いてみてください。",
    outside_ask: [
        "妊娠中や子育て中に読める、お知らせはありますか。",
        "妊婦健診や予防接種の券は、取りかえますか。",
        "健診や相談の予約は、どこでできますか。",
    ],
    stop_text: "ここのことばは、いつでも止められます。そのまま読みつづけても、かまいません。",
    stop_button: "止めるページへ",
    said: [
        ("begun", "番号を作りました。"),
        ("withdrawn", "番号をやめました。もう使えません。"),
        ("no", "うつる先をえらんでください。何も変わっていません。"),
    ],
    moved_title: "うつりました",
    moved_text: "これからは、{town}のことばが届きます。前の市や町からは、もう届きません。",
    moved_today: "きょうは",
    moved_open: "自分のページをひらく",
    moved_open_text: "下のページを、しおりに入れておいてください。そのリンクは、ほかの人にわたさないでください。",
};

static EASY: Words = Words {
    title: "ひっこす",
    lead: "｜新《あたら》しい ｜町《まち》でも ｜読《よ》めることが あります。",
    choose_title: "つづけて ｜読《よ》める ｜町《まち》",
    choose_label: "｜新《あたら》しい ｜町《まち》",
    choose_hint: "｜番号《ばんごう》を ｜作《つく》ります。｜新《あたら》しい ｜町《まち》の ページで ｜入《い》れてください。｜入《い》れるまでは ｜何《なに》も ｜変《か》わりません。",
    choose_none: "えらんでください",
    begin_button: "｜番号《ばんごう》を ｜作《つく》る",
    code_title: "｜番号《ばんごう》",
    code_text: "{town}で ｜使《つか》えます。{day}まで、1｜回《かい》だけです。",
    code_how: "｜新《あたら》しい ｜町《まち》の ページで、この ｜番号《ばんごう》を ｜入《い》れてください。ここは ｜止《と》まります。｜新《あたら》しい ｜町《まち》で はじまります。ほかの ｜人《ひと》に ｜見《み》せないでください。",
    code_page: "｜新《あたら》しい ｜町《まち》の ページを ひらく",
    withdraw_button: "この ｜番号《ばんごう》を やめる",
    outside_title: "｜新《あたら》しい ｜町《まち》が ないとき",
    outside_text: "｜新《あたら》しい ｜役所《やくしょ》の ｜子《こ》どもの ｜窓口《まどぐち》で ｜聞《き》いてください。",
    outside_ask: [
        "｜赤《あか》ちゃんの いる ｜家族《かぞく》が ｜読《よ》める お｜知《し》らせは ありますか。",
        "｜健診《けんしん》や ｜注射《ちゅうしゃ》の ｜紙《かみ》は、｜新《あたら》しく もらいますか。",
        "｜相談《そうだん》は どこで できますか。",
    ],
    stop_text: "ここの ことばは いつでも ｜止《と》められます。つづけて ｜読《よ》んでも いいです。",
    stop_button: "｜止《と》める ページへ",
    said: [
        ("begun", "｜番号《ばんごう》を ｜作《つく》りました。"),
        ("withdrawn", "その ｜番号《ばんごう》は もう ｜使《つか》えません。"),
        ("no", "｜新《あたら》しい ｜町《まち》を えらんでください。"),
    ],
    moved_title: "うつりました",
    moved_text: "これから {town}の ことばが ｜届《とど》きます。｜前《まえ》の ｜町《まち》からは ｜届《とど》きません。",
    moved_today: "きょうは",
    moved_open: "｜自分《じぶん》の ページを ひらく",
    moved_open_text: "｜下《した》の ページの リンクを とっておいてください。ほかの ｜人《ひと》に ｜教《おし》えないでください。",
};

static EN: Words = Words {
    title: "Moving",
    lead: "In some towns you can go on reading after you move.",
    choose_title: "Towns where you can go on reading",
    choose_label: "Your new town",
    choose_hint: "You get a code to enter on the new town's page. Until you enter it nothing changes.",
    choose_none: "Please choose",
    begin_button: "Get a code for moving",
    code_title: "Your code for moving",
    code_text: "For {town}, once, until {day}.",
    code_how: "Open the new town's page and enter this code. At that moment it stops here and begins there. Show it to nobody.",
    code_page: "Open the new town's page",
    withdraw_button: "Withdraw this code",
    outside_title: "If your new town is not in the list",
    outside_text: "Ask at the desk for mothers and children of your new city hall.",
    outside_ask: [
        "Is there something to read for families who expect or raise a child?",
        "Do I need new vouchers for check-ups and vaccinations?",
        "Where can I make appointments for check-ups and advice?",
    ],
    stop_text: "You can stop the messages from here at any time. You may also go on reading them.",
    stop_button: "To the page for stopping",
    said: [
        ("begun", "Your code is ready."),
        ("withdrawn", "The code can no longer be used."),
        ("no", "Please choose your new town. Nothing has changed."),
    ],
    moved_title: "You have moved",
    moved_text: "From now on you read the words of {town}. Nothing more comes from the town before.",
    moved_today: "Today:",
    moved_open: "Open my own page",
    moved_open_text: "Keep a bookmark of the page below, and pass its link on to nobody.",
};

/// A town to choose.
struct Town {
    code: String,
    name: String,
}

/// The code as the page shows it.
struct Shown {
    code: String,
    text: String,
    page: String,
}

#[derive(Template)]
#[template(path = "reader/move.html")]
struct MovePage {
    frame: Frame,
    words: &'static Words,
    action: String,
    said: Option<&'static str>,
    code: Option<Shown>,
    towns: Vec<Town>,
    stop: String,
    desks: Desks,
}

#[derive(Template)]
#[template(path = "reader/moved.html")]
struct MovedPage {
    frame: Frame,
    words: &'static Words,
    text: String,
    stages: Vec<String>,
    own_words: String,
    desks: Desks,
}

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    step: String,
    town: String,
}

/// Shows the code, or the towns to choose from.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    door: Door,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &own, &door, language, &done)).await
}

/// Makes a code, or takes it back.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let Own { tenant, reader, .. } = &own;
        let env = &site.env;
        let what = match entry.step.as_str() {
            "begin" => {
                let town = env.db.read(|tx| tenants::by_code(tx, &entry.town))?;
                match town
                    .map(|town| moving::begin(env, tenant, *reader, &town))
                    .transpose()?
                {
                    Some(Begun::Now | Begun::Already) => "begun",
                    Some(Begun::NotOffered) | None => "no",
                }
            }
            "withdraw" => {
                moving::withdraw(env, tenant, *reader)?;
                "withdrawn"
            }
            _ => "no",
        };
        Ok(own::done(&own, "move", language, what))
    })
    .await
}

/// A code in groups of four, as it is read out.
fn in_fours(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
    groups.join(" ")
}

fn show(site: &Site, own: &Own, door: &Door, language: Language, done: &Done) -> Result<Response, PageError> {
    let Own { tenant, reader, .. } = own;
    let words = language.pick(&JA, &EASY, &EN);
    let env = &site.env;
    own::followed(site, own, language)?;
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let code = moving::open(env, tenant, *reader)?.map(|open| {
        let base = format::base_url(&open.to.settings.base_url, &door.client);
        Shown {
            code: in_fours(&open.code),
            text: words
                .code_text
                .replace("{town}", &open.to.name)
                .replace("{day}", &dates::day(Day::of(open.expires_at, &zone), language)),
            page: format!("{base}/{}/move-in{}", open.to.code, language.query()),
        }
    });
    let towns = moving::towns(env, tenant)?.into_iter().map(|town| Town {
        code: town.code,
        name: town.name,
    });
    let stop = links::stop_token(&env.keys, tenant.id, *reader);
    let shown = MovePage {
        frame: Frame::new(tenant, language),
        words,
        action: own::address(own, "move", language),
        said: done.said(&words.said),
        code,
        towns: towns.collect(),
        stop: format!("/{}/stop/{stop}{}", tenant.code, language.query()),
        desks: Desks::of(site, tenant, language)?,
    };
    page(StatusCode::OK, &shown)
}

/// Says that it is done, to whoever has just come to this town.
pub(crate) async fn moved(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let Own { tenant, reader, .. } = &own;
        let words = language.pick(&JA, &EASY, &EN);
        let env = &site.env;
        let following = own::followed(site, &own, language)?;
        let today = run::today(env, tenant)?;
        let stages = following
            .iter()
            .map(|child| dates::stage(&child.anchor, today, tenant.settings.customs, language))
            .filter(|stage| !stage.is_empty());
        let holder = env.db.read(|tx| Holder::of(tx, tenant.scope(), *reader))?;
        let own_words = links::words_token(&env.keys, tenant.id, holder);
        let shown = MovedPage {
            frame: Frame::new(tenant, language),
            words,
            text: words.moved_text.replace("{town}", &tenant.name),
            stages: stages.collect(),
            own_words: format!("/{}/words/{own_words}{}", tenant.code, language.query()),
            desks: Desks::of(site, tenant, language)?,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}
