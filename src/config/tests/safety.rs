//! What is held against the text of strangers, as it is written down.

use super::World;
use flotilla_workers::safety::{Action, Safety};

#[test]
fn messages_are_looked_at_and_credentials_masked_by_default() {
    let rules = World::new().load().config.safety.rules("chat").unwrap();
    assert_eq!(*rules.settings(), Safety::default());
    assert!(rules.settings().mask_secrets && rules.settings().injection == Action::Warn);
}

#[test]
fn an_agent_has_its_own() {
    let file = "[safety]\ninjection = \"block\"\nmax_chars = 9\n\
                [safety.agents.chat]\ninjection = \"off\"\nmask_secrets = false\npatterns = { ticket = \"T-[0-9]+\" }\n";
    let safety = World::new().file(file).load().config.safety;
    let of = |agent: &str| safety.rules(agent).unwrap().settings().clone();
    assert_eq!((of("chat").injection, of("chat").max_chars, of("chat").mask_secrets), (Action::Off, 9, false));
    assert_eq!((of("other").injection, of("other").mask_secrets), (Action::Block, true));
    assert_eq!((of("chat").patterns.len(), of("other").patterns.len()), (1, 0));
    let by_variable = World::new().var("FLOTILLA_SAFETY__AGENTS__CHAT__HTML", "refuse").load().config.safety;
    assert_ne!(by_variable.rules("chat").unwrap().settings().html, by_variable.rules("other").unwrap().settings().html);
}

#[test]
fn a_wrong_setting_is_named() {
    for (file, wrong) in [
        ("[safety]\ninjection = \"maybe\"\n", "safety.injection"),
        ("[safety]\nformat = \"(\"\n", "safety.format"),
        ("[safety.agents.chat]\npatterns = { a = \"(\" }\n", "safety.agents.chat.patterns.a"),
        ("[safety.agents.chat]\ninjektion = \"off\"\n", "did you mean `safety.agents.NAME.injection`"),
    ] {
        let error = World::new().file(file).error();
        assert!(error.contains(wrong), "{file}: {error}");
    }
}
