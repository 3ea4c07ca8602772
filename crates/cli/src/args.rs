//! What may be typed after `kizuna`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use kizuna_domain::day::Day;

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
    /// 止まったアカウントと、待たせた通を、また動かす
    Resume(OneTenant),
    /// このデータベースが本物だと宣言する（復元や引っこしのあと）
    Claim(Claim),
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
    /// 書かなければ、設定・データベース・原稿・配信手段
    #[command(subcommand)]
    pub what: Option<CheckWhat>,
}

/// What to check besides the installation.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckWhat {
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
    pub only: Option<Role>,
}

/// A part of `serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
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

fn day(text: &str) -> Result<Day, String> {
    kizuna_domain::roster::read_date(text).ok_or_else(|| {
        "2026-12-01 のように、ある日付を書いてください (write an existing date like 2026-12-01)".to_owned()
    })
}
