//! The words of the pages on which readers register and change their own dates, in every language.

use kizuna_domain::position::EndRule;

use crate::language::Language;

/// The words of one language.
pub(crate) struct OwnWords {
    pub(crate) due_legend: &'static str,
    pub(crate) due_hint: &'static str,
    pub(crate) birth_legend: &'static str,
    pub(crate) birth_hint: &'static str,
    pub(crate) date_labels: [&'static str; 3],
    pub(crate) error_label: &'static str,
    pub(crate) no_due: &'static str,
    pub(crate) no_birth: &'static str,
    pub(crate) no_such_day: &'static str,
    pub(crate) due_too_far: &'static str,
    pub(crate) due_passed: &'static str,
    pub(crate) birth_ahead: &'static str,
    pub(crate) far_from_due: &'static str,
    pub(crate) ended: &'static str,
    pub(crate) gone_title: &'static str,
    pub(crate) gone_text: &'static str,
    pub(crate) used_title: &'static str,
    pub(crate) used_text: &'static str,
    pub(crate) new_link: &'static str,
    pub(crate) on_your_own: &'static str,
    pub(crate) on_your_own_button: &'static str,
}

static JAPANESE: OwnWords = OwnWords {
    due_legend: "出産予定日",
    due_hint: "母子健康手帳を見てください。あとから直せます。",
    birth_legend: "お子さんの誕生日",
    birth_hint: "あとから直せます。",
    date_labels: ["年", "月", "日"],
    error_label: "エラー：",
    no_due: "出産予定日をえらんでください。",
    no_birth: "お子さんの誕生日をえらんでください。",
    no_such_day: "{month}月は{last}日までです。日をえらびなおしてください。",
    due_too_far: "予定日が10か月より先です。年を確かめてください。",
    due_passed: "予定日から2週間がすぎています。日付を確かめてください。",
    birth_ahead: "誕生日が、きょうより先です。日付を確かめてください。",
    far_from_due: "登録の予定日と、大きくはなれています。日付を確かめてください。",
    ended: "このサービスは{until}までです。{town}の相談先は、このページの下にあります。",
    gone_title: "このリンクは使えなくなりました",
    gone_text: "期限がすぎたか、途中で切れているようです。何も変わっていません。",
    used_title: "このリンクは、もう使われています",
    used_text: "一つのリンクは、一度だけ使えます。",
    new_link: "新しいメールの下のリンクか、LINEのメニューから、もう一度ひらいてください。",
    on_your_own: "登録は、このリンクがなくても、自分ではじめられます。",
    on_your_own_button: "登録する",
};

static EASY: OwnWords = OwnWords {
    due_legend: "｜赤《あか》ちゃんが ｜生《う》まれる ｜予定《よてい》の ｜日《ひ》",
    due_hint: "｜母子健康手帳《ぼしけんこうてちょう》を ｜見《み》てください。あとで ｜変《か》えることができます。",
    birth_legend: "｜子《こ》どもの ｜誕生日《たんじょうび》",
    birth_hint: "あとで ｜変《か》えることができます。",
    date_labels: ["｜年《ねん》", "｜月《がつ》", "｜日《にち》"],
    error_label: "エラー：",
    no_due: "｜予定日《よていび》を ｜選《えら》んでください。",
    no_birth: "｜子《こ》どもの ｜誕生日《たんじょうび》を ｜選《えら》んでください。",
    no_such_day: "{month}｜月《がつ》は{last}｜日《にち》までです。もう ｜一度《いちど》｜日《ひ》を ｜選《えら》んでください。",
    due_too_far: "｜予定日《よていび》が10か｜月《げつ》より ｜先《さき》です。｜年《ねん》を ｜確《たし》かめてください。",
    due_passed: "｜予定日《よていび》から2｜週間《しゅうかん》がすぎています。｜日付《ひづけ》を ｜確《たし》かめてください。",
    birth_ahead: "｜誕生日《たんじょうび》が、｜今日《きょう》より ｜先《さき》です。｜日付《ひづけ》を ｜確《たし》かめてください。",
    far_from_due: "｜予定日《よていび》と、｜大《おお》きくちがいます。｜日付《ひづけ》を ｜確《たし》かめてください。",
    ended: "このサービスは{until}までです。{town}の ｜電話番号《でんわばんごう》は、このページの ｜下《した》にあります。",
    gone_title: "このリンクは、もう ｜使《つか》えません",
    gone_text: "｜使《つか》える ｜時間《じかん》がすぎたかもしれません。｜何《なに》も ｜変《か》わっていません。",
    used_title: "このリンクは、もう ｜使《つか》いました",
    used_text: "｜一《ひと》つのリンクは、｜一回《いっかい》だけ ｜使《つか》えます。",
    new_link: "｜新《あたら》しい メールの リンクか、LINEの メニューから ｜開《ひら》いてください。",
    on_your_own: "この リンクが なくても、｜自分《じぶん》で ｜登録《とうろく》できます。",
    on_your_own_button: "｜登録《とうろく》する",
};

static ENGLISH: OwnWords = OwnWords {
    due_legend: "Due date",
    due_hint: "See your Maternal and Child Health Handbook. You can correct it later.",
    birth_legend: "Your child's birthday",
    birth_hint: "You can correct it later.",
    date_labels: ["Year", "Month", "Day"],
    error_label: "Error: ",
    no_due: "Choose the due date.",
    no_birth: "Choose your child's birthday.",
    no_such_day: "Month {month} has only {last} days. Choose the day again.",
    due_too_far: "The due date is more than ten months away. Check the year.",
    due_passed: "The due date was more than two weeks ago. Check the date.",
    birth_ahead: "The birthday is in the future. Check the date.",
    far_from_due: "This is far from the due date you registered. Check the date.",
    ended: "This service runs until {until}. The desks of {town} are listed at the end of this page.",
    gone_title: "This link no longer works",
    gone_text: "It has expired or is cut off. Nothing has changed.",
    used_title: "This link has already been used",
    used_text: "A link works once.",
    new_link: "Please use the link at the end of your newest e-mail, or open it again from the LINE menu.",
    on_your_own: "You can also register by yourself, without this link.",
    on_your_own_button: "Register",
};

impl OwnWords {
    /// The words of a language.
    pub(crate) const fn of(language: Language) -> &'static OwnWords {
        language.pick(&JAPANESE, &EASY, &ENGLISH)
    }
}

/// Until when a series runs, in words.
pub(super) fn end_words(end: EndRule, language: Language) -> String {
    match language {
        Language::Ja => match end {
            EndRule::OnBirthday(years) => format!("{years}歳の誕生日"),
            EndRule::DayBeforeBirthday(years) => format!("{years}歳の誕生日の前の日"),
            EndRule::SchoolYearEnd(0) => "年長の3月".to_owned(),
            EndRule::SchoolYearEnd(grade @ 1..=6) => format!("小学{grade}年生の3月"),
            EndRule::SchoolYearEnd(grade @ 7..=9) => format!("中学{}年生の3月", grade - 6),
            EndRule::SchoolYearEnd(grade) => format!("高校{}年生の3月", grade.saturating_sub(9)),
            EndRule::LegalAge(years) => format!("{years}歳になる日"),
        },
        Language::Easy => match end {
            EndRule::OnBirthday(years) => format!("{years}｜歳《さい》の｜誕生日《たんじょうび》"),
            EndRule::DayBeforeBirthday(years) => {
                format!("{years}｜歳《さい》の｜誕生日《たんじょうび》の｜前《まえ》の｜日《ひ》")
            }
            EndRule::SchoolYearEnd(0) => {
                "｜小学校《しょうがっこう》に｜入《はい》る｜前《まえ》の3｜月《がつ》".to_owned()
            }
            EndRule::SchoolYearEnd(grade @ 1..=6) => {
                format!("｜小学《しょうがく》{grade}｜年生《ねんせい》の3｜月《がつ》")
            }
            EndRule::SchoolYearEnd(grade @ 7..=9) => {
                format!("｜中学《ちゅうがく》{}｜年生《ねんせい》の3｜月《がつ》", grade - 6)
            }
            EndRule::SchoolYearEnd(grade) => {
                format!(
                    "｜高校《こうこう》{}｜年生《ねんせい》の3｜月《がつ》",
                    grade.saturating_sub(9)
                )
            }
            EndRule::LegalAge(years) => format!("{years}｜歳《さい》になる｜日《ひ》"),
        },
        Language::En => match end {
            EndRule::OnBirthday(years) => format!("the child's {} birthday", ordinal(years)),
            EndRule::DayBeforeBirthday(years) => format!("the day before the child's {} birthday", ordinal(years)),
            EndRule::SchoolYearEnd(0) => "the March before primary school".to_owned(),
            EndRule::SchoolYearEnd(grade) => format!("March of grade {grade}"),
            EndRule::LegalAge(years) => format!("the day on which the child turns {years} by law"),
        },
    }
}

/// A number in its English order: 1st, 2nd, 3rd, 11th.
fn ordinal(number: u8) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
