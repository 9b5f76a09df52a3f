//! Which of the values of a name holds: later ones win, classes count where they are meant, and
//! what depends on a condition is left aside.

use std::collections::{BTreeMap, HashSet};

use super::found::{Contents, Found, Way};

/// More classes than anybody chooses from.
const MANY: usize = 50;

/// What holds, and what is left aside.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// One value for each name, in the order of the file.
    pub(super) chosen: Vec<Found>,
    /// The others, each with why.
    pub(super) aside: Vec<(Found, String)>,
    /// What to say about the choice of a class.
    pub(super) remark: Option<String>,
}

/// Settles it, for a class if one is named.
///
/// # Errors
/// When there is no such class.
pub(super) fn settle(contents: &Contents, class: Option<&str>) -> Result<Choice, String> {
    let mut choice = Choice::default();
    let classes = classes(contents, class, &mut choice)?;
    let mut holding: BTreeMap<&str, (usize, &Found)> = BTreeMap::new();
    for found in &contents.found {
        let rank = match found.way {
            Way::Plain => 0,
            Way::Class(index) => {
                let Some(rank) = classes.iter().position(|known| *known == index) else {
                    let class = &contents.classes[index].name;
                    let why = format!("belongs to the class {class}, which was not chosen");
                    choice.aside.push((found.clone(), why));
                    continue;
                };
                1 + rank
            }
            Way::Config => usize::MAX,
        };
        if let Some(condition) = &found.condition {
            let why = format!("depends on {condition}");
            choice.aside.push((found.clone(), why));
            continue;
        }
        match holding.get(found.name.as_str()) {
            Some((stronger, _)) if *stronger > rank => {}
            _ => {
                holding.insert(&found.name, (rank, found));
            }
        }
    }
    choice.chosen = holding
        .into_values()
        .map(|(_, found)| found.clone())
        .collect();
    choice.chosen.sort_by_key(|found| (found.line, found.span));
    Ok(choice)
}

/// The classes whose settings hold, the weakest first.
fn classes(
    contents: &Contents,
    named: Option<&str>,
    choice: &mut Choice,
) -> Result<Vec<usize>, String> {
    let mut with_settings: Vec<usize> = Vec::new();
    for found in &contents.found {
        if let Way::Class(index) = found.way
            && with_settings.last() != Some(&index)
        {
            with_settings.push(index);
        }
    }
    with_settings.sort_unstable();
    with_settings.dedup();
    let name = |index: &usize| contents.classes[*index].name.clone();
    if let Some(named) = named {
        let index = contents.class_index.get(named).copied();
        return index.map(|index| lineage(contents, index)).ok_or_else(|| {
            let known: Vec<String> = with_settings.iter().map(name).collect();
            match known.as_slice() {
                [] => format!("there is no class {named}, and none with settings"),
                known => format!("there is no class {named}; there is {}", known.join(", ")),
            }
        });
    }
    if let [first, rest @ ..] = contents.chosen.as_slice()
        && rest.iter().all(|other| other == first)
    {
        return Ok(lineage(contents, *first));
    }
    match with_settings.as_slice() {
        [] => return Ok(Vec::new()),
        [only] => return Ok(lineage(contents, *only)),
        _ => {}
    }
    // What all inherit from holds whichever is meant.
    let common: Vec<usize> = with_settings
        .iter()
        .take(1)
        .copied()
        .filter(|base| {
            with_settings.len() < MANY
                && with_settings
                    .iter()
                    .all(|index| lineage(contents, *index).contains(base))
        })
        .collect();
    let known: Vec<String> = with_settings.iter().map(name).collect();
    let taken = match common.as_slice() {
        [base] => format!(
            "only what they have in common, {}, is taken over",
            name(base)
        ),
        _ => "none of them is taken over".to_owned(),
    };
    choice.remark = Some(format!(
        "there are several classes with settings ({}): name one with --class; {taken}",
        known.join(", ")
    ));
    Ok(common)
}

/// A class and what it inherits from, the weakest first.
fn lineage(contents: &Contents, index: usize) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![(index, false)];
    while let Some((index, are_bases_done)) = open.pop() {
        if are_bases_done {
            order.push(index);
        } else if seen.insert(index) {
            open.push((index, true));
            // The first base is the strongest: it comes last.
            let bases = contents.classes[index].bases.iter();
            open.extend(bases.map(|base| (*base, false)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::reader::read;
    use super::*;

    fn chosen(source: &str, class: Option<&str>) -> Vec<(String, usize)> {
        let choice = settle(&read(source), class).unwrap();
        let names = choice.chosen.into_iter();
        names.map(|found| (found.name, found.line)).collect()
    }

    const CLASSES: &str = "\
class Base:
    TESTING = False
    SERVER_NAME = 'a'
class Other:
    SERVER_NAME = 'b'
class One(Base):
    TESTING = True
class Two(Other, Base):
    pass
";

    #[test]
    fn a_class_inherits_as_in_python() {
        let expect = |class, lines: [usize; 2]| {
            let mut found = chosen(CLASSES, Some(class));
            found.sort();
            let expected = [("SERVER_NAME", lines[0]), ("TESTING", lines[1])];
            assert_eq!(found, expected.map(|(name, line)| (name.to_owned(), line)));
        };
        expect("Base", [3, 2]);
        expect("One", [3, 7]);
        expect("Two", [5, 2]);
        assert!(
            settle(&read(CLASSES), Some("Three"))
                .unwrap_err()
                .contains("Base, Other, One")
        );
    }

    #[test]
    fn without_a_name_only_what_is_certain() {
        assert_eq!(chosen(CLASSES, None).len(), 0);
        let two = "class A:\n  TESTING = True\nclass B(A):\n  SERVER_NAME = 'x'\n";
        assert_eq!(chosen(two, None), [("TESTING".to_owned(), 2)]);
        let given = format!("{two}app.config.from_object(B())\n");
        assert_eq!(chosen(&given, None).len(), 2);
        assert_eq!(
            chosen(&format!("{two}app.config.from_object('x.B')"), None).len(),
            2
        );
    }

    #[test]
    fn the_last_one_wins_and_conditions_do_not() {
        let source = "TESTING = True\nif x:\n    TESTING = False\napp.config['TESTING'] = 0\n";
        assert_eq!(chosen(source, None), [("TESTING".to_owned(), 4)]);
        let aside = settle(&read(source), None).unwrap().aside;
        assert_eq!(aside.len(), 1);
        assert_eq!(aside[0].1, "depends on the if in line 2");
    }
}
