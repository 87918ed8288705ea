//! Cuts a change into batches that a model can look at in one go: first fit, the largest first.
//!
//! A file stays whole where it fits, else it is cut between hunks; a hunk that does not fit is cut between lines.

use super::{
    material::{File, Material, Row},
    write,
};
use flotilla_jobs::kinds::SkippedFile;
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BTreeSet};

/// How much is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Tokens of a batch, as estimated.
    pub tokens: usize,
    /// Batches of a review.
    pub batches: usize,
}

impl Room {
    /// Small enough that a model still sees each line, and most changes are one batch.
    pub const USUAL: Self = Self { tokens: 16_000, batches: 24 };
}

/// Which part of the material is shown in which batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Begins and ends what others wrote, in every prompt. Nobody can know it beforehand.
    pub fence: String,
    pub batches: Vec<Vec<Piece>>,
    pub left_out: Vec<SkippedFile>,
}

/// Rows of a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub file: usize,
    pub hunk: usize,
    pub from: usize,
    pub to: usize,
}

impl Material {
    /// What a piece shows; `None` if there is no such piece.
    pub fn rows(&self, piece: &Piece) -> Option<(&File, &[Row])> {
        let file = self.files.get(piece.file)?;
        Some((file, file.hunks.get(piece.hunk)?.rows.get(piece.from..piece.to)?))
    }
}

/// Pieces that stay together.
struct Unit {
    cost: usize,
    pieces: Vec<Piece>,
}

/// Plans the batches of a change. `count` estimates the tokens of a text.
pub(crate) fn plan(material: &Material, room: Room, fence: String, count: impl Fn(&str) -> usize) -> Plan {
    let mut units = Vec::new();
    for (index, file) in material.files.iter().enumerate() {
        units.extend(units_of(file, index, room.tokens, &count));
    }
    units.sort_by_key(|unit| Reverse(unit.cost));
    let mut batches: Vec<Unit> = Vec::new();
    let mut left_out = BTreeSet::new();
    for unit in units {
        if let Some(batch) = batches.iter_mut().find(|batch| batch.cost + unit.cost <= room.tokens) {
            batch.cost += unit.cost;
            batch.pieces.extend(unit.pieces);
        } else if batches.len() < room.batches {
            batches.push(unit);
        } else {
            left_out.extend(unit.pieces.iter().map(|piece| piece.file));
        }
    }
    let mut batches: Vec<Vec<Piece>> = batches.into_iter().map(|batch| batch.pieces).collect();
    for pieces in &mut batches {
        pieces.sort_unstable();
    }
    batches.sort_unstable();
    let reason = format!(
        "the change has no room for all of it: a model sees {} batches of {} tokens",
        room.batches, room.tokens
    );
    let skipped = |file: usize| {
        let path = material.files.get(file)?.path.clone();
        Some(SkippedFile { path, reason: reason.clone() })
    };
    Plan { fence, batches, left_out: left_out.into_iter().filter_map(skipped).collect() }
}

fn units_of(file: &File, index: usize, most: usize, count: &impl Fn(&str) -> usize) -> Vec<Unit> {
    let mut name = String::new();
    write::name(&mut name, file);
    let name = count(&name);
    let mut units: Vec<Unit> = Vec::new();
    for piece in pieces_of(file, index, most.saturating_sub(name), count) {
        match units.last_mut() {
            Some(unit) if unit.cost + piece.cost <= most => {
                unit.cost += piece.cost;
                unit.pieces.extend(piece.pieces);
            }
            _ => units.push(Unit { cost: name + piece.cost, pieces: piece.pieces }),
        }
    }
    units
}

/// The hunks of a file, cut where they are too long, without what adds nothing.
fn pieces_of(file: &File, index: usize, most: usize, count: &impl Fn(&str) -> usize) -> Vec<Unit> {
    let mut found = Vec::new();
    for (number, hunk) in file.hunks.iter().enumerate() {
        let mut add = |from: usize, to: usize, cost: usize| {
            let adds = hunk.rows[from..to].iter().any(|row| row.kind == crate::review::diff::Kind::Added);
            if adds {
                found.push(Unit { cost, pieces: vec![Piece { file: index, hunk: number, from, to }] });
            }
        };
        let mut text = String::new();
        write::hunk(&mut text, &hunk.section, &hunk.rows);
        let cost = count(&text);
        if cost <= most {
            add(0, hunk.rows.len(), cost);
            continue;
        }
        let mut frame = String::new();
        write::hunk(&mut frame, &hunk.section, &[]);
        // Both blocks have a line of their own.
        let frame = count(&frame) + 8;
        let (mut from, mut cost) = (0, frame);
        for (at, row) in hunk.rows.iter().enumerate() {
            let mut text = String::new();
            write::line(&mut text, row);
            let line = count(&text);
            if cost + line > most && at > from {
                add(from, at, cost);
                (from, cost) = (at, frame);
            }
            cost += line;
        }
        add(from, hunk.rows.len(), cost);
    }
    found
}

#[cfg(test)]
mod tests;
