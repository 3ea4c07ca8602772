//! つらいことがあったとき: whom to talk to, and what a town says of formalities. Nobody is asked what happened.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::content::ForWhom;
use kizuna_domain::message::Block;
use kizuna_store::tenants::{self, Tenant};

use super::desks::open_now;
use super::own::{Page, Ways};
use super::{Desks, Frame};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, Town, blocking};
use crate::language::Language;

/// Words in the plain marks of an article.
#[derive(Template)]
#[template(path = "parts/blocks.html")]
struct Blocks {
    blocks: Vec<Block>,
}

impl HtmlSafe for Blocks {}

#[derive(Template)]
#[template(path = "reader/support.html")]
struct SupportPage {
    frame: Frame,
    words: &'static Words,
    /// A pause and a stop, where the reader came by their own link.
    ways: Option<Ways>,
    /// Words of our own, where the town has none or the page speaks another language.
    says_ours: bool,
    town: Option<Blocks>,
    desks: Desks,
}

/// For anybody.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &tenant, language, None)).await
}

/// For a reader, with a pause and a stop at hand.
pub(crate) async fn get_own(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let ways = Ways::new(&own, language, &[Page::Pause, Page::Stop]);
        show(site, &own.tenant, language, Some(ways))
    })
    .await
}

fn show(site: &Site, tenant: &Tenant, language: Language, ways: Option<Ways>) -> Result<Response, PageError> {
    let (desks, support) = site.env.db.read(|tx| {
        Ok((
            tenants::desks(tx, tenant.scope())?,
            tenants::support(tx, tenant.scope())?,
        ))
    })?;
    let is_for_loss = |for_whom| for_whom == Some(ForWhom::Loss);
    let mut desks: Vec<_> = desks
        .into_iter()
        .filter(|desk| desk.default || is_for_loss(desk.for_whom))
        .collect();
    desks.sort_by_key(|desk| !is_for_loss(desk.for_whom));
    let shown = SupportPage {
        frame: Frame::new(tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        ways,
        says_ours: support.is_none() || language != Language::Ja,
        town: support.map(|support| Blocks {
            blocks: support.blocks(),
        }),
        desks: Desks {
            desks: open_now(site, tenant, desks, language)?,
        },
    };
    page(StatusCode::OK, &shown)
}

struct Words {
    page: &'static str,
    title: &'static str,
    lead: &'static str,
    ours: [&'static str; 4],
    how_title: &'static str,
    how: &'static str,
    no_desks: &'static str,
}

static JA: Words = Words {
    page: "相談先",
    title: "つらいことがあったとき",
    lead: "話しても、話さなくても、だいじょうぶです。何があったかは、聞きません。",
    ours: [
        "保健師や助産師が、あなたのペースでお話を聞きます。話したくない日は、話さなくてかまいません。",
        "妊娠がつづかなかったときも、お子さんを亡くしたときも、支えがあります。健診や産後ケア、給付金を使えることがあります。くわしいことは、窓口で聞いてください。",
        "母子健康手帳をどうするかも、いま決めなくてだいじょうぶです。",
        "ご家族の方からの電話でも、だいじょうぶです。",
    ],
    how_title: "お知らせを止めるには",
    how: "届いたことばのいちばん下に、止めるページがあります。LINEでは「停止」と送ると、すぐに止まります。",
    no_desks: "お住まいの市区町村の、健康や子育ての窓口に電話してください。",
};

static EASY: Words = Words {
    page: "｜相談《そうだん》できる ところ",
    title: "つらい ことが あったとき",
    lead: "｜話《はな》しても、｜話《はな》さなくても、だいじょうぶです。なにが あったかは、ききません。",
    ours: [
        "｜保健師《ほけんし》や ｜助産師《じょさんし》が、ゆっくり ｜話《はなし》を ききます。｜話《はな》したくない ｜日《ひ》は、｜話《はな》さなくて いいです。",
        "｜赤《あか》ちゃんが なくなった ときも、つかえる サービスや もらえる お｜金《かね》が あるかもしれません。｜窓口《まどぐち》で きいてください。",
        "｜母子健康手帳《ぼしけんこうてちょう》を どうするかは、いま きめなくて いいです。",
        "｜家族《かぞく》が ｜電話《でんわ》を しても いいです。",
    ],
    how_title: "ことばを とめる とき",
    how: "とどいた ことばの いちばん ｜下《した》に、とめる ページが あります。LINEでは「｜停止《ていし》」と おくると、すぐに とまります。",
    no_desks: "｜住《す》んでいる まちの ｜役所《やくしょ》に ｜電話《でんわ》してください。",
};

static EN: Words = Words {
    page: "Where to turn",
    title: "When something painful has happened",
    lead: "You may talk about it or not; both are fine. Nobody asks what happened.",
    ours: [
        "Public health nurses and midwives listen at your pace. On days when you do not want to talk, you need not.",
        "After the loss of a pregnancy or a child too, check-ups, care after birth and benefits may be open to you. The desks can tell you more.",
        "You need not decide now what to do with the Mother and Child Health Handbook.",
        "Somebody of your family may call for you.",
    ],
    how_title: "To stop the messages",
    how: "At the end of every message there is a page that stops them. On LINE, send \"stop\" and they stop at once.",
    no_desks: "Please call the health or family desk of your city or town.",
};
