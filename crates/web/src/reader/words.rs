//! The words of readers' pages in every language: short, without questions, without reproach.

use crate::language::Language;

/// The words of one language.
pub(crate) struct Words {
    pub(crate) lang: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) languages: &'static str,
    pub(crate) about: &'static str,
    pub(crate) desks: &'static str,
    pub(crate) accessibility: &'static str,
    pub(crate) desks_title: &'static str,
    pub(crate) gone_title: &'static str,
    pub(crate) gone_text: &'static str,
    pub(crate) gone_how_title: &'static str,
    pub(crate) gone_how_mail: &'static str,
    pub(crate) gone_how_desk: &'static str,
    pub(crate) gone_how_plain: &'static str,
}

static JAPANESE: Words = Words {
    lang: "ja",
    skip: "本文へ進む",
    languages: "ページのことば",
    about: "このページについて",
    desks: "相談先",
    accessibility: "読みやすさへの取り組み",
    desks_title: "話したいとき、困ったとき",
    gone_title: "このリンクでは止められませんでした",
    gone_text: "リンクが途中で切れているようです。何も変わっていません。",
    gone_how_title: "止めるには",
    gone_how_mail: "届いたことばのいちばん下にある「止めるページ」を、もう一度ひらいてください。",
    gone_how_desk: "電話でも止められます。「配信を止めたい」とだけ、伝えてください。理由は聞きません。",
    gone_how_plain: "うまくいかないときは、お住まいの市区町村の子育ての窓口へ。「配信を止めたい」とだけ、伝えてください。",
};

static EASY: Words = Words {
    lang: "ja",
    skip: "｜本文《ほんぶん》へ ｜進《すす》む",
    languages: "ページのことば",
    about: "このページについて",
    desks: "｜相談《そうだん》できるところ",
    accessibility: "｜読《よ》みやすいページにするために",
    desks_title: "｜話《はな》したいとき、｜困《こま》ったとき",
    gone_title: "このリンクでは ｜止《と》めることができませんでした",
    gone_text: "リンクが ｜全部《ぜんぶ》｜入《はい》っていないかもしれません。｜何《なに》も ｜変《か》わっていません。",
    gone_how_title: "｜止《と》める ｜方法《ほうほう》",
    gone_how_mail: "メッセージのいちばん ｜下《した》を ｜見《み》てください。「｜止《と》めるページ」を、もう ｜一度《いちど》｜開《ひら》いてください。",
    gone_how_desk: "｜電話《でんわ》でも ｜止《と》めることができます。「メッセージを ｜止《と》めたい」と ｜言《い》ってください。｜理由《りゆう》は ｜聞《き》きません。",
    gone_how_plain: "うまくいかないときは、｜住《す》んでいる ｜町《まち》の ｜役所《やくしょ》に ｜電話《でんわ》してください。「メッセージを ｜止《と》めたい」と ｜言《い》ってください。",
};

static ENGLISH: Words = Words {
    lang: "en",
    skip: "Skip to content",
    languages: "Language of this page",
    about: "About this page",
    desks: "Where to turn",
    accessibility: "Accessibility",
    desks_title: "If you want to talk or need help",
    gone_title: "This link could not stop the messages",
    gone_text: "It seems to be cut off. Nothing has changed.",
    gone_how_title: "How to stop them",
    gone_how_mail: "Please open the link at the very end of a message once more.",
    gone_how_desk: "You can also call. Just say that you want the messages to stop; nobody will ask why.",
    gone_how_plain: "If that does not work, tell the family desk of your city or town that you want the messages to stop.",
};

impl Words {
    /// The words of a language.
    pub(crate) const fn of(language: Language) -> &'static Words {
        language.pick(&JAPANESE, &EASY, &ENGLISH)
    }
}
