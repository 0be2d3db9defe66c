//! Opens declared sources.

use std::sync::Arc;

use zenith_core::{Source, SourceError};
use zenith_io::{EngineChoice, ImageFolder, ImageFolderOptions, WebDataset, WebDatasetOptions};
use zenith_pipeline::SourceSpec;

pub(crate) fn open(spec: &SourceSpec) -> Result<Arc<dyn Source>, SourceError> {
    Ok(match spec {
        SourceSpec::Images { path, io, allow_empty } => {
            let options = ImageFolderOptions {
                allow_empty: *allow_empty,
                engine: engine(io)?,
                ..ImageFolderOptions::default()
            };
            Arc::new(ImageFolder::open(path, &options)?)
        }
        SourceSpec::Webdataset { path, image, label, io } => {
            let options = WebDatasetOptions {
                image: image.clone(),
                label: Some(label.clone()).filter(|label| !label.is_empty()),
                engine: engine(io)?,
            };
            Arc::new(WebDataset::open(path, &options)?)
        }
    })
}

fn engine(name: &str) -> Result<EngineChoice, SourceError> {
    match name {
        "auto" => Ok(EngineChoice::Auto),
        "io-uring" => Ok(EngineChoice::IoUring),
        "threads" => Ok(EngineChoice::Threads),
        "blocking" => Ok(EngineChoice::Blocking),
        other => Err(SourceError::Option(format!(
            "`io` is \"auto\", \"io-uring\", \"threads\" or \"blocking\", but is \"{other}\""
        ))),
    }
}
