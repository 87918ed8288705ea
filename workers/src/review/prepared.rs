//! A review by rules that a model may add to.

use super::{
    Error, Host, Watch,
    agent::{self, Added, Material, Mind, Room},
    collect,
    settings::Settings,
};
use flotilla_jobs::{
    MicroUsd,
    kinds::{Finding, Review, Source},
};

/// A review by rules, and what a model needs to look at the same change.
#[derive(Debug)]
pub struct Prepared {
    pub(super) review: Review,
    /// All that the rules found, accepted or not.
    pub(super) ruled: Vec<Finding>,
    /// Whether the change adds lines that a model could look at.
    pub(super) has_text: bool,
    /// Empty where only rules were wanted.
    pub(super) material: Material,
    pub(super) settings: Settings,
}

/// What the team wants of a model: from the settings at the base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// A route of the configuration to take instead of the agent's own.
    pub route: Option<String>,
    /// What the review may cost; it can only lower what the operator allows.
    pub budget: Option<MicroUsd>,
}

/// Reviews the change of a source by rules and, where it is `deep`, makes ready what a model is shown.
pub async fn prepare(source: &Source, host: &Host, watch: &Watch, deep: bool) -> Result<Prepared, Error> {
    watch.stage(0, "collecting the change")?;
    let collected = collect::collect(source, host, watch, deep).await?;
    let watch = watch.clone();
    let digest = tokio::task::spawn_blocking(move || super::digest(collected, &watch, deep));
    digest.await.map_err(|error| Error::Broken(error.to_string()))?
}

impl Prepared {
    /// What rules found.
    pub fn review(&self) -> &Review {
        &self.review
    }

    /// What is wanted of a model; `None` where the team wants none, or nothing was added that one could look at.
    pub fn wishes(&self) -> Option<Wishes> {
        let model = &self.settings.model;
        (model.on && self.has_text).then(|| Wishes { route: model.route.clone(), budget: model.budget })
    }

    /// Names what models are shown: the same change gives the same.
    pub fn digest(&self) -> &str {
        &self.material.digest
    }

    /// Asks a model; `watch` hears how far it is.
    pub async fn ask<M: Mind>(&self, mind: &M, watch: &Watch) -> Result<Added, M::Halt> {
        let say = |done, total, message: &str| watch.beyond(done, total, message);
        agent::review(mind, &self.material, &self.settings, &self.ruled, Room::USUAL, &say).await
    }

    /// The review with what a model adds to it; what the rules found stays as it is.
    pub fn with(self, added: Added) -> Review {
        let mut review = self.review;
        review.findings.extend(added.findings);
        super::order(&mut review.findings);
        review.suppressed = review.suppressed.saturating_add(added.suppressed);
        review.notes.extend(added.notes);
        review.agent = Some(added.work);
        review
    }

    /// The review by rules alone, and why.
    pub fn without(self, why: Option<String>) -> Review {
        let mut review = self.review;
        review.notes.extend(why);
        review
    }
}
