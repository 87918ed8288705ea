//! Which models a call goes to, in which order: the first is the choice, the rest is the fallback chain.

use flotilla_jobs::MicroUsd;
use serde::{Deserialize, Serialize};

/// A named, ordered list of models with rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    #[allow(missing_docs)]
    pub name: String,
    /// At least one of them has no rule, so that there is always an answer.
    pub models: Vec<Choice>,
}

/// A model, and when it is one to use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Choice {
    pub model: String,
    /// `None` for always.
    pub when: Option<Rule>,
}

/// Holds where all that is said of it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rule {
    pub min_input_tokens: Option<u64>,
    pub max_input_tokens: Option<u64>,
    pub min_complexity: Option<Complexity>,
    pub max_complexity: Option<Complexity>,
    /// The tightest budget has less than this left; never true without a budget.
    pub budget_left_below: Option<MicroUsd>,
}

/// How hard the work looks to whoever asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Complexity {
    Low,
    #[default]
    Normal,
    High,
}

/// What rules look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Facts {
    /// Estimated.
    pub input_tokens: u64,
    pub complexity: Complexity,
    /// Of the tightest budget; `None` where there is none.
    pub budget_left: Option<MicroUsd>,
}

impl Route {
    /// A route of one model.
    pub fn only(model: &str) -> Self {
        Self { name: model.to_owned(), models: vec![Choice { model: model.to_owned(), when: None }] }
    }

    /// The models whose rule holds, in order, each once. Never empty in a route of a [`Catalog`](super::Catalog).
    pub fn order(&self, facts: &Facts) -> Vec<&str> {
        let mut order: Vec<&str> = Vec::new();
        for choice in &self.models {
            if choice.when.as_ref().is_none_or(|rule| rule.holds(facts)) && !order.contains(&choice.model.as_str()) {
                order.push(&choice.model);
            }
        }
        order
    }
}

impl Rule {
    /// Whether all that it says holds.
    pub fn holds(&self, facts: &Facts) -> bool {
        self.min_input_tokens.is_none_or(|least| facts.input_tokens >= least)
            && self.max_input_tokens.is_none_or(|most| facts.input_tokens <= most)
            && self.min_complexity.is_none_or(|least| facts.complexity >= least)
            && self.max_complexity.is_none_or(|most| facts.complexity <= most)
            && self.budget_left_below.is_none_or(|limit| facts.budget_left.is_some_and(|left| left < limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(model: &str, when: Rule) -> Choice {
        Choice { model: model.to_owned(), when: (when != Rule::default()).then_some(when) }
    }

    #[test]
    fn the_first_rule_that_holds_chooses_and_the_rest_falls_back() {
        let route = Route {
            name: "review".to_owned(),
            models: vec![
                choice("cheap", Rule { budget_left_below: Some(MicroUsd(100_000)), ..Rule::default() }),
                choice("small", Rule { max_input_tokens: Some(4_000), ..Rule::default() }),
                choice("large", Rule { min_complexity: Some(Complexity::High), ..Rule::default() }),
                choice("middle", Rule::default()),
                choice("small", Rule::default()),
            ],
        };
        let facts = |input_tokens, complexity, left: Option<u64>| Facts {
            input_tokens,
            complexity,
            budget_left: left.map(MicroUsd),
        };
        let (normal, high) = (Complexity::Normal, Complexity::High);
        assert_eq!(route.order(&facts(4_000, normal, None)), ["small", "middle"]);
        assert_eq!(route.order(&facts(4_001, normal, None)), ["middle", "small"]);
        assert_eq!(route.order(&facts(9_000, high, None)), ["large", "middle", "small"]);
        assert_eq!(route.order(&facts(9_000, normal, Some(100_000))), ["middle", "small"]);
        assert_eq!(route.order(&facts(9_000, normal, Some(99_999))), ["cheap", "middle", "small"]);
    }

    #[test]
    fn a_rule_holds_where_all_of_it_does() {
        let rule = Rule {
            min_input_tokens: Some(10),
            max_input_tokens: Some(20),
            max_complexity: Some(Complexity::Low),
            ..Rule::default()
        };
        let facts = |input_tokens, complexity| Facts { input_tokens, complexity, budget_left: None };
        assert!(rule.holds(&facts(10, Complexity::Low)) && rule.holds(&facts(20, Complexity::Low)));
        for wrong in [facts(9, Complexity::Low), facts(21, Complexity::Low), facts(15, Complexity::Normal)] {
            assert!(!rule.holds(&wrong), "{wrong:?}");
        }
    }
}
