//! 届かないとき: what keeps mail from a reader, how to repair it, and the button in the mail that shows that it arrived.
//!
//! Asking for that mail lifts nothing; only a press on the page behind its link does. No page shows an address.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::trouble::Trouble;
use kizuna_engine::actions::addresses::{self, Ailing, Asked};
use kizuna_engine::line::identity::{self, Purpose, Shown};
use kizuna_store::tenants::{self, Tenant};

use super::{Closed, Desks, Frame, closed, own};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::Done;
use crate::guard::{Own, Shared, Town, blocking};
use crate::language::Language;

/// The words of these pages in one language.
struct Words {
    title: &'static str,
    well_title: &'static str,
    well: &'static str,
    happened: &'static str,
    gone: &'static str,
    filter: &'static str,
    full: &'static str,
    away: &'static str,
    silent: &'static str,
    how: &'static str,
    how_gone: &'static str,
    how_filter: &'static str,
    how_full: &'static str,
    how_away: &'static str,
    allow: &'static str,
    allow_how: &'static str,
    check: &'static str,
    check_text: &'static str,
    check_button: &'static str,
    sent: &'static str,
    sent_more: &'static str,
    enough: &'static str,
    enough_more: &'static str,
    other: &'static str,
    other_text: &'static str,
    other_link: &'static str,
    back: &'static str,
    repair_title: &'static str,
    repair_text: &'static str,
    repair_button: &'static str,
    repair_fine: &'static str,
    done_title: &'static str,
    done_text: &'static str,
}

static JA: Words = Words {
    title: "メールが届いていません",
    well_title: "メールは届いています",
    well: "いまのところ、届かなかったという知らせはありません。",
    happened: "なにがあったか",
    gone: "そのメールアドレスはありません、という返事がありました。",
    filter: "スマートフォンの受信設定（迷惑メールの設定）で、止められたようです。",
    full: "受信箱がいっぱいで、入りませんでした。",
    away: "メールのサーバーに、何日かつながりませんでした。",
    silent: "いまは、このアドレスにはお送りしていません。",
    how: "直しかた",
    how_gone: "アドレスを変えたときは、下の「ほかの届けかた」から変えてください。変えていないときは、受信設定を確かめてください。",
    how_filter: "受信設定で、下のドメインを受けとれるようにしてください。",
    how_full: "いらないメールを消して、場所をあけてください。",
    how_away: "時間をおいて、下のボタンで確かめてください。",
    allow: "受けとれるようにするドメイン",
    allow_how: "docomo・au・SoftBank・楽天モバイルなどの「受信リスト」「指定受信」に入れます。",
    check: "届くか、確かめる",
    check_text: "確かめるメールを1通お送りします。届いたら、その中のリンクをひらいてください。また、お届けします。",
    check_button: "確かめるメールを送る",
    sent: "確かめるメールを送りました。",
    sent_more: "5分たっても届かないときは、受信設定を直してから、もう一度おしてください。",
    enough: "きょうは、これ以上お送りできません。",
    enough_more: "受信設定を直して、あした、もう一度おしてください。お急ぎのときは、下の「ほかの届けかた」をどうぞ。",
    other: "ほかの届けかた",
    other_text: "LINEや、ほかのメールアドレスに変えることもできます。",
    other_link: "届けかたを変える",
    back: "わたしのページへ",
    repair_title: "メールが届きました",
    repair_text: "下のボタンをおすと、またメールでお届けします。",
    repair_button: "また届くようにする",
    repair_fine: "心あたりのないときは、このままとじてください。何も変わりません。",
    done_title: "これで、また届きます",
    done_text: "つぎの配信の日から、メールでお届けします。",
};

static EASY: Words = Words {
    title: "メールが ｜届《とど》いていません",
    well_title: "メールは ｜届《とど》いています",
    well: "いま、｜困《こま》ったことは ありません。",
    happened: "どうしましたか",
    gone: "その メールアドレスは ありません、と ｜言《い》われました。",
    filter: "スマートフォンの ｜設定《せってい》が メールを ｜止《と》めています。",
    full: "メールの ｜箱《はこ》が いっぱいです。",
    away: "メールの サーバーに つながりませんでした。",
    silent: "いま、この アドレスに ｜送《おく》っていません。",
    how: "なおしかた",
    how_gone: "アドレスを ｜変《か》えた ｜人《ひと》は、｜下《した》の「ほかの ｜届《とど》けかた」を おしてください。｜変《か》えていない ｜人《ひと》は、スマートフォンの ｜設定《せってい》を ｜見《み》てください。",
    how_filter: "スマートフォンの ｜設定《せってい》で、｜下《した》の ドメインを ゆるしてください。",
    how_full: "いらない メールを ｜消《け》してください。",
    how_away: "すこし ｜待《ま》って、｜下《した》の ボタンを おしてください。",
    allow: "ゆるす ドメイン",
    allow_how: "｜携帯《けいたい》の ｜会社《かいしゃ》の「｜受信《じゅしん》リスト」に ｜入《い》れてください。",
    check: "｜届《とど》くか たしかめる",
    check_text: "メールを 1つ ｜送《おく》ります。｜届《とど》いたら、メールの リンクを ひらいてください。また ｜届《とど》きます。",
    check_button: "メールを ｜送《おく》る",
    sent: "メールを ｜送《おく》りました。",
    sent_more: "5｜分《ふん》 ｜待《ま》っても ｜届《とど》かないときは、｜設定《せってい》を なおして、もう｜一度《いちど》 おしてください。",
    enough: "｜今日《きょう》は、もう ｜送《おく》れません。",
    enough_more: "｜設定《せってい》を なおして、｜明日《あした》 もう｜一度《いちど》 おしてください。",
    other: "ほかの ｜届《とど》けかた",
    other_text: "LINEや ほかの メールアドレスに ｜変《か》えることも できます。",
    other_link: "｜届《とど》けかたを ｜変《か》える",
    back: "わたしの ページへ",
    repair_title: "メールが ｜届《とど》きました",
    repair_text: "｜下《した》の ボタンを おしてください。また メールが ｜届《とど》きます。",
    repair_button: "また ｜届《とど》くように する",
    repair_fine: "あなたが ｜頼《たの》んでいない ときは、｜何《なに》も しないでください。",
    done_title: "また ｜届《とど》きます",
    done_text: "つぎの ｜日《ひ》から、メールが ｜届《とど》きます。",
};

static EN: Words = Words {
    title: "Our mail does not reach you",
    well_title: "Our mail reaches you",
    well: "We have heard of no mail that did not arrive.",
    happened: "What happened",
    gone: "We were told that this e-mail address does not exist.",
    filter: "Your phone's mail filter seems to have stopped our mail.",
    full: "Your mailbox was full.",
    away: "Your mail server could not be reached for some days.",
    silent: "We are not writing to this address now.",
    how: "How to repair it",
    how_gone: "If you have a new address, choose another way below. If not, look at your phone's mail filter.",
    how_filter: "Allow the domain below in your phone's mail filter.",
    how_full: "Delete mail that you do not need.",
    how_away: "Wait a while, then press the button below.",
    allow: "Domain to allow",
    allow_how: "Put it on the list of allowed senders of docomo, au, SoftBank, Rakuten Mobile or others.",
    check: "See whether mail arrives",
    check_text: "We send you one mail. When it arrives, open the link in it; our messages then come again.",
    check_button: "Send me a mail",
    sent: "The mail is on its way.",
    sent_more: "If it has not come in five minutes, change the filter and press once more.",
    enough: "We cannot send more of these today.",
    enough_more: "Change the filter and press again tomorrow, or choose another way below.",
    other: "Another way",
    other_text: "You can also use LINE or another e-mail address.",
    other_link: "Change how messages come",
    back: "To my page",
    repair_title: "Our mail has arrived",
    repair_text: "Press the button below and our messages come by mail again.",
    repair_button: "Send me messages again",
    repair_fine: "If you did not ask for this, just close the page. Nothing changes.",
    done_title: "Our messages come again",
    done_text: "They come by mail from the next day on which there is one.",
};

impl Words {
    /// What happened, and what to do.
    const fn of(&self, trouble: Trouble) -> (&'static str, &'static str) {
        match trouble {
            Trouble::Gone => (self.gone, self.how_gone),
            Trouble::Blocked | Trouble::Filtered => (self.filter, self.how_filter),
            Trouble::Full => (self.full, self.how_full),
            Trouble::Away => (self.away, self.how_away),
        }
    }
}

/// What is wrong, in words.
struct Ill {
    what: &'static str,
    how: &'static str,
    is_silent: bool,
}

#[derive(Template)]
#[template(path = "reader/address.html")]
struct AddressPage {
    frame: Frame,
    words: &'static Words,
    ill: Option<Ill>,
    /// A sentence about the button that was pressed, and what to do then.
    notice: Option<(&'static str, &'static str)>,
    /// Empty where a town writes no mail.
    domain: String,
    action: String,
    delivery: String,
    home: String,
    desks: Desks,
}

#[derive(Template)]
#[template(path = "reader/repair.html")]
struct RepairPage {
    frame: Frame,
    words: &'static Words,
    /// Empty where it is done.
    action: String,
    desks: Desks,
}

/// The last part of the address of 届かないとき.
const PAGE: &str = "address";
/// What the button led to, behind `?done=`.
const SENT: &str = "sent";
const ENOUGH: &str = "enough";

fn words(language: Language) -> &'static Words {
    language.pick(&JA, &EASY, &EN)
}

/// Says what happened and shows the button.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let words = words(language);
    let notice = done.said(&[
        (SENT, (words.sent, words.sent_more)),
        (ENOUGH, (words.enough, words.enough_more)),
    ]);
    let shown = blocking(&site, move |site| {
        own::followed(site, &own, language)?;
        let Own { tenant, reader, token } = &own;
        let ailing = addresses::trouble(&site.env, tenant, *reader)?;
        Ok(AddressPage {
            frame: Frame::new(tenant, language),
            words,
            ill: ailing.map(|Ailing { trouble, is_silent, .. }| {
                let (what, how) = words.of(trouble);
                Ill { what, how, is_silent }
            }),
            notice,
            domain: domain(site, tenant)?,
            action: own::address(&own, PAGE, language),
            delivery: own::address(&own, "delivery", language),
            home: format!("/{}/my/{token}{}", tenant.code, language.query()),
            desks: Desks::of(site, tenant, language)?,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// The domain that readers let through.
fn domain(site: &Site, tenant: &Tenant) -> Result<String, PageError> {
    let env = &site.env;
    let account = env
        .db
        .read(|tx| tenants::account(tx, &env.keys, tenant.scope(), "email"))?;
    let from = account.and_then(|account| account.settings.get("from_address").cloned());
    let domain = from.as_deref().and_then(|from| from.trim().rsplit_once('@'));
    Ok(domain.map(|(_, domain)| domain.to_owned()).unwrap_or_default())
}

/// Sends the mail that shows whether mail arrives.
pub(crate) async fn post(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let asked = addresses::ask_repair(&site.env, &own.tenant, own.reader, language.code())?;
        Ok(match asked {
            Asked::OnItsWay => own::done(&own, PAGE, language, SENT),
            Asked::Enough => own::done(&own, PAGE, language, ENOUGH),
            Asked::NothingIll => Redirect::to(&own::address(&own, PAGE, language)).into_response(),
        })
    })
    .await
}

/// Shows the button behind the link of that mail, or that it was pressed.
pub(crate) async fn repair(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let action = match identity::show(&site.env, tenant.scope(), Purpose::Repair, &token)? {
            Shown::Good(_) => format!("/{}/repair/{token}{}", tenant.code, language.query()),
            Shown::Used(_) => String::new(),
            Shown::Nothing => return closed(site, &tenant, language, Closed::Gone),
        };
        let shown = RepairPage {
            frame: Frame::new(&tenant, language),
            words: words(language),
            action,
            desks: Desks::of(site, &tenant, language)?,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

/// Lets messages go to the address of the ticket again; a second press says the same.
pub(crate) async fn verify(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        match identity::show(&site.env, tenant.scope(), Purpose::Repair, &token)? {
            Shown::Good(pass) | Shown::Used(pass) => {
                if !addresses::repair(&site.env, &tenant, &pass)? {
                    return closed(site, &tenant, language, Closed::Used);
                }
                let page = format!("/{}/repair/{token}{}", tenant.code, language.query());
                Ok(Redirect::to(&page).into_response())
            }
            Shown::Nothing => closed(site, &tenant, language, Closed::Gone),
        }
    })
    .await
}
