//! The scripts, each with what they share in front.

use redis::Script;
use std::sync::LazyLock;

/// A script of these files, which knows the time; the one in brackets goes before the clock is read.
macro_rules! timed {
    ($(($first:literal))? $($file:literal),*) => {
        redis::Script::new(concat!($(include_str!($first),)? include_str!("now.lua"), $(include_str!($file)),*))
    };
}
pub(super) use timed;

macro_rules! scripts {
    ($($name:ident = $(($first:literal))? $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| timed!($(($first))? "common.lua", $file));)*

        /// Every script, to load them once at the start.
        pub(super) fn all() -> Vec<&'static Script> {
            vec![$(&*$name),*]
        }
    };
}

scripts! {
    PUSH = "push.lua";
    CLAIM = "claim.lua";
    RENEW = "renew.lua";
    FINISH = "finish.lua";
    GIVE_BACK = "give_back.lua";
    REMOVE = "remove.lua";
    PROMOTE = ("none_delayed.lua") "promote.lua";
    EXPIRE = ("none_leased.lua") "expire.lua";
    KNOWN = "known.lua";
    STATS = "stats.lua";
    CONFIGURE = "configure.lua";
    REPAIR = "repair.lua";
}
