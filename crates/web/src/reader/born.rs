//! After うまれました: the only page that congratulates, and the choice of the date that an early child's words follow.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::position::Anchor;
use kizuna_engine::run;

use super::own::{Page, Ways, address, children};
use super::{Desks, Frame, dates};
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/born.html")]
struct BornPage {
    frame: Frame,
    words: &'static Words,
    stage: String,
    early: Option<Early>,
    twin: String,
    ways: Ways,
    desks: Desks,
}

/// The choice of a child born before 37 weeks.
struct Early {
    action: String,
    subscription: SubscriptionId,
    version: i64,
    due: String,
}

/// Says that the birth is written down; for anybody who has not told of one, leads to the page that asks.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Path((_, _, id)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let words = language.pick(&JA, &EASY, &EN);
    blocking(&site, move |site| {
        let today = run::today(&site.env, &own.tenant)?;
        let all = children(site, &own)?;
        let child = all.iter().find(|child| child.follower.subscription.to_string() == id);
        let born = child.and_then(|child| match child.follower.anchor {
            Anchor::Birth { due, .. } => Some((child, due)),
            Anchor::Due(_) => None,
        });
        let Some((child, due)) = born else {
            return Ok(Redirect::to(&address(&own, Page::Birth.path(), language)).into_response());
        };
        let anchor = child.follower.anchor;
        let subscription = child.follower.subscription;
        let twin = format!(
            "/{}/my/{}/child/{subscription}{}",
            own.tenant.code,
            own.token,
            language.query()
        );
        let shown = BornPage {
            frame: Frame::new(&own.tenant, language),
            words,
            stage: dates::stage(&anchor, today, own.tenant.settings.customs, language),
            early: due.filter(|_| anchor.is_preterm()).map(|due| Early {
                action: address(&own, Page::Date.path(), language),
                subscription,
                version: child.version,
                due: dates::day(due, language),
            }),
            twin,
            ways: Ways::new(&own, language, &[Page::Date, Page::Pause]),
            desks: Desks::of(site, &own.tenant, language)?,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

struct Words {
    page: &'static str,
    title: &'static str,
    today_is: &'static str,
    today_is_after: &'static str,
    text: &'static str,
    early_title: &'static str,
    early_text: &'static str,
    early_due: &'static str,
    early_yes: &'static str,
    early_no: &'static str,
    early_more: &'static str,
    twin: &'static str,
}

static JA: Words = Words {
    page: "日付が入りました",
    title: "おめでとうございます",
    today_is: "きょうは",
    today_is_after: "です",
    text: "つぎのことばから、子育てのことばをお届けします。",
    early_title: "どちらの日にあわせて届けますか",
    early_text: "生まれた日を大切に、予定日にあわせてお届けできます（修正月齢）。発達や離乳食の話が、予定日から数えた時期に届きます。予防接種や手続きの話は、誕生日から数えます。",
    early_due: "予定日",
    early_yes: "予定日にあわせて届ける",
    early_no: "誕生日にあわせて届ける",
    early_more: "えらばないときは、予定日にあわせて届けます。あとから「予定日や誕生日を直す」で変えられます。",
    twin: "ふたご・みつごのとき：もう一人ふやす",
};

static EASY: Words = Words {
    page: "｜日《ひ》が ｜入《はい》りました",
    title: "おめでとうございます",
    today_is: "きょうは",
    today_is_after: "です",
    text: "つぎから、｜子育《こそだ》ての ことばが とどきます。",
    early_title: "どちらの ｜日《ひ》に あわせますか",
    early_text: "｜早《はや》く うまれた こどもには、｜予定日《よていび》に あわせて とどけることが できます。そだちや ごはんの ｜話《はなし》を、｜予定日《よていび》から かぞえます。｜予防接種《よぼうせっしゅ》の ｜話《はなし》は、｜誕生日《たんじょうび》から かぞえます。",
    early_due: "｜予定日《よていび》",
    early_yes: "｜予定日《よていび》に あわせる",
    early_no: "｜誕生日《たんじょうび》に あわせる",
    early_more: "えらばないときは、｜予定日《よていび》に あわせます。あとで「｜日《ひ》を なおす」で かえられます。",
    twin: "ふたごの とき：もう ひとり ふやす",
};

static EN: Words = Words {
    page: "The date is kept",
    title: "Congratulations",
    today_is: "Today:",
    today_is_after: "",
    text: "From the next message on, the words are about raising a child.",
    early_title: "Which day should the words follow?",
    early_text: "Your child keeps the birthday, and the words can follow the due date (corrected age). What we write about growth and weaning is then counted from the due date; vaccinations and formalities are counted from the birthday.",
    early_due: "Due date",
    early_yes: "Follow the due date",
    early_no: "Follow the birthday",
    early_more: "If you choose nothing, they follow the due date. You can change it later under “Correct a date”.",
    twin: "Twins or more: add another child",
};
