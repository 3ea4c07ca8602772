//! What may be typed after `kizuna`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use kizuna_domain::day::Day;
use kizuna_domain::menu::MenuStage;
use kizuna_domain::staff::Role;

use crate::tongue::Tongue;

/// 妊娠・子育て中の家庭へ、毎日のことばを届けます。
#[derive(Debug, Parser)]
#[command(name = "kizuna", version, about, propagate_version = true)]
pub(crate) struct Cli {
    /// 設定ファイル (configuration file)
    #[arg(long, global = true, default_value = "kizuna.toml", env = "KIZUNA_CONFIG")]
    pub config: PathBuf,
    /// 表示のことば (language of messages)
    #[arg(long, global = true, value_enum)]
    pub lang: Option<Tongue>,
    /// JSON で出します (machine-readable output)
    #[arg(long, global = true)]
    pub json: bool,
    /// 何をするか
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// ためす：見本の市と1,000家庭で、きょうの配信を動かし、画面をひらく
    Demo(Demo),
    /// 設定ファイルと鍵を作る
    Init,
    /// 設定・データベース・原稿・配信手段を確かめる
    Check(Check),
    /// データベースを作る・新しくする。設定の自治体を反映する
    Migrate,
    /// 取りこむ
    #[command(subcommand)]
    Import(Import),
    /// 書き出す
    #[command(subcommand)]
    Export(Export),
    /// ある日に、だれに何が届くか（送らない）
    Plan(OneDay),
    /// 配信する。いま送るものがなくなるまで
    Run(Run),
    /// 画面をひらき、毎日の配信を続ける
    Serve(Serve),
    /// この家庭に、なぜ届く・届かないのか
    Why(Why),
    /// 予定日・誕生日から、週数や月齢を出す
    Position(Position),
    /// 一つの家庭に届く、はじめから終わりまで
    Timeline(Timeline),
    /// 職員：まねく・一覧・外す・決め直す
    #[command(subcommand)]
    Staff(Staff),
    /// 操作の記録：見る・確かめる
    #[command(subcommand)]
    Audit(Audit),
    /// 止まったアカウントと、待たせた通を、また動かす
    Resume(OneTenant),
    /// LINEのメニュー
    #[command(subcommand)]
    Line(Line),
    /// このデータベースが本物だと宣言する（復元や引っこしのあと）
    Claim(Claim),
    /// 試すための代役を動かす
    #[command(subcommand)]
    Double(Double),
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// 家庭の数
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub families: u32,
    /// 配信する日（書かなければ、きょう）
    #[arg(long, value_parser = day)]
    pub day: Option<Day>,
    /// 画面のポート番号
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// 配信だけして終わる
    #[arg(long)]
    pub once: bool,
    /// 置き場所
    #[arg(long, default_value = "kizuna-demo")]
    pub dir: PathBuf,
}

/// Options of `check`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Check {
    /// 配信手段に、ほんとうにつないでみない
    #[arg(long)]
    pub offline: bool,
    /// 一つのものを、くわしく確かめる
    #[command(subcommand)]
    pub what: Option<CheckOne>,
}

/// What to look at closely.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckOne {
    /// LINE公式アカウント：直すところと、どこを押すか
    Line(OneTenant),
    /// 原稿パックを、編集のきまりに照らす（設定はいらない）
    Content(CheckContent),
}

/// Options of `check content`.
#[derive(Debug, Args)]
pub(crate) struct CheckContent {
    /// パックの場所（書かなければ、このプログラムの見本）
    pub paths: Vec<PathBuf>,
    /// 自治体のパック。その相談先の電話番号を、本文に書いてよい
    #[arg(long)]
    pub tenant_pack: Option<PathBuf>,
    /// いつの時点か（書かなければ、日本のきょう）
    #[arg(long, value_parser = day)]
    pub today: Option<Day>,
}

/// What to do with LINE.
#[derive(Debug, Subcommand)]
pub(crate) enum Line {
    /// トーク画面の下に出るメニュー
    #[command(subcommand)]
    Menus(Menus),
}

/// What to do with the menus.
#[derive(Debug, Subcommand)]
pub(crate) enum Menus {
    /// メニューと、LINEに出ているかどうか
    Show(OneTenant),
    /// いまの下書きをLINEに出す。終わるまで待ちます
    Publish(OneTenant),
    /// メニューを絵（PNG）にする
    Draw(DrawMenu),
}

/// Options of `line menus draw`.
#[derive(Debug, Args)]
pub(crate) struct DrawMenu {
    /// 自治体のコード（一つだけなら、書かなくてよい）
    #[arg(long)]
    pub tenant: Option<String>,
    /// 時期：start（登録する前）、pregnancy（妊娠中）、child（子育て中）、stopped（止めたあと）
    #[arg(long, value_parser = stage)]
    pub stage: MenuStage,
    /// 書き出すファイル
    #[arg(long)]
    pub out: PathBuf,
}

/// What to import.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// 原稿パック（フォルダー、.xlsx、.csv）
    Content {
        /// パックの場所
        path: PathBuf,
        /// 自治体のコード（自治体の原稿のとき）
        #[arg(long)]
        tenant: Option<String>,
    },
    /// 読者の一覧（.csv、.xlsx。UTF-8 でも Shift_JIS でも）
    Subscribers {
        /// 一覧のファイル
        file: PathBuf,
        /// 自治体のコード（一つだけなら、書かなくてよい）
        #[arg(long)]
        tenant: Option<String>,
        /// 確かめるだけで、取りこまない
        #[arg(long)]
        dry_run: bool,
        /// 取りこめない行があっても、ほかの行を取りこむ
        #[arg(long)]
        skip_rejected: bool,
    },
}

/// What to export.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// 原稿パック（フォルダー、.xlsx、.csv）
    Content {
        /// 書き出す場所
        path: PathBuf,
        /// シリーズのコード
        #[arg(long)]
        track: String,
        /// 自治体のコード（一つだけなら、書かなくてよい）
        #[arg(long)]
        tenant: Option<String>,
    },
    /// 読者の一覧（.csv、.xlsx）
    Subscribers {
        /// 書き出すファイル
        file: PathBuf,
        /// 自治体のコード（一つだけなら、書かなくてよい）
        #[arg(long)]
        tenant: Option<String>,
        /// 文字コード：utf-8 か shift_jis
        #[arg(long, default_value = "utf-8")]
        encoding: kizuna_paper::table::Encoding,
    },
}

/// What to do about staff.
#[derive(Debug, Subcommand)]
pub(crate) enum Staff {
    /// まねく：一度だけ使えるリンクを出す（3日間）
    Add {
        /// メールアドレス
        email: String,
        /// 自治体のコード（一つだけなら、書かなくてよい）
        #[arg(long, conflicts_with = "operator")]
        tenant: Option<String>,
        /// 役割：administrator 管理者 / editor 担当者 / approver 確認者 / viewer 閲覧のみ
        #[arg(long, value_parser = role, required_unless_present = "operator")]
        role: Option<Role>,
        /// この機械の運用者としてまねく
        #[arg(long, conflicts_with = "role")]
        operator: bool,
    },
    /// 一覧を出す
    List {
        /// 自治体のコード（書かなければ、みんな）
        #[arg(long)]
        tenant: Option<String>,
    },
    /// 外す：自治体から。--tenant を書かなければ、すべてから
    Disable {
        /// メールアドレス
        email: String,
        /// 自治体のコード
        #[arg(long)]
        tenant: Option<String>,
    },
    /// サインインのしかたを決め直すリンクを出す。いまのパスワードと認証アプリは、使えなくなる
    Reset {
        /// メールアドレス
        email: String,
    },
}

/// What to do with the record of who did what.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// 記録が書きかえられていないか確かめる
    Verify {
        /// 自治体のコード（書かなければ、すべて）
        #[arg(long)]
        tenant: Option<String>,
    },
    /// 記録を新しい順に出す
    List {
        /// 自治体のコード（書かなければ、この機械全体の記録）
        #[arg(long)]
        tenant: Option<String>,
        /// 何件まで
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
    },
}

/// A tenant and a day.
#[derive(Debug, Args)]
pub(crate) struct OneDay {
    /// 自治体のコード（一つだけなら、書かなくてよい）
    #[arg(long)]
    pub tenant: Option<String>,
    /// 日（書かなければ、きょう）
    #[arg(long, value_parser = day)]
    pub day: Option<Day>,
}

/// A tenant.
#[derive(Debug, Args)]
pub(crate) struct OneTenant {
    /// 自治体のコード（一つだけなら、書かなくてよい）
    #[arg(long)]
    pub tenant: Option<String>,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// 自治体のコード（書かなければ、すべて）
    #[arg(long)]
    pub tenant: Option<String>,
    /// 日。書くと、配信の時間帯を待たずに、いま送ります
    #[arg(long, value_parser = day)]
    pub day: Option<Day>,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// 一部だけ動かす：web 画面 / worker 配信
    #[arg(long, value_enum)]
    pub only: Option<Half>,
}

/// A part of `serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Half {
    /// Pages.
    Web,
    /// The daily run.
    Worker,
}

/// Options of `why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// 自治体のコード（一つだけなら、書かなくてよい）
    #[arg(long)]
    pub tenant: Option<String>,
    /// 登録の番号（sub_…）
    #[arg(long)]
    pub subscription: String,
    /// 日（書かなければ、きょう）
    #[arg(long, value_parser = day)]
    pub day: Option<Day>,
}

/// Options of `position`.
#[derive(Debug, Args)]
pub(crate) struct Position {
    /// 出産予定日
    #[arg(long, value_parser = day, required_unless_present = "birth")]
    pub due: Option<Day>,
    /// 生年月日
    #[arg(long, value_parser = day)]
    pub birth: Option<Day>,
    /// いつの時点か（書かなければ、日本のきょう）
    #[arg(long, value_parser = day)]
    pub on: Option<Day>,
    /// 2月29日生まれを、平年は3月1日に祝う
    #[arg(long)]
    pub leap_march1: bool,
}

/// Options of `timeline`.
#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// 出産予定日
    #[arg(long, value_parser = day, required_unless_present = "birth")]
    pub due: Option<Day>,
    /// 生年月日。ふたごや三つ子は、一人ずつ重ねて書きます
    #[arg(long, value_parser = day)]
    pub birth: Vec<Day>,
    /// 登録した日
    #[arg(long, value_parser = day)]
    pub registered: Day,
    /// 地区のコード
    #[arg(long)]
    pub area: Option<String>,
    /// 自治体のコード。設定がまだなければ、見本の市で出します
    #[arg(long)]
    pub tenant: Option<String>,
}

/// Options of `claim`.
#[derive(Debug, Args)]
pub(crate) struct Claim {
    /// きょうの分も送る（もとのデータベースが送っていないと、わかっているときだけ）
    #[arg(long)]
    pub send_today: bool,
}

fn role(text: &str) -> Result<Role, String> {
    let found = Role::OF_TENANTS.into_iter().find(|role| role.code() == text);
    found.ok_or_else(|| {
        let codes = Role::OF_TENANTS.map(Role::code).join(", ");
        format!("{codes} のどれかを書いてください (write one of these)")
    })
}

/// A stand-in for somebody else's servers.
#[derive(Debug, Subcommand)]
pub(crate) enum Double {
    /// LINEの代役。Ctrl-C で止まる
    Line(DoubleLine),
}

/// Options of `double line`.
#[derive(Debug, Args)]
pub(crate) struct DoubleLine {
    /// ポート番号。0 なら、あいているところ
    #[arg(long, default_value_t = 4010)]
    pub port: u16,
    /// 時計をこの時刻で止める（2026-11-20T09:00:00+09:00）。進めるのは /_double/advance
    #[arg(long)]
    pub at: Option<jiff::Timestamp>,
    /// 回数の制限をしない
    #[arg(long)]
    pub without_rate_limits: bool,
    /// 届いたものと要求を覚えず、数えるだけにする
    #[arg(long)]
    pub count_only: bool,
}

fn day(text: &str) -> Result<Day, String> {
    kizuna_domain::roster::read_date(text).ok_or_else(|| {
        "2026-12-01 のように、ある日付を書いてください (write an existing date like 2026-12-01)".to_owned()
    })
}

fn stage(text: &str) -> Result<MenuStage, String> {
    MenuStage::from_code(text).ok_or_else(|| {
        let codes: Vec<&str> = MenuStage::ALL.iter().map(|stage| stage.code()).collect();
        let codes = codes.join("・");
        format!("{codes} のどれかを書いてください (write one of these)")
    })
}
