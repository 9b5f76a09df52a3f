//! Selects one assignment for each name. Later ones override earlier ones, a class counts only if
//! it applies, and assignments that depend on a condition are set aside.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::assignment::{Assignment, Contents, Scope};
use crate::import::ImportError;
use crate::toml_text::short;

/// Above this number of classes, their common base class is not searched.
const MANY: usize = 50;

/// The assignments that apply, and the others.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// One assignment for each name, in the order of the file.
    pub(crate) chosen: Vec<Assignment>,
    /// The others, each with the reason.
    pub(crate) aside: Vec<(Assignment, String)>,
    /// A remark for the operator about the choice of a class.
    pub(crate) remark: Option<String>,
}

/// Selects the assignments that apply, for the class if one is named.
///
/// # Errors
/// If there is no such class.
pub(crate) fn choose(contents: &Contents, class: Option<&str>) -> Result<Choice, ImportError> {
    let mut choice = Choice::default();
    let ranks: HashMap<usize, usize> = classes(contents, class, &mut choice)?
        .into_iter()
        .enumerate()
        .map(|(rank, index)| (index, 1 + rank))
        .collect();
    let mut chosen: BTreeMap<&str, (usize, &Assignment)> = BTreeMap::new();
    for found in &contents.found {
        let rank = match found.scope {
            Scope::Module => 0,
            Scope::Class(index) => {
                let Some(rank) = ranks.get(&index) else {
                    let class = &contents.classes[index].label;
                    let why = format!("belongs to the class {class}, which was not selected");
                    choice.aside.push((found.clone(), why));
                    continue;
                };
                *rank
            }
            Scope::AppConfig => usize::MAX,
        };
        if let Some(condition) = &found.condition {
            let why = format!("depends on {condition}");
            choice.aside.push((found.clone(), why));
            continue;
        }
        match chosen.get(found.name.as_str()) {
            Some((stronger, _)) if *stronger > rank => {}
            _ => {
                chosen.insert(&found.name, (rank, found));
            }
        }
    }
    choice.chosen = chosen
        .into_values()
        .map(|(_, found)| found.clone())
        .collect();
    choice.chosen.sort_by_key(|found| (found.line, found.span));
    Ok(choice)
}

/// The classes whose settings apply, the weakest first.
fn classes(
    contents: &Contents,
    named: Option<&str>,
    choice: &mut Choice,
) -> Result<Vec<usize>, ImportError> {
    let mut with_settings: Vec<usize> = Vec::new();
    for found in &contents.found {
        if let Scope::Class(index) = found.scope
            && with_settings.last() != Some(&index)
        {
            with_settings.push(index);
        }
    }
    with_settings.sort_unstable();
    with_settings.dedup();
    let name = |index: &usize| contents.classes[*index].label.clone();
    if let Some(named) = named {
        let index = contents.class_index.get(named).copied();
        return index.map(|index| lineage(contents, index)).ok_or_else(|| {
            ImportError::NoSuchClass {
                class: named.to_owned(),
                known: with_settings.iter().map(name).collect(),
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
    // The settings of a class that all others inherit from apply in any case.
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
    let imported = match common.as_slice() {
        [base] => format!(
            "only the settings of {}, which all of them inherit, are imported",
            name(base)
        ),
        _ => "the settings of none of them are imported".to_owned(),
    };
    choice.remark = Some(format!(
        "several classes have settings ({}): select one with --class; {imported}",
        short(&known.join(", "))
    ));
    Ok(common)
}

/// A class and the classes that it inherits from, the weakest first.
fn lineage(contents: &Contents, index: usize) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![(index, false)];
    while let Some((index, are_bases_done)) = open.pop() {
        if are_bases_done {
            order.push(index);
        } else if seen.insert(index) {
            open.push((index, true));
            // The first base is the strongest, so it comes last.
            let bases = contents.classes[index].bases.iter();
            open.extend(bases.map(|base| (*base, false)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::lex;
    use crate::reader::read;

    fn contents(source: &str) -> Contents {
        read(&lex(source).tokens, &|_| true)
    }

    fn chosen(source: &str, class: Option<&str>) -> Vec<(String, usize)> {
        let choice = choose(&contents(source), class).unwrap();
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
            choose(&contents(CLASSES), Some("Three"))
                .unwrap_err()
                .to_string()
                .contains("Base, Other, One")
        );
    }

    #[test]
    fn without_a_class_name_only_common_settings_apply() {
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
    fn the_last_unconditional_assignment_wins() {
        let source = "TESTING = True\nif x:\n    TESTING = False\napp.config['TESTING'] = 0\n";
        assert_eq!(chosen(source, None), [("TESTING".to_owned(), 4)]);
        let aside = choose(&contents(source), None).unwrap().aside;
        assert_eq!(aside.len(), 1);
        assert_eq!(aside[0].1, "depends on the `if` on line 2");
    }
}
