//! What a plugin's author does: make a plugin from a template, build it in whatever language it is
//! written in, test it, measure it, look into it.
//!
//! - [`template`]: a new plugin's folder, from the templates in `templates/`.
//! - [`Project`]: a plugin's folder, as it is read back.
//! - [`build`]: from that folder to a package, through the language's own compiler.
//!
//! Publishing and trust live in `zenith-registry`; the command line in `zenith`.

#![forbid(unsafe_code)]

pub mod build;
mod component;
mod disk;
mod interface;
mod language;
mod project;
mod sdk;
pub mod template;
pub mod tool;

pub use interface::{API_VERSION, kind_from_word, kind_word};
pub use language::{Language, UnknownLanguage};
pub use project::{Project, ProjectError};
pub mod bench;
pub mod conformance;
pub mod inspect;
