//! Where packages are pushed to and pulled from, as a user writes it: `ghcr.io`, `localhost:5000/team`.

use std::{fmt, net::IpAddr, str::FromStr};

use thiserror::Error;
use zenith_core::PackageName;

/// A registry, and the prefix under which packages are kept in it.
///
/// The package `acme:sepia` is the repository `<prefix>/acme/sepia`. For `wkg` the prefix is its
/// `namespacePrefix`, with a `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    host: String,
    /// Without a slash at either end.
    prefix: String,
}

/// Why a text is no place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// It begins with a scheme, such as `https://`.
    #[error("`{text}` begins with `{scheme}://`, but a registry is written without it")]
    Scheme {
        /// What was written.
        text: String,
        /// The scheme.
        scheme: String,
    },
    /// Its first part is no host.
    #[error("`{host}` is not a registry: it is not a host name or an address with an optional port")]
    Host {
        /// The part before the first slash.
        host: String,
    },
    /// The rest is nothing that a repository's name can begin with.
    #[error(
        "`{prefix}` cannot begin a repository's name: its parts are of `a` to `z`, `0` to `9`, and single `.`, `_` or `-` between them"
    )]
    Prefix {
        /// The part after the first slash.
        prefix: String,
    },
}

impl PlaceError {
    /// What a user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Scheme { text, scheme } => {
                let rest = text.get(scheme.len() + 3..).unwrap_or_default();
                let flag = if scheme == "http" { " and pass --plain-http" } else { "" };
                format!("write `{rest}`{flag}")
            }
            Self::Host { .. } | Self::Prefix { .. } => {
                "write a registry such as `registry.example.org`, `localhost:5000` or `registry.example.org/team`"
                    .to_owned()
            }
        }
    }
}

impl Place {
    /// The host, with its port where one was given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository of a package.
    pub fn repository(&self, name: &PackageName) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{}{slash}{}/{}", self.prefix, name.namespace(), name.name())
    }

    /// Whether it is on this machine, by its name alone.
    pub fn is_loopback(&self) -> bool {
        let name = self.host.rsplit_once(':').map_or(&*self.host, |(name, port)| {
            // The colons of an IPv6 address without a port are no port's.
            if port.ends_with(']') { &*self.host } else { name }
        });
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(PlaceError::Scheme { text: text.to_owned(), scheme: scheme.to_owned() });
        }
        let (host, prefix) = text.split_once('/').unwrap_or((text, ""));
        if !is_host(host) {
            return Err(PlaceError::Host { host: host.to_owned() });
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let sound = prefix.is_empty() || (prefix.len() <= 120 && prefix.split('/').all(is_path_part));
        if !sound {
            return Err(PlaceError::Prefix { prefix: prefix.to_owned() });
        }
        Ok(Self { host: host.to_owned(), prefix: prefix.to_owned() })
    }
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            (None, rest.strip_prefix(':').or(rest.is_empty().then_some("0")))
        }
        Some(_) => return false,
        None => match text.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(text), Some("0")),
        },
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.is_none_or(|name| name.len() <= 253 && name.split('.').all(is_label))
        && port.is_some_and(|port| {
            port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok()
        })
}

/// One part of a repository's name, by the distribution specification.
fn is_path_part(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends =
        bytes.first().is_some_and(|byte| is_plain(*byte)) && bytes.last().is_some_and(|byte| is_plain(*byte));
    ends && bytes.split(|byte| is_plain(*byte)).all(|between| {
        matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|byte| *byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_a_repository_under_the_prefix() {
        let name = "acme:sepia-tone".parse().unwrap();
        for (place, repository) in [
            ("localhost:5000", "acme/sepia-tone"),
            ("registry.example.org/", "acme/sepia-tone"),
            ("registry.example.org/team/ml_1", "team/ml_1/acme/sepia-tone"),
            ("[::1]:5000/a--b/", "a--b/acme/sepia-tone"),
        ] {
            let parsed: Place = place.parse().unwrap();
            assert_eq!(parsed.repository(&name), repository);
            assert_eq!(parsed.to_string(), place.trim_end_matches('/'));
        }
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_to_write() {
        let error = "http://localhost:5000/x".parse::<Place>().unwrap_err();
        assert_eq!(error.hint(), "write `localhost:5000/x` and pass --plain-http");
        for wrong in ["", "/x", "a b", "host:port", "host:99999", "host:", "-a.org", "[::1", "[x]:1", "a:1:2"]
        {
            assert!(matches!(wrong.parse::<Place>(), Err(PlaceError::Host { .. })), "{wrong}");
        }
        for wrong in ["h/Team", "h//x", "h/../x", "h/-x", "h/x.", "h/a___b", "h/a b", "h/é"] {
            assert!(matches!(wrong.parse::<Place>(), Err(PlaceError::Prefix { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_machine_knows_itself_by_name_and_by_address() {
        for (place, own) in [
            ("localhost", true),
            ("localhost:5000/x", true),
            ("127.0.0.1:5000", true),
            ("127.8.8.8", true),
            ("[::1]:5000", true),
            ("[::1]", true),
            ("localhost.example.org", false),
            ("10.0.0.1:80", false),
            ("example.org", false),
        ] {
            assert_eq!(place.parse::<Place>().unwrap().is_loopback(), own, "{place}");
        }
    }
}
