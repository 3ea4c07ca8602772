//! お預かりしている記録: what is kept about a reader, to take away, and the way to erase it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_engine::actions::data;
use kizuna_store::tenants::Tenant;

use super::{Desks, Frame, own};
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

struct Words {
    title: &'static str,
    lead: &'static str,
    kept_title: &'static str,
    kept: [&'static str; 5],
    not_kept: &'static str,
    take_title: &'static str,
    take_text: &'static str,
    take_page: &'static str,
    take_table: &'static str,
    erase_title: &'static str,
    erase_text: &'static str,
    erase_link: &'static str,
    links_title: &'static str,
    links_text: &'static str,
    links_link: &'static str,
}

static JA: Words = Words {
    title: "お預かりしている記録",
    lead: "あなたについてお預かりしているのは、ここに書いたものだけです。",
    kept_title: "お預かりしているもの",
    kept: [
        "日付（出産予定日か、お子さんの誕生日）と、書いた場合は呼び名",
        "届け先（LINEの番号か、メールアドレス）と、届かなかった日",
        "えらんだ続柄・地区・ことば・時間",
        "登録した日と、同意の記録",
        "お届けしたことばの、日と題",
    ],
    not_kept: "お名前、住所、読んだかどうか、止めたわけは、どこにもありません。",
    take_title: "手もとに保存する",
    take_text: "中身が全部入ったファイルです。ほかの人に見られないところに置いてください。",
    take_page: "読める形で保存する",
    take_table: "データとして保存する（JSON）",
    erase_title: "記録をけす",
    erase_text: "つぎのページで、きえるものを確かめてから、けせます。",
    erase_link: "けすページへ",
    links_title: "ほかの人に見られたかもしれないとき",
    links_text: "これまでに届いたリンクを、使えなくできます。だれにも知らされません。",
    links_link: "リンクを新しくする",
};

static EASY: Words = Words {
    title: "｜記録《きろく》",
    lead: "あなたの ｜記録《きろく》は、ここに ｜書《か》いて あるもの だけです。",
    kept_title: "ここに あるもの",
    kept: [
        "｜日《ひ》にち（｜赤《あか》ちゃんが ｜生《う》まれる ｜予定《よてい》の ｜日《ひ》か、｜生《う》まれた ｜日《ひ》）と、｜呼《よ》び｜名《な》",
        "ことばを とどける ところ（LINEの ｜番号《ばんごう》か、メールアドレス）と、とどかなかった ｜日《ひ》",
        "えらんだ ｜家族《かぞく》の ｜関係《かんけい》、｜住《す》んでいる ところ、ことば、｜時間《じかん》",
        "｜登録《とうろく》した ｜日《ひ》と、「いいです」と ｜言《い》った ｜記録《きろく》",
        "とどけた ことばの ｜日《ひ》と ｜題《だい》",
    ],
    not_kept: "｜名前《なまえ》、｜住所《じゅうしょ》、｜読《よ》んだか どうか、やめた わけは、ありません。",
    take_title: "ファイルを もらう",
    take_text: "｜全部《ぜんぶ》 ｜入《はい》った ファイルです。ほかの ｜人《ひと》が ｜見《み》ない ところに おいて ください。",
    take_page: "｜読《よ》む ファイルを もらう",
    take_table: "データの ファイルを もらう（JSON）",
    erase_title: "｜記録《きろく》を けす",
    erase_text: "｜次《つぎ》の ページで、なにが きえるかを ｜見《み》てから、けせます。",
    erase_link: "けす ページを ひらく",
    links_title: "ほかの ｜人《ひと》が ｜見《み》た かもしれない とき",
    links_text: "｜前《まえ》の リンクを ｜使《つか》えなく できます。だれにも ｜知《し》らせません。",
    links_link: "リンクを ｜新《あたら》しく する",
};

static EN: Words = Words {
    title: "Your records",
    lead: "What stands here is all that we keep about you.",
    kept_title: "What we keep",
    kept: [
        "The date (due date or birthday), and a nickname if you gave one",
        "Where we write to (your LINE number or mail address), and when that failed",
        "Relation, area, language and hour, if you chose them",
        "When you registered and what you agreed to",
        "Day and title of what we sent",
    ],
    not_kept: "Your name, your address, whether you read, and why you stopped are kept nowhere.",
    take_title: "Keep a copy",
    take_text: "A file with everything in it. Keep it where nobody else sees it.",
    take_page: "Save it to read",
    take_table: "Save it as data (JSON)",
    erase_title: "Erase your records",
    erase_text: "On the next page you see what goes, and can then erase it.",
    erase_link: "Go to that page",
    links_title: "If somebody else may have seen your messages",
    links_text: "You can make the links that came so far worthless. Nobody is told.",
    links_link: "Make your links anew",
};

#[derive(Template)]
#[template(path = "reader/data.html")]
struct DataPage {
    frame: Frame,
    words: &'static Words,
    /// Address of this page, without a query.
    here: String,
    /// Address of the page that makes links anew.
    links: String,
    query: &'static str,
    desks: Desks,
}

/// Leads whoever was erased to where nothing comes, and where to turn.
pub(super) fn nothing_here(tenant: &Tenant, language: Language) -> PageError {
    let stopped = format!("/{}/stopped{}", tenant.code, language.query());
    PageError::instead(Ok(Redirect::to(&stopped).into_response()))
}

/// Shows what is kept and what can be done with it.
pub(crate) async fn get(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        let Own { tenant, reader, token } = &own;
        if !data::is_known(&site.env, tenant, *reader)? {
            return Err(nothing_here(tenant, language));
        }
        Ok(DataPage {
            frame: Frame::new(tenant, language),
            words: language.pick(&JA, &EASY, &EN),
            links: own::address(&own, "links", language),
            here: format!("/{}/my/{token}/data", tenant.code),
            query: language.query(),
            desks: Desks::of(site, tenant, language)?,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}
