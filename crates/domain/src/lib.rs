//! The rules: from dates to positions, from positions to a plan, from a plan to words, from an answer to what is written.
//!
//! Pure and synchronous: no clock, no chance, no database, no network. Time, ids and settings come in as values.
//!
//! # Glossary: one word, one meaning
//!
//! **Dates and places on the stage axis**
//!
//! | word | 日本語 | meaning | file |
//! |---|---|---|---|
//! | `Day` | 日 | one civil day without a time zone | `day` |
//! | `SendWindow` | 配信時間帯 | hours in which messages may leave | `day` |
//! | `Anchor` | 出産予定日／誕生日 | the only dates a position is derived from | `position` |
//! | `Position` | 週数・月齢 | a place on the stage axis: `12w3d` `d30` `m4` `n100` `s0-03-31` `last` | `position` |
//! | `AnchorRange`, `AnchorDate` | 基準日の範囲 | whose anchor stands at a position on a day: an index lookup | `position` |
//! | `Standing` | きょうの時期 | everything about where a family stands on one day | `position` |
//! | `Clock` | 暦の月齢／修正月齢 | whether an article counts from birth or, for a preterm child, from the due date | `position` |
//! | `EndRule` | 終わりの日 | last day of a series for a child | `position` |
//! | `Customs`, `DayCount` | 数え方 | the tenant's choices that move a position: birth is day 0 or 1 | `position` |
//! | `LeapBirthday` | 2月29日生まれの誕生日 | 28 February or 1 March | `age` |
//! | `Slots`, `Band` | 配信枠の組 | the explicit set of positions that a tenant sends, and a grid to write it down | `cadence` |
//!
//! **Content**
//!
//! | word | 日本語 | meaning | file |
//! |---|---|---|---|
//! | `Owner` | 編集部／自治体 | who answers for a track; the desk speaks first | `content` |
//! | `Revision` | 版 | immutable text of an article | `content` |
//! | `Source` | 出典 | where a fact comes from | `content` |
//! | `Review`, `Verdict` | 監修 | a specialist's decision on one revision | `content` |
//! | `Placement` | 割付 | where an article stands, for whom and how long it is of use | `content` |
//! | `Item` | 配信版の一件 | one article frozen in an edition | `content` |
//! | `Desk` | 相談先 | a consultation desk (the editorial desk is `Owner::Desk`) | `content` |
//! | `Hours`, `Opening` | 受付時間／ひらいているか | when a desk is open, and whether it is now; public holidays are in `holidays` | `opening` |
//! | `Pack`, `Manifest`, `DesksFile` | 原稿パック | a folder of articles to import or export | `content::pack` |
//! | `PackArticle`, `ArticleDocument` | 原稿 | an article in a pack, checked and unchecked | `content::pack` |
//! | `PackProblem`, `BodyError` | 直すところ | what is wrong in which file, and what to do | `content::pack`, `content::body` |
//! | `Picture`, `PictureName`, `PictureKind` | 写真 | a picture of an article, under the digest of its bytes for ever | `content::picture` |
//! | `NotAPicture` | 直すところ | why a file is no picture of an article | `content::picture` |
//! | `Sheet` | 原稿の表 | a pack as a table, one row an article | `content::sheet` |
//! | `RuleBook` | 編集のきまり | words, limits and subjects that texts are held against | `content::rules` |
//! | `Finding`, `Severity`, `PackReport` | 原稿の点検 | what breaks a rule, how much it matters, and a pack's figures | `content::rules` |
//!
//! **Tenants and people**
//!
//! | word | 日本語 | meaning | file |
//! |---|---|---|---|
//! | `Settings`, `TenantKind` | 導入自治体・団体の設定 | everything about a tenant that its staff decide | `tenant` |
//! | `Adoption`, `JoinPolicy` | 採用／途中からの人 | which series a tenant sends until when; what late joiners get | `tenant` |
//! | `Follower` | 登録（妊娠／お子さま） | one subscription as the planner sees it; twins are one | `people` |
//! | `Reach`, `PointState` | 配信先 | whether and where a reader can be reached | `people` |
//! | `Trouble` | 届かないわけ | what keeps messages from an address, as a bounce or a refusal tells | `trouble` |
//! | `Relation` | 続柄 | of a reader to the child; selects wording, never access | `people` |
//! | `SubscriptionState`, `EndReason` | 受け取り中・お休み・終了 | whether a subscription receives; why it ended is shown to nobody | `people` |
//! | `SkipReason` | 届かない理由 | why somebody gets nothing now | `people` |
//! | `Asks`, `Area`, `Wording` | 登録でたずねること | what a registration asks besides the date; a wording is the series in one language | `tenant` |
//! | `Situation`, `DateProblem` | 登録の日付 | what the one date of a registration means, or why it cannot be taken | `registration` |
//! | `NicknameProblem` | 呼び名の直すところ | why a nickname cannot be taken | `registration` |
//! | `PlaceCode` | 場所の符号 | the six letters in the link of one counter, clinic or poster | `place` |
//! | `RosterRow`, `RowProblem` | 名簿の行 | a reader from another system's list, or what to mend in it | `roster` |
//!
//! **Staff**
//!
//! | word | 日本語 | meaning | file |
//! |---|---|---|---|
//! | `Role`, `Permission` | 役割／できること | what a person may do for a tenant: one table | `staff` |
//! | `StaffMail` | 職員のメールアドレス | the address by which somebody signs in | `staff` |
//! | `Stay` | サインインしている間 | when a session began and was used, and so when it is over | `staff` |
//! | `Backoff` | 待ち時間 | how wrong sign-ins are slowed down | `staff` |
//! | `PasswordProblem` | パスワードの直すところ | why a password is refused | `password` |
//!
//! **A day's run**
//!
//! | word | 日本語 | meaning | file |
//! |---|---|---|---|
//! | `Programme`, `Series` | 配信するシリーズ | everything a tenant sends, arranged for planning | `run::plan` |
//! | `Slot` | 配信枠 | *what* is due, as a coordinate; with the subscription the key of the ledger | `run::plan` |
//! | `Due`, `Judgement` | 配信計画 | what is due for one subscription on one day, and why the rest is not | `run::plan` |
//! | `Library`, `Part`, `Phrases` | 文のもと | texts and desks; one child's part; the system's own words | `run::compose` |
//! | `Draft`, `Section`, `DeskCard` | 配信文 | a message before any channel gives it a form, the same for a whole cohort | `message` |
//! | `Block`, `Inline` | 段落・見出し・箇条書き・写真 | the few forms of text that every channel can show | `message` |
//! | `Links` | 読者のリンク | what differs for each reader of a cohort | `message` |
//! | `Outcome`, `Step`, `Refusal`, `Fault` | 結果 | what a provider answered, and where in the conversation | `run::outcome` |
//! | `Attempt`, `Urgency` | 試行 | what a consequence depends on besides the outcome | `run::settle` |
//! | `Settlement`, `Next`, `Failure` | 結果の扱い | what we therefore write | `run::settle` |
//!
//! **Rich menus of LINE**
//!
//! | word | 日本語 | meaning | file |
//! |---|---|---|---|
//! | `Menu`, `MenuDocument` | メニュー | the picture with buttons under a talk: checked, and as a tenant stores it | `menu` |
//! | `MenuStage` | 登録する前／妊娠中／子育て中／止めたあと | for which readers a menu is | `menu` |
//! | `Button`, `Icon` | ボタン、絵 | words, drawing and action of one cell | `menu` |
//! | `MenuAction`, `Intent` | 押すとすること | asks us for something, opens a page, or dials | `menu` |
//! | `Template`, `Size`, `Area` | 並べ方 | rows of equal cells that cover a picture | `menu` |
//! | `Colour` | 色 | with the contrast that words on it have | `menu` |
//! | `MenuProblem` | 直すところ | what keeps a menu from being published | `menu` |
//! | `Destinations` | 押した先 | whether presses reach us through the webhook or through pages | `menu` |
//! | `LineMenu`, `LineArea`, `LineAction` | LINEに渡すメニュー | a menu in the form of LINE's API | `menu` |
//!
//! **Identifiers** (`ids`; made by `Ids`): `TenantId` 導入自治体, `TrackId` シリーズ, `ArticleId` 原稿, `RevisionId` 版, `EditionId` 配信版,
//! `SubscriberId` 読者, `SubscriptionId` 登録, `PointId` 配信先, `AccountId` 配信アカウント, `CohortId` 同文グループ, `BatchId` 送信単位, `RunId` 配信回,
//! `StaffId` 職員, `InvitationId` 招待.
//!
//! **Refused texts** (each stands beside what it is not): `NotADay`, `NotAWindow`, `NotHours`, `NotAPosition`, `NotAnEndRule`, `NotSlots`,
//! `NotAnId`, `NotAPictureName`, `NotAPlaceCode`, `NotAMail`, `NotAColour`, `NotARuleBook`, `SettingsError`.

pub mod age;
pub mod cadence;
pub mod content;
pub mod day;
pub mod holidays;
pub mod ids;
pub mod menu;
pub mod message;
pub mod opening;
pub mod password;
pub mod people;
pub mod place;
pub mod position;
pub mod registration;
pub mod roster;
pub mod run;
pub mod staff;
pub mod tenant;
pub mod text;
pub mod trouble;
