//! `plan`, `why`, `position`, `timeline`: looking without changing anything.

use std::collections::BTreeSet;

use kizuna_domain::age::LeapBirthday;
use kizuna_domain::day::Day;
use kizuna_domain::people::SkipReason;
use kizuna_domain::position::{Anchor, Customs, stage_label, standing};
use kizuna_engine::explain::{self, Family, JourneyDay};
use kizuna_engine::programme::{self, Loaded};

use super::{Failure, Outcome, Session, day_of, find_tenant, print, print_json};
use crate::args::{OneDay, Position, Timeline, Why};
use crate::demo;

/// Rows of a plan that are printed for people; `--json` has them all.
const ROWS_SHOWN: usize = 40;

/// Who gets what on a day.
pub(crate) fn plan(session: &Session, args: &OneDay) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = find_tenant(&env, args.tenant.as_deref())?;
    let day = day_of(&env, &tenant, args.day)?;
    let preview = explain::preview(&env, &tenant, day)?;
    if session.json {
        print_json(&preview);
        return Ok(Outcome::Done);
    }
    session.say(
        &format!(
            "{}（{}）　{}　{} 通",
            tenant.name,
            tenant.code,
            day.japanese(),
            preview.letters
        ),
        &format!(
            "{} ({})  {day}  {} letter(s)",
            tenant.name, tenant.code, preview.letters
        ),
    );
    for track in &preview.missing_tracks {
        session.say(
            &format!("  シリーズ「{track}」の原稿が、まだ取りこまれていません。"),
            &format!("  The series '{track}' has no content yet."),
        );
    }
    for row in preview.planned.iter().take(ROWS_SHOWN) {
        print(&format!(
            "  {}  {:<10} {:<8} {}  {}  {}",
            row.subscription,
            row.slot,
            row.channel,
            row.leaves,
            row.stage,
            row.articles.join(" ")
        ));
    }
    if preview.planned.len() > ROWS_SHOWN {
        let more = preview.planned.len() - ROWS_SHOWN;
        session.say(
            &format!("  ほか {more} 件（--json ですべて出ます）"),
            &format!("  and {more} more (--json has all)"),
        );
    }
    for (code, count) in &preview.skipped {
        let reason = SkipReason::from_code(code);
        let (ja, en) = (
            reason.map_or("その他", SkipReason::ja),
            reason.map_or("other", SkipReason::en),
        );
        session.say(
            &format!("  送らない {count:>6} 件：{ja}"),
            &format!("  skipped {count:>6}: {en}"),
        );
    }
    Ok(Outcome::Done)
}

/// Why a family gets, got or did not get something.
pub(crate) fn why(session: &Session, args: &Why) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = find_tenant(&env, args.tenant.as_deref())?;
    let day = day_of(&env, &tenant, args.day)?;
    let why = explain::why(&env, &tenant, &args.subscription, day)?;
    if session.json {
        print_json(&why);
        return Ok(Outcome::Done);
    }
    session.say(
        &format!(
            "{}　{}　{}\n  計算：{}\n  送る時刻：{} から",
            why.subscription,
            day.japanese(),
            why.stage,
            why.arithmetic,
            why.leaves
        ),
        &format!(
            "{}  {day}  {}\n  arithmetic: {}\n  leaves from {}",
            why.subscription, why.stage, why.arithmetic, why.leaves
        ),
    );
    for row in &why.due {
        let state = why.deliveries.iter().find(|delivery| delivery.slot == row.key);
        let state = match (state, why.sent_on.get(&row.key)) {
            (Some(delivery), _) => delivery.state.clone(),
            (None, Some(on)) => session.tongue.pick(format!("{on} に済み"), format!("done on {on}")),
            (None, None) => session.tongue.pick("これから".to_owned(), "to come".to_owned()),
        };
        session.say(
            &format!("  この日の枠：{}（{}）→ {state}", row.slot, row.articles.join("、")),
            &format!("  due: {} ({}) -> {state}", row.slot, row.articles.join(", ")),
        );
    }
    for delivery in &why.deliveries {
        let detail = delivery.detail.as_deref().unwrap_or_default();
        session.say(
            &format!("  台帳：{}　{}　{detail}", delivery.slot, delivery.state),
            &format!("  ledger: {}  {}  {detail}", delivery.slot, delivery.state),
        );
    }
    for asked in &why.requests {
        let words = format!("{} {} {} {}", asked.at, asked.name, asked.status, asked.reference);
        session.say(&format!("  要求：{words}"), &format!("  request: {words}"));
    }
    for code in &why.skipped {
        let reason = SkipReason::from_code(code);
        session.say(
            &format!("  送らないわけ：{}", reason.map_or("その他", SkipReason::ja)),
            &format!("  not sent because: {}", reason.map_or("other", SkipReason::en)),
        );
    }
    if let Some(next) = why.next_on {
        session.say(
            &format!("  つぎは {} です。", next.japanese()),
            &format!("  Next: {next}"),
        );
    }
    Ok(Outcome::Done)
}

/// Where a family stands on a day.
pub(crate) fn position(session: &Session, args: &Position) -> Result<Outcome, Failure> {
    let leap_birthday = if args.leap_march1 {
        LeapBirthday::March1
    } else {
        LeapBirthday::February28
    };
    let customs = Customs {
        leap_birthday,
        ..Customs::default()
    };
    let on = match args.on {
        Some(on) => on,
        None => today_in_japan()?,
    };
    let anchor = Anchor::from_dates(args.due, args.birth)
        .ok_or_else(|| Failure::new("--due か --birth を書いてください。", "give --due or --birth"))?;
    let standing = standing(&anchor, on, &customs);
    if session.json {
        print_json(&standing);
        return Ok(Outcome::Done);
    }
    let nothing = standing.gestational_week.is_none() && standing.age_days.is_none();
    let label = if nothing {
        session.tongue.pick("配信の期間の外", "outside the series").to_owned()
    } else {
        stage_label(&anchor, on, &customs)
    };
    session.say(&format!("{}　{label}", on.japanese()), &format!("{on}  {label}"));
    let rows = [
        (standing.age_days, "生まれてからの日数", "days since birth"),
        (standing.age_years.map(i32::from), "満年齢（お誕生日で数える）", "years"),
        (standing.age_months.map(i32::from), "満月齢", "months"),
        (standing.corrected_age_days, "修正日齢", "corrected days"),
    ];
    for (value, ja, en) in rows {
        if let Some(value) = value {
            session.say(&format!("  {ja}：{value}"), &format!("  {en}: {value}"));
        }
    }
    if let Some(entry) = standing.school_entry_on {
        session.say(&format!("  小学校入学：{entry}"), &format!("  school entry: {entry}"));
    }
    Ok(Outcome::Done)
}

/// Today in Japan, for commands that need no installation.
pub(crate) fn today_in_japan() -> Result<Day, Failure> {
    let zone = jiff::tz::TimeZone::get("Asia/Tokyo")
        .map_err(|error| Failure::new("時刻帯の情報がありません。", error.to_string()))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a command without an installation has no clock of its own"
    )]
    let now = jiff::Timestamp::now();
    Ok(Day::of(now, &zone))
}

/// The days of all children of a family, in order; what several get on one day stands once, as in their message.
fn journey(loaded: &Loaded, args: &Timeline) -> Vec<JourneyDay> {
    let births: Vec<Option<Day>> = if args.birth.is_empty() {
        vec![None]
    } else {
        args.birth.iter().copied().map(Some).collect()
    };
    let mut days: Vec<JourneyDay> = Vec::new();
    let mut seen = BTreeSet::new();
    for birth in births {
        let family = Family {
            due: args.due,
            birth,
            registered: args.registered,
            area: args.area.clone(),
            language: "ja".to_owned(),
        };
        let of_child = explain::timeline(&loaded.programme, &loaded.library, &family);
        days.extend(
            of_child
                .into_iter()
                .filter(|day| seen.insert((day.on, day.track.clone(), day.article.clone()))),
        );
    }
    days.sort_by_key(|day| day.on);
    days
}

/// The whole journey of one family; with the sample content where nothing is set up yet.
pub(crate) fn timeline(session: &Session, args: &Timeline) -> Result<Outcome, Failure> {
    let loaded = if args.tenant.is_none() && !session.config.exists() {
        demo::sample_programme()?
    } else {
        let (_, env) = session.open()?;
        let tenant = find_tenant(&env, args.tenant.as_deref())?;
        env.db.read(|tx| programme::load(tx, &tenant))?
    };
    let days = journey(&loaded, args);
    if session.json {
        print_json(&serde_json::json!({ "days": days }));
        return Ok(Outcome::Done);
    }
    for day in &days {
        print(&format!(
            "{}  {}  [{}] {}",
            day.on.japanese(),
            day.stage,
            day.slot,
            day.article
        ));
        for line in day.text.lines() {
            print(&format!("    {line}"));
        }
    }
    session.say(
        &format!("ぜんぶで {} 件です。", days.len()),
        &format!("{} in all.", days.len()),
    );
    Ok(Outcome::Done)
}
