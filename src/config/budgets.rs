//! What agents may spend.

use flotilla_jobs::MicroUsd;
use flotilla_workers::agents::budget::{self, Allowance, TenantBudgets};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;

/// What is allowed, to whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    pub job: Amount,
    pub session: Amount,
    pub tenant_day: Amount,
    pub tenant: Amount,
    pub day: Amount,
    pub fleet: Amount,
    #[serde(default)]
    pub tenants: BTreeMap<String, Tenant>,
}

/// How much.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Amount {
    #[serde(deserialize_with = "dollars")]
    pub usd: Option<MicroUsd>,
    /// 0 is "no limit".
    pub tokens: u64,
}

/// How much for one tenant.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tenant {
    pub day: Option<Amount>,
    pub total: Option<Amount>,
}

impl Amount {
    fn allowance(self) -> Allowance {
        Allowance { cost: self.usd, tokens: Some(self.tokens).filter(|tokens| *tokens > 0) }
    }
}

impl Budgets {
    /// The same for those who spend.
    pub fn budgets(&self) -> budget::Budgets {
        let tenant = |tenant: &Tenant| TenantBudgets {
            day: tenant.day.map(Amount::allowance),
            total: tenant.total.map(Amount::allowance),
        };
        budget::Budgets {
            job: self.job.allowance(),
            session: self.session.allowance(),
            tenant_day: self.tenant_day.allowance(),
            tenant: self.tenant.allowance(),
            day: self.day.allowance(),
            fleet: self.fleet.allowance(),
            tenants: self.tenants.iter().map(|(name, own)| (name.clone(), tenant(own))).collect(),
        }
    }
}

/// An empty text is "no limit".
fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MicroUsd>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|e: flotilla_jobs::Invalid| D::Error::custom(e.message))
}
