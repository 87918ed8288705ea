//! The hosts that may be asked: by name, whole, with scheme and port.

use reqwest::Url;
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Hosts that the configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(BTreeSet<Origin>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    scheme: String,
    name: String,
    port: u16,
}

/// A host that cannot be named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host; give a name such as docs.example.org, or https://docs.example.org:8443 or http://…")]
pub struct BadHost(String);

impl Hosts {
    /// Reads them: a name is asked over https.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, BadHost> {
        texts.into_iter().map(str::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none, and so nothing to fetch.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name and port of a URL, if it may be asked.
    pub(super) fn check(&self, url: &Url) -> Result<(String, u16), String> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds a name or password, which is not sent; leave it out".to_owned());
        }
        let origin = Origin::of(url).ok_or_else(|| format!("the URL does not name a host; ask one of: {self}"))?;
        if self.0.contains(&origin) {
            return Ok((origin.name, origin.port));
        }
        Err(format!("`{origin}` may not be asked; ask one of: {self}"))
    }
}

impl Origin {
    /// That of a URL with a name in it; an address is none, however it is written.
    fn of(url: &Url) -> Option<Self> {
        let name = url.domain()?.to_owned();
        let scheme = url.scheme().to_owned();
        let known = matches!(scheme.as_str(), "http" | "https");
        known.then_some(Self { port: url.port_or_known_default()?, scheme, name })
    }
}

impl FromStr for Origin {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let bad = || BadHost(text.to_owned());
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&whole).map_err(|_| bad())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let named = |origin: &Self| !origin.name.ends_with('.') && !origin.name.contains('*');
        Self::of(&url).filter(|origin| bare && anonymous && named(origin)).ok_or_else(bad)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, name, port } = self;
        write!(f, "{scheme}://{name}")?;
        let usual = if scheme == "http" { 80 } else { 443 };
        if *port == usual { Ok(()) } else { write!(f, ":{port}") }
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, origin) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{origin}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names() {
        let hosts = Hosts::read(["Docs.Example.org", "http://a.example:8080", "https://bücher.example"]).unwrap();
        assert_eq!(hosts.to_string(), "http://a.example:8080, https://docs.example.org, https://xn--bcher-kva.example");
        for bad in [
            "127.0.0.1",
            "[::1]",
            "0x7f.1",
            "a.example/path",
            "u:p@a.example",
            "ftp://a.example",
            "*.example",
            "",
            "a b",
            "a.",
        ] {
            assert!(Hosts::read([bad]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_what_is_named_is_asked() {
        let hosts = Hosts::read(["docs.example.org", "http://plain.example"]).unwrap();
        for good in ["https://docs.example.org/a?b#c", "https://DOCS.example.org:443/", "http://plain.example"] {
            hosts.check(&Url::parse(good).unwrap()).unwrap();
        }
        for bad in [
            "http://docs.example.org/",
            "https://docs.example.org:8443/",
            "https://plain.example/",
            "https://docs.example.org./",
            "https://a.docs.example.org/",
            "https://evil-docs.example.org/",
            "https://docs.example.org.evil.example/",
            "https://docs.example.org@evil.example/",
            "https://evil.example\\@docs.example.org/",
            "https://user:secret@docs.example.org/",
            "https://evil.example/?docs.example.org",
            "https://evil.example#docs.example.org",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://127.0.0.1/",
            "https://[::ffff:127.0.0.1]/",
            "file:///etc/passwd",
            "ftp://docs.example.org/",
            "data:text/plain,docs.example.org",
        ] {
            assert!(hosts.check(&Url::parse(bad).unwrap()).is_err(), "{bad}");
        }
        // A name that only ends in the right one cannot even be written.
        assert!(Url::parse("https://evil.example\0.docs.example.org/").is_err());
        assert!(Url::parse("https://evil.example%00.docs.example.org/").is_err());
    }
}
