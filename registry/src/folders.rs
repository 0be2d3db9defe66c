//! Where a user's files lie, by the XDG base directory specification: a relative path in one of its
//! variables is ignored.

use std::{env, path::PathBuf};

/// Zenith's folder for configuration: `$XDG_CONFIG_HOME/zenith`, or `~/.config/zenith`.
pub fn user_config() -> Option<PathBuf> {
    base("XDG_CONFIG_HOME", ".config").map(|base| base.join("zenith"))
}

/// Zenith's folder for data: `$XDG_DATA_HOME/zenith`, or `~/.local/share/zenith`.
pub fn user_data() -> Option<PathBuf> {
    base("XDG_DATA_HOME", ".local/share").map(|base| base.join("zenith"))
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| env::home_dir().map(|home| home.join(below_home)))
}
