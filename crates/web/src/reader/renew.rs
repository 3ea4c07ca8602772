//! リンクを新しくする: for whoever fears that somebody else holds a message of theirs. Nobody is told.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_engine::actions::life;
use kizuna_engine::links::{self, Holder};
use serde::Deserialize;

use super::own;
use super::{Closed, Desks, Frame, closed, reading};
use crate::error::{PageError, page};
use crate::form::Done;
use crate::guard::{Own, Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/renew.html")]
struct RenewPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    /// Names this form, so that two presses make the links anew once.
    key: String,
    is_done: bool,
    /// The new reading link: a message that brings it may be far, or never come.
    new_link: String,
    /// True where no message brings it.
    reads_here_only: bool,
    /// Where messages go, which whoever held an earlier link may have changed.
    delivery: String,
    desks: Desks,
}

/// Says what it does; after it was done, how the new links come.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        own::must_go_on(site, &own, language)?;
        let (env, tenant) = (&site.env, &own.tenant);
        let reads_here_only = reading::reads_here_only(site, tenant, own.reader)?;
        let holder = env.db.read(|tx| Holder::of(tx, tenant.scope(), own.reader))?;
        let token = links::words_token(&env.keys, tenant.id, holder);
        Ok(RenewPage {
            frame: Frame::new(tenant, language),
            words: language.pick(&JA, &EASY, &EN),
            action: own::address(&own, "links", language),
            key: env.ids.next().to_string(),
            is_done: done.said(&[(RENEWED, ())]).is_some(),
            new_link: format!("/{}/words/{token}{}", tenant.code, language.query()),
            reads_here_only,
            delivery: own::address(&own, "delivery", language),
            desks: Desks::of(site, tenant, language)?,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// The word behind `?done=`.
const RENEWED: &str = "renewed";

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    key: String,
}

/// Makes them anew, and goes on with the new one; so does the second of two presses, whose link is an earlier one.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let renewed = match entry.key.parse() {
            Ok(form) => life::renew_links(&site.env, &tenant, &token, form)?,
            Err(_) => None,
        };
        let Some(holder) = renewed else {
            return closed(site, &tenant, language, Closed::Gone);
        };
        let own = own::for_today(site, &tenant, holder.reader)?;
        Ok(own::done(&own, "links", language, RENEWED))
    })
    .await
}

struct Words {
    title: &'static str,
    lead: &'static str,
    what: [&'static str; 4],
    button: &'static str,
    done: &'static str,
    next: &'static str,
    here: &'static str,
    open: &'static str,
    check: &'static str,
    check_link: &'static str,
}

static JA: Words = Words {
    title: "リンクを新しくする",
    lead: "届いたことばを、見せたくない人に見られるかもしれないときに使います。",
    what: [
        "これまでに届いたリンクでは、あなたのページも、ことばも、ひらけなくなります。",
        "家族への招待と、ひっこしの番号も、使えなくなります。",
        "配信を止めるリンクだけは、そのまま使えます。",
        "だれにも知らされません。",
    ],
    button: "リンクを新しくする",
    done: "リンクを新しくしました。",
    next: "つぎに届くことばから、新しいリンクになります。",
    here: "これからは、新しいページで読めます。ひらいて、しおりに入れてください。",
    open: "新しいページをひらく",
    check: "知らない届け先がないか、確かめてください。",
    check_link: "受け取り方を見る",
};

static EASY: Words = Words {
    title: "リンクを ｜新《あたら》しく する",
    lead: "｜見《み》せたくない ｜人《ひと》が あなたの ことばを ｜見《み》る かもしれない とき、｜使《つか》って ください。",
    what: [
        "｜前《まえ》の リンクでは、あなたの ページも ことばも ひらけなく なります。",
        "｜家族《かぞく》に わたした リンクと、ひっこしの ｜番号《ばんごう》も ｜使《つか》えなく なります。",
        "やめる リンクは、｜前《まえ》の ものも ｜使《つか》えます。",
        "だれにも ｜知《し》らせません。",
    ],
    button: "リンクを ｜新《あたら》しく する",
    done: "リンクを ｜新《あたら》しく しました。",
    next: "つぎに とどく ことばに、｜新《あたら》しい リンクが あります。",
    here: "これからは ｜新《あたら》しい ページで ｜読《よ》めます。ひらいて、ブックマークして ください。",
    open: "｜新《あたら》しい ページを ひらく",
    check: "｜知《し》らない ところに とどいて いないか、｜見《み》て ください。",
    check_link: "とどく ところを ｜見《み》る",
};

static EN: Words = Words {
    title: "Make your links anew",
    lead: "For when somebody you do not want to may see your messages.",
    what: [
        "Links that came so far will no longer open your pages or your words.",
        "Invitations and numbers for moving end, too.",
        "Only the links that stop the messages go on working.",
        "Nobody is told.",
    ],
    button: "Make my links anew",
    done: "Your links are new.",
    next: "Your next message brings the new links.",
    here: "From now on you read on a new page. Open it and bookmark it.",
    open: "Open the new page",
    check: "Check that messages go nowhere you do not know.",
    check_link: "See where they go",
};
