//! 記録をけす: says what goes, and erases it at one press. A second press does the same.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use kizuna_engine::actions::data as actions;

use super::data::nothing_here;
use super::own::{address, changed};
use super::{Desks, Frame};
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

struct Words {
    title: &'static str,
    lead: &'static str,
    gone_title: &'static str,
    gone: [&'static str; 4],
    left_title: &'static str,
    left: [&'static str; 3],
    button: &'static str,
    back: &'static str,
    again: &'static str,
}

static JA: Words = Words {
    title: "記録をけしますか",
    lead: "けすと、もとにはもどせません。その瞬間から、なにも届きません。",
    gone_title: "けすもの",
    gone: [
        "日付と呼び名（お子さん全員分）",
        "届け先、続柄、地区、ことば",
        "同意の記録",
        "お届けした記録（これまでのことばのページも、読めなくなります）",
    ],
    left_title: "残るもの",
    left: [
        "「だれかが記録をけした」という数だけ（だれかは、わかりません）",
        "届け先の印（もとの届け先には、もどせません）。一覧からまちがって登録されないために使います。ご自分で登録しなおすと、きえます",
        "バックアップの中。決められた日数がすぎると、きえます",
    ],
    button: "けす",
    back: "けさないでもどる",
    again: "また登録することは、いつでもできます。",
};

static EASY: Words = Words {
    title: "｜記録《きろく》を けしますか",
    lead: "けすと、もとに もどりません。すぐに、なにも とどかなく なります。",
    gone_title: "きえる もの",
    gone: [
        "｜日《ひ》にちと ｜呼《よ》び｜名《な》（｜子《こ》ども ｜全員《ぜんいん》）",
        "とどける ところ、｜家族《かぞく》の ｜関係《かんけい》、｜住《す》んでいる ところ、ことば",
        "「いいです」と ｜言《い》った ｜記録《きろく》",
        "とどけた ｜記録《きろく》（｜前《まえ》の ことばも、｜読《よ》めなく なります）",
    ],
    left_title: "のこる もの",
    left: [
        "「だれかが けした」という ｜数《かず》だけ（だれかは わかりません）",
        "とどける ところの しるし（もとの ｜文字《もじ》には もどせません）。まちがって ｜登録《とうろく》されない ために つかいます。また ｜自分《じぶん》で ｜登録《とうろく》すると、きえます",
        "バックアップの ｜中《なか》。｜決《き》まった ｜日《ひ》が すぎると、きえます",
    ],
    button: "けす",
    back: "けさないで もどる",
    again: "また ｜登録《とうろく》する ことは、いつでも できます。",
};

static EN: Words = Words {
    title: "Erase your records?",
    lead: "This cannot be undone. From that moment on nothing comes.",
    gone_title: "What goes",
    gone: [
        "Dates and nicknames (of all children)",
        "Where we write to, relation, area, language",
        "What you agreed to",
        "What we sent (earlier words cannot be read any more)",
    ],
    left_title: "What stays",
    left: [
        "That somebody was erased, as a number (not who)",
        "A mark from which your address cannot be read, so that no list registers you by mistake. It goes when you register again",
        "Backups, until their days are over",
    ],
    button: "Erase",
    back: "Go back without erasing",
    again: "You can register again at any time.",
};

#[derive(Template)]
#[template(path = "reader/erase.html")]
struct ErasePage {
    frame: Frame,
    words: &'static Words,
    action: String,
    back: String,
    desks: Desks,
}

/// Says what goes and shows the button.
pub(crate) async fn get(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        if !actions::is_known(&site.env, &own.tenant, own.reader)? {
            return Err(nothing_here(&own.tenant, language));
        }
        Ok(ErasePage {
            frame: Frame::new(&own.tenant, language),
            words: language.pick(&JA, &EASY, &EN),
            action: address(&own, "data/erase", language),
            back: address(&own, "data", language),
            desks: Desks::of(site, &own.tenant, language)?,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// Stops everything, erases the reader, and says so on a page without a token.
pub(crate) async fn post(State(site): State<Shared>, language: Language, own: Own) -> Result<Redirect, PageError> {
    let Own { tenant, reader, .. } = own;
    let after = changed(&tenant, "erased", language);
    blocking(&site, move |site| {
        Ok(actions::erase(&site.env, tenant.scope(), reader)?)
    })
    .await?;
    Ok(Redirect::to(&after))
}
