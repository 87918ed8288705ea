//! Limits of providers in a store that can be made to fail.

use super::Faulty;
use crate::{
    admission::{Admission, Admitted, Ask, Lane, LaneState, Permit, Used},
    store::Error,
};
use async_trait::async_trait;

#[async_trait]
impl Admission for Faulty {
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        self.faults.pass("admit", self.store.admit(ask)).await
    }

    async fn release(&self, permit: Permit, used: Used) -> Result<(), Error> {
        self.faults.pass("release", self.store.release(permit, used)).await
    }

    async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error> {
        self.faults.pass("leave", self.store.leave(lane, holder)).await
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        self.faults.pass("lanes", self.store.lanes()).await
    }
}
