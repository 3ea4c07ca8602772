//! ためしてみる: what whoever tries the demo can do, with links. In the demo only.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_engine::actions::moving;
use kizuna_store::places;

use super::{Here, Shell, mailbox};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Office, Shared, blocking};

#[derive(Template)]
#[template(path = "office/demo.html")]
struct DemoPage {
    shell: Shell,
    parts: [(&'static str, Vec<Try>); 2],
}

/// One thing to try.
struct Try {
    link: String,
    name: String,
    text: &'static str,
}

impl Try {
    fn new(link: impl Into<String>, name: impl Into<String>, text: &'static str) -> Try {
        Try {
            link: link.into(),
            name: name.into(),
            text,
        }
    }
}

/// Shows what can be tried.
pub(crate) async fn get(State(site): State<Shared>, office: Office) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        Ok(DemoPage {
            parts: [
                ("登録する", ways_in(site, &office)?),
                ("家族として使う", journeys(site, &office)?),
            ],
            shell: Shell::new(&office, Here::Demo, "ためしてみる"),
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

fn ways_in(site: &Site, office: &Office) -> Result<Vec<Try>, PageError> {
    let demo = site.demo().ok_or(PageError::NotFound)?;
    let tenant = &office.tenant;
    let code = &tenant.code;
    let places = site.env.db.read(|tx| places::of_tenant(tx, tenant.scope()))?;
    let register = format!("/{code}/register");
    let mut ways = vec![
        Try::new(
            &demo.phone,
            "LINEのトークから",
            "「あなた」の電話で、友だち追加をおします。届いたボタンから登録できます。",
        ),
        Try::new(
            register,
            "登録のページから",
            "メール（つくりもののアドレスで）でも、このページで読むだけでも。LINEは、LINEの見本のページで「許可する」をおします。",
        ),
        Try::new(
            format!("/{code}/mailbox#empty"),
            "空メールから",
            "空メールを送ると、登録のページのリンクが返ります。",
        ),
    ];
    ways.extend(places.first().map(|place| {
        Try::new(
            format!("/r/{}", place.code),
            format!("QRコードから（{}）", place.name),
            "ポスターの短いリンクです。登録した人の数だけを、「登録の入口」で数えます。",
        )
    }));
    Ok(ways)
}

fn journeys(site: &Site, office: &Office) -> Result<Vec<Try>, PageError> {
    let tenant = &office.tenant;
    let code = &tenant.code;
    let mailbox = Try::new(
        format!("/{code}/mailbox"),
        "届いたメール",
        "どのアドレスあてのメールも、ここに届きます。リンクも、ここからひらけます。",
    );
    let folder = mailbox::folder(site, tenant)?;
    let own = folder
        .map(|folder| mailbox::page_of_a_family(&folder))
        .transpose()?
        .flatten();
    let own = own.map(|own| {
        Try::new(
            own,
            "つくりものの家族のページ",
            "うまれました、日付、お休み、届く時間と受け取り方、家族に知らせる、記録の写し、消す、止める。どれも何度でも試せます。",
        )
    });
    let towns = moving::towns(&site.env, tenant)?.into_iter().map(|town| {
        Try::new(
            format!("/{}/move-in", town.code),
            format!("ひっこし先（{}）", town.name),
            "自分のページの「ひっこす」で番号を作り、ここで入れます。",
        )
    });
    let help = Try::new(
        format!("/{code}/support"),
        "つらいことがあったとき",
        "何があったかを聞かずに、話せる窓口を見せるページです。",
    );
    Ok([mailbox].into_iter().chain(own).chain(towns).chain([help]).collect())
}
