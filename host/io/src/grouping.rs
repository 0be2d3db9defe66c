//! Which members of a shard make up which sample: WebDataset's `base_plus_ext` and `group_by_keys`.

use std::{io, os::fd::AsFd};

use zenith_core::SourceError;

use crate::{
    image_folder::lossy,
    tar_index::{Member, Window},
};

/// A label with more bytes than this is no number.
const LONGEST_LABEL: u64 = 64;

/// Which endings are the image and the label, in order of preference.
pub(crate) struct Fields {
    image: Vec<String>,
    label: Option<Vec<String>>,
}

impl Fields {
    /// Reads endings written as `jpg;jpeg;png`.
    pub(crate) fn new(image: &str, label: Option<&str>) -> Result<Self, SourceError> {
        let endings = |field: &str, text: &str| {
            let endings: Vec<String> = text.split(';').map(str::to_lowercase).collect();
            if endings.iter().any(|ending| ending.is_empty() || ending.contains(['/', ' '])) {
                return Err(SourceError::Option(format!(
                    "`{text}` names no members for the field `{field}`: write endings with `;` between them, as in `jpg;jpeg;png`"
                )));
            }
            Ok(endings)
        };
        Ok(Self {
            image: endings("image", image)?,
            label: label.map(|label| endings("label", label)).transpose()?,
        })
    }
}

/// A sample that was found.
pub(crate) struct Found {
    pub(crate) key: Vec<u8>,
    /// Offset and length of the image.
    pub(crate) image: Option<(u64, u64)>,
    pub(crate) label: i64,
    /// Why it cannot be read, as a clause that goes on after the shard's name.
    pub(crate) problem: Option<String>,
}

/// Puts the members of one shard together.
pub(crate) struct Grouping<'a> {
    fields: &'a Fields,
    current: Option<Group>,
}

#[derive(Default)]
struct Group {
    key: Vec<u8>,
    endings: Vec<String>,
    /// The image with its rank among the endings that are images; the same for the label.
    image: Option<(usize, (u64, u64))>,
    label: Option<(usize, Result<i64, String>)>,
    problem: Option<String>,
}

impl<'a> Grouping<'a> {
    pub(crate) fn new(fields: &'a Fields) -> Self {
        Self { fields, current: None }
    }

    /// Takes the next member; answers the sample that ended with the one before it.
    pub(crate) fn member<F: AsFd>(
        &mut self,
        window: &mut Window<F>,
        member: &Member<'_>,
    ) -> io::Result<Option<Found>> {
        let Some((key, ending)) = split(member.name) else { return Ok(None) };
        let ended = if self.current.as_ref().is_some_and(|group| group.key == key) {
            None
        } else {
            let group = Group { key: key.to_vec(), ..Group::default() };
            self.current.replace(group)
        };
        let ended = ended.map(|group| group.end(self.fields));
        let Some(group) = &mut self.current else { return Ok(ended) };
        let ending = lossy(ending).to_lowercase();
        if group.endings.contains(&ending) {
            group.problem.get_or_insert_with(|| {
                format!("has two members `{ending}` for its sample `{}`", lossy(&group.key))
            });
        }
        let rank = |endings: &[String]| endings.iter().position(|wanted| *wanted == ending);
        if let Some(rank) = rank(&self.fields.image)
            && group.image.is_none_or(|(other, _)| rank < other)
        {
            group.image = Some((rank, (member.offset, member.length)));
        }
        if let Some(rank) = self.fields.label.as_deref().and_then(rank)
            && group.label.as_ref().is_none_or(|(other, _)| rank < *other)
        {
            group.label = Some((rank, read_label(window, member)?));
        }
        group.endings.push(ending);
        Ok(ended)
    }

    /// The last sample, at the archive's end.
    pub(crate) fn finish(&mut self) -> Option<Found> {
        self.current.take().map(|group| group.end(self.fields))
    }

    /// The last samples, where the archive breaks off: the one that was under way, and one that stands
    /// for the damage unless that is the same.
    pub(crate) fn broken_off(
        &mut self,
        member: Option<Vec<u8>>,
        offset: u64,
        reason: String,
    ) -> impl Iterator<Item = Found> {
        let name = member.unwrap_or_default();
        let key = match split(&name) {
            Some((key, _)) => key.to_vec(),
            None if name.is_empty() => format!("offset {offset}").into_bytes(),
            None => name,
        };
        let mut last = self.finish();
        let broken = match &mut last {
            // Nothing tells whether the sample under way is whole, unless it has all it needs and the
            // damage lies in another.
            Some(found) if found.key == key || found.problem.is_some() => {
                found.problem = Some(reason);
                None
            }
            _ => Some(Found { key, image: None, label: 0, problem: Some(reason) }),
        };
        last.into_iter().chain(broken)
    }
}

impl Group {
    fn end(self, fields: &Fields) -> Found {
        let missing = |field: &str, wanted: &[String]| {
            format!(
                "has no {field} for its sample `{}`: it looks for `{}`, and the sample has `{}`\nhint: name the members of the field, as in `{field}=\"jpg;png\"`",
                lossy(&self.key),
                wanted.join(";"),
                self.endings.join(";"),
            )
        };
        let label = match (&fields.label, self.label) {
            (None, _) => Ok(0),
            (Some(wanted), None) => Err(missing("label", wanted)),
            (Some(_), Some((_, label))) => label.map_err(|text| {
                format!(
                    "has the label `{text}` for its sample `{}`, which is no whole number",
                    lossy(&self.key)
                )
            }),
        };
        let image = self.image.map(|(_, place)| place);
        let no_image = image.is_none().then(|| missing("image", &fields.image));
        Found {
            image,
            label: *label.as_ref().unwrap_or(&0),
            problem: self.problem.or(no_image).or(label.err()),
            key: self.key,
        }
    }
}

/// A member's name as key and ending, at the first dot of its last part; `None` for what belongs to no
/// sample. As the pattern `^((?:.*/|)[^.]+)[.]([^/]*)$`, and without the metadata that names between
/// double underscores hold.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_metadata = name.strip_prefix(b"__").is_some_and(|rest| {
        let first = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        first.ends_with(b"__")
    });
    let last = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let dot = last + name[last..].iter().position(|byte| *byte == b'.')?;
    (dot > last && !is_metadata).then(|| (&name[..dot], &name[dot + 1..]))
}

/// The number that a label holds, or its text.
fn read_label<F: AsFd>(window: &mut Window<F>, member: &Member<'_>) -> io::Result<Result<i64, String>> {
    let length = usize::try_from(member.length.min(LONGEST_LABEL)).unwrap_or(0);
    let text = lossy(window.at(member.offset, length)?);
    let number = text.trim_ascii().parse().map_err(|_| text.escape_default().to_string());
    Ok(if member.length > LONGEST_LABEL { Err(format!("{}…", text.escape_default())) } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_webdatasets_do() {
        for (name, expected) in [
            ("a.jpg", Some(("a", "jpg"))),
            ("dir.d/a.b.jpg", Some(("dir.d/a", "b.jpg"))),
            ("./a.cls", Some(("./a", "cls"))),
            ("a.", Some(("a", ""))),
            ("a", None),
            (".jpg", None),
            ("dir/.jpg", None),
            ("dir.x/a", None),
            ("__meta__", None),
            ("__meta__/a.jpg", None),
            ("__index.jpg", Some(("__index", "jpg"))),
        ] {
            let split = split(name.as_bytes());
            assert_eq!(split, expected.map(|(key, ending)| (key.as_bytes(), ending.as_bytes())), "{name}");
        }
    }
}
