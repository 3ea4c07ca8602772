//! Is the LINE account ready? A look at LINE (the shell), and what it means with where to click (a pure function).
//!
//! Only on request: LINE forbids calls that serve nobody, and allows sixty tests of the webhook an hour.

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::line::{Bot, CallError, Client, Month, Webhook, WebhookTest};
use kizuna_channels::{Problem, channel};
use kizuna_store::tenants;
use kizuna_store::tenants::{Account, Tenant};

use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::menus;

/// LINE tests the webhook sixty times an hour; within this time the last answer is taken once more.
const TEST_PAUSE: SignedDuration = SignedDuration::from_secs(90);
/// Part of a month's messages below which there is little left, as one in so many.
const LITTLE_PART: u64 = 10;

/// Where the channel id and secret, the webhook's address and its switch are.
const IN_MANAGER: &str = "LINE Official Account Manager の「設定」→「Messaging API」";
/// Where answers are switched on and off.
const IN_ANSWERS: &str = "LINE Official Account Manager の「設定」→「応答設定」";

/// What was asked of LINE and answered; `None` where there was no sense in asking.
pub type Asked<T> = Option<Result<T, CallError>>;

/// What LINE said at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// The account.
    pub bot: Asked<Bot>,
    /// Where LINE sends what comes in.
    pub webhook: Asked<Option<Webhook>>,
    /// LINE's own test of it, with the time it was made.
    pub test: Option<(Timestamp, Result<WebhookTest, CallError>)>,
    /// The month's messages.
    pub month: Asked<Month>,
}

/// Everything that the findings depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Code of the tenant.
    pub tenant: String,
    /// Where the pages of this installation begin.
    pub base_url: String,
    /// The LINE account, if there is one.
    pub account: Option<Account>,
    /// Channels of the tenant, LINE among them.
    pub channels: Vec<String>,
    /// What is wrong with the settings.
    pub problems: Vec<Problem>,
    /// What LINE said.
    pub look: Option<Look>,
}

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// In order.
    Good,
    /// Worth knowing; messages leave all the same.
    Note,
    /// To be mended.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Code of what it is about, as in `--json`.
    pub topic: &'static str,
    /// How it is to be taken.
    pub mark: Mark,
    /// What was found, in plain Japanese.
    pub ja: String,
    /// What to do and where to click; empty where nothing is to be done.
    pub todo: String,
    /// Both in English.
    pub en: String,
    /// True where our own button mends it: registering the webhook's address.
    pub mends_itself: bool,
}

impl Finding {
    fn new(
        topic: &'static str,
        mark: Mark,
        ja: impl Into<String>,
        todo: impl Into<String>,
        en: impl Into<String>,
    ) -> Finding {
        Finding {
            topic,
            mark,
            ja: ja.into(),
            todo: todo.into(),
            en: en.into(),
            mends_itself: false,
        }
    }
}

/// The address to which LINE is to send what comes in.
pub fn webhook_address(base_url: &str, tenant: &str) -> String {
    format!("{base_url}/{tenant}/line/webhook")
}

/// What is known without asking LINE.
pub fn known(env: &Env, tenant: &Tenant) -> Result<Known, EngineError> {
    let accounts = env.db.read(|tx| tenants::accounts(tx, &env.keys, tenant.scope()))?;
    let account = accounts.iter().find(|account| account.channel == "line").cloned();
    let problems = account.as_ref().and_then(|account| {
        let line = channel(&account.channel)?;
        Some(line.check(&channel_account(account)))
    });
    Ok(Known {
        tenant: tenant.code.clone(),
        base_url: tenant.settings.base_url.clone(),
        channels: accounts.into_iter().map(|account| account.channel).collect(),
        account,
        problems: problems.unwrap_or_default(),
        look: None,
    })
}

/// Asks LINE about the account. `before` is the last look, so that LINE's test of the webhook is not made too often.
///
/// Takes some seconds where LINE is in trouble; stops asking when the first answer makes the others senseless.
pub fn look(env: &Env, tenant: &Tenant, before: Option<&Look>) -> Result<Look, EngineError> {
    let client = menus::client(env, tenant)?.hurried();
    let at = env.clock.now();
    let mut look = Look {
        at,
        bot: Some(client.bot()),
        webhook: None,
        test: None,
        month: None,
    };
    if !matches!(look.bot, Some(Ok(_))) {
        return Ok(look);
    }
    look.month = Some(client.month());
    look.webhook = Some(client.webhook());
    let ours = webhook_address(&tenant.settings.base_url, &tenant.code);
    look.test = match &look.webhook {
        Some(Ok(Some(webhook))) if webhook.endpoint == ours => Some(test(&client, at, before)),
        _ => None,
    };
    Ok(look)
}

fn test(client: &Client, at: Timestamp, before: Option<&Look>) -> (Timestamp, Result<WebhookTest, CallError>) {
    let recent = before
        .and_then(|look| look.test.clone())
        .filter(|(tested, _)| at.duration_since(*tested) < TEST_PAUSE);
    recent.unwrap_or_else(|| (at, client.test_webhook()))
}

/// What went wrong between us and LINE, in plain Japanese, with what to do.
pub fn call_words(error: &CallError) -> (String, String) {
    match error {
        CallError::Unreachable(_) | CallError::Unclear(_) => (
            "LINEにつながりません。".to_owned(),
            "LINE側の問題か、このサーバーから外への通信の問題です。5分ほどして、もう一度ためしてください。\
             続くときは、サーバーの管理者に「api.line.me への通信」を確かめてもらってください。"
                .to_owned(),
        ),
        CallError::TooFast => (
            "LINEに「少し待って」と言われました。".to_owned(),
            "何もしなくてだいじょうぶです。数分おいて、もう一度ためしてください。".to_owned(),
        ),
        CallError::Token(_) => (
            "チャネルIDかチャネルシークレットが、ちがいます。".to_owned(),
            format!("{IN_MANAGER}にある「Channel ID」と「Channel secret」を、もう一度うつしてください。"),
        ),
        CallError::Forbidden(_) => (
            "LINEが、このアカウントにこの操作をゆるしていません。".to_owned(),
            "LINE公式アカウントのプランと、利用停止になっていないかを、LINE Official Account Manager で確かめてください。".to_owned(),
        ),
        CallError::MonthlyLimit => (
            "今月の通数を使いきりました。".to_owned(),
            "LINE公式アカウントのプランを変えるか、来月を待ってください。".to_owned(),
        ),
        CallError::Invalid { reply, .. } | CallError::Mistake { reply, .. } => (
            format!("LINEが受け取りませんでした（{reply}）。"),
            "この文を、開発者に知らせてください。".to_owned(),
        ),
        CallError::NotFound => (
            "LINEに見つかりませんでした。".to_owned(),
            "LINE Official Account Manager で、消されていないか確かめてください。".to_owned(),
        ),
    }
}

/// What kept the engine from doing something at LINE, in one piece of plain Japanese.
pub fn trouble(error: &EngineError) -> String {
    match error {
        EngineError::Line(error) if error.is_passing() => {
            "LINEに送れません（LINE側の問題）。5分後に自動でもう一度ためします。何もしなくてだいじょうぶです。"
                .to_owned()
        }
        EngineError::Line(error) => {
            let (what, todo) = call_words(error);
            format!("{what}{todo}")
        }
        EngineError::NoAccount(_) => "まだLINEにつないでいません。「LINEをつなぐ」で、つないでください。".to_owned(),
        EngineError::Fenced(_) => {
            "安全のため、このデータベースからの送信を止めています。管理者に知らせてください。".to_owned()
        }
        _ => {
            "うまくいきませんでした。5分後に自動でもう一度ためします。続くときは、管理者に知らせてください。".to_owned()
        }
    }
}

/// Everything there is to say about a LINE account, in the order in which it is mended.
pub fn findings(known: &Known) -> Vec<Finding> {
    let Some(account) = &known.account else {
        return vec![Finding::new(
            "settings",
            Mark::Wrong,
            "まだLINEにつないでいません。",
            "チャネルIDとチャネルシークレットを入れて、［つなぐ］をおしてください。",
            "there is no LINE account yet; enter channel id and secret",
        )];
    };
    if !known.problems.is_empty() {
        return known.problems.iter().map(setting).collect();
    }
    let mut all = vec![Finding::new(
        "settings",
        Mark::Good,
        "設定は、そろっています。",
        "",
        "the settings are complete",
    )];
    if let Some(reason) = &account.paused_reason {
        all.push(Finding::new(
            "paused",
            Mark::Wrong,
            format!("LINEへの配信が止まっています（{reason}）。"),
            format!(
                "下の項目を直したあとに、サーバーの管理者に kizuna resume --tenant {} をたのんでください。待っていた通が送られます。",
                known.tenant
            ),
            format!("delivery by LINE is paused ({reason}); mend it, then run `kizuna resume`"),
        ));
    }
    let facts = Facts::of(account);
    let Some(look) = &known.look else {
        own(known, &facts, None, &mut all);
        return all;
    };
    match &look.bot {
        None => {}
        Some(Err(error)) => {
            all.push(refused("reach", error));
            return all;
        }
        Some(Ok(bot)) => the_account(bot, &facts, &mut all),
    }
    own(known, &facts, Some(look), &mut all);
    if let Some(month) = &look.month {
        the_month(month, &facts, &mut all);
    }
    fallback(known, &facts, look, &mut all);
    all
}

/// What of the settings the findings look at.
struct Facts<'a> {
    guest: bool,
    reserve: u64,
    basic_id: &'a str,
    fallback: Vec<&'a str>,
    login: &'a str,
    liff: &'a str,
    has_forward_secret: bool,
}

impl<'a> Facts<'a> {
    fn of(account: &'a Account) -> Facts<'a> {
        let get = |name: &str| account.settings.get(name).map_or("", |value| value.trim());
        let words = get("fallback").split(|c: char| c.is_whitespace() || c == ',');
        Facts {
            guest: get("mode") == "guest",
            reserve: get("reserve").parse().unwrap_or_default(),
            basic_id: get("basic_id"),
            fallback: words.filter(|word| !word.is_empty()).collect(),
            login: get("login_channel_id"),
            liff: get("liff_id"),
            has_forward_secret: account.secrets.contains_key("forward_secret"),
        }
    }
}

fn setting(problem: &Problem) -> Finding {
    let Problem { setting, ja, en } = problem;
    Finding::new(
        "settings",
        Mark::Wrong,
        format!("{}：{ja}", setting_name(setting)),
        "下のらんを直して、［つなぐ］をおしてください。",
        format!("{setting} {en}"),
    )
}

/// The name of a setting as the form shows it.
pub fn setting_name(setting: &str) -> &str {
    match setting {
        "channel_id" => "チャネルID",
        "channel_secret" => "チャネルシークレット",
        "mode" => "アカウントの持ち主",
        "format" => "見た目",
        "reserve" => "緊急のための予備",
        "fallback" => "足りないときに送る手段",
        "login_channel_id" => "LINEログインのチャネルID",
        "login_secret" => "LINEログインのチャネルシークレット",
        "liff_id" => "LIFF ID",
        "forward_url" => "webhookを渡す先",
        "forward_secret" => "webhookの受けわたしの鍵",
        other => other,
    }
}

fn refused(topic: &'static str, error: &CallError) -> Finding {
    let topic = match error {
        CallError::Token(_) => "token",
        _ => topic,
    };
    let (what, todo) = call_words(error);
    Finding::new(topic, Mark::Wrong, what, todo, error.to_string())
}

fn the_account(bot: &Bot, facts: &Facts<'_>, all: &mut Vec<Finding>) {
    all.push(Finding::new(
        "token",
        Mark::Good,
        "LINEにつながり、チャネルIDとチャネルシークレットも合っています。",
        "",
        "LINE answers and takes the channel id and secret",
    ));
    let Bot {
        display_name, basic_id, ..
    } = bot;
    all.push(Finding::new(
        "name",
        Mark::Good,
        format!("「{display_name}」（{basic_id}）の名前で、家族に届きます。"),
        "",
        format!("families see the name {display_name} ({basic_id})"),
    ));
    if !facts.basic_id.is_empty() && facts.basic_id != basic_id {
        all.push(Finding::new(
            "name",
            Mark::Wrong,
            format!(
                "設定のベーシックID（{}）が、LINEのもの（{basic_id}）とちがいます。",
                facts.basic_id
            ),
            "友だち追加のリンクが、ほかのアカウントに向きます。kizuna.toml の basic_id を直してください。",
            format!("basic_id is {}, but LINE says {basic_id}", facts.basic_id),
        ));
    }
    if bot.chat_mode == "chat" && !facts.guest {
        all.push(Finding::new(
            "chat",
            Mark::Note,
            "「チャット」がオンです。家族が書いた文に、職員が手で返事をする設定です。",
            format!("返事をする人がいないときは、{IN_ANSWERS}で「チャット」をオフにしてください。"),
            "chat is on: staff are expected to answer by hand",
        ));
    }
}

/// The webhook and, in guest mode, the ways in that do without one.
fn own(known: &Known, facts: &Facts<'_>, look: Option<&Look>, all: &mut Vec<Finding>) {
    let ours = webhook_address(&known.base_url, &known.tenant);
    if !known.base_url.starts_with("https://") {
        all.push(Finding::new(
            "webhook",
            Mark::Wrong,
            "この画面のアドレスが https:// で始まらないので、LINEから知らせを受け取れません。",
            "サーバーの管理者に、kizuna.toml の base_url を https:// のアドレスにしてもらってください。",
            "base_url must begin with https:// so that LINE can reach us",
        ));
    }
    if facts.guest {
        return guest(facts, &ours, look, all);
    }
    let Some(webhook) = look.and_then(|look| look.webhook.as_ref()) else {
        return;
    };
    let webhook = match webhook {
        Ok(webhook) => webhook.as_ref(),
        Err(error) => return all.push(refused("webhook", error)),
    };
    let Some(webhook) = webhook.filter(|webhook| webhook.endpoint == ours) else {
        let now = webhook.map_or("まだ登録がありません。".to_owned(), |webhook| {
            format!("いまは {} です。", webhook.endpoint)
        });
        return all.push(Finding {
            mends_itself: known.base_url.starts_with("https://"),
            ..Finding::new(
                "webhook",
                Mark::Wrong,
                format!("知らせの送り先（Webhook URL）が、Kizunaのものではありません。{now}"),
                format!("［LINEに登録する］をおすと、{ours} を登録します。ほかの業者も使うアカウントのときは、おさないでください。"),
                format!("the webhook address is not {ours}"),
            )
        });
    };
    all.push(Finding::new(
        "webhook",
        Mark::Good,
        format!("知らせの送り先（Webhook URL）は、{ours} です。"),
        "",
        format!("the webhook address is {ours}"),
    ));
    if !webhook.active {
        return all.push(Finding::new(
            "webhook-active",
            Mark::Wrong,
            "Webhookが、オフです。登録・うまれました・止める、が受け取れません。",
            format!("{IN_ANSWERS}で「Webhook」をオンにしてください。"),
            "the webhook is switched off",
        ));
    }
    let Some((_, test)) = look.and_then(|look| look.test.as_ref()) else {
        return;
    };
    all.push(match test {
        Ok(test) if test.success => Finding::new(
            "webhook-test",
            Mark::Good,
            "LINEからの呼び出しに、正しく答えています（LINEのテスト）。",
            "",
            "LINE's own test call succeeds",
        ),
        Ok(test) => {
            let (why, todo) = test_words(&test.reason);
            Finding::new(
                "webhook-test",
                Mark::Wrong,
                format!("LINEからの呼び出しが、うまくいきません。{why}"),
                todo,
                format!("LINE's test call fails: {} {}", test.reason, test.detail),
            )
        }
        Err(error) => refused("webhook-test", error),
    });
}

/// LINE's reasons for a failed test ("Check webhook error statistics", codes of the test endpoint).
fn test_words(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "COULD_NOT_CONNECT" => (
            "LINEから、このサーバーにつながりません。",
            "サーバーの管理者に、インターネットから 443 番で入れること、TLS証明書が公のもので期限内であることを確かめてもらってください。",
        ),
        "REQUEST_TIMEOUT" => (
            "2秒以内に答えられませんでした。",
            "もう一度ためしてください。続くときは、サーバーの管理者に、混みぐあいと途中の装置（WAFなど）を確かめてもらってください。",
        ),
        "ERROR_STATUS_CODE" => (
            "200以外の答えが返りました。",
            "チャネルシークレットを、もう一度うつしてください。途中の装置（WAFなど）が断っていないかも、確かめてください。",
        ),
        _ => (
            "わけは、LINEからは知らされていません。",
            "数分おいて、もう一度ためしてください。続くときは、サーバーの管理者に知らせてください。",
        ),
    }
}

fn guest(facts: &Facts<'_>, ours: &str, look: Option<&Look>, all: &mut Vec<Finding>) {
    if let Some(Ok(Some(webhook))) = look.and_then(|look| look.webhook.as_ref())
        && webhook.endpoint == ours
    {
        all.push(Finding::new(
            "webhook",
            Mark::Wrong,
            "知らせの送り先が、このKizunaになっています。全市アカウントの持ち主の画面に、知らせが届いていません。",
            "市専用のアカウントなら、「アカウントの持ち主」を「市専用」にしてください。全市アカウントなら、持ち主に連絡して、もとのアドレスに戻してもらってください。",
            "the webhook is ours although the account is another vendor's",
        ));
    }
    let missing = match (facts.login, facts.liff) {
        ("", _) => "LINEログインのチャネルID",
        (_, "") => "LIFF ID",
        _ => "",
    };
    let entry = if missing.is_empty() {
        Finding::new(
            "entry",
            Mark::Good,
            "登録の入り口（LINEログインとLIFF）は、設定ずみです。",
            "",
            "LINE Login and LIFF are set",
        )
    } else {
        Finding::new(
            "entry",
            Mark::Wrong,
            format!("{missing}が、まだです。登録の入り口が開きません。"),
            "LINE Developers コンソールで、全市アカウントと同じプロバイダーに「LINEログイン」チャネルを作り、LIFFアプリを足して、下のらんにIDを入れてください。",
            "login_channel_id and liff_id are needed as a guest",
        )
    };
    all.push(entry);
    all.push(if facts.has_forward_secret {
        Finding::new(
            "fan-in",
            Mark::Good,
            "webhookの受けわたしの鍵は、保存ずみです。",
            "",
            "the key of the fan-in is set",
        )
    } else {
        Finding::new(
            "fan-in",
            Mark::Note,
            "webhookの受けわたしの鍵が、ありません。ブロックされたことを、すぐには知れません。",
            "持ち主の業者がwebhookを渡してくれるときは、鍵を決めて、下のらんに入れてください。渡してもらえないときも、登録と配信はできます。",
            "forward_secret is absent: blocks are noticed late",
        )
    });
}

fn the_month(month: &Result<Month, CallError>, facts: &Facts<'_>, all: &mut Vec<Finding>) {
    let Month { limit, used } = match month {
        Ok(month) => *month,
        Err(error) => return all.push(refused("month", error)),
    };
    let Some(limit) = limit else {
        all.push(Finding::new(
            "month",
            Mark::Good,
            "送れる通数に、上限はありません（地方公共団体プランなど）。",
            "",
            "messages are not counted on this plan",
        ));
        if facts.reserve > 0 {
            all.push(Finding::new(
                "reserve",
                Mark::Note,
                "上限がないので、緊急のための予備は使われません。",
                "そのままでだいじょうぶです。",
                "the reserve has no effect where nothing is counted",
            ));
        }
        return;
    };
    let left = limit.saturating_sub(used);
    let english = format!("{used} of {limit} messages of this month are used");
    all.push(if left == 0 {
        Finding::new(
            "month",
            Mark::Wrong,
            format!("今月の {limit} 通を、使いきりました。"),
            "LINE公式アカウントのプランを変えるか、来月を待ってください。そのあいだは、下で決めた順に、ほかの手段で送ります。",
            english,
        )
    } else if left <= (limit / LITTLE_PART).max(facts.reserve) {
        Finding::new(
            "month",
            Mark::Note,
            format!("今月は {limit} 通のうち {used} 通を使い、残りは {left} 通です。"),
            "下の「今月の通数」で、月末まで足りるかを見てください。",
            english,
        )
    } else {
        Finding::new(
            "month",
            Mark::Good,
            format!("今月は {limit} 通のうち {used} 通を使い、残りは {left} 通です。"),
            "",
            english,
        )
    });
    if facts.reserve >= limit {
        all.push(Finding::new(
            "reserve",
            Mark::Wrong,
            format!(
                "緊急のための予備（{} 通）が、1か月の {limit} 通より多いので、毎日のことばを1通も送れません。",
                facts.reserve
            ),
            "下のらんの「緊急のための予備」を、へらしてください。登録している人の数くらいが目安です。",
            "the reserve is larger than the month",
        ));
    } else if facts.reserve == 0 {
        all.push(Finding::new(
            "reserve",
            Mark::Note,
            "緊急のための予備が、0通です。",
            "災害のお知らせを送れるように、登録している人の数くらいを予備にしておくと安心です。",
            "no messages are kept for emergencies",
        ));
    } else {
        all.push(Finding::new(
            "reserve",
            Mark::Good,
            format!("緊急のために、{} 通をとっておきます。", facts.reserve),
            "",
            format!("{} messages are kept for emergencies", facts.reserve),
        ));
    }
}

fn fallback(known: &Known, facts: &Facts<'_>, look: &Look, all: &mut Vec<Finding>) {
    for word in &facts.fallback {
        if *word == "line" || !known.channels.iter().any(|channel| channel == word) {
            all.push(Finding::new(
                "fallback",
                Mark::Wrong,
                format!("足りないときに送る手段「{word}」は、この自治体では使えません。"),
                "下のらんを直してください。メールで送るときは、さきにサーバーの管理者にメールの設定をしてもらってください。",
                format!("the fallback '{word}' is no channel of this tenant"),
            ));
        }
    }
    let counted = matches!(&look.month, Some(Ok(Month { limit: Some(_), .. })));
    if counted && facts.fallback.is_empty() {
        all.push(Finding::new(
            "fallback",
            Mark::Note,
            "通数が足りなくなったときに、代わりに送る手段がありません。",
            "足りない分は、送らずに記録します。メールも使うなら、下のらんで選べます。",
            "no channel carries when the month runs short",
        ));
    }
}

/// The name of a channel as staff know it; its code where this build does not know it.
pub fn channel_name(code: &str) -> &str {
    channel(code).map_or(code, |channel| channel.capability().name)
}
