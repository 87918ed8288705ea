//! What is held against the text of strangers, and against what models say.

use flotilla_workers::safety::{self, AgentSafety, Guards, Rules};
use serde::Deserialize;
use std::collections::BTreeMap;

/// For every agent, and for those that differ.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Safety {
    injection: safety::Action,
    hidden: safety::Hidden,
    html: safety::Html,
    max_chars: usize,
    format: String,
    patterns: BTreeMap<String, String>,
    mask_secrets: bool,
    link_hosts: Vec<String>,
    #[serde(default)]
    agents: BTreeMap<String, AgentSafety>,
}

impl Safety {
    /// What messages to an agent are looked at for; which setting cannot be used, and why.
    pub fn rules(&self, agent: &str) -> Result<Rules, (String, String)> {
        let of_all = self.of_all();
        let (own, place) = match self.agents.get(agent) {
            Some(own) => (of_all.with(own), format!("safety.agents.{agent}")),
            None => (of_all, "safety".to_owned()),
        };
        Rules::new(own).map_err(|bad| (format!("{place}.{}", bad.field), bad.message))
    }

    /// The rules of all; which setting cannot be used, and why.
    pub fn guards(&self) -> Result<Guards, (String, String)> {
        let of_all = Rules::new(self.of_all()).map_err(|bad| (format!("safety.{}", bad.field), bad.message))?;
        let own = self.agents.keys().map(|agent| self.rules(agent).map(|rules| (agent.clone(), rules)));
        Ok(Guards::new(of_all, own.collect::<Result<_, _>>()?))
    }

    fn of_all(&self) -> safety::Safety {
        safety::Safety {
            injection: self.injection,
            hidden: self.hidden,
            html: self.html,
            max_chars: self.max_chars,
            format: self.format.clone(),
            patterns: self.patterns.clone(),
            mask_secrets: self.mask_secrets,
            link_hosts: self.link_hosts.clone(),
        }
    }
}
