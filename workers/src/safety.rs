//! Safety of text: what strangers wrote is cleaned and looked at before a model reads it, what a model says is held back
//! where it may not leave.
//!
//! All of it is code over text, the same each time. Looking for injections is a signal and no wall: the patterns find
//! what is written plainly, and miss most of what is not (README tells how much). What protects is that tools are
//! few, that untrusted text is marked as such, and that the gate at the way out holds whatever a model was told.

mod clean;
mod fold;
mod gate;
mod guards;
mod hit;
mod html;
mod links;
mod markdown;
mod patterns;
mod rules;
mod settings;

pub use clean::{Cleaned, clean};
pub use gate::{Gate, Held};
pub use guards::Guards;
pub use hit::{Hit, Verdict};
pub use rules::{BadRule, Rules};
pub use settings::{Action, AgentSafety, Hidden, Html, Safety};
