//! The words of readers' pages in both languages: short, without questions, without reproach.

use crate::language::Language;

/// The words of one language.
pub(crate) struct Words {
    pub(crate) lang: &'static str,
    pub(crate) skip: &'static str,
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
    desks_title: "話したいとき、困ったとき",
    gone_title: "このリンクでは止められませんでした",
    gone_text: "リンクが途中で切れているようです。何も変わっていません。",
    gone_how_title: "止めるには",
    gone_how_mail: "届いたことばのいちばん下にある「止めるページ」を、もう一度ひらいてください。",
    gone_how_desk: "電話でも止められます。「配信を止めたい」とだけ、伝えてください。理由は聞きません。",
    gone_how_plain: "うまくいかないときは、お住まいの市区町村の子育ての窓口に「配信を止めたい」とだけ、伝えてください。",
};

static ENGLISH: Words = Words {
    lang: "en",
    skip: "Skip to content",
    desks_title: "If you want to talk or need help",
    gone_title: "This link could not end the messages",
    gone_text: "It seems to be cut off. Nothing has changed.",
    gone_how_title: "How to end them",
    gone_how_mail: "Please open the link at the very end of a message once more.",
    gone_how_desk: "You can also call. Just say that you want the messages to end; nobody will ask why.",
    gone_how_plain: "If that does not work, tell the family desk of your city or town that you want the messages to end.",
};

impl Words {
    /// The words of a language.
    pub(crate) fn of(language: Language) -> &'static Words {
        match language {
            Language::Ja | Language::Easy => &JAPANESE,
            Language::En => &ENGLISH,
        }
    }
}
