//! 家族に知らせる: links with which others register for themselves. Whether a date goes with a link is chosen here, and
//! the page never tells who used it.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::Follower;
use kizuna_engine::actions::invites::{self, Made};
use kizuna_engine::{EngineError, run};
use serde::Deserialize;

use super::{Desks, Frame, dates, own};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::Done;
use crate::format;
use crate::guard::{Door, Own, Shared, blocking};
use crate::language::Language;
use crate::ruby;
use crate::staff::Qr;

/// The words of this page.
struct Words {
    title: &'static str,
    lead: &'static str,
    secret: &'static str,
    make_title: &'static str,
    date_legend: &'static str,
    date_hint: &'static str,
    date_none: &'static str,
    /// Where a date goes with it; `{stage}` is where that child stands.
    date_of: &'static str,
    make_button: &'static str,
    list_title: &'static str,
    until: &'static str,
    with_date: &'static str,
    without_date: &'static str,
    link_label: &'static str,
    line_button: &'static str,
    mail_button: &'static str,
    qr_title: &'static str,
    qr_alt: &'static str,
    withdraw_button: &'static str,
    subject: &'static str,
    message: &'static str,
    said: [(&'static str, &'static str); 4],
}

static JA: Words = Words {
    title: "家族に知らせる",
    lead: "登録のページを知らせるリンクを作ります。相手は、自分で登録し、自分で止められます。",
    secret: "リンクから、あなたの名前や登録の中身は分かりません。だれが登録したかは、おたがいに伝わりません。",
    make_title: "リンクを作る",
    date_legend: "日付をわたしますか",
    date_hint: "わたすと、リンクをひらいた人に、その日付が分かります。",
    date_none: "わたさない（相手が自分で入れます）",
    date_of: "「{stage}」の日付をわたす（相手は日付を入れずに登録できます）",
    make_button: "リンクを作る",
    list_title: "使えるリンク",
    until: "{day}まで",
    with_date: "日付をわたす",
    without_date: "日付はわたさない",
    link_label: "リンク（コピーして送れます）",
    line_button: "LINEで送る",
    mail_button: "メールで送る",
    qr_title: "QRコードを見せる",
    qr_alt: "登録のページのQRコード",
    withdraw_button: "この招待をやめる",
    subject: "{sender}のご案内",
    message: "{sender}のご案内です。ここから登録できます。",
    said: [
        ("made", "リンクを作りました。"),
        ("withdrawn", "招待をやめました。そのリンクは、もう使えません。"),
        ("many", "リンクは5つまでです。一つやめてから、作ってください。"),
        ("no", "いまは作れません。何も変わっていません。"),
    ],
};

static EASY: Words = Words {
    title: "｜家族《かぞく》に ｜知《し》らせる",
    lead: "｜登録《とうろく》の ページの リンクを ｜作《つく》ります。｜家族《かぞく》は ｜自分《じぶん》で ｜登録《とうろく》します。｜自分《じぶん》で ｜止《と》められます。",
    secret: "リンクから、あなたの ことは わかりません。だれが ｜登録《とうろく》したかも わかりません。",
    make_title: "リンクを ｜作《つく》る",
    date_legend: "｜日付《ひづけ》を ｜教《おし》えますか",
    date_hint: "｜教《おし》えると、リンクを ひらいた ｜人《ひと》に ｜日付《ひづけ》が わかります。",
    date_none: "｜教《おし》えない（｜家族《かぞく》が ｜自分《じぶん》で ｜入《い》れます）",
    date_of: "「{stage}」の ｜日付《ひづけ》を ｜教《おし》える",
    make_button: "リンクを ｜作《つく》る",
    list_title: "｜使《つか》える リンク",
    until: "{day}まで",
    with_date: "｜日付《ひづけ》を ｜教《おし》える",
    without_date: "｜日付《ひづけ》は ｜教《おし》えない",
    link_label: "リンク（コピーして ｜送《おく》ってください）",
    line_button: "LINEで ｜送《おく》る",
    mail_button: "メールで ｜送《おく》る",
    qr_title: "QRコードを ｜見《み》せる",
    qr_alt: "｜登録《とうろく》の ページの QRコード",
    withdraw_button: "この リンクを やめる",
    subject: "{sender}の お｜知《し》らせ",
    message: "{sender}の お｜知《し》らせです。ここから ｜登録《とうろく》できます。",
    said: [
        ("made", "リンクを ｜作《つく》りました。"),
        ("withdrawn", "その リンクは もう ｜使《つか》えません。"),
        (
            "many",
            "リンクは 5つまでです。｜一《ひと》つ やめてから、｜作《つく》ってください。",
        ),
        (
            "no",
            "いまは ｜作《つく》れません。｜何《なに》も ｜変《か》わっていません。",
        ),
    ],
};

static EN: Words = Words {
    title: "Tell your family",
    lead: "Make a link to the registration page. Whoever opens it registers for themselves, and can stop by themselves.",
    secret: "The link says nothing about you or your registration. Neither of you is told who has registered.",
    make_title: "Make a link",
    date_legend: "Hand over your date?",
    date_hint: "If you do, whoever opens the link can see that date.",
    date_none: "No (they enter one themselves)",
    date_of: "Yes, the date of {stage} (they need not enter one)",
    make_button: "Make a link",
    list_title: "Links that can be used",
    until: "Until {day}",
    with_date: "With the date",
    without_date: "Without a date",
    link_label: "Link (copy and send it)",
    line_button: "Send by LINE",
    mail_button: "Send by e-mail",
    qr_title: "Show a QR code",
    qr_alt: "QR code of the registration page",
    withdraw_button: "Withdraw this link",
    subject: "{sender}",
    message: "An invitation to {sender}. You can register here.",
    said: [
        ("made", "The link is ready."),
        ("withdrawn", "The link can no longer be used."),
        ("many", "There can be five links. Withdraw one before you make another."),
        ("no", "No link can be made now. Nothing has changed."),
    ],
};

/// A child whose date can go with a link.
struct Child {
    id: SubscriptionId,
    label: String,
}

/// A link that can be used.
struct Link {
    id: String,
    until: String,
    about_date: &'static str,
    address: String,
    by_line: String,
    by_mail: String,
    qr: Option<Qr>,
}

#[derive(Template)]
#[template(path = "reader/invite.html")]
struct InvitePage {
    frame: Frame,
    words: &'static Words,
    action: String,
    said: Option<&'static str>,
    /// Names this form, so that two presses make one link.
    key: String,
    children: Vec<Child>,
    links: Vec<Link>,
    desks: Desks,
}

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    step: String,
    key: String,
    date_of: String,
    invite: String,
}

/// Shows the links.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    door: Door,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &own, &door, language, &done)).await
}

/// Makes a link, or takes one back.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let Own { tenant, reader, .. } = &own;
        let env = &site.env;
        let what = match (entry.step.as_str(), entry.key.parse(), entry.invite.parse()) {
            ("make", Ok(key), _) => {
                let date_of = match entry.date_of.as_str() {
                    "" => None,
                    id => Some(id.parse().map_err(|_| PageError::NotFound)?),
                };
                match invites::make(env, tenant, *reader, key, date_of)? {
                    Made::Now | Made::Before => "made",
                    Made::TooMany => "many",
                    Made::NotOffered => "no",
                }
            }
            ("withdraw", _, Ok(id)) => {
                invites::withdraw(env, tenant, *reader, id)?;
                "withdrawn"
            }
            _ => "no",
        };
        Ok(own::done(&own, "invite", language, what))
    })
    .await
}

/// Everything that is not a letter or a digit as `%XX`, for the value of a query.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn child(follower: &Follower, today: Day, own: &Own, language: Language) -> Child {
    let stage = dates::stage(&follower.anchor, today, own.tenant.settings.customs, language);
    Child {
        id: follower.subscription,
        label: language.pick(&JA, &EASY, &EN).date_of.replace("{stage}", &stage),
    }
}

fn show(site: &Site, own: &Own, door: &Door, language: Language, done: &Done) -> Result<Response, PageError> {
    let Own { tenant, reader, .. } = own;
    let words = language.pick(&JA, &EASY, &EN);
    let env = &site.env;
    let following = own::followed(site, own, language)?;
    let today = run::today(env, tenant)?;
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let base = format::base_url(&tenant.settings.base_url, &door.client);
    let sender = &tenant.settings.sender_name;
    let links = invites::open(env, tenant, *reader)?.into_iter().map(|open| {
        let address = format!("{base}/{}/with/{}{}", tenant.code, open.token, language.query());
        let subject = encoded(&ruby::bare(words.subject).replace("{sender}", sender));
        let message = encoded(&format!(
            "{}\n{address}",
            ruby::bare(words.message).replace("{sender}", sender)
        ));
        Link {
            id: open.id.to_string(),
            until: words
                .until
                .replace("{day}", &dates::day(Day::of(open.expires_at, &zone), language)),
            about_date: if open.hands_over {
                words.with_date
            } else {
                words.without_date
            },
            by_line: format!("https://line.me/R/share?text={message}"),
            by_mail: format!("mailto:?subject={subject}&body={message}"),
            qr: Qr::of(&address),
            address,
        }
    });
    let shown = InvitePage {
        frame: Frame::new(tenant, language),
        words,
        action: own::address(own, "invite", language),
        said: done.said(&words.said),
        key: env.ids.next().to_string(),
        children: following.iter().map(|one| child(one, today, own, language)).collect(),
        links: links.collect(),
        desks: Desks::of(site, tenant, language)?,
    };
    page(StatusCode::OK, &shown)
}
