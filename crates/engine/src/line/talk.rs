//! What follows from an event: a function of values that touches nothing.
//!
//! Words are recognised only where they stand alone. Whoever writes anything else gets the same kind answer, whatever
//! it says: this product reads no sorrow and guesses at none.

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::line::webhook::{Event, What};
use kizuna_domain::place::PlaceCode;
use kizuna_domain::text::fold;
use kizuna_store::line::Friendship;

/// How far the clock of LINE may be ahead of ours before an event is taken for one of now.
const SKEW: SignedDuration = SignedDuration::from_mins(1);
/// A stop that is older than a registration by no more than this ends it too: in doubt it stops.
const STOP_MARGIN: SignedDuration = SignedDuration::from_mins(2);

/// Words that stop everything, folded.
const STOP_WORDS: [&str; 9] = [
    "停止",
    "ていし",
    "中止",
    "止めて",
    "とめて",
    "stop",
    "解除",
    "配信停止",
    "止める",
];
/// Words that ask for a registration link, folded.
const REGISTER_WORDS: [&str; 2] = ["登録", "とうろく"];
/// Marks that people put behind a word.
const ENDINGS: [char; 8] = ['。', '!', '?', '.', '、', '~', '〜', 'ー'];

/// Who speaks, as the register knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Not registered.
    Unknown,
    /// Registered once; nothing comes any more. Why it ended is not asked: whoever stopped and whoever came to the last
    /// day hear the same.
    Former,
    /// Everything that they follow is paused.
    Resting,
    /// Receives, or would but for a block.
    Reader,
}

/// Who answers what people do in the talk: `replies` in the account's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replies {
    /// We do.
    #[default]
    Ours,
    /// Another tool on the same account does; stop words and our own buttons remain ours.
    Theirs,
}

impl Replies {
    /// What an account's setting says; ours unless it says `theirs`.
    pub fn of(setting: Option<&str>) -> Replies {
        match setting {
            Some("theirs") => Replies::Theirs,
            Some(_) | None => Replies::Ours,
        }
    }
}

/// What is known before an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Who speaks.
    pub who: Who,
    /// What is known of the friendship.
    pub friendship: Option<Friendship>,
    /// True where the reader's LINE address stands as blocked.
    pub is_blocked: bool,
    /// Who answers.
    pub replies: Replies,
    /// When the event came in.
    pub arrived_at: Timestamp,
}

/// What is to be said in reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// To somebody new: what this is, and one button to register.
    Greeting,
    /// To a reader who lifted a block: it goes on tomorrow.
    WelcomeBack,
    /// To somebody for whom nothing comes any more: nothing comes, and how to begin again, without inviting to it.
    Quiet,
    /// To somebody who paused: nothing comes, and where to end the pause or everything.
    Resting,
    /// 止めました.
    Stopped,
    /// A link to register, with the place whose poster gave the word.
    Register(Option<PlaceCode>),
    /// Today's words.
    Today,
    /// The words of the last days.
    Past,
    /// Consultation desks.
    Desks,
    /// The page of support, without a word about what happened.
    Support,
    /// The page うまれました.
    Birth,
    /// The page that corrects a date.
    Date,
    /// The page to correct dates, pause or stop.
    Settings,
    /// How somebody else of the family registers.
    Invite,
    /// A pause has ended.
    Restarted,
    /// Nobody answers here; where to turn instead.
    Listening,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write down the newest state of the friendship.
    SetFriend(Friendship),
    /// Silence the reader everywhere.
    Block,
    /// Let the reader go on from tomorrow.
    Unblock,
    /// End what the reader had asked for by this instant.
    Stop(Timestamp),
    /// End the reader's pauses.
    Restart,
    /// Erase what is kept of a message.
    Erase(String),
    /// Say something, if it can still be said for nothing.
    Reply(Answer),
}

/// What somebody means who writes only this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Stop,
    Register(Option<PlaceCode>),
    Anything,
}

fn meaning(text: &str) -> Meaning {
    let folded = fold(text);
    let word: String = folded.trim_end_matches(ENDINGS).split_whitespace().collect();
    let word = word.trim_matches(['「', '」', '"', '\'']);
    if STOP_WORDS.contains(&word) {
        Meaning::Stop
    } else {
        // 登録, alone or with the code of a place behind it.
        let code = REGISTER_WORDS.iter().find_map(|asked| word.strip_prefix(asked));
        match (code, code.and_then(|code| code.parse().ok())) {
            (Some(""), _) => Meaning::Register(None),
            (Some(_), Some(place)) => Meaning::Register(Some(place)),
            (Some(_), None) | (None, _) => Meaning::Anything,
        }
    }
}

/// What follows from an event.
pub fn decide(event: &Event, state: &State) -> Vec<Effect> {
    // Groups and rooms have no user here: nothing personal is said or done where others read.
    if event.user.is_none() {
        return Vec::new();
    }
    let latest = state.arrived_at.saturating_add(SKEW).unwrap_or(Timestamp::MAX);
    let at = Timestamp::from_millisecond(event.at).map_or(latest, |at| at.min(latest));
    let mut effects = match &event.what {
        What::Follow => follow(at, state),
        What::Unfollow => unfollow(at, state),
        What::Text(text) => match (meaning(text), state.replies) {
            (Meaning::Stop, _) => stop(at),
            (Meaning::Register(place), Replies::Ours) => vec![Effect::Reply(Answer::Register(place))],
            (Meaning::Anything, Replies::Ours) => vec![Effect::Reply(Answer::Listening)],
            (Meaning::Register(_) | Meaning::Anything, Replies::Theirs) => vec![],
        },
        What::Other => match state.replies {
            Replies::Ours => vec![Effect::Reply(Answer::Listening)],
            Replies::Theirs => vec![],
        },
        What::Postback(data) => data
            .strip_prefix("kizuna:")
            .map_or_else(Vec::new, |name| button(name, at, state.who)),
        What::Unsend { message } => vec![Effect::Erase(message.clone())],
        What::AccountLink | What::Unknown => vec![],
    };
    if !event.may_speak || event.reply_token.is_none() {
        effects.retain(|effect| !matches!(effect, Effect::Reply(_)));
    }
    effects
}

fn stop(at: Timestamp) -> Vec<Effect> {
    let said_at = at.saturating_add(STOP_MARGIN).unwrap_or(Timestamp::MAX);
    vec![Effect::Stop(said_at), Effect::Reply(Answer::Stopped)]
}

fn button(name: &str, at: Timestamp, who: Who) -> Vec<Effect> {
    let answer = match (name, who) {
        ("stop", _) => return stop(at),
        ("desks", _) => Answer::Desks,
        ("support", _) => Answer::Support,
        // Their own wish, in so many words.
        ("register", _) => Answer::Register(None),
        // Perhaps after a loss: no button of an old menu leads to words, to a birth or to a registration.
        ("restart" | "today" | "past" | "birth" | "due-date" | "settings" | "invite", Who::Former)
        | ("restart", Who::Unknown) => Answer::Quiet,
        ("restart", Who::Resting | Who::Reader) => return vec![Effect::Restart, Effect::Reply(Answer::Restarted)],
        ("today", Who::Resting) => Answer::Resting,
        ("today", Who::Unknown | Who::Reader) => Answer::Today,
        ("past", Who::Unknown | Who::Resting | Who::Reader) => Answer::Past,
        ("birth", Who::Unknown | Who::Resting | Who::Reader) => Answer::Birth,
        ("due-date", Who::Unknown | Who::Resting | Who::Reader) => Answer::Date,
        ("settings", Who::Unknown | Who::Resting | Who::Reader) => Answer::Settings,
        ("invite", Who::Unknown | Who::Resting | Who::Reader) => Answer::Invite,
        _ => return vec![],
    };
    vec![Effect::Reply(answer)]
}

fn follow(at: Timestamp, state: &State) -> Vec<Effect> {
    let new = Friendship {
        is_friend: true,
        since_at: at,
    };
    if state.friendship.is_some_and(|known| known.since_at >= at) {
        return vec![];
    }
    let mut effects = vec![Effect::SetFriend(new)];
    if state.is_blocked {
        effects.push(Effect::Unblock);
    }
    if state.replies == Replies::Ours {
        effects.push(Effect::Reply(match state.who {
            Who::Unknown => Answer::Greeting,
            Who::Former => Answer::Quiet,
            Who::Resting => Answer::Resting,
            Who::Reader => Answer::WelcomeBack,
        }));
    }
    effects
}

fn unfollow(at: Timestamp, state: &State) -> Vec<Effect> {
    let new = Friendship {
        is_friend: false,
        since_at: at,
    };
    let is_newer = |known: Friendship| known.since_at < at || (known.since_at == at && known.is_friend);
    if !state.friendship.is_none_or(is_newer) {
        return vec![];
    }
    let mut effects = vec![Effect::SetFriend(new)];
    if state.who != Who::Unknown && !state.is_blocked {
        effects.push(Effect::Block);
    }
    effects
}
