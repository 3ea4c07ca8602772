//! What the codes of actions in the audit mean, in the words of staff.

/// What an action did, in Japanese, for sentences without a subject; `None` for a code that no action writes.
pub fn ja(action: &str) -> Option<&'static str> {
    Some(match action {
        "accounts.resume" => "止まった配信を、また動かした",
        "address.bounced" => "宛先に届かなかった",
        "address.check" => "宛先を確かめるメールを求めた",
        "address.repaired" => "宛先を確かめた",
        "content.import" => "原稿を取りこんだ",
        "epoch.claim" => "このデータベースが本物だと宣言した",
        "line.connect" => "LINEのアカウントをつないだ",
        "line.menu.draft" => "LINEのメニューの下書きを変えた",
        "line.menu.publish" => "LINEのメニューを出した",
        "line.webhook" => "LINEの知らせの受け取り先を入れた",
        "mail.answer" => "空メールに返事をした",
        "place.add" => "登録の入口をふやした",
        "place.rename" => "登録の入口の名前を変えた",
        "reader.ask" => "登録のメールを求めた",
        "reader.block" => "LINEでブロックした",
        "reader.erase" => "本人が記録をけした",
        "reader.fresh-link" => "新しいリンクを求めた",
        "reader.hour" => "届く時間を変えた",
        "reader.invite" => "家族に知らせるリンクを作った",
        "reader.invite-withdrawn" => "家族に知らせるリンクを取り消した",
        "reader.links-renewed" => "届いたリンクを新しくした",
        "reader.move-asked" => "ひっこしの番号を求めた",
        "reader.move-withdrawn" => "ひっこしの番号を取り消した",
        "reader.moved-in" => "ほかの町からうつってきた",
        "reader.moved-out" => "ほかの町へうつった",
        "reader.register" => "登録した",
        "reader.restart" => "もう一度、受け取りはじめた",
        "reader.stop" => "配信を止めた",
        "reader.unblock" => "LINEのブロックを解いた",
        "reader.way" => "受け取り方を変えた",
        "reader.way-asked" => "新しい宛先を確かめるメールを求めた",
        "reader.way-removed" => "受け取り方を一つ外した",
        "readers.complete" => "配信期間が終わった",
        "readers.import" => "読者の一覧を取りこんだ",
        "readers.stop-again" => "控えてあった停止を、もう一度おこなった",
        "readers.purge" => "保存期間がすぎた記録をけした",
        "staff.authenticator" => "認証アプリを変えた",
        "staff.close" => "サインインできなくした",
        "staff.invite" => "招待した",
        "staff.join" => "招待を受けた",
        "staff.new-credentials" => "パスワードと認証アプリを決めなおした",
        "staff.password" => "パスワードを変えた",
        "staff.remove" => "外した",
        "staff.reset" => "決めなおすためのリンクを出した",
        "staff.role" => "役割を変えた",
        "staff.sample" => "見本の職員を作った",
        "staff.sign-in" => "サインインした",
        "staff.sign-in-recovery" => "予備のコードでサインインした",
        "staff.sign-out" => "サインアウトした",
        "staff.withdraw" => "招待を取り消した",
        "subscription.add" => "お子さんをふやした",
        "subscription.birth" => "うまれたことを知らせた",
        "subscription.dates" => "日付を直した",
        "subscription.pause" => "お休みにした",
        "subscription.resume" => "お休みを終えた",
        "subscription.stop" => "一人の分を止めた",
        "tenant.logo" => "ロゴをあずけた",
        "tenant.put" => "設定を反映した",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// Every source of a folder.
    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
            .collect()
    }

    /// The texts of a source that look like `reader.stop`: only the limits of signing in do, too.
    fn codes(source: &Path) -> BTreeSet<String> {
        let source = fs::read_to_string(source).unwrap();
        let texts = source.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let is_code = |text: &&str| text.contains('.') && text.split('.').all(is_word);
        let is_limit = |text: &&str| text.starts_with("sign-in.");
        let codes = texts.filter(|text| is_code(text) && !is_limit(text));
        codes.map(str::to_owned).collect()
    }

    #[test]
    fn every_action_has_words_and_no_words_are_left_over() {
        let (here, others): (Vec<PathBuf>, Vec<PathBuf>) = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
            .into_iter()
            .partition(|source| source.ends_with("actions/words.rs"));
        let of = |sources: &[PathBuf]| sources.iter().flat_map(|source| codes(source)).collect::<BTreeSet<_>>();
        let (written, worded) = (of(&others), of(&here));

        assert!(
            written.contains("reader.stop") && written.contains("subscription.birth"),
            "{written:?}"
        );
        assert_eq!(written, worded);
        for code in &written {
            assert!(ja(code).is_some(), "{code}");
        }
    }
}
