//! `zenith plugin new`.

use std::path::PathBuf;

use clap::{Args, builder::PossibleValuesParser};
use zenith_author::{
    Language, UnknownLanguage, kind_from_word, kind_word,
    template::{self, NewPlugin},
};

use super::failed;
use crate::{command::say, error::Error};

#[derive(Debug, Args)]
pub(in crate::command) struct NewArguments {
    /// What it is called, as in `sepia` or `acme:sepia`.
    name: String,
    /// The folder to make; the plugin's name unless set.
    folder: Option<PathBuf>,
    /// The language to write it in.
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(Language::ALL.map(Language::word)))]
    lang: String,
    /// What it is for.
    #[arg(
        long,
        value_name = "KIND",
        default_value = "transform",
        value_parser = ["transform", "decoder", "batch-transform", "sampler", "policy"]
    )]
    kind: String,
    /// The namespace of its name, where the name has none.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
}

pub(super) fn run(arguments: &NewArguments) -> Result<(), Error> {
    let template_error = |error: template::TemplateError| failed(&error, error.hint());
    let name =
        template::plugin_name(&arguments.name, arguments.namespace.as_deref()).map_err(template_error)?;
    let language: Language = arguments.lang.parse().map_err(|error: UnknownLanguage| failed(&error, None))?;
    let kind = kind_from_word(&arguments.kind)
        .ok_or_else(|| failed(&format!("there is no kind `{}`", arguments.kind), None))?;
    let folder = arguments.folder.clone().unwrap_or_else(|| name.name().into());
    let plugin = NewPlugin { name, language, kind };
    template::create(&plugin, &folder).map_err(template_error)?;
    let folder = folder.display();
    say(&format!("made `{}`, a {} in {}, in `{folder}`", plugin.name, kind_word(kind), language.name()))?;
    say(&format!("build it with: zenith plugin build {folder}"))
}
