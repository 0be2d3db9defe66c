//! Who a registry is told that we are: from docker's configuration file, or from the environment. They
//! are never printed.

use std::{
    collections::BTreeMap,
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use thiserror::Error;

/// The variable that holds a token, or with [`USERNAME`] a password.
pub(crate) const TOKEN: &str = "ZENITH_REGISTRY_TOKEN";
/// The variable that holds the name that goes with a password.
const USERNAME: &str = "ZENITH_REGISTRY_USERNAME";

/// Who a registry is told that we are.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// A user with a password.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: String,
    },
    /// Who carries this token.
    Token(String),
    /// Docker keeps them in a helper program, which is not asked: nobody in particular.
    Helper(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic(…)",
            Self::Token(_) => "Token(…)",
            Self::Helper(_) => "Helper(…)",
        })
    }
}

/// Why docker's configuration could not be used.
#[derive(Debug, Error)]
#[error("cannot read the registry's credentials from `{}`: {reason}", path.display())]
pub struct CredentialsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl CredentialsError {
    /// What a user can do about it.
    pub fn hint(&self) -> String {
        format!("mend the file, or set `{TOKEN}`, with which it is not read")
    }
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, DockerAuth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
struct DockerAuth {
    auth: Option<String>,
    #[serde(rename = "registrytoken")]
    token: Option<String>,
}

impl Credentials {
    /// Looks for the credentials for a host: in `ZENITH_REGISTRY_TOKEN`, which is a password where
    /// `ZENITH_REGISTRY_USERNAME` says whose; then in `config.json` in `$DOCKER_CONFIG` or `~/.docker`.
    pub fn find(host: &str) -> Result<Self, CredentialsError> {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        match (variable(TOKEN), variable(USERNAME)) {
            (Some(password), Some(username)) => return Ok(Self::Basic { username, password }),
            (Some(token), None) => return Ok(Self::Token(token)),
            _ => {}
        }
        let folder = env::var_os("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".docker")));
        match folder {
            Some(folder) => Self::in_file(&folder.join("config.json"), host),
            None => Ok(Self::Anonymous),
        }
    }

    fn in_file(path: &Path, host: &str) -> Result<Self, CredentialsError> {
        let failed = |reason| CredentialsError { path: path.to_owned(), reason };
        match fs::read(path) {
            Ok(text) => Self::in_docker(&text, host).map_err(failed),
            Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Self::Anonymous)
            }
            Err(cause) => Err(failed(cause.to_string())),
        }
    }

    /// The reasons say no more than the place: the parser's own words would quote the content.
    fn in_docker(text: &[u8], host: &str) -> Result<Self, String> {
        let config: DockerConfig = serde_json::from_slice(text).map_err(|error| {
            format!("it is not docker's configuration (line {}, column {})", error.line(), error.column())
        })?;
        let names = names(host);
        if let Some(helper) = names.iter().find_map(|name| config.helpers.get(name)) {
            return Ok(Self::Helper(helper.clone()));
        }
        let entry = names.iter().find_map(|name| config.auths.get(name));
        if let Some(token) = entry.and_then(|entry| entry.token.clone()).filter(|token| !token.is_empty()) {
            return Ok(Self::Token(token));
        }
        match (entry.and_then(|entry| entry.auth.as_deref()), config.store) {
            (Some(auth), _) if !auth.is_empty() => basic(auth)
                .ok_or_else(|| format!("the entry of `{host}` is not a name and a password in base64")),
            (_, Some(store)) => Ok(Self::Helper(store)),
            _ => Ok(Self::Anonymous),
        }
    }
}

/// The names under which a host may be entered.
fn names(host: &str) -> Vec<String> {
    let mut names = vec![host.to_owned()];
    names.extend(["", "/", "/v1/", "/v2/"].map(|end| format!("https://{host}{end}")));
    if host == "docker.io" {
        names.extend(["index.docker.io", "https://index.docker.io/v1/"].map(str::to_owned));
    }
    names
}

fn basic(auth: &str) -> Option<Credentials> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let text = String::from_utf8(engine.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = text.trim_end_matches('\0').split_once(':')?;
    Some(Credentials::Basic { username: username.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, host: &str) -> Credentials {
        Credentials::in_docker(config.as_bytes(), host).unwrap()
    }

    #[test]
    fn docker_s_configuration_is_read_by_host() {
        let config = r#"{"auths": {"a.org": {"auth": "YWRhOnM6ZWNyZXQ="}, "https://b.org/v1/": {"auth": "YjpjCg"},
                                   "c.org": {}, "d.org": {"registrytoken": "t"}}, "HttpHeaders": {}}"#;
        let ada = Credentials::Basic { username: "ada".to_owned(), password: "s:ecret".to_owned() };
        assert_eq!(found(config, "a.org"), ada);
        assert!(matches!(found(config, "b.org"), Credentials::Basic { .. }));
        assert_eq!(found(config, "c.org"), Credentials::Anonymous);
        assert_eq!(found(config, "d.org"), Credentials::Token("t".to_owned()));
        assert_eq!(found(config, "a.org:5000"), Credentials::Anonymous);
    }

    #[test]
    fn a_helper_is_named_so_that_a_refusal_can_be_explained() {
        let config =
            r#"{"auths": {"a.org": {}}, "credsStore": "desktop", "credHelpers": {"b.org": "ecr-login"}}"#;
        assert_eq!(found(config, "a.org"), Credentials::Helper("desktop".to_owned()));
        assert_eq!(found(config, "b.org"), Credentials::Helper("ecr-login".to_owned()));
    }

    #[test]
    fn secrets_are_in_no_message() {
        for config in [
            r#"{"auths": {"a.org": {"auth": "c2VjcmV0"}}}"#,
            r#"{"auths": {"a.org": {"auth": "secret!"}}}"#,
            r#"{"auths": {"a.org": "secret"}}"#,
            r#"{"auths": "secret"}"#,
            "secret",
        ] {
            let reason = Credentials::in_docker(config.as_bytes(), "a.org").unwrap_err();
            assert!(!reason.contains("secret") && !reason.contains("c2VjcmV0"), "{reason}");
        }
        let credentials = Credentials::Basic { username: "ada".to_owned(), password: "secret".to_owned() };
        assert_eq!(format!("{credentials:?} {:?}", Credentials::Token("t".to_owned())), "Basic(…) Token(…)");
    }

    #[test]
    fn a_missing_file_means_nobody() {
        let path = Path::new("/nonexistent/config.json");
        assert_eq!(Credentials::in_file(path, "a.org").unwrap(), Credentials::Anonymous);
    }
}
