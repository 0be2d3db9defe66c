//! A new plugin's folder, from the templates that this version carries.
//!
//! A template is made of layers, each of them real files under `templates/`: `common/all`,
//! `common/<kind>`, `<language>/all` (C and C++ have `c-family/all` before it), `<language>/images` for the
//! kinds that handle pixels, `<language>/<kind>`; a later layer's file goes before an earlier one's. A
//! language has a kind where it has the last of these folders. A file whose name ends in `.jinja`
//! is rendered, all others are copied; a name that begins with `_` begins with a dot in the new folder,
//! so that a template's `.gitignore` is not this repository's.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};
use minijinja::{Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};
use thiserror::Error;
use zenith_core::{Kind, PackageName};
use zenith_registry::FileError;

use crate::{
    disk::{self, failed},
    interface::{API_VERSION, KINDS, kind_word, world_name},
    language::Language,
    sdk,
};

static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The namespace of a plugin that names none.
pub const DEFAULT_NAMESPACE: &str = "local";

/// What a new plugin is to be.
#[derive(Clone, Debug)]
pub struct NewPlugin {
    /// Its name.
    pub name: PackageName,
    /// The language that it is written in.
    pub language: Language,
    /// What it is for.
    pub kind: Kind,
}

/// Why a new plugin could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The name is none.
    #[error("`{name}` cannot be a plugin's name: {reason}")]
    Name {
        /// What was said.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is there already.
    #[error("`{}` exists already, and is not an empty folder", .0.display())]
    Exists(PathBuf),
    /// The language has no template for the kind.
    #[error("there is no template for a {kind} in {language}", kind = kind_word(*.kind))]
    NoTemplate {
        /// The language.
        language: Language,
        /// The kind.
        kind: Kind,
    },
    /// The system refused something about a file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A template is broken; it is this version's own.
    #[error("the template `{file}` is broken: {reason}")]
    Broken {
        /// The template's file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

impl TemplateError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("write it in kebab case, as in `sepia` or `acme:old-photo`".to_owned()),
            Self::Exists(_) => Some("name another folder: `zenith plugin new NAME FOLDER`".to_owned()),
            Self::NoTemplate { .. } => Some(format!("there are templates for {}", combinations_in_words())),
            Self::File(error) => error.hint(),
            Self::Broken { .. } => Some("this is a fault of Zenith's own: please report it".to_owned()),
        }
    }
}

/// A plugin's name from what a user says: `name` or `namespace:name`, with a namespace said apart.
pub fn plugin_name(text: &str, namespace: Option<&str>) -> Result<PackageName, TemplateError> {
    let wrong = |reason: String| TemplateError::Name { name: text.to_owned(), reason };
    let whole = match (text.split_once(':'), namespace) {
        (Some((own, _)), Some(said)) if own != said => {
            return Err(wrong(format!("it has a namespace already, which is not `{said}`")));
        }
        (Some(_), _) => text.to_owned(),
        (None, said) => format!("{}:{text}", said.unwrap_or(DEFAULT_NAMESPACE)),
    };
    whole.parse().map_err(|error: zenith_core::IdentityError| wrong(error.to_string()))
}

/// The languages and kinds that there are templates for.
pub fn combinations() -> Vec<(Language, Kind)> {
    Language::ALL
        .into_iter()
        .flat_map(|language| KINDS.map(|kind| (language, kind)))
        .filter(|(language, kind)| TEMPLATES.get_dir(layer(language.word(), kind_word(*kind))).is_some())
        .collect()
}

/// As in "`rust` (transform, decoder), `c` (transform)".
fn combinations_in_words() -> String {
    let all = combinations();
    let languages = Language::ALL.into_iter().filter_map(|language| {
        let kinds: Vec<_> =
            all.iter().filter(|(own, _)| *own == language).map(|(_, kind)| kind_word(*kind)).collect();
        (!kinds.is_empty()).then(|| format!("`{}` ({})", language.word(), kinds.join(", ")))
    });
    languages.collect::<Vec<_>>().join(", ")
}

fn layer(language: &str, part: &str) -> String {
    format!("{language}/{part}")
}

/// Makes a plugin's folder. It appears whole or not at all; nothing is ever overwritten.
pub fn create(plugin: &NewPlugin, folder: &Path) -> Result<(), TemplateError> {
    if is_taken(folder)? {
        return Err(TemplateError::Exists(folder.to_owned()));
    }
    let files = render(plugin)?;
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    disk::make_folder(parent)?;
    let draft = tempfile::Builder::new()
        .prefix(".draft-")
        .tempdir_in(parent)
        .map_err(failed("make a folder in", parent))?;
    // One level further in: a temporary folder itself is closed to everyone else.
    let whole = draft.path().join("plugin");
    for (path, contents) in &files {
        disk::write_if_changed(&whole.join(path), contents)?;
    }
    fs::rename(&whole, folder).map_err(|error| match error.kind() {
        // Somebody else was quicker.
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            TemplateError::Exists(folder.to_owned())
        }
        _ => failed("make the folder", folder)(error).into(),
    })
}

/// Whether anything but an empty folder is there.
fn is_taken(folder: &Path) -> Result<bool, FileError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(true),
        Err(error) => Err(failed("read", folder)(error)),
    }
}

/// The files of a new plugin, by their paths in its folder.
pub fn render(plugin: &NewPlugin) -> Result<BTreeMap<PathBuf, Vec<u8>>, TemplateError> {
    let NewPlugin { language, kind, .. } = *plugin;
    let (language_word, kind_word) = (language.word(), kind_word(kind));
    let own = layer(language_word, kind_word);
    if TEMPLATES.get_dir(&own).is_none() {
        return Err(TemplateError::NoTemplate { language, kind });
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| TemplateError::Broken {
        file: "the syntax of templates".to_owned(),
        reason: error.to_string(),
    })?);
    let context = context(plugin);
    let mut files = BTreeMap::new();
    let family = if matches!(language, Language::C | Language::Cpp) { "c-family" } else { language_word };
    let mut places = vec![("common", "all"), ("common", kind_word), (family, "all"), (language_word, "all")];
    if matches!(kind, Kind::Transform | Kind::Decoder | Kind::BatchTransform) {
        places.push((language_word, "images"));
    }
    for place in places.into_iter().map(|(language, part)| layer(language, part)).chain([own]) {
        if let Some(dir) = TEMPLATES.get_dir(&place) {
            add(dir, Path::new(&place), &environment, &context, &mut files)?;
        }
    }
    if language == Language::Rust {
        let broken = |error: toml::de::Error| TemplateError::Broken {
            file: "the SDK's workspace".to_owned(),
            reason: error.to_string(),
        };
        let package = format!("{}-{}", plugin.name.namespace(), plugin.name.name());
        files.insert("Cargo.lock".into(), sdk::lock(&package).into_bytes());
        let vendored = sdk::files().map_err(broken)?;
        files.extend(
            vendored.into_iter().map(|(path, contents)| (Path::new("vendor/zenith").join(path), contents)),
        );
    }
    Ok(files)
}

/// What templates may name.
fn context(plugin: &NewPlugin) -> Value {
    let name = plugin.name.name();
    minijinja::context! {
        package => plugin.name.as_str(),
        namespace => plugin.name.namespace(),
        name => name,
        snake => name.replace('-', "_"),
        pascal => pascal_case(name),
        language => plugin.language.word(),
        language_name => plugin.language.name(),
        kind => kind_word(plugin.kind),
        kind_name => plugin.kind.to_string(),
        kind_snake => kind_word(plugin.kind).replace('-', "_"),
        world => world_name(plugin.kind),
        world_snake => world_name(plugin.kind).replace('-', "_"),
        api => API_VERSION,
        zenith => env!("CARGO_PKG_VERSION"),
    }
}

/// As in `OldPhoto` for `old-photo`.
fn pascal_case(kebab: &str) -> String {
    kebab
        .split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

/// Adds a layer's files, in place of earlier ones of the same name.
fn add(
    dir: &Dir<'static>,
    layer: &Path,
    environment: &Environment<'_>,
    context: &Value,
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) -> Result<(), TemplateError> {
    for file in dir.files() {
        let relative = file.path().strip_prefix(layer).unwrap_or(file.path());
        let rendered = relative.extension().is_some_and(|extension| extension == "jinja");
        let target = dotted(&if rendered { relative.with_extension("") } else { relative.to_owned() });
        let contents = if rendered {
            let broken =
                |reason: String| TemplateError::Broken { file: file.path().display().to_string(), reason };
            let text = file.contents_utf8().ok_or_else(|| broken("it is not text".to_owned()))?;
            environment.render_str(text, context).map_err(|error| broken(format!("{error:#}")))?.into_bytes()
        } else {
            file.contents().to_vec()
        };
        files.insert(target, contents);
    }
    for inner in dir.dirs() {
        add(inner, layer, environment, context, files)?;
    }
    Ok(())
}

/// The path with a dot in place of a single `_` that a name begins with.
fn dotted(path: &Path) -> PathBuf {
    path.components()
        .map(|part| {
            let name = part.as_os_str().to_string_lossy();
            match name.strip_prefix('_') {
                Some(rest) if !rest.starts_with('_') => format!(".{rest}").into(),
                _ => PathBuf::from(part.as_os_str()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use zenith_registry::package::Manifest;

    use super::*;

    fn plugin(language: Language, kind: Kind) -> NewPlugin {
        NewPlugin { name: "acme:old-photo".parse().unwrap(), language, kind }
    }

    #[test]
    fn every_template_renders_to_a_manifest_a_readme_and_golden_samples() {
        let all = combinations();
        assert!(all.contains(&(Language::Rust, Kind::Transform)), "{all:?}");
        for (language, kind) in all {
            let files = render(&plugin(language, kind)).unwrap();
            let text = |name: &str| {
                let file =
                    files.get(Path::new(name)).unwrap_or_else(|| panic!("{language}, {kind}: no {name}"));
                String::from_utf8(file.clone()).unwrap()
            };
            let manifest = Manifest::from_toml(&text("plugin.toml")).unwrap();
            assert_eq!((manifest.name.as_str(), manifest.kind), ("acme:old-photo", kind));
            assert!(text("README.md").contains("acme:old-photo"), "{language}, {kind}");
            assert!(text(".gitignore").contains("*.wasm"), "{language}, {kind}");
            assert!(files.keys().any(|path| path.ends_with("case.json")), "{language}, {kind}");
        }
    }

    #[test]
    fn names_are_kebab_case_with_a_namespace_on_either_side() {
        assert_eq!(plugin_name("sepia", None).unwrap().as_str(), "local:sepia");
        assert_eq!(plugin_name("sepia", Some("acme")).unwrap().as_str(), "acme:sepia");
        assert_eq!(plugin_name("acme:sepia", Some("acme")).unwrap().as_str(), "acme:sepia");
        for wrong in ["", "Sepia", "old_photo", "old photo", "-a", "a:b:c", "../a", "1st"] {
            let error = plugin_name(wrong, None).unwrap_err();
            assert!(error.to_string().contains(&format!("`{wrong}` cannot be a plugin's name")), "{error}");
        }
        assert!(plugin_name("acme:sepia", Some("zenith")).is_err());
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("mine");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        let error = create(&plugin(Language::Rust, Kind::Transform), &folder).unwrap_err();
        assert!(matches!(error, TemplateError::Exists(_)), "{error}");
        let file = folder.join("notes.txt");
        let error = create(&plugin(Language::Rust, Kind::Transform), &file).unwrap_err();
        assert!(matches!(error, TemplateError::Exists(_)), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        // An empty folder is what a hosting service's new repository looks like.
        let empty = parent.path().join("empty");
        fs::create_dir(&empty).unwrap();
        create(&plugin(Language::Rust, Kind::Transform), &empty).unwrap();
        assert!(empty.join("plugin.toml").is_file());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 2, "a draft was left behind");
    }

    #[test]
    fn a_combination_that_does_not_exist_is_told_with_those_that_do() {
        let error = render(&plugin(Language::Zig, Kind::BatchTransform)).unwrap_err();
        assert_eq!(error.to_string(), "there is no template for a batch-transform in Zig");
        assert!(error.hint().unwrap().contains("`rust` (transform"), "{:?}", error.hint());
    }

    #[test]
    fn names_are_turned_into_those_of_types() {
        assert_eq!(pascal_case("old-photo-2"), "OldPhoto2");
        assert_eq!(dotted(Path::new("_cargo/config.toml")), Path::new(".cargo/config.toml"));
        assert_eq!(dotted(Path::new("a/__init__.py")), Path::new("a/__init__.py"));
    }
}
