//! Who gets what on a day, and why the others do not: a function of values.
//!
//! The planner keeps no cursor. It looks at the dates, at the frozen editions and at what the ledger already
//! holds, and says what is due. Running it twice, late, or on two machines changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::content::{Item, Owner};
use crate::day::Day;
use crate::ids::TenantId;
use crate::people::{Follower, Reach, SkipReason, SubscriptionState};
use crate::position::{self, Anchor, AnchorDate, AnchorRange, Clock, GESTATION_LAST, Position};
use crate::tenant::{Adoption, JoinPolicy, Settings};

/// Items of ここまでのまとめ; more would be the flood it replaces.
pub const DIGEST_ITEMS_MAX: usize = 5;
/// Days after registration within which the bundle for late joiners may still leave.
pub const DIGEST_WITHIN_DAYS: i32 = 3;
/// How far back a tenant with [`JoinPolicy::Latest`] looks for the latest slot, in days.
pub const LATEST_WITHIN_DAYS: i32 = 14;

/// *What* is due, as a coordinate. With the subscription it is the key of the ledger.
///
/// It names neither the day nor the address: a corrected due date repeats nothing, a new address gets no
/// second copy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A position of a track.
    Stage {
        /// Code of the track.
        track: String,
        /// Where on the axis.
        position: Position,
        /// Which clock brought it.
        clock: Clock,
    },
    /// A dated notice.
    Dated {
        /// Code of the track.
        track: String,
        /// Day of the notice.
        on: Day,
        /// Id of the article.
        article: String,
    },
    /// ここまでのまとめ of a track.
    Digest {
        /// Code of the track.
        track: String,
        /// Day on which a pause or a block ended; `None` for the one after registration.
        resumed_on: Option<Day>,
    },
    /// The one neutral question after a due date that passed.
    CheckIn,
}

impl Slot {
    /// The place on the axis as people write it: `12w3d`, `d30`, `2026-12-05`, `digest`, `digest/2026-12-05`, `check-in`.
    pub fn place(&self) -> String {
        match self {
            Slot::Stage {
                position,
                clock: Clock::Calendar,
                ..
            } => position.to_string(),
            Slot::Stage {
                position,
                clock: Clock::Corrected,
                ..
            } => format!("{position}~"),
            Slot::Dated { on, .. } => on.to_string(),
            Slot::Digest { resumed_on: None, .. } => "digest".to_owned(),
            Slot::Digest {
                resumed_on: Some(on), ..
            } => format!("digest/{on}"),
            Slot::CheckIn => "check-in".to_owned(),
        }
    }

    /// The track it belongs to; empty for the system's own question.
    pub fn track(&self) -> &str {
        match self {
            Slot::Stage { track, .. } | Slot::Dated { track, .. } | Slot::Digest { track, .. } => track,
            Slot::CheckIn => "",
        }
    }
}

/// The stored form: `track/12w3d`, `track/2026-12-05/article`, `check-in`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Dated { track, on, article } => write!(f, "{track}/{on}/{article}"),
            Slot::CheckIn => f.write_str("check-in"),
            Slot::Stage { track, .. } | Slot::Digest { track, .. } => write!(f, "{track}/{}", self.place()),
        }
    }
}

/// One series of a tenant, ready for planning.
#[derive(Clone, Debug)]
pub struct Series {
    /// The tenant's choices.
    pub adoption: Adoption,
    /// Desk series come first in a message.
    pub owner: Owner,
    /// BCP 47 language of the words.
    pub language: String,
    /// Heading above this part of a message.
    pub sender_label: String,
    /// Number of the edition that is read.
    pub edition: u32,
    items: Vec<Item>,
    shelf: HashMap<(Clock, Position), Vec<usize>>,
    dated: BTreeMap<Day, Vec<usize>>,
}

impl Series {
    /// Arranges the items of an edition by position and date, keeping only slots the tenant sends.
    pub fn new(
        adoption: Adoption,
        owner: Owner,
        language: String,
        sender_label: String,
        edition: u32,
        items: Vec<Item>,
    ) -> Series {
        let mut shelf: HashMap<(Clock, Position), Vec<usize>> = HashMap::new();
        let mut dated: BTreeMap<Day, Vec<usize>> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            for slot in item.placement.slots.iter().filter(|slot| adoption.slots.has(**slot)) {
                shelf.entry((clock_of(item, *slot), *slot)).or_default().push(index);
            }
            for on in &item.placement.on {
                dated.entry(*on).or_default().push(index);
            }
        }
        let order = |index: &usize| items.get(*index).map(|i| (i.placement.order, i.article.clone()));
        shelf
            .values_mut()
            .chain(dated.values_mut())
            .for_each(|places| places.sort_by_key(order));
        Series {
            adoption,
            owner,
            language,
            sender_label,
            edition,
            items,
            shelf,
            dated,
        }
    }

    /// The items of the edition.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The slots that have an article and are sent, in message order.
    pub fn slots(&self) -> BTreeSet<Position> {
        self.shelf.keys().map(|(_, position)| *position).collect()
    }

    fn at(&self, clock: Clock, position: Position) -> &[usize] {
        self.shelf.get(&(clock, position)).map_or(&[], Vec::as_slice)
    }
}

/// Pregnancy, school and last-day positions have one clock only.
fn clock_of(item: &Item, slot: Position) -> Clock {
    match slot {
        Position::AgeDay(_) | Position::AgeMonth(_) | Position::CountedDay(_) => item.placement.clock,
        Position::GestationalDay(_) | Position::CheckIn | Position::SchoolDate { .. } | Position::LastDay => {
            Clock::Calendar
        }
    }
}

/// Everything a tenant sends, as the planner needs it.
#[derive(Clone, Debug)]
pub struct Programme {
    /// The tenant.
    pub tenant: TenantId,
    /// Its settings.
    pub settings: Settings,
    /// Its series, desk first.
    pub series: Vec<Series>,
    /// The last day that was given up after a backup was restored; nothing is due up to it.
    pub fenced_through: Option<Day>,
}

impl Programme {
    /// True where a reader of a language gets this series: one in that language, or in the first language of an owner
    /// who has nothing in it.
    ///
    /// Whoever reads English gets the desk's English series, and the town's Japanese one rather than nothing of the town.
    pub fn speaks(&self, series: &Series, language: &str) -> bool {
        let is = |one: &Series, other: &str| one.language.eq_ignore_ascii_case(other);
        let mut owners = self.series.iter().filter(|one| one.owner == series.owner);
        let first = owners.clone().next();
        if owners.any(|one| is(one, language)) {
            is(series, language)
        } else {
            first.is_some_and(|first| is(series, &first.language))
        }
    }

    /// The language of a message to a reader who chose one: that of the first series they get.
    pub fn language_for(&self, language: &str) -> &str {
        let first = self.series.iter().find(|series| self.speaks(series, language));
        first.map_or("ja", |series| series.language.as_str())
    }

    /// True for days that were given up after a backup was restored.
    fn gave_up(&self, on: Day) -> bool {
        self.fenced_through.is_some_and(|fence| on <= fence)
    }

    fn allows(&self, item: &Item, on: Day, area: Option<&str>) -> Result<(), SkipReason> {
        if !item.approved && !self.settings.kind.allows_samples() {
            return Err(SkipReason::Unapproved);
        }
        if !item.placement.is_valid(on) {
            return Err(SkipReason::NotValid);
        }
        let areas = &item.placement.areas;
        if !areas.is_empty() && !area.is_some_and(|area| areas.iter().any(|a| a == area)) {
            return Err(SkipReason::OtherArea);
        }
        Ok(())
    }
}

/// The index lookups that find everybody who may have something due: cost follows what is due.
///
/// `behind` are earlier days whose run was not finished. Ranges on one date are joined where they touch, so
/// that a daily series is one walk along the index.
///
/// Not among them are those who registered or came back in the last [`DIGEST_WITHIN_DAYS`] days, whom
/// ここまでのまとめ is for: they are found by that day.
pub fn lookups(programme: &Programme, day: Day, behind: &[Day]) -> Vec<AnchorRange> {
    let customs = &programme.settings.customs;
    let mut ranges = Vec::new();
    for series in &programme.series {
        for (clock, position) in series.shelf.keys() {
            ranges.extend(position.due_anchors(day, *clock, series.adoption.end, customs));
            for earlier in behind {
                ranges.extend(position.due_anchors(*earlier, *clock, series.adoption.end, customs));
            }
        }
        for on in std::iter::once(&day).chain(behind) {
            for item in series
                .dated
                .get(on)
                .into_iter()
                .flatten()
                .filter_map(|index| series.items.get(*index))
            {
                ranges.extend(band_of(item, *on));
            }
        }
    }
    if sends_pregnancy(programme) {
        for on in std::iter::once(&day).chain(behind) {
            ranges.extend(Position::CheckIn.due_anchors(
                *on,
                Clock::Calendar,
                position::EndRule::OnBirthday(3),
                customs,
            ));
        }
    }
    join_touching(ranges)
}

fn sends_pregnancy(programme: &Programme) -> bool {
    programme
        .series
        .iter()
        .any(|series| series.shelf.keys().any(|(_, position)| position.is_pregnancy()))
}

/// The families a dated notice may be for: everybody whose anchor lies in a range wide enough for its band.
fn band_of(item: &Item, on: Day) -> Vec<AnchorRange> {
    let pregnant = AnchorRange {
        by: AnchorDate::Due,
        from: on + position::DUE_AT_AFTER_LAST,
        until: on + position::DUE_BEFORE_FIRST,
    };
    let born = AnchorRange {
        by: AnchorDate::Birth,
        from: on - i32::from(position::AGE_DAYS_MAX),
        until: on,
    };
    let starts_born = item.placement.from_slot.is_some_and(|slot| !slot.is_pregnancy());
    let ends_pregnant = item.placement.until_slot.is_some_and(Position::is_pregnancy);
    match (starts_born, ends_pregnant) {
        (true, true) => vec![],
        (true, false) => vec![born],
        (false, true) => vec![pregnant],
        (false, false) => vec![pregnant, born],
    }
}

fn join_touching(mut ranges: Vec<AnchorRange>) -> Vec<AnchorRange> {
    ranges.sort_unstable();
    let mut joined: Vec<AnchorRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.by == range.by && range.from <= last.until + 1 => {
                last.until = last.until.max(range.until);
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// One slot that is due for one subscription, before the ledger is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Due {
    /// The ledger key's second half.
    pub slot: Slot,
    /// Which series; meaningless for the system's question.
    pub series: usize,
    /// Which items of that series' edition, in order.
    pub items: Vec<usize>,
    /// The day the slot stands on; earlier than today where a missed run is made up.
    pub falls_on: Day,
    /// True where some item is unapproved and the message is marked as a sample.
    pub sample: bool,
}

impl Due {
    /// Every slot of the ledger that this message fills: its own, and for ここまでのまとめ those of its articles too,
    /// so that a due date corrected later does not bring them again.
    pub fn fills(&self, programme: &Programme) -> Vec<Slot> {
        let mut slots = vec![self.slot.clone()];
        if let Slot::Digest { .. } = self.slot {
            slots.extend(self.items.iter().flat_map(|index| self.stages(programme, *index)));
        }
        slots
    }

    /// What remains of it beside a ledger: `None` where its own slot is taken or every article of ここまでのまとめ came.
    pub fn beside(&self, programme: &Programme, is_taken: &mut dyn FnMut(&Slot) -> bool) -> Option<Due> {
        if is_taken(&self.slot) {
            return None;
        }
        let mut left = self.clone();
        if let Slot::Digest { .. } = self.slot {
            left.items
                .retain(|index| !self.stages(programme, *index).iter().any(&mut *is_taken));
            left.items.truncate(DIGEST_ITEMS_MAX);
        }
        (!left.items.is_empty() || self.items.is_empty()).then_some(left)
    }

    /// The places of one of its articles as slots of the ledger.
    fn stages(&self, programme: &Programme, index: usize) -> Vec<Slot> {
        let series = programme.series.get(self.series);
        let Some((series, item)) = series.and_then(|series| Some((series, series.items.get(index)?))) else {
            return Vec::new();
        };
        let stage = |position: &Position| Slot::Stage {
            track: series.adoption.track.clone(),
            position: *position,
            clock: clock_of(item, *position),
        };
        item.placement.slots.iter().map(stage).collect()
    }
}

/// What is due for one subscription on one day, and why the rest is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Due slots, in message order.
    pub due: Vec<Due>,
    /// Reasons, none twice.
    pub skipped: Vec<SkipReason>,
}

/// Judges one subscription on one day. The ledger is asked afterwards, by key.
///
/// ```
/// use kizuna_domain::run::plan::Slot;
/// let slot = Slot::Stage { track: "starter".into(), position: "12w3d".parse().unwrap(), clock: Default::default() };
/// assert_eq!(slot.to_string(), "starter/12w3d");
/// ```
pub fn judge(programme: &Programme, day: Day, behind: &[Day], follower: &Follower) -> Judgement {
    let mut judgement = Judgement::default();
    if let Some(reason) = refusal(programme, day, follower) {
        judgement.skipped.push(reason);
        return judgement;
    }
    // A day that was given up after a restore, or that came before registration, is not made up.
    let made_up = || {
        behind
            .iter()
            .filter(|on| **on >= follower.from_on() && !programme.gave_up(**on))
    };
    let spoken = programme.series.iter().enumerate();
    for (index, series) in spoken.filter(|(_, series)| programme.speaks(series, &follower.language)) {
        for on in std::iter::once(&day).chain(made_up()) {
            stage_slots(programme, index, series, *on, day, follower, &mut judgement);
            dated_slots(programme, index, series, *on, day, follower, &mut judgement);
        }
        join_slots(programme, index, series, day, follower, &mut judgement);
    }
    if let Some(on) = std::iter::once(&day)
        .chain(made_up())
        .find(|on| asks(programme, **on, follower))
    {
        judgement.due.push(Due {
            slot: Slot::CheckIn,
            series: 0,
            items: vec![],
            falls_on: *on,
            sample: false,
        });
    }
    if judgement.due.is_empty() && judgement.skipped.is_empty() {
        judgement.skipped.push(why_nothing(programme, day, follower));
    }
    judgement.skipped.sort_unstable();
    judgement.skipped.dedup();
    judgement
}

/// Reasons that hold whatever the content says; asked first.
fn refusal(programme: &Programme, day: Day, follower: &Follower) -> Option<SkipReason> {
    match follower.state {
        SubscriptionState::Ended => return Some(SkipReason::Stopped),
        SubscriptionState::Paused => return Some(SkipReason::Paused),
        SubscriptionState::Active => {}
    }
    if let Reach::Silent(reason) = follower.reach {
        return Some(reason);
    }
    if follower.registered_on > day {
        return Some(SkipReason::NotRegistered);
    }
    if follower.from_on() > day {
        return Some(SkipReason::Resumed);
    }
    programme.gave_up(day).then_some(SkipReason::Fenced)
}

fn take(
    programme: &Programme,
    series: &Series,
    places: &[usize],
    day: Day,
    late_days: i32,
    follower: &Follower,
    judgement: &mut Judgement,
) -> (Vec<usize>, bool) {
    let mut taken = Vec::new();
    let mut sample = false;
    for index in places {
        let Some(item) = series.items.get(*index) else { continue };
        if late_days > i32::from(item.placement.useful_days) || !item.placement.is_for(&follower.anchor) {
            continue;
        }
        match programme.allows(item, day, follower.area.as_deref()) {
            Ok(()) => {
                taken.push(*index);
                sample |= !item.approved;
            }
            Err(reason) => judgement.skipped.push(reason),
        }
    }
    (taken, sample)
}

fn stage_slots(
    programme: &Programme,
    index: usize,
    series: &Series,
    on: Day,
    day: Day,
    follower: &Follower,
    judgement: &mut Judgement,
) {
    for clock in [Clock::Calendar, Clock::Corrected] {
        let found = position::positions_on(
            &follower.anchor,
            on,
            clock,
            series.adoption.end,
            &programme.settings.customs,
        );
        for position in found {
            let (items, sample) = take(
                programme,
                series,
                series.at(clock, position),
                day,
                day - on,
                follower,
                judgement,
            );
            if !items.is_empty() {
                let slot = Slot::Stage {
                    track: series.adoption.track.clone(),
                    position,
                    clock,
                };
                judgement.due.push(Due {
                    slot,
                    series: index,
                    items,
                    falls_on: on,
                    sample,
                });
            }
        }
    }
}

fn dated_slots(
    programme: &Programme,
    index: usize,
    series: &Series,
    on: Day,
    day: Day,
    follower: &Follower,
    judgement: &mut Judgement,
) {
    let Some(places) = series.dated.get(&on) else { return };
    for place in places {
        let Some(item) = series.items.get(*place) else { continue };
        if !in_band(programme, series, item, on, &follower.anchor) {
            continue;
        }
        let (items, sample) = take(programme, series, &[*place], day, day - on, follower, judgement);
        if !items.is_empty() {
            let slot = Slot::Dated {
                track: series.adoption.track.clone(),
                on,
                article: item.article.clone(),
            };
            judgement.due.push(Due {
                slot,
                series: index,
                items,
                falls_on: on,
                sample,
            });
        }
    }
}

/// True where the series reaches this family on this day: 4w0d to 41w6d, or birth to the last day.
fn runs(programme: &Programme, series: &Series, on: Day, anchor: &Anchor) -> bool {
    match anchor {
        Anchor::Due(due) => position::gestational_day(*due, on).is_some(),
        Anchor::Birth { on: birth, .. } => {
            let last = series.adoption.end.last_day(*birth, &programme.settings.customs);
            *birth <= on && last.is_some_and(|last| on <= last)
        }
    }
}

/// True where the family stands, on this day, between the first and the last stage a notice is for.
fn in_band(programme: &Programme, series: &Series, item: &Item, on: Day, anchor: &Anchor) -> bool {
    let (end, customs) = (series.adoption.end, &programme.settings.customs);
    let born = anchor.birth().is_some();
    let begun = item
        .placement
        .from_slot
        .is_none_or(|slot| match (slot.is_pregnancy(), born) {
            (true, true) => true,
            (false, false) => false,
            _ => slot
                .comes_on(anchor, Clock::Calendar, end, *customs)
                .is_some_and(|from| from <= on),
        });
    let not_over = item
        .placement
        .until_slot
        .is_none_or(|slot| match (slot.is_pregnancy(), born) {
            (true, true) => false,
            (false, false) => true,
            _ => slot
                .lasts_until(anchor, Clock::Calendar, end, customs)
                .is_some_and(|until| on <= until),
        });
    runs(programme, series, on, anchor) && begun && not_over
}

/// ここまでのまとめ, or the latest slot, for a family that registered, ended a pause or lifted a block in these days.
fn join_slots(
    programme: &Programme,
    index: usize,
    series: &Series,
    day: Day,
    follower: &Follower,
    judgement: &mut Judgement,
) {
    let registered_on = follower.registered_on;
    let resumed_on = follower.resumed_on.filter(|on| *on >= registered_on);
    let joined_on = resumed_on.unwrap_or(registered_on);
    let too_late = day - joined_on > DIGEST_WITHIN_DAYS || programme.gave_up(joined_on);
    if too_late || !runs(programme, series, day, &follower.anchor) {
        return;
    }
    let track = series.adoption.track.clone();
    match series.adoption.join {
        JoinPolicy::FromToday => {}
        JoinPolicy::Digest => {
            let items = digest_items(programme, series, day, follower, resumed_on);
            let sample = items
                .iter()
                .filter_map(|i| series.items.get(*i))
                .any(|item| !item.approved);
            if !items.is_empty() {
                let slot = Slot::Digest { track, resumed_on };
                judgement.due.push(Due {
                    slot,
                    series: index,
                    items,
                    falls_on: joined_on,
                    sample,
                });
            }
        }
        // The latest slot is for the first day; after a pause or a block the series simply goes on.
        JoinPolicy::Latest if resumed_on.is_some() => {}
        JoinPolicy::Latest => {
            // Whoever has had a slot since registering has no need of an earlier one.
            let since = (0..=day - registered_on).map(|ahead| registered_on + ahead);
            if since
                .flat_map(|on| placed_on(programme, series, on, follower))
                .next()
                .is_some()
            {
                return;
            }
            if let Some((items, falls_on, sample)) = latest_items(programme, series, day, follower, judgement) {
                judgement.due.push(Due {
                    slot: Slot::Digest { track, resumed_on },
                    series: index,
                    items,
                    falls_on,
                    sample,
                });
            }
        }
    }
}

/// What came before registration, or by the day a pause or a block ended, must be known and is still of use.
///
/// What expires first comes first. After a pause or a block the ledger leaves out what had come before it ([`Due::beside`]), so
/// that nothing is cut here: what a reader has not had may stand behind it.
fn digest_items(
    programme: &Programme,
    series: &Series,
    day: Day,
    follower: &Follower,
    resumed_on: Option<Day>,
) -> Vec<usize> {
    let (end, customs) = (series.adoption.end, &programme.settings.customs);
    let mut useful: Vec<(Day, usize)> = Vec::new();
    for (index, item) in series
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.placement.must_know && item.placement.is_for(&follower.anchor))
    {
        if programme.allows(item, day, follower.area.as_deref()).is_err() {
            continue;
        }
        let came = item.placement.slots.iter().any(|slot| {
            series.adoption.slots.has(*slot)
                && falls_before(
                    *slot,
                    &follower.anchor,
                    clock_of(item, *slot),
                    end,
                    programme,
                    resumed_on.map_or(follower.registered_on, |on| on + 1),
                )
        });
        let until = item.placement.useful_until_slot.and_then(|slot| match follower.anchor {
            // The stage lies beyond a birth that nobody has reported: of use as long as the pregnancy is followed.
            Anchor::Due(due) if !slot.is_pregnancy() => Some(due - position::DUE_AT_AFTER_LAST),
            Anchor::Due(_) | Anchor::Birth { .. } => {
                slot.lasts_until(&follower.anchor, clock_of(item, slot), end, customs)
            }
        });
        if let Some(until) = until.filter(|until| came && day <= *until) {
            useful.push((until, index));
        }
    }
    useful.sort_unstable();
    let most = resumed_on.map_or(DIGEST_ITEMS_MAX, |_| usize::MAX);
    useful.into_iter().take(most).map(|(_, index)| index).collect()
}

/// True where a slot came before `before` for this family; all of pregnancy lies before a birth.
fn falls_before(
    slot: Position,
    anchor: &Anchor,
    clock: Clock,
    end: position::EndRule,
    programme: &Programme,
    before: Day,
) -> bool {
    match slot.falls_on(anchor, clock, end, &programme.settings.customs) {
        Some(day) => day < before,
        None => slot.is_pregnancy() && anchor.birth().is_some(),
    }
}

/// The positions of one day, on both clocks, that the series has articles for.
fn placed_on<'a>(
    programme: &Programme,
    series: &'a Series,
    on: Day,
    follower: &Follower,
) -> impl Iterator<Item = &'a [usize]> + use<'a> {
    let (end, customs) = (series.adoption.end, programme.settings.customs);
    let anchor = follower.anchor;
    [Clock::Calendar, Clock::Corrected].into_iter().flat_map(move |clock| {
        let found = position::positions_on(&anchor, on, clock, end, &customs);
        found
            .into_iter()
            .map(move |position| series.at(clock, position))
            .filter(|places| !places.is_empty())
    })
}

fn latest_items(
    programme: &Programme,
    series: &Series,
    day: Day,
    follower: &Follower,
    judgement: &mut Judgement,
) -> Option<(Vec<usize>, Day, bool)> {
    (1..=LATEST_WITHIN_DAYS)
        .map(|back| follower.registered_on - back)
        .find_map(|on| {
            placed_on(programme, series, on, follower).find_map(|places| {
                let (items, sample) = take(programme, series, places, day, 0, follower, judgement);
                (!items.is_empty()).then_some((items, on, sample))
            })
        })
}

/// True on the day of the one question after a due date that passed; it never congratulates, a birth is never assumed.
fn asks(programme: &Programme, on: Day, follower: &Follower) -> bool {
    match follower.anchor {
        Anchor::Due(due) => on - due == position::CHECK_IN_AT - crate::age::DUE_AT && sends_pregnancy(programme),
        Anchor::Birth { .. } => false,
    }
}

/// The reason for silence where dates alone explain it.
fn why_nothing(programme: &Programme, day: Day, follower: &Follower) -> SkipReason {
    let customs = &programme.settings.customs;
    match follower.anchor {
        Anchor::Due(due) => {
            let gestation = crate::age::DUE_AT - (due - day);
            if gestation > i32::from(GESTATION_LAST) {
                SkipReason::AwaitingBirth
            } else if gestation < i32::from(position::GESTATION_FIRST) {
                SkipReason::NotYet
            } else {
                SkipReason::NothingToday
            }
        }
        Anchor::Birth { on: birth, .. } => {
            let last = programme
                .series
                .iter()
                .filter_map(|s| s.adoption.end.last_day(birth, customs))
                .max();
            if last.is_some_and(|last| last < day) {
                SkipReason::Finished
            } else {
                SkipReason::NothingToday
            }
        }
    }
}

/// The next day on or after `from` with something due for this family, looking at most `days_max` days ahead.
pub fn next_due(programme: &Programme, from: Day, days_max: u16, follower: &Follower) -> Option<Day> {
    (0..i32::from(days_max)).map(|ahead| from + ahead).find(|day| {
        // Whoever registered before `from` gets the series from its own day on.
        !judge(programme, *day, &[], follower).due.is_empty()
    })
}
