//! The words of readers' pages in both languages: short, without questions, without reproach.

use crate::language::Language;

/// The words of one language.
pub(crate) struct Words {
    pub(crate) lang: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) stop_title: &'static str,
    pub(crate) stop_lead: &'static str,
    pub(crate) stop_more: &'static str,
    pub(crate) stop_button: &'static str,
    pub(crate) grief_title: &'static str,
    pub(crate) grief_text: &'static str,
    pub(crate) stopped_title: &'static str,
    pub(crate) stopped_text: &'static str,
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
    stop_title: "配信を止めます",
    stop_lead: "理由は聞きません。おしたら、すぐに止まります。",
    stop_more: "お祝いのことばやアンケートも、もう届きません。",
    stop_button: "すぐに止める",
    grief_title: "悲しいことがあったとき",
    grief_text: "話しても、話さなくても、だいじょうぶです。話したくなったら、あなたのペースでお聞きします。",
    stopped_title: "止めました",
    stopped_text: "これまで読んでくださって、ありがとうございました。",
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
    stop_title: "End the messages",
    stop_lead: "We do not ask why. They end the moment you press the button.",
    stop_more: "No congratulations and no surveys will follow.",
    stop_button: "End them now",
    grief_title: "If something sad has happened",
    grief_text: "You may talk about it or not; both are fine. Whenever you want to talk, we listen at your pace.",
    stopped_title: "The messages have ended",
    stopped_text: "Thank you for reading them until today.",
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
