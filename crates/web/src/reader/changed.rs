//! What a reader has just changed or erased, said once on a page without a token. Nothing is asked and no way back is
//! offered.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{Desks, Frame};
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/changed.html")]
struct ChangedPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    desks: Desks,
}

/// Says that it is done.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, what)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let words = language.pick(&JA, &EASY, &EN);
    let (title, text) = match what.as_str() {
        "date" => words.date,
        "child" => words.child,
        "pause" => words.pause,
        "resume" => words.resume,
        "one" => words.one,
        "erased" => words.erased,
        "moved" => words.moved,
        _ => return Err(PageError::NotFound),
    };
    let shown = blocking(&site, move |site| {
        Ok(ChangedPage {
            frame: Frame::new(&tenant, language),
            title,
            text,
            desks: Desks::of(site, &tenant, language)?,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// Each a title and a sentence.
struct Words {
    date: (&'static str, &'static str),
    child: (&'static str, &'static str),
    pause: (&'static str, &'static str),
    resume: (&'static str, &'static str),
    one: (&'static str, &'static str),
    erased: (&'static str, &'static str),
    moved: (&'static str, &'static str),
}

static JA: Words = Words {
    date: ("直しました", "つぎのことばから、いまの日付で届きます。"),
    child: ("ふやしました", "つぎのことばから、まとめて届きます。"),
    pause: (
        "お休みにしました",
        "待っていたことばも、届きません。はじめるときは、同じページから戻せます。",
    ),
    resume: ("お休みをおわりにしました", "あしたから、またお届けします。"),
    one: ("止めました", "ほかのことばは、そのまま届きます。"),
    erased: ("けしました", "記録はなくなりました。もう、なにも届きません。"),
    moved: (
        "うつりました",
        "この番号は、もう使われています。つづきは、うつったときにえらんだ受け取り方で読めます。メールは、いちばん下のリンクからひらけます。LINEは、トークのメニューから。自分のページで読む方は、うつったときにひらいたページから。",
    ),
};

static EASY: Words = Words {
    date: ("なおしました", "つぎの ことばから、いまの ｜日《ひ》に あわせます。"),
    child: ("ふやしました", "つぎの ことばから、まとめて とどきます。"),
    pause: (
        "お｜休《やす》みに しました",
        "まっていた ことばも、とどきません。｜同《おな》じ ページで もどせます。",
    ),
    resume: ("お｜休《やす》みが おわりました", "あしたから、また とどきます。"),
    one: ("とめました", "ほかの ことばは、そのまま とどきます。"),
    erased: (
        "けしました",
        "｜記録《きろく》は ありません。もう、なにも とどきません。",
    ),
    moved: (
        "うつりました",
        "この ｜番号《ばんごう》は、もう ｜使《つか》いました。つづきは、えらんだ ｜受《う》け｜取《と》り｜方《かた》で ｜読《よ》めます。メールの リンクか、LINEの メニューを おしてください。｜自分《じぶん》の ページで ｜読《よ》む ｜人《ひと》は、うつった ときの ページを ひらいてください。",
    ),
};

static EN: Words = Words {
    date: ("Corrected", "The next words follow the date as it is now."),
    child: ("Added", "From the next message on, the words come together."),
    pause: (
        "Paused",
        "What was waiting will not come either. You can go on from the same page.",
    ),
    resume: ("The pause has ended", "The words come again from tomorrow."),
    one: ("Ended", "All other words go on."),
    erased: ("Erased", "Your records are gone. Nothing more will come."),
    moved: (
        "You have moved",
        "This code has been used. You go on reading in the way you chose when you moved: by the link at the end of each mail, by the LINE menu, or on the page that you opened then.",
    ),
};
