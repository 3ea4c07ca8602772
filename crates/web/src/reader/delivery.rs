//! 受け取り方と時間: where a reader's messages come, and from which hour on. Each press says what is to be, so that a
//! second one changes nothing.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_domain::people::PointState;
use kizuna_engine::EngineError;
use kizuna_engine::actions::delivery::{self, Asked, Chosen, Joined};
use kizuna_engine::line::errand::Errand;
use kizuna_engine::reception::{self, Way};
use kizuna_engine::ways::{MAIL, WEB};
use kizuna_store::line;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::{Closed, Desks, Frame, closed, dates, own};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::Done;
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;
use crate::line::errand;

/// The last part of this page's address.
const PAGE: &str = "delivery";

/// The words of this page.
struct Words {
    title: &'static str,
    lead: &'static str,
    now_title: &'static str,
    mail: &'static str,
    web: &'static str,
    elsewhere: &'static str,
    used: &'static str,
    spare: &'static str,
    broken: &'static str,
    blocked: &'static str,
    pending: &'static str,
    use_button: &'static str,
    remove_button: &'static str,
    line_hint: &'static str,
    other_title: &'static str,
    mail_label: &'static str,
    mail_hint: &'static str,
    mail_button: &'static str,
    line_text: &'static str,
    line_button: &'static str,
    web_text: &'static str,
    web_button: &'static str,
    hour_title: &'static str,
    hour_hint: &'static str,
    hour_own: &'static str,
    hour_at: &'static str,
    hour_button: &'static str,
    error_label: &'static str,
    not_an_address: &'static str,
    too_often: &'static str,
    /// What was done, by the word behind `?done=`.
    said: [(&'static str, &'static str); 7],
}

static JA: Words = Words {
    title: "受け取り方と時間",
    lead: "どこで、何時ごろに受け取るかを、変えられます。",
    now_title: "いまの受け取り方",
    mail: "メール",
    web: "自分のページ",
    elsewhere: "そのほか",
    used: "ここに届きます",
    spare: "ひかえ",
    broken: "届きません",
    blocked: "ブロックしています",
    pending: "まだ確かめていません",
    use_button: "ここで受け取る",
    remove_button: "はずす",
    line_hint: "LINEをブロックすると、ほかのところにも届かなくなります。LINEをはずせば、ほかには届きつづけます。",
    other_title: "ほかの受け取り方にする",
    mail_label: "新しいメールアドレス",
    mail_hint: "確かめるメールを送ります。確かめるまでは、いまのまま届きます。",
    mail_button: "確かめるメールを送る",
    line_text: "LINEの画面で、あなたのLINEを確かめます。",
    line_button: "LINEで受け取る",
    web_text: "何も届かなくなります。自分のページをひらいて読みます。",
    web_button: "自分のページで読む",
    hour_title: "届く時間",
    hour_hint: "きょうの分がまだなら、きょうから変わります。",
    hour_own: "おまかせ（{time}から）",
    hour_at: "{time}から",
    hour_button: "この時間にする",
    error_label: "エラー：",
    not_an_address: "メールアドレスの形がちがうようです。もう一度、確かめてください。",
    too_often: "きょうは、もう何度か送りました。あした、もう一度ためしてください。",
    said: [
        ("hour", "届く時間を変えました。"),
        ("use", "受け取るところを変えました。"),
        ("remove", "はずしました。"),
        (
            "mail",
            "メールを送りました。中のリンクをひらいて、確かめてください。届かないときは、迷惑メールのフォルダーも見てください。",
        ),
        ("line", "LINEに届くようにしました。"),
        ("web", "自分のページで読むようにしました。"),
        ("no", "いまは変えられません。何も変わっていません。"),
    ],
};

static EASY: Words = Words {
    title: "｜受《う》け｜取《と》り｜方《かた》と｜時間《じかん》",
    lead: "どこで ｜読《よ》むか、｜何時《なんじ》に ｜届《とど》くかを ｜変《か》えられます。",
    now_title: "いまの ｜受《う》け｜取《と》り｜方《かた》",
    mail: "メール",
    web: "｜自分《じぶん》の ページ",
    elsewhere: "そのほか",
    used: "ここに ｜届《とど》きます",
    spare: "｜使《つか》っていません",
    broken: "｜届《とど》きません",
    blocked: "ブロックして います",
    pending: "まだ ｜確《たし》かめて いません",
    use_button: "ここで ｜受《う》け｜取《と》る",
    remove_button: "はずす",
    line_hint: "LINEを ブロックすると、ほかの ところにも ｜届《とど》きません。LINEを はずすと、ほかには ｜届《とど》きます。",
    other_title: "ほかの ｜受《う》け｜取《と》り｜方《かた》に する",
    mail_label: "｜新《あたら》しい メールアドレス",
    mail_hint: "｜確《たし》かめる メールを ｜送《おく》ります。｜確《たし》かめるまでは、いまと ｜同《おな》じです。",
    mail_button: "メールを ｜送《おく》る",
    line_text: "LINEの ｜画面《がめん》で、あなたの LINEを ｜確《たし》かめます。",
    line_button: "LINEで ｜受《う》け｜取《と》る",
    web_text: "｜何《なに》も ｜届《とど》きません。｜自分《じぶん》の ページを ひらいて ｜読《よ》みます。",
    web_button: "｜自分《じぶん》の ページで ｜読《よ》む",
    hour_title: "｜届《とど》く ｜時間《じかん》",
    hour_hint: "きょうの ことばが まだなら、きょうから ｜変《か》わります。",
    hour_own: "｜決《き》めない（{time}から）",
    hour_at: "{time}から",
    hour_button: "この ｜時間《じかん》に する",
    error_label: "まちがい：",
    not_an_address: "メールアドレスが ｜違《ちが》います。もう｜一度《いちど》 ｜見《み》てください。",
    too_often: "きょうは もう ｜送《おく》れません。あした もう｜一度《いちど》 してください。",
    said: [
        ("hour", "｜届《とど》く ｜時間《じかん》を ｜変《か》えました。"),
        ("use", "｜受《う》け｜取《と》る ところを ｜変《か》えました。"),
        ("remove", "はずしました。"),
        (
            "mail",
            "メールを ｜送《おく》りました。メールの リンクを ひらいてください。",
        ),
        ("line", "LINEに ｜届《とど》きます。"),
        ("web", "｜自分《じぶん》の ページで ｜読《よ》みます。"),
        (
            "no",
            "いまは ｜変《か》えられません。｜何《なに》も ｜変《か》わっていません。",
        ),
    ],
};

static EN: Words = Words {
    title: "How and when messages come",
    lead: "You can change where messages come and from what time.",
    now_title: "How they come now",
    mail: "E-mail",
    web: "My own page",
    elsewhere: "Another way",
    used: "Comes here",
    spare: "Spare",
    broken: "Does not arrive",
    blocked: "Blocked",
    pending: "Not confirmed yet",
    use_button: "Receive here",
    remove_button: "Remove",
    line_hint: "Blocking us on LINE stops the other ways too. If you remove LINE here, the others go on.",
    other_title: "Change to another way",
    mail_label: "New e-mail address",
    mail_hint: "We send a mail to confirm it. Until then nothing changes.",
    mail_button: "Send the mail",
    line_text: "LINE will ask you who you are.",
    line_button: "Receive by LINE",
    web_text: "Nothing is sent any more. You open your own page to read.",
    web_button: "Read on my own page",
    hour_title: "Time of day",
    hour_hint: "If today's message has not come yet, it follows the new time.",
    hour_own: "No preference (from {time})",
    hour_at: "From {time}",
    hour_button: "Use this time",
    error_label: "Error: ",
    not_an_address: "This does not look like an e-mail address. Please check it.",
    too_often: "Several mails were sent today. Please try again tomorrow.",
    said: [
        ("hour", "The time has been changed."),
        ("use", "Messages come there from now on."),
        ("remove", "Removed."),
        (
            "mail",
            "We have sent a mail. Please open the link in it. If it does not come, look in the spam folder too.",
        ),
        ("line", "Messages come by LINE from now on."),
        ("web", "You read on your own page from now on."),
        ("no", "This cannot be changed now. Nothing has changed."),
    ],
};

/// One way as the page shows it.
struct Row {
    point: PointId,
    name: &'static str,
    address: String,
    state: &'static str,
    is_used: bool,
    can_be_used: bool,
    can_be_removed: bool,
}

/// One hour that can be chosen; the value is empty for the town's own.
struct Hour {
    value: String,
    label: String,
    chosen: bool,
}

/// Ways that can be added.
struct Offered {
    mail: bool,
    line: bool,
    web: bool,
}

#[derive(Template)]
#[template(path = "reader/delivery.html")]
struct DeliveryPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    said: Option<&'static str>,
    problem: Option<&'static str>,
    mail_typed: String,
    rows: Vec<Row>,
    has_line_spare: bool,
    offered: Offered,
    hours: Vec<Hour>,
    desks: Desks,
}

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    step: String,
    point: String,
    mail: String,
    hour: String,
}

/// Shows how messages come.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &own, language, &done, None)).await
}

/// Changes one thing.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| change(site, &own, language, &headers, &entry)).await
}

fn change(
    site: &Site,
    own: &Own,
    language: Language,
    headers: &HeaderMap,
    entry: &Entry,
) -> Result<Response, PageError> {
    let Own { tenant, reader, .. } = own;
    let env = &site.env;
    let words = language.pick(&JA, &EASY, &EN);
    let done = |what| Ok(own::done(own, PAGE, language, what));
    let wrong = |sentence| show(site, own, language, &Done::default(), Some((sentence, &entry.mail)));
    let point: Result<PointId, _> = entry.point.parse();
    let chosen = |chosen, what| match chosen {
        Chosen::Now | Chosen::Already => what,
        Chosen::NotOffered => "no",
    };
    match (entry.step.as_str(), point) {
        ("hour", _) => {
            let hour = match entry.hour.as_str() {
                "" => None,
                hour => Some(hour.parse().unwrap_or(u8::MAX)),
            };
            done(chosen(delivery::set_hour(env, tenant, *reader, hour)?, "hour"))
        }
        ("use", Ok(point)) => {
            let what = chosen(delivery::use_way(env, tenant, *reader, point)?, "use");
            own::show_menu(site, tenant, *reader);
            done(what)
        }
        ("remove", Ok(point)) => done(chosen(delivery::remove_way(env, tenant, *reader, point)?, "remove")),
        ("web", _) => done(match delivery::read_on_the_web(env, tenant, *reader)? {
            Joined::Now | Joined::Before => "web",
            Joined::Taken | Joined::NotAFriend | Joined::Gone => "no",
        }),
        ("line", _) => errand::lead(site, tenant, language, headers, &Errand::Join(*reader)),
        ("mail", _) => match delivery::ask_mail(env, tenant, *reader, &entry.mail, language.code())? {
            Asked::Yes => done("mail"),
            Asked::NotOffered => done("no"),
            Asked::NotAnAddress => wrong(words.not_an_address),
            Asked::TooOften => wrong(words.too_often),
        },
        _ => done("no"),
    }
}

/// Back from LINE: the page of the reader, to whom the LINE user belongs now; a page without any link to it otherwise.
pub(crate) fn came_back(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    reader: SubscriberId,
    joined: Joined,
) -> Result<Response, PageError> {
    match joined {
        Joined::Now | Joined::Before => {
            own::show_menu(site, tenant, reader);
            Ok(own::done(
                &own::for_today(site, tenant, reader)?,
                PAGE,
                language,
                "line",
            ))
        }
        Joined::Taken | Joined::NotAFriend | Joined::Gone => errand::refused(site, tenant, language, joined),
    }
}

/// The name of a channel as families say it.
fn name(channel: &str, words: &'static Words) -> &'static str {
    match channel {
        line::CHANNEL => "LINE",
        mail if MAIL.contains(&mail) => words.mail,
        WEB => words.web,
        _ => words.elsewhere,
    }
}

fn row(way: &Way, words: &'static Words, is_only: bool, may_change: bool) -> Row {
    let state = match way.state {
        PointState::Verified if way.is_used => words.used,
        PointState::Verified => words.spare,
        PointState::Pending => words.pending,
        PointState::Blocked => words.blocked,
        PointState::Suppressed | PointState::Bouncing | PointState::Retired => words.broken,
    };
    Row {
        point: way.point,
        name: name(&way.channel, words),
        address: way.shown.clone(),
        state,
        is_used: way.is_used,
        can_be_used: may_change && way.state == PointState::Verified && !way.is_used,
        can_be_removed: may_change && !is_only,
    }
}

fn show(
    site: &Site,
    own: &Own,
    language: Language,
    done: &Done,
    wrong: Option<(&'static str, &str)>,
) -> Result<Response, PageError> {
    let Own { tenant, reader, .. } = own;
    let words = language.pick(&JA, &EASY, &EN);
    // Whoever follows nothing has nothing to receive: the same page as behind a link that has ended.
    let Some(found) = reception::of(&site.env, tenant, *reader)? else {
        return closed(site, tenant, language, Closed::Gone);
    };
    let is_usable = |way: &Way| way.state == PointState::Verified;
    let working = found.ways.iter().filter(|way| is_usable(way)).count();
    let may_change = tenant.settings.choices.ways;
    let rows = found.ways.iter().map(|way| {
        let is_only = working == usize::from(is_usable(way));
        row(way, words, is_only, may_change)
    });
    let settings = &tenant.settings;
    let own_hours = settings.window_of(None).map_err(EngineError::from)?.texts().0;
    let hours = settings.choices.hours.iter().map(|hour| Hour {
        value: hour.to_string(),
        label: words
            .hour_at
            .replace("{time}", &dates::time(&format!("{hour}:00"), language)),
        chosen: found.hour == Some(*hour),
    });
    let first = Hour {
        value: String::new(),
        label: words.hour_own.replace("{time}", &dates::time(&own_hours, language)),
        chosen: found.hour.is_none(),
    };
    let hours: Vec<Hour> = if settings.choices.hours.is_empty() {
        Vec::new()
    } else {
        std::iter::once(first).chain(hours).collect()
    };
    let status = if wrong.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let shown = DeliveryPage {
        frame: Frame::new(tenant, language),
        words,
        action: own::address(own, PAGE, language),
        said: done.said(&words.said),
        problem: wrong.map(|(problem, _)| problem),
        mail_typed: wrong.map(|(_, typed)| typed.to_owned()).unwrap_or_default(),
        has_line_spare: found
            .ways
            .iter()
            .any(|way| way.channel == line::CHANNEL && is_usable(way) && !way.is_used),
        rows: rows.collect(),
        offered: Offered {
            mail: found.has_mail,
            line: found.has_line,
            web: found.has_web,
        },
        hours,
        desks: Desks::of(site, tenant, language)?,
    };
    page(status, &shown)
}
