//! Rich menus: the tappable picture under a talk in LINE, as data and rules. How it looks is drawn elsewhere.
//!
//! A [`MenuDocument`] is what a tenant stores and edits; [`MenuDocument::check`] makes the [`Menu`] that may be drawn
//! and published. Every menu leads to the desks, and one for readers who receive messages leads to a way to stop.

mod colour;
mod line;
mod problem;
mod ready;
mod template;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

pub use colour::{CONTRAST_MIN, Colour, KEY_COLOURS, NotAColour};
pub use line::{Destinations, LineAction, LineArea, LineMenu};
pub use problem::MenuProblem;
pub use template::{Area, DESIGN_WIDTH, LETTER_MIN, Size, Template};

use crate::people::codes;
use crate::position::Anchor;
use crate::text::{invisible, tel};

/// Areas one menu may have (LINE, `areas`).
pub const AREAS_MAX: usize = 20;
/// Grapheme clusters of the bar below the talk (LINE, `chatBarText`).
pub const BAR_GRAPHEMES_MAX: usize = 14;
/// Characters of a menu's name (LINE, `name`).
pub const NAME_CHARS_MAX: usize = 300;
/// Characters of an address (LINE, `uri`).
pub const URI_CHARS_MAX: usize = 1_000;
/// Characters of what a press sends to our webhook (LINE, `data`).
pub const POSTBACK_CHARS_MAX: usize = 300;
/// Bytes of a picture: LINE's 1 MB, read as the smaller of its two meanings.
pub const PICTURE_BYTES_MAX: usize = 1_000_000;
/// Grapheme clusters of a label: LINE reads it aloud as the action's label, which holds 20.
pub const LABEL_GRAPHEMES_MAX: usize = 20;
/// Lines of a label: a third is not read at a glance.
pub const LABEL_LINES_MAX: usize = 2;

/// Beginnings that only a birth would justify.
const CONGRATULATIONS: &[&str] = &["おめでと", "祝"];

codes! {
    /// For whom a menu is: where the readers stand who see it.
    MenuStage {
        /// まだ登録していない人. What everybody sees who added the account.
        Start = "start",
        /// 妊娠中. Nothing assumes a birth.
        Pregnancy = "pregnancy",
        /// 子育て中.
        Child = "child",
        /// 止めたあと.
        Stopped = "stopped",
    }
}

impl MenuStage {
    /// The stage in plain Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            MenuStage::Start => "登録する前",
            MenuStage::Pregnancy => "妊娠中",
            MenuStage::Child => "子育て中",
            MenuStage::Stopped => "止めたあと",
        }
    }

    /// True where the readers of the menu receive messages, so that it must show a way to stop.
    pub fn receives(self) -> bool {
        match self {
            MenuStage::Pregnancy | MenuStage::Child => true,
            MenuStage::Start | MenuStage::Stopped => false,
        }
    }

    /// Where a reader stands who receives for children with these dates. Who waits for one child and raises another sees
    /// the menu of pregnancy; no day turns a pregnancy into a birth.
    ///
    /// ```
    /// use kizuna_domain::day::Day;
    /// use kizuna_domain::menu::MenuStage;
    /// use kizuna_domain::position::Anchor;
    /// let day = Day::new(2026, 12, 24).unwrap();
    /// let (due, birth) = (Anchor::Due(day), Anchor::from_dates(None, Some(day)).unwrap());
    /// assert_eq!(MenuStage::of(&[birth, due]), MenuStage::Pregnancy);
    /// assert_eq!(MenuStage::of(&[birth]), MenuStage::Child);
    /// assert_eq!(MenuStage::of(&[]), MenuStage::Stopped);
    /// ```
    pub fn of(anchors: &[Anchor]) -> MenuStage {
        if anchors.is_empty() {
            MenuStage::Stopped
        } else if anchors.iter().any(|anchor| anchor.birth().is_none()) {
            MenuStage::Pregnancy
        } else {
            MenuStage::Child
        }
    }
}

codes! {
    /// What a reader asks of us with one press.
    Intent {
        /// 登録する.
        Register = "register",
        /// 今日のことば.
        Today = "today",
        /// これまで.
        Past = "past",
        /// 相談先.
        Desks = "desks",
        /// うまれました.
        Birth = "birth",
        /// 予定日を直す.
        DueDate = "due-date",
        /// 設定.
        Settings = "settings",
        /// 家族をさそう.
        Invite = "invite",
        /// 止める.
        Stop = "stop",
        /// また受け取る.
        Restart = "restart",
    }
}

impl Intent {
    /// What every postback of ours begins with; others belong to the account's other uses.
    const PREFIX: &'static str = "kizuna:";

    /// The data that LINE posts to our webhook.
    ///
    /// ```
    /// use kizuna_domain::menu::Intent;
    /// assert_eq!(Intent::Today.postback(), "kizuna:today");
    /// assert_eq!(Intent::of_postback("kizuna:today"), Some(Intent::Today));
    /// assert_eq!(Intent::of_postback("shop:today"), None);
    /// ```
    pub fn postback(self) -> String {
        format!("{}{}", Intent::PREFIX, self.code())
    }

    /// What a postback asks, if it is one of ours.
    pub fn of_postback(data: &str) -> Option<Intent> {
        Intent::from_code(data.strip_prefix(Intent::PREFIX)?)
    }

    /// The usual words on the button.
    pub fn label(self) -> &'static str {
        match self {
            Intent::Register => "登録する",
            Intent::Today => "今日のことば",
            Intent::Past => "これまで",
            Intent::Desks => "相談先",
            Intent::Birth => "うまれました",
            Intent::DueDate => "予定日を直す",
            Intent::Settings => "設定",
            Intent::Invite => "家族をさそう",
            Intent::Stop => "止める",
            Intent::Restart => "また受け取る",
        }
    }

    /// The usual drawing on the button.
    pub fn icon(self) -> Icon {
        match self {
            Intent::Register | Intent::Today => Icon::Sprout,
            Intent::Past => Icon::Book,
            Intent::Desks => Icon::Talk,
            Intent::Birth => Icon::Sun,
            Intent::DueDate => Icon::Calendar,
            Intent::Settings => Icon::Gear,
            Intent::Invite => Icon::People,
            Intent::Stop => Icon::Rest,
            Intent::Restart => Icon::Letter,
        }
    }

    /// True where the press makes sense for the readers of that stage.
    pub fn suits(self, stage: MenuStage) -> bool {
        match self {
            Intent::Desks => true,
            Intent::Register => stage == MenuStage::Start,
            Intent::Past | Intent::Settings => stage != MenuStage::Start,
            Intent::Birth | Intent::DueDate => stage == MenuStage::Pregnancy,
            Intent::Today | Intent::Invite | Intent::Stop => stage.receives(),
            Intent::Restart => stage == MenuStage::Stopped,
        }
    }
}

codes! {
    /// The drawings to choose from. None shows a baby: a menu is also seen on the worst day.
    Icon {
        /// 双葉.
        Sprout = "sprout",
        /// 本.
        Book = "book",
        /// ふきだしとハート.
        Talk = "talk",
        /// 受話器.
        Phone = "phone",
        /// ひだまり.
        Sun = "sun",
        /// カレンダー.
        Calendar = "calendar",
        /// 歯車.
        Gear = "gear",
        /// ハート.
        Heart = "heart",
        /// しずかな丸.
        Rest = "rest",
        /// 人.
        People = "people",
        /// 手紙.
        Letter = "letter",
        /// 家.
        House = "house",
        /// ページをひらく.
        Page = "page",
    }
}

impl Icon {
    /// The drawing in plain Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            Icon::Sprout => "双葉",
            Icon::Book => "本",
            Icon::Talk => "ふきだしとハート",
            Icon::Phone => "受話器",
            Icon::Sun => "ひだまり",
            Icon::Calendar => "カレンダー",
            Icon::Gear => "歯車",
            Icon::Heart => "ハート",
            Icon::Rest => "しずかな丸",
            Icon::People => "人",
            Icon::Letter => "手紙",
            Icon::House => "家",
            Icon::Page => "ページをひらく",
        }
    }
}

/// What a press does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MenuAction {
    /// Asks us for something.
    Ask(Intent),
    /// Opens a page of the tenant: an `https:` address.
    Link(String),
    /// Dials a number as people write it: `000-000-0001`, `#8000`.
    Call(String),
}

/// One button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// Its words, at most two lines apart by `\n`.
    pub label: String,
    /// Its drawing.
    pub icon: Icon,
    /// What it does.
    pub action: MenuAction,
}

impl From<Intent> for Button {
    fn from(intent: Intent) -> Button {
        Button {
            label: intent.label().to_owned(),
            icon: intent.icon(),
            action: MenuAction::Ask(intent),
        }
    }
}

impl Button {
    /// The words in one line, as LINE reads them aloud.
    pub fn spoken(&self) -> String {
        self.label.replace('\n', "")
    }
}

/// A menu as a tenant stores and edits it, whether or not it may be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MenuDocument {
    /// For whom it is.
    pub stage: MenuStage,
    /// Words of the bar that opens and closes it.
    pub bar: String,
    /// The colour of its drawings and of the button that stands out.
    #[serde(default)]
    pub colour: Colour,
    /// Size and arrangement.
    pub template: Template,
    /// The buttons, row by row from the left.
    pub buttons: Vec<Button>,
}

/// A menu that may be drawn and published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu(MenuDocument);

impl Menu {
    /// The menu as a document, to store or to edit.
    pub fn document(&self) -> &MenuDocument {
        &self.0
    }

    /// Where its buttons lie on a picture of that size: row by row, without a gap, and no two overlap.
    pub fn areas(&self, size: Size) -> Vec<Area> {
        self.0.template.areas(size)
    }

    /// The button that stands out: registering, today's words, and for readers who stopped the desks. Never a birth.
    pub fn leads(&self, button: &Button) -> bool {
        let lead = match self.0.stage {
            MenuStage::Start => Intent::Register,
            MenuStage::Pregnancy | MenuStage::Child => Intent::Today,
            MenuStage::Stopped => Intent::Desks,
        };
        button.action == MenuAction::Ask(lead)
    }
}

impl MenuDocument {
    /// The menu that may be published, or everything that keeps this one from it.
    pub fn check(self) -> Result<Menu, Vec<MenuProblem>> {
        let mut problems = self.template.problems();
        let arranged = problems.is_empty();
        self.check_bar(&mut problems);
        self.check_colour(&mut problems);
        if arranged {
            self.check_buttons(&mut problems);
        }
        self.check_ways_out(&mut problems);
        if problems.is_empty() {
            Ok(Menu(self))
        } else {
            Err(problems)
        }
    }

    fn check_bar(&self, problems: &mut Vec<MenuProblem>) {
        let length = self.bar.graphemes(true).count();
        if self.bar.trim().is_empty() || length > BAR_GRAPHEMES_MAX {
            problems.push(MenuProblem::Bar { length });
        }
        if self.bar.contains(['\n', '\t']) || invisible(&self.bar).is_some() {
            problems.push(MenuProblem::Invisible { text: self.bar.clone() });
        }
    }

    fn check_colour(&self, problems: &mut Vec<MenuProblem>) {
        if self.colour.contrast(Colour::WHITE) < CONTRAST_MIN {
            problems.push(MenuProblem::Pale {
                colour: self.colour,
                darker: self.colour.darkened(),
            });
        }
    }

    fn check_buttons(&self, problems: &mut Vec<MenuProblem>) {
        let columns = self.template.columns();
        if columns.len() != self.buttons.len() {
            problems.push(MenuProblem::Buttons {
                buttons: self.buttons.len(),
                places: columns.len(),
            });
        }
        for (button, columns) in self.buttons.iter().zip(columns) {
            check_label(button, Template::letters(columns), problems);
            self.check_action(button, problems);
        }
    }

    fn check_action(&self, button: &Button, problems: &mut Vec<MenuProblem>) {
        let label = button.spoken();
        if self.stage != MenuStage::Child && CONGRATULATIONS.iter().any(|word| label.contains(word)) {
            problems.push(MenuProblem::Congratulates { label: label.clone() });
        }
        match &button.action {
            MenuAction::Ask(intent) if !intent.suits(self.stage) => problems.push(MenuProblem::OtherStage {
                label,
                stage: self.stage,
            }),
            MenuAction::Ask(_) => {}
            MenuAction::Link(url) => problems.extend(uri_problem(url)),
            MenuAction::Call(phone) => {
                if tel(phone).is_none_or(|uri| uri.len() > URI_CHARS_MAX) {
                    problems.push(MenuProblem::Phone { label });
                }
            }
        }
    }

    fn check_ways_out(&self, problems: &mut Vec<MenuProblem>) {
        let asks = |intent| {
            self.buttons
                .iter()
                .any(|button| button.action == MenuAction::Ask(intent))
        };
        if !asks(Intent::Desks) {
            problems.push(MenuProblem::NoDesks);
        }
        if self.stage.receives() && !asks(Intent::Stop) && !asks(Intent::Settings) {
            problems.push(MenuProblem::NoStop);
        }
        if self.stage == MenuStage::Start && !asks(Intent::Register) {
            problems.push(MenuProblem::NoRegister);
        }
    }
}

fn check_label(button: &Button, letters: usize, problems: &mut Vec<MenuProblem>) {
    let label = button.spoken();
    if button.label.contains('\t') || invisible(&button.label).is_some() {
        problems.push(MenuProblem::Invisible { text: label.clone() });
    }
    let lines: Vec<&str> = button.label.split('\n').collect();
    if lines.iter().any(|line| line.trim().is_empty()) {
        problems.push(MenuProblem::EmptyLine { label: label.clone() });
    }
    if lines.len() > LABEL_LINES_MAX {
        problems.push(MenuProblem::Lines { label: label.clone() });
    }
    // A line that is too long is broken by the drawing, as long as both halves fit.
    let room = match lines.len() {
        1 => letters * LABEL_LINES_MAX,
        _ => letters,
    };
    let longest = lines.iter().map(|line| full_width(line)).max();
    if longest > Some(room) || label.graphemes(true).count() > LABEL_GRAPHEMES_MAX {
        problems.push(MenuProblem::Long { label, letters });
    }
}

/// Length of a line in full-width letters, of which each holds two letters of ASCII.
fn full_width(line: &str) -> usize {
    let halves = line
        .graphemes(true)
        .map(|grapheme| if grapheme.is_ascii() { 1 } else { 2 });
    halves.sum::<usize>().div_ceil(2)
}

/// Why an address cannot be pressed, if it cannot: LINE takes ASCII, and we take no scheme that is readable on the way.
fn uri_problem(uri: &str) -> Option<MenuProblem> {
    let host = uri.strip_prefix("https://").unwrap_or_default();
    let usable = !host.is_empty() && !host.starts_with(['/', '?', '#']) && uri.chars().all(|c| c.is_ascii_graphic());
    if !usable {
        return Some(MenuProblem::Scheme { uri: uri.to_owned() });
    }
    (uri.len() > URI_CHARS_MAX).then_some(MenuProblem::UriLong { length: uri.len() })
}
