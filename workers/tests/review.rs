//! The review pipeline on real repositories, made with the git program.

#[path = "review/changes.rs"]
mod changes;
#[path = "review/hostile.rs"]
mod hostile;
#[path = "review/models.rs"]
mod models;
#[path = "review/repo.rs"]
mod repo;
#[path = "review/settings.rs"]
mod settings;
#[path = "review/sources.rs"]
mod sources;
