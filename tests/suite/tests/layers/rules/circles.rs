//! Modules do not import each other in a circle.
//!
//! At each level of a crate, the children of one module are rooms: a file, or a folder
//! with all that is in it. One room points at another if any shipped file in it names
//! anything in the other, after all re-exports have been followed to the definition.
//! No two rooms may reach each other.
//!
//! Parent and child are not a circle: a module may use (and re-export) what its
//! children define, and the children may use what is defined in the file of their
//! parent or of any module around them. A re-export in the parent does not hide an
//! arrow between two children, because the arrow ends at the definition.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::workspace::{Place, Workspace};

/// Who points at whom among the children of one module, with one line as evidence.
type Arrows = BTreeMap<(usize, usize), String>;

/// No circles of imports.
pub(crate) fn no_modules_import_each_other(workspace: &Workspace) -> Vec<Violation> {
    let mut levels: BTreeMap<usize, Arrows> = BTreeMap::new();
    for node in workspace.shipped() {
        for used in workspace.uses(node) {
            let Place::Ours(target, _) = used.to else {
                continue;
            };
            if let Some((parent, from, to)) = siblings(workspace, node, target) {
                let evidence = format!("{}:{}", workspace.nodes[node].file, used.line);
                let arrows = levels.entry(parent).or_default();
                arrows.entry((from, to)).or_insert(evidence);
            }
        }
    }
    levels
        .iter()
        .flat_map(|(parent, arrows)| circles(workspace, *parent, arrows))
        .collect()
}

/// The rooms that two modules are in, at the level where their ways part.
fn siblings(workspace: &Workspace, from: usize, to: usize) -> Option<(usize, usize, usize)> {
    let mut a = workspace.lineage(from).into_iter().rev();
    let mut b = workspace.lineage(to).into_iter().rev();
    let mut parent = None;
    loop {
        let (a, b) = (a.next()?, b.next()?);
        if a != b {
            return parent.map(|parent| (parent, a, b));
        }
        parent = Some(a);
    }
}

fn circles(workspace: &Workspace, parent: usize, arrows: &Arrows) -> Vec<Violation> {
    let reach = |from: usize| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(room) = open.pop() {
            for &(_, next) in arrows.keys().filter(|(start, _)| *start == room) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let rooms: BTreeSet<usize> = arrows.keys().map(|(from, _)| *from).collect();
    let reached: BTreeMap<usize, BTreeSet<usize>> =
        rooms.iter().map(|&room| (room, reach(room))).collect();
    let circle_of = |room: usize| -> BTreeSet<usize> {
        let mutual = |other: &&usize| reached.get(other).is_some_and(|seen| seen.contains(&room));
        reached[&room].iter().filter(mutual).copied().collect()
    };
    let found: BTreeSet<BTreeSet<usize>> = rooms.iter().map(|&room| circle_of(room)).collect();
    let found = found.into_iter().filter(|circle| circle.len() > 1);
    found
        .map(|circle| describe(workspace, parent, &circle, arrows))
        .collect()
}

fn describe(
    workspace: &Workspace,
    parent: usize,
    circle: &BTreeSet<usize>,
    arrows: &Arrows,
) -> Violation {
    let name = |room: &usize| {
        workspace.nodes[*room]
            .path
            .last()
            .cloned()
            .unwrap_or_default()
    };
    let names: Vec<String> = circle.iter().map(name).collect();
    let inner = arrows
        .iter()
        .filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
    let lines = inner.map(|((from, to), at)| format!("{} -> {} ({at})", name(from), name(to)));
    let evidence = lines.collect::<Vec<_>>().join(", ");
    Violation {
        place: workspace.name(parent),
        problem: format!("{} import each other: {evidence}", names.join(", ")),
        line: 0,
    }
}
