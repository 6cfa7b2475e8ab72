//! Who has which grants, and what is asked about them.

use ee::{AclSubject, User, UserId};

use crate::index::Index;

/// How grants are spread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Spread {
    /// Over user, two groups and two roles of one person.
    Five,
    /// 10,000 people have as many each.
    Many,
    /// One person has all.
    One,
}

const PEOPLE: usize = 10_000;
const FIVE: [&str; 5] = [
    "user:user-0",
    "group:ops",
    "group:staff",
    "role:editor",
    "role:viewer",
];

/// Grants of one spread: number `n` is for the thing `agent-n`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grants {
    pub(crate) count: usize,
    pub(crate) spread: Spread,
}

/// A thing and who asks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) thing: &'a str,
    pub(crate) user: usize,
}

impl Grants {
    pub(crate) fn name(self) -> String {
        let spread = match self.spread {
            Spread::Five => "five",
            Spread::Many => "many",
            Spread::One => "one",
        };
        format!("grants/{spread}/{}", self.count)
    }

    /// Returns SQL for the subject of the grant `i`.
    pub(crate) fn subject_sql(self) -> String {
        match self.spread {
            Spread::Five => {
                let cases = FIVE.iter().enumerate();
                let cases = cases.map(|(at, subject)| format!("WHEN {at} THEN '{subject}' "));
                format!("CASE i % 5 {}END", cases.collect::<String>())
            }
            Spread::Many => format!("'user:user-' || (i % {PEOPLE})"),
            Spread::One => format!("'{}'", FIVE[0]),
        }
    }

    pub(crate) fn people(self) -> Vec<User> {
        let count = match self.spread {
            Spread::Five | Spread::One => 1,
            Spread::Many => PEOPLE,
        };
        let user = |number| User::new(UserId::new(format!("user-{number}")).unwrap());
        (0..count).map(user).collect()
    }

    /// Groups and roles of everybody.
    pub(crate) fn memberships(self) -> Vec<AclSubject> {
        let all = match self.spread {
            Spread::Five => &FIVE[1..],
            Spread::Many | Spread::One => &[],
        };
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    pub(crate) fn index(self) -> Index {
        let people = self.people();
        let mut index = Index::default();
        for number in 0..self.count {
            let (user, subject) = match self.spread {
                Spread::Five => (0, number % FIVE.len()),
                Spread::Many => (number % PEOPLE, 0),
                Spread::One => (0, 0),
            };
            index.add(people[user].id.as_str(), subject, &thing(number));
        }
        index
    }

    /// Asks about every grant, in an order that no cache foresees. The texts lie one behind another.
    pub(crate) fn questions(self, texts: &str) -> Vec<Question<'_>> {
        let people = self.people().len();
        let things = texts.split_terminator(' ').enumerate();
        let question = |(turn, thing)| Question {
            thing,
            user: self.at(turn) % people,
        };
        things.map(question).collect()
    }

    /// Returns what [`questions`](Self::questions) is made of.
    pub(crate) fn texts(self) -> String {
        (0..self.count)
            .flat_map(|turn| [thing(self.at(turn)), " ".to_owned()])
            .collect()
    }

    /// Walks through all numbers with a stride that has no divisor in common with their count.
    const fn at(self, turn: usize) -> usize {
        (turn * 700_001 + 13) % self.count
    }
}

fn thing(number: usize) -> String {
    format!("agent-{number:07}")
}
