//! Invented families over all stages: the same number and day always make the same ones.

use std::collections::BTreeMap;

use kizuna_domain::day::Day;
use kizuna_engine::actions::people::ListRow;

use super::Seed;

/// A generator of numbers that look random and are not (SplitMix64).
struct Dice(u64);

impl Dice {
    fn of((day, number): Seed) -> Dice {
        let start =
            (day.epoch_days() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        Dice(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `below` - 1.
    fn below(&mut self, below: u64) -> i32 {
        (self.next() % below) as i32
    }

    /// True `percent` times in a hundred.
    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let place = self.next() as usize % choices.len().max(1);
        choices.get(place).copied().unwrap_or_default()
    }
}

/// Rows as a list from another system would bring them; some families have two children, so there are more rows.
pub(super) fn invent(families: u32, day: Day) -> Vec<ListRow> {
    let mut rows = Vec::new();
    for number in 0..u64::from(families) {
        let mut dice = Dice::of((day, number));
        let mut row = reader(&mut dice, number);
        if dice.chance(33) {
            pregnant(&mut dice, day, &mut row);
        } else {
            born(&mut dice, day, &mut row);
        }
        let sibling = dice.chance(8).then(|| {
            let mut second = row.clone();
            for column in ["due_on", "birth_on", "nickname", "registered_on"] {
                second.remove(column);
            }
            born_between(&mut dice, day, (400, 1094), &mut second);
            second.insert(
                "nickname",
                dice.one_of(&["うえの子", "おにいちゃん", "おねえちゃん"]).to_owned(),
            );
            second
        });
        for cells in std::iter::once(row).chain(sibling) {
            rows.push(ListRow {
                line: rows.len() + 2,
                cells,
            });
        }
    }
    rows
}

fn reader(dice: &mut Dice, number: u64) -> BTreeMap<&'static str, String> {
    let mut row = BTreeMap::new();
    let mut put = |column, value: &str| row.insert(column, value.to_owned());
    put("reference", &format!("demo-{number:06}"));
    // LINE carries most families of a town.
    if dice.chance(60) {
        put("channel", "line");
        put("address", &format!("U{number:032x}"));
    } else {
        put("channel", if dice.chance(60) { "email" } else { "outbox" });
        put("address", &format!("kazoku{number:06}@reader.example"));
    }
    put(
        "relation",
        dice.one_of(&[
            "mother",
            "mother",
            "mother",
            "partner",
            "partner",
            "grandparent",
            "unsaid",
        ]),
    );
    if dice.chance(70) {
        put("area", dice.one_of(&["kita", "minami", "chuo"]));
    }
    match dice.below(100) {
        0..2 => put("state", "paused"),
        2..3 => put("state", "ended"),
        3..5 => put("address_state", "pending"),
        _ => None,
    };
    row
}

fn pregnant(dice: &mut Dice, day: Day, row: &mut BTreeMap<&'static str, String>) {
    let gestation = 28 + dice.below(266);
    row.insert("due_on", (day + (280 - gestation)).to_string());
    registered(dice, day, gestation - 28, row);
}

fn born(dice: &mut Dice, day: Day, row: &mut BTreeMap<&'static str, String>) {
    // Half of the children are in the first hundred days, where messages come daily.
    let ages = if dice.chance(50) { (0, 100) } else { (101, 1094) };
    born_between(dice, day, ages, row);
    if dice.chance(50) {
        row.insert(
            "nickname",
            dice.one_of(&["ひな", "そらくん", "もも", "はるちゃん", "つぼみ"])
                .to_owned(),
        );
    }
}

fn born_between(dice: &mut Dice, day: Day, (from, until): (i32, i32), row: &mut BTreeMap<&'static str, String>) {
    let age = from + dice.below((until - from + 1) as u64);
    let birth = day - age;
    row.insert("birth_on", birth.to_string());
    if dice.chance(60) {
        // One in twenty comes three weeks early or more.
        let early = if dice.chance(5) {
            22 + dice.below(50)
        } else {
            dice.below(21) - 7
        };
        row.insert("due_on", (birth + early).to_string());
    }
    registered(dice, day, age + 200, row);
}

/// Most registered some time ago, one in fifty today.
fn registered(dice: &mut Dice, day: Day, at_most: i32, row: &mut BTreeMap<&'static str, String>) {
    let ago = if dice.chance(2) {
        0
    } else {
        dice.below(at_most.max(1) as u64)
    };
    row.insert("registered_on", (day - ago).to_string());
}
