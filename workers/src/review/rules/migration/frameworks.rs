//! Migrations in the languages of frameworks: Rails, Django, Alembic, Knex and Sequelize.

use super::{info, is_migration};
use crate::review::rules::{
    language::Language::{Python, Ruby, Script},
    pattern::{Hit, Pattern},
};

/// How far back the method is looked for that a line is in.
const METHOD_LINES: usize = 40;

pub const TABLE: &[Pattern] = &[
    Pattern::new(&info::DROP, &[Ruby], r"^\s*(?:remove_column|remove_columns|drop_table)\b").when(is_up),
    Pattern::new(&info::DROP, &[Python], r"\bmigrations\.(?:RemoveField|DeleteModel)\s*\(").when(is_up),
    Pattern::new(&info::DROP, &[Python], r"\bop\.(?:drop_column|drop_table)\s*\(").when(is_up),
    Pattern::new(&info::DROP, &[Script], r"\.(?:dropColumn|dropColumns|dropTable|dropTableIfExists|removeColumn)\s*\(")
        .when(is_up),
    Pattern::new(&info::RENAME, &[Ruby], r"^\s*(?:rename_column|rename_table)\b").when(is_up),
    Pattern::new(
        &info::RENAME,
        &[Python],
        r"\bmigrations\.(?:RenameField|RenameModel)\s*\(|\bop\.rename_table\s*\(|\bnew_column_name\s*=",
    )
    .when(is_up),
    Pattern::new(&info::RENAME, &[Script], r"\.(?:renameColumn|renameTable)\s*\(").when(is_up),
    Pattern::new(&info::RETYPE, &[Ruby], r"^\s*change_column\b").when(is_up),
];

fn is_up(hit: &Hit<'_>) -> bool {
    const UP: [&str; 6] = ["def up", "def change", "def upgrade", "exports.up", "function up", "async up"];
    const DOWN: [&str; 6] = ["def down", "def downgrade", "exports.down", "function down", "async down", "down:"];
    let has = |code: &str, words: [&str; 6]| words.iter().any(|word| code.contains(word));
    is_migration(&hit.view.path)
        && hit
            .view
            .back(hit.row, METHOD_LINES)
            .map(|row| row.raw.as_ref())
            .find(|code| has(code, UP) || has(code, DOWN))
            .is_none_or(|code| !has(code, DOWN))
}
