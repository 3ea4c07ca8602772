//! Turns a [`Draft`] into plain text and into accessible HTML, with the same words in both.
//!
//! Pure: no settings, no clock, no network. Both forms are written from one list of pieces, so that neither
//! can say what the other does not. Nothing is fetched from elsewhere when a message is opened (no images, no
//! fonts, no styles from outside), because opening a message must tell nobody anything.

use kizuna_domain::content::picture::PictureName;
use kizuna_domain::message::{Block, DeskCard, Draft, Inline, Links, SAMPLE_MARK};
use kizuna_domain::text;

/// The subject line, with the mark in front of unapproved text.
pub fn subject(draft: &Draft) -> String {
    let mark = if draft.sample { SAMPLE_MARK } else { "" };
    format!("{mark}{}", draft.subject)
}

/// The message as plain text for one reader; lines end with `\n`.
pub fn text(draft: &Draft, links: &Links) -> String {
    text_form(draft, &Pages::of(links)).fill(links, str::to_owned)
}

/// The message as a complete HTML document for one reader.
pub fn html(draft: &Draft, links: &Links) -> String {
    html_form(draft, &Pages::of(links)).fill(links, escape)
}

/// Which pages the readers of a cohort have, and where pictures lie: what a form needs to know of their links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    words: bool,
    own: bool,
    stop: bool,
    /// Address below which pictures lie, as in [`Links`].
    media: String,
}

impl Pages {
    pub(crate) fn of(links: &Links) -> Pages {
        Pages {
            words: !links.words.is_empty(),
            own: !links.own.is_empty(),
            stop: !links.stop.is_empty(),
            media: links.media.clone(),
        }
    }

    /// True where a form for these pages is the form for a reader with those links.
    pub(crate) fn fit(&self, links: &Links) -> bool {
        self.words != links.words.is_empty()
            && self.own != links.own.is_empty()
            && self.stop != links.stop.is_empty()
            && self.media == links.media
    }
}

/// A place in a message where an address of one reader's goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The page with the reader's words.
    Words,
    /// The reader's own page.
    Own,
    /// The page on which to stop.
    Stop,
}

impl Gap {
    /// The address that fills it.
    pub(crate) fn link(self, links: &Links) -> &str {
        match self {
            Gap::Words => &links.words,
            Gap::Own => &links.own,
            Gap::Stop => &links.stop,
        }
    }
}

/// Text with gaps into which the addresses of a reader's pages go; the same for a whole cohort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// The text before each gap, with the gap.
    pub(crate) before: Vec<(String, Gap)>,
    /// The text behind the last gap; all of it where there is none.
    pub(crate) last: String,
}

impl Form {
    fn fill(&self, links: &Links, dress: fn(&str) -> String) -> String {
        let mut filled = String::new();
        for (text, gap) in &self.before {
            filled.push_str(text);
            filled.push_str(&dress(gap.link(links)));
        }
        filled + &self.last
    }
}

/// The plain text of a cohort whose readers have these pages.
pub(crate) fn text_form(draft: &Draft, pages: &Pages) -> Form {
    let words = Words::of(&draft.language);
    let mut text = TextWriter::new(words);
    for piece in pieces(draft, pages, words) {
        text.piece(&piece);
    }
    text.writer.now.push('\n');
    text.writer.finish()
}

/// The HTML of a cohort; gaps are filled with escaped addresses.
pub(crate) fn html_form(draft: &Draft, pages: &Pages) -> Form {
    let words = Words::of(&draft.language);
    let mut html = HtmlWriter {
        words,
        writer: Writer::default(),
    };
    html.open(draft);
    for piece in pieces(draft, pages, words) {
        html.piece(&piece);
    }
    html.writer.add("</div></body></html>\n");
    html.writer.finish()
}

/// The few words that are ours and not the desk's or the author's.
pub(crate) struct Words {
    /// Who sends, and which day it is; `{from}` and `{subject}` stand for them.
    lead: &'static str,
    /// What a locked screen shows after that, so that neither stage nor name stands there.
    quiet: &'static str,
    desks: &'static str,
    phone: &'static str,
    hours_open: &'static str,
    hours_close: &'static str,
    photo_open: &'static str,
    photo_close: &'static str,
    reading_link: &'static str,
    own_link: &'static str,
    stop: &'static str,
    stop_link: &'static str,
    /// How to stop in a talk on LINE, where a message has no link of one reader's.
    pub(crate) line_stop: &'static str,
    /// Answers to the one question after a due date that passed: twenty characters at most.
    pub(crate) line_born: &'static str,
    pub(crate) line_dates: &'static str,
    pub(crate) line_end: &'static str,
    pub(crate) line_support: &'static str,
    /// What pressing a desk does, read aloud by phones.
    pub(crate) line_call: &'static str,
}

static JAPANESE: Words = Words {
    lead: "{from}　{subject}です。",
    quiet: "ゆっくりできるときに、ひらいてください。あとから読んでも、だいじょうぶです。ことばは、この下から始まります。",
    desks: "相談できるところ",
    phone: "電話 ",
    hours_open: "（",
    hours_close: "）",
    photo_open: "〔写真：",
    photo_close: "〕",
    reading_link: "きょうのことば・これまでのことば",
    own_link: "うまれました・日付を直す・お休み・設定",
    stop: "いつでも、ここで止められます。理由は聞きません。",
    stop_link: "止めるページ",
    line_stop: "「停止」と送ると、いつでも止まります。理由は聞きません。",
    line_born: "うまれました",
    line_dates: "予定日を直す",
    line_end: "止める",
    line_support: "話したいとき",
    line_call: "電話をかける",
};

static ENGLISH: Words = Words {
    lead: "{from}: {subject}.",
    quiet: "Open it when you have a quiet moment. Reading it later is fine, too. The words begin just below this line.",
    desks: "Where to ask",
    phone: "Phone ",
    hours_open: " (",
    hours_close: ")",
    photo_open: "[Picture: ",
    photo_close: "]",
    reading_link: "Today\u{2019}s words and earlier ones",
    own_link: "The baby is here, change a date, pause, settings",
    stop: "You can end these messages here at any time. We do not ask why.",
    stop_link: "End the messages",
    line_stop: "Send \u{201c}stop\u{201d} to end these messages at any time. We do not ask why.",
    line_born: "The baby is here",
    line_dates: "Change the due date",
    line_end: "Stop",
    line_support: "If I want to talk",
    line_call: "Call",
};

impl Words {
    /// What stands for a picture.
    fn photo(&self, alt: &str) -> String {
        format!("{}{alt}{}", self.photo_open, self.photo_close)
    }

    /// What stands on the way to a page.
    const fn door(&self, gap: Gap) -> &'static str {
        match gap {
            Gap::Words => self.reading_link,
            Gap::Own => self.own_link,
            Gap::Stop => self.stop_link,
        }
    }

    pub(crate) fn of(language: &str) -> &'static Words {
        if language.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("en")) {
            &ENGLISH
        } else {
            &JAPANESE
        }
    }
}

/// One part of a message, in the order of reading.
pub(crate) enum Piece<'a> {
    /// What a locked screen may show: sender, day and nothing of the family.
    Lead(String),
    /// What the whole message is about: the stage.
    Top(String),
    /// Who speaks from here on.
    Sender(&'a str),
    /// Which child it is about.
    About(&'a str),
    /// Title of an article.
    Title(&'a str),
    /// Heading inside an article.
    Heading(&'a [Inline]),
    Paragraph(&'a [Inline]),
    List(&'a [Vec<Inline>]),
    /// What a picture shows, and where it is; empty where there is no such address.
    Picture(&'a str, String),
    Desk(&'a DeskCard),
    /// Who sends all this.
    From(&'a str),
    /// A way to a page of the reader's.
    Page(Gap),
    /// The way out: a sentence and a link, last.
    Stop,
    /// A sentence of ours below everything.
    Note(&'static str),
}

/// A message part by part, with the ways to these pages of its readers.
pub(crate) fn pieces<'a>(draft: &'a Draft, pages: &Pages, words: &'static Words) -> Vec<Piece<'a>> {
    let mark = if draft.sample { SAMPLE_MARK } else { "" };
    let top = if draft.stage.is_empty() {
        &draft.subject
    } else {
        &draft.stage
    };
    // A single mail tells of no family, and waits for no quiet hour.
    let is_words = draft.asks || !draft.stage.is_empty() || draft.sections.iter().any(|part| !part.title.is_empty());
    let lead = if is_words {
        let lead = words
            .lead
            .replace("{from}", &draft.from)
            .replace("{subject}", &draft.subject);
        format!("{mark}{lead}\n{}", words.quiet)
    } else {
        draft.from.clone()
    };
    let mut pieces = vec![Piece::Lead(lead), Piece::Top(format!("{mark}{top}"))];
    for section in &draft.sections {
        pieces.extend(shown(&section.sender).map(Piece::Sender));
        pieces.extend(shown(&section.about).map(Piece::About));
        pieces.extend(shown(&section.title).map(Piece::Title));
        pieces.extend(section.blocks.iter().map(|block| match block {
            Block::Heading { inlines } => Piece::Heading(inlines),
            Block::Paragraph { inlines } => Piece::Paragraph(inlines),
            Block::List { items } => Piece::List(items),
            Block::Image { name, alt } => Piece::Picture(alt, address(&pages.media, name)),
        }));
    }
    if !draft.desks.is_empty() {
        pieces.push(Piece::Sender(words.desks));
        pieces.extend(draft.desks.iter().map(Piece::Desk));
    }
    pieces.extend(shown(&draft.from).map(Piece::From));
    let ways = [(pages.words, Gap::Words), (pages.own, Gap::Own)];
    pieces.extend(
        ways.into_iter()
            .filter(|(there, _)| *there)
            .map(|(_, gap)| Piece::Page(gap)),
    );
    if pages.stop {
        pieces.push(Piece::Stop);
    }
    pieces
}

/// Where a picture is; empty where there are no pages.
pub(crate) fn address(media: &str, name: &PictureName) -> String {
    if media.is_empty() {
        String::new()
    } else {
        format!("{media}/{name}")
    }
}

fn shown(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Collects text and gaps.
#[derive(Default)]
struct Writer {
    done: Vec<(String, Gap)>,
    now: String,
}

impl Writer {
    fn add(&mut self, text: &str) {
        self.now.push_str(text);
    }

    fn gap(&mut self, gap: Gap) {
        self.done.push((std::mem::take(&mut self.now), gap));
    }

    fn finish(self) -> Form {
        Form {
            before: self.done,
            last: self.now,
        }
    }
}

pub(crate) struct TextWriter {
    words: &'static Words,
    writer: Writer,
    /// True directly below a heading, where no empty line is wanted.
    after_head: bool,
}

impl TextWriter {
    pub(crate) fn new(words: &'static Words) -> TextWriter {
        TextWriter {
            words,
            writer: Writer::default(),
            after_head: false,
        }
    }

    /// What was written, where nothing of it is a gap.
    pub(crate) fn finish(self) -> String {
        self.writer.now
    }

    pub(crate) fn piece(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Lead(lead) => self.writer.add(lead),
            Piece::Top(top) => {
                self.begin();
                self.writer.add(top);
            }
            Piece::Sender(sender) => self.head("【", sender, "】"),
            Piece::About(about) => self.head("〔", about, "〕"),
            Piece::Title(title) => self.head("■ ", title, ""),
            Piece::Heading(inlines) => {
                self.begin();
                self.writer.add("● ");
                self.inlines(inlines);
                self.after_head = true;
            }
            Piece::Paragraph(inlines) => {
                self.begin();
                self.inlines(inlines);
            }
            Piece::List(items) => {
                self.begin();
                for (place, item) in items.iter().enumerate() {
                    self.writer.add(if place == 0 { "・" } else { "\n・" });
                    self.inlines(item);
                }
            }
            Piece::Picture(alt, address) => {
                self.begin();
                self.writer.add(&self.words.photo(alt));
                if !address.is_empty() {
                    self.line(&[address]);
                }
            }
            Piece::Desk(desk) => self.desk(desk),
            Piece::From(from) => {
                self.begin();
                self.writer.add("――――――\n");
                self.writer.add(from);
                self.after_head = true;
            }
            Piece::Page(gap) => {
                self.begin();
                self.door(*gap);
                self.after_head = true;
            }
            Piece::Stop => {
                self.begin();
                self.writer.add(self.words.stop);
                self.writer.add("\n");
                self.door(Gap::Stop);
            }
            Piece::Note(note) => {
                self.begin();
                self.writer.add(note);
            }
        }
    }

    fn door(&mut self, gap: Gap) {
        self.writer.add(self.words.door(gap));
        self.writer.add(" ");
        self.writer.gap(gap);
    }

    /// Ends what came before, with an empty line unless that was a heading.
    fn begin(&mut self) {
        self.writer.add(if self.after_head { "\n" } else { "\n\n" });
        self.after_head = false;
    }

    fn head(&mut self, before: &str, words: &str, after: &str) {
        self.begin();
        for part in [before, words, after] {
            self.writer.add(part);
        }
        self.after_head = true;
    }

    fn inlines(&mut self, inlines: &[Inline]) {
        for inline in inlines {
            match inline {
                Inline::Text { text } => self.writer.add(text),
                Inline::Ruby { text, reading } => {
                    for part in [text, "（", reading, "）"] {
                        self.writer.add(part);
                    }
                }
                Inline::Link { text, url } => {
                    // A space on both sides: mail programs take any letter that touches an address into it.
                    if text != url {
                        self.writer.add(text);
                        self.writer.add(" ");
                    }
                    self.writer.add(url);
                    self.writer.add(" ");
                }
            }
        }
        if self.writer.now.ends_with(' ') {
            self.writer.now.pop();
        }
    }

    fn desk(&mut self, desk: &DeskCard) {
        self.begin();
        self.writer.add(&desk.name);
        let words = self.words;
        match (desk.phone.is_empty(), desk.hours.is_empty()) {
            (true, true) => {}
            (true, false) => self.line(&[&desk.hours]),
            (false, true) => self.line(&[words.phone, &desk.phone]),
            (false, false) => {
                self.line(&[
                    words.phone,
                    &desk.phone,
                    words.hours_open,
                    &desk.hours,
                    words.hours_close,
                ]);
            }
        }
        for more in [&desk.note, &desk.url] {
            if !more.is_empty() {
                self.line(&[more]);
            }
        }
    }

    fn line(&mut self, parts: &[&str]) {
        self.writer.add("\n");
        for part in parts {
            self.writer.add(part);
        }
    }
}

struct HtmlWriter {
    words: &'static Words,
    writer: Writer,
}

/// No width and no colour is fixed: the text wraps at 320 px, grows with the reader's font and turns dark with
/// the reader's screen.
const FRAME: &str = "max-width:36em;margin:0 auto;padding:1em;line-height:1.8;overflow-wrap:anywhere;\
    font-family:system-ui,-apple-system,'Hiragino Sans','Noto Sans JP',sans-serif";

/// A blank that mail programs count for their preview and do not fold: a joiner that shows nothing, and a fixed space.
const FILLER: &str = "\u{200c}\u{a0}";
/// Blanks behind the lead: five lines of a phone's list, so that the stage is in none.
const FILLERS: usize = 100;
/// Read by previews, shown and spoken by nothing.
const HIDDEN: &str = "display:none;max-height:0;overflow:hidden;mso-hide:all";

impl HtmlWriter {
    fn open(&mut self, draft: &Draft) {
        let language = escape(&draft.language);
        let title = escape(&subject(draft));
        self.writer.add(&format!(
            "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head>\n\
             <body style=\"margin:0\"><div lang=\"{language}\" style=\"{FRAME}\">\n"
        ));
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Lead(lead) => {
                self.element("p", "font-size:.9em;margin-top:0", lead);
                let filler = FILLER.repeat(FILLERS);
                self.writer.add(&format!("<div style=\"{HIDDEN}\">{filler}</div>\n"));
            }
            Piece::Top(top) => self.element("h1", "font-size:1.15em", top),
            Piece::Sender(sender) => self.element("h2", "font-size:1.25em;border-bottom:1px solid", sender),
            Piece::About(about) => self.element("p", "font-weight:bold", about),
            Piece::Title(title) => self.element("h3", "font-size:1.15em", title),
            Piece::Heading(inlines) => {
                self.writer.add("<h4 style=\"font-size:1em\">");
                self.inlines(inlines);
                self.writer.add("</h4>\n");
            }
            Piece::Paragraph(inlines) => {
                self.writer.add("<p>");
                self.inlines(inlines);
                self.writer.add("</p>\n");
            }
            Piece::List(items) => {
                self.writer.add("<ul style=\"padding-left:1.4em\">");
                for item in *items {
                    self.writer.add("<li>");
                    self.inlines(item);
                    self.writer.add("</li>");
                }
                self.writer.add("</ul>\n");
            }
            Piece::Picture(alt, address) => {
                self.writer.add("<p>");
                self.link(address, &self.words.photo(alt));
                self.writer.add("</p>\n");
            }
            Piece::Desk(desk) => self.desk(desk),
            Piece::Page(gap) => self.door(*gap),
            Piece::From(from) => self.element("p", "margin-top:2em;border-top:1px solid;padding-top:1em", from),
            Piece::Stop => {
                self.element("p", "margin-bottom:0", self.words.stop);
                self.door(Gap::Stop);
            }
            Piece::Note(note) => self.element("p", "", note),
        }
    }

    fn element(&mut self, name: &str, style: &str, words: &str) {
        let style = if style.is_empty() {
            String::new()
        } else {
            format!(" style=\"{style}\"")
        };
        let words = escape(words).replace('\n', "<br>");
        self.writer.add(&format!("<{name}{style}>{words}</{name}>\n"));
    }

    /// A link to a page of the reader's, tall enough for a thumb.
    fn door(&mut self, gap: Gap) {
        self.writer
            .add("<p><a style=\"display:inline-block;padding:.6em 0\" href=\"");
        self.writer.gap(gap);
        self.writer
            .add(&format!("\">{}</a></p>\n", escape(self.words.door(gap))));
    }

    fn inlines(&mut self, inlines: &[Inline]) {
        for inline in inlines {
            match inline {
                Inline::Text { text } => self.writer.add(&escape(text).replace('\n', "<br>")),
                Inline::Ruby { text, reading } => self.writer.add(&format!(
                    "<ruby>{}<rp>（</rp><rt>{}</rt><rp>）</rp></ruby>",
                    escape(text),
                    escape(reading)
                )),
                Inline::Link { text, url } => self.link(url, text),
            }
        }
    }

    /// A link, or only its words where the address is not one of the web: `javascript:` never gets a link.
    fn link(&mut self, url: &str, words: &str) {
        if url.starts_with("https://") || url.starts_with("http://") {
            self.writer
                .add(&format!("<a href=\"{}\">{}</a>", escape(url), escape(words)));
        } else {
            self.writer.add(&escape(words));
        }
    }

    fn desk(&mut self, desk: &DeskCard) {
        self.element("h3", "font-size:1em;margin-bottom:0", &desk.name);
        self.writer.add("<p style=\"margin-top:0\">");
        let mut lines = Vec::new();
        let phone = self.phone(&desk.phone);
        let hours = escape(&desk.hours);
        match (phone.is_empty(), hours.is_empty()) {
            (true, true) => {}
            (true, false) => lines.push(hours),
            (false, true) => lines.push(phone),
            (false, false) => {
                lines.push(format!(
                    "{phone}{}{hours}{}",
                    self.words.hours_open, self.words.hours_close
                ));
            }
        }
        lines.extend(shown(&desk.note).map(escape));
        self.writer.add(&lines.join("<br>"));
        if !desk.url.is_empty() {
            self.writer.add(if lines.is_empty() { "" } else { "<br>" });
            self.link(&desk.url, &desk.url);
        }
        self.writer.add("</p>\n");
    }

    fn phone(&self, phone: &str) -> String {
        let words = self.words.phone;
        match (phone.is_empty(), text::tel(phone)) {
            (true, _) => String::new(),
            (false, None) => format!("{words}{}", escape(phone)),
            (false, Some(uri)) => format!("{words}<a href=\"{uri}\">{}</a>", escape(phone)),
        }
    }
}

/// Text made safe between tags and inside double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\r' => {}
            c => safe.push(c),
        }
    }
    safe
}
