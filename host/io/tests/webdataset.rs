//! `WebDataset` on archives of every form that its writers produce, and on damaged ones.

mod common;

use std::{fs, os::fd::AsRawFd, path::PathBuf, sync::Arc};

use common::{engines, next, read_all};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use zenith_core::{FieldKind, ReaderOptions, Source, SourceError};
use zenith_io::{EngineChoice, EngineKind, WebDataset, WebDatasetOptions};

/// An archive of the given members, in the form that GNU tar writes.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).expect("it is written to memory");
    }
    builder.into_inner().expect("it is written to memory")
}

fn shard(bytes: &[u8]) -> (TempDir, String) {
    let home = tempfile::tempdir().expect("there is a temporary folder");
    let path = home.path().join("s.tar");
    fs::write(&path, bytes).expect("the shard can be written");
    let path = path.to_str().expect("it is ASCII").to_owned();
    (home, path)
}

fn open(bytes: &[u8]) -> (TempDir, Result<WebDataset, SourceError>) {
    let (home, path) = shard(bytes);
    let dataset = WebDataset::open(&path, &WebDatasetOptions::default());
    (home, dataset)
}

/// Keys, and what reading them gives.
fn samples(dataset: &WebDataset) -> Vec<(String, common::Read)> {
    let run: Vec<u64> = (0..dataset.len()).collect();
    read_all(dataset, &run).into_iter().map(|(index, sample)| (dataset.key(index), sample)).collect()
}

fn good(key: &str, bytes: &[u8], label: i64) -> (String, common::Read) {
    (format!("s.tar/{key}"), Ok((bytes.to_vec(), Some(label))))
}

const SMALL: [(&str, &[u8]); 6] = [
    ("a.jpg", b"image a"),
    ("a.cls", b"3"),
    ("dir/b.cls", b" -7\n"),
    ("dir/b.PNG", b"image b"),
    ("c.d.json", b"{}"),
    ("c.jpg", b""),
];

#[test]
fn members_with_one_key_are_one_sample() {
    let mut members = SMALL.to_vec();
    members.insert(0, ("__meta__/x.jpg", b"no sample"));
    members.insert(1, ("README", b"no sample"));
    members.push(("c.cls", b"+2"));
    members.push(("c.jpeg", b"jpg is preferred"));
    let (_home, dataset) = open(&archive(&members));
    let dataset = dataset.unwrap();
    assert_eq!(
        samples(&dataset),
        [good("a", b"image a", 3), good("dir/b", b"image b", -7), good("c", b"", 2)]
    );
    assert_eq!((dataset.broken(), dataset.shards().len()), (0, 1));
}

#[test]
fn every_engine_reads_every_shard_in_the_order_of_the_asking() {
    let home = tempfile::tempdir().unwrap();
    let image = |shard: usize, number: usize| -> Vec<u8> {
        (0..number * 9_000 % 200_000)
            .map(|at| u8::try_from((at * 3 + shard + number) % 251).unwrap())
            .collect()
    };
    for shard in 0..3 {
        let mut builder = Builder::new(Vec::new());
        for number in 0..20 {
            let mut add = |name: String, content: &[u8]| {
                let mut header = Header::new_ustar();
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, name, content).unwrap();
            };
            add(format!("{number:06}.jpg"), &image(shard, number));
            add(format!("{number:06}.cls"), number.to_string().as_bytes());
        }
        fs::write(home.path().join(format!("{shard:03}.tar")), builder.into_inner().unwrap()).unwrap();
    }
    let pattern = home.path().join("{000..001}.tar::").to_str().unwrap().to_owned()
        + home.path().join("002.tar").to_str().unwrap();
    for engine in engines() {
        let options = WebDatasetOptions { engine, ..WebDatasetOptions::default() };
        let dataset = Arc::new(WebDataset::open(&pattern, &options).unwrap());
        assert_eq!((dataset.len(), dataset.shards().len()), (60, 3));
        assert_eq!(dataset.engine(), engine.resolve().unwrap());
        std::thread::scope(|scope| {
            for shift in 0..3 {
                let dataset = Arc::clone(&dataset);
                scope.spawn(move || {
                    let run: Vec<u64> = (0..180).map(|step| (step * 7 + shift) % 60).collect();
                    let read = read_all(&*dataset, &run);
                    assert_eq!(read.iter().map(|(index, _)| *index).collect::<Vec<_>>(), run);
                    for (index, sample) in read {
                        let index = usize::try_from(index).unwrap();
                        let label = i64::try_from(index % 20).unwrap();
                        assert_eq!(sample, Ok((image(index / 20, index % 20), Some(label))), "{engine:?}");
                    }
                });
            }
        });
    }
}

#[test]
fn long_names_of_all_kinds_are_read() {
    let long = format!("{}/{}", "folder".repeat(30), "k".repeat(150));
    let mut builder = Builder::new(Vec::new());
    let add = |builder: &mut Builder<Vec<u8>>, name: &str, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content).unwrap();
    };
    add(&mut builder, &format!("{long}.jpg"), b"gnu");
    add(&mut builder, &format!("{long}.cls"), b"1");
    // The name and the size in a pax header, both different from what the plain header says.
    for (name, content) in [("ü.jpg", &b"pax image"[..]), ("ü.cls", b"2")] {
        let size = content.len().to_string();
        builder
            .append_pax_extensions([
                ("path", name.as_bytes()),
                ("SCHILY.xattr.user.x", b"binary \n value"),
                ("size", size.as_bytes()),
            ])
            .unwrap();
        let mut header = Header::new_ustar();
        header.set_path("short").unwrap();
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    // ustar's two-part names.
    let mut header = Header::new_ustar();
    header.set_path(format!("{}/{}", "p".repeat(120), "n.jpg")).unwrap();
    header.set_size(5);
    header.set_cksum();
    builder.append(&header, &b"ustar"[..]).unwrap();
    header.set_path(format!("{}/{}", "p".repeat(120), "n.cls")).unwrap();
    header.set_size(1);
    header.set_cksum();
    builder.append(&header, &b"3"[..]).unwrap();
    let (_home, dataset) = open(&builder.into_inner().unwrap());
    let expected = [
        good(&long, b"gnu", 1),
        good("ü", b"pax image", 2),
        good(&format!("{}/n", "p".repeat(120)), b"ustar", 3),
    ];
    assert_eq!(samples(&dataset.unwrap()), expected);
}

#[test]
fn folders_links_and_global_headers_are_passed_over() {
    let mut builder = Builder::new(Vec::new());
    for (kind, name) in [
        (EntryType::Directory, "folder.jpg/"),
        (EntryType::Regular, "old-folder.jpg/"),
        (EntryType::Symlink, "link.jpg"),
        (EntryType::Fifo, "pipe.jpg"),
    ] {
        let mut header = Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_cksum();
        builder.append(&header, &[][..]).unwrap();
    }
    let mut header = Header::new_ustar();
    header.set_path("pax_global_header").unwrap();
    header.set_entry_type(EntryType::XGlobalHeader);
    header.set_size(17);
    header.set_cksum();
    builder.append(&header, &b"17 comment=0123\n\n"[..]).unwrap();
    let mut bytes = builder.into_inner().unwrap();
    bytes.truncate(bytes.len() - 1024);
    bytes.extend(archive(&[("a.jpg", b"image"), ("a.cls", b"1")]));
    let (_home, dataset) = open(&bytes);
    assert_eq!(samples(&dataset.unwrap()), [good("a", b"image", 1)]);
}

#[test]
fn a_sample_that_lacks_a_field_fails_alone_and_says_what_it_has() {
    let mut members = SMALL.to_vec();
    members.extend([
        ("d.cls", &b"1"[..]),
        ("d.txt", b"no image"),
        ("e.jpg", b"image e"),
        ("e.cls", b"cat"),
        ("f.jpg", b"image f"),
        ("f.cls", &[b'1'; 65]),
        ("g.jpg", b"1"),
        ("g.JPG", b"2"),
        ("g.cls", b"1"),
    ]);
    let (_home, dataset) = open(&archive(&members));
    let dataset = dataset.unwrap();
    let samples = samples(&dataset);
    assert_eq!(samples[..2], [good("a", b"image a", 3), good("dir/b", b"image b", -7)]);
    let errors: Vec<&String> = samples[2..].iter().map(|(_, sample)| sample.as_ref().unwrap_err()).collect();
    for (error, expected) in errors.iter().zip([
        "s.tar` has no label for its sample `c`: it looks for `cls`, and the sample has `d.json;jpg`\nhint: ",
        "s.tar` has no image for its sample `d`: it looks for `jpg;jpeg;png`, and the sample has `cls;txt`\nhint: ",
        "s.tar` has the label `cat` for its sample `e`, which is no whole number",
        "s.tar` has the label `1111111111111111111111111111111111111111111111111111111111111111…` for its sample `f`",
        "s.tar` has two members `jpg` for its sample `g`",
    ]) {
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    assert_eq!((errors.len(), dataset.broken()), (5, 5));
    assert!(dataset.describe().contains(": 7 samples (5 unreadable), 1 shard, read with "));
}

#[test]
fn the_fields_can_be_named() {
    let members: [(&str, &[u8]); 3] = [("a.img.webp", b"image"), ("a.y", b"5"), ("b.img.webp", b"other")];
    let (_home, path) = shard(&archive(&members));
    let options =
        WebDatasetOptions { image: "png;IMG.webp".to_owned(), label: None, engine: EngineChoice::Blocking };
    let dataset = WebDataset::open(&path, &options).unwrap();
    let names: Vec<_> = dataset.fields().iter().map(|field| (field.name.as_str(), field.kind)).collect();
    assert_eq!(names, [("image", FieldKind::Bytes)]);
    assert_eq!(dataset.engine(), EngineKind::Blocking);
    assert_eq!(samples(&dataset)[1], ("s.tar/b".to_owned(), Ok((b"other".to_vec(), None))));
    for image in ["", "jpg;;png", "jpg png", "a/b"] {
        let options = WebDatasetOptions { image: image.to_owned(), ..options.clone() };
        let error = WebDataset::open(&path, &options).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{image}` names no members for the field `image`")), "{error}");
    }
}

#[test]
fn a_dataset_without_one_sound_sample_is_refused_with_the_first_reason() {
    let (_home, dataset) = open(&archive(&[("a.txt", b"1"), ("b.txt", b"2")]));
    let error = dataset.unwrap_err().to_string();
    assert!(error.contains("has no image for its sample `a`"), "{error}");
    let (_home, dataset) = open(&archive(&[("README", b"no sample at all")]));
    let error = dataset.unwrap_err().to_string();
    assert!(error.contains("s.tar` has no sample\nhint: "), "{error}");
}

#[test]
fn what_is_no_archive_is_refused_by_name() {
    for (bytes, reason) in [
        (&b""[..], "is empty"),
        (&b"\x1F\x8B\x08 and so on"[..], "is compressed with gzip"),
        (&b"\x28\xB5\x2F\xFD and so on"[..], "is compressed with zstd"),
        (&b"BZh9 and so on"[..], "is compressed with bzip2"),
        (&b"a short text"[..], "is cut short: its header at offset 0 has 12 of 512 bytes"),
        (&[b'x'; 2000][..], "has no valid tar header at offset 0"),
    ] {
        let (_home, dataset) = open(bytes);
        let error = dataset.unwrap_err().to_string();
        assert!(error.contains(&format!("s.tar` {reason}")), "{error}");
    }
    let missing = WebDataset::open("missing/{0..2}.tar", &WebDatasetOptions::default()).unwrap_err();
    assert!(missing.to_string().starts_with("cannot open `missing/0.tar`: No such file"), "{missing}");
    let home = tempfile::tempdir().unwrap();
    let folder = WebDataset::open(home.path().to_str().unwrap(), &WebDatasetOptions::default()).unwrap_err();
    assert!(folder.to_string().contains("` is not a file\nhint: "), "{folder}");
    let unbalanced = WebDataset::open("{0..2.tar", &WebDatasetOptions::default()).unwrap_err();
    assert!(unbalanced.to_string().starts_with("the pattern `{0..2.tar` has a `{` without"), "{unbalanced}");
}

#[test]
fn an_archive_cut_short_loses_the_cut_sample_only_and_says_where() {
    let whole = archive(&[("a.jpg", &[1; 600]), ("a.cls", b"1"), ("b.jpg", &[2; 600]), ("b.cls", b"2")]);
    // Members begin at 0 (data at 512), 1536, 2560 (data at 3072), 4096.
    for (length, sound, reason) in [
        (
            3_300,
            1,
            "is cut short: its member `b.jpg` at offset 3072 has 600 bytes, and the file has 3300 in all",
        ),
        (2_700, 1, "is cut short: its header at offset 2560 has 140 of 512 bytes"),
        (4_200, 1, "is cut short: its header at offset 4096 has 104 of 512 bytes"),
        (
            4_608,
            1,
            "is cut short: its member `b.cls` at offset 4608 has 1 bytes, and the file has 4608 in all",
        ),
    ] {
        let (_home, dataset) = open(&whole[..length]);
        let dataset = dataset.unwrap();
        let samples = samples(&dataset);
        assert_eq!(samples.len(), sound + 1, "{length}: {samples:?}");
        assert!(samples[..sound].iter().all(|(_, sample)| sample.is_ok()));
        let (key, error) = &samples[sound];
        let error = error.as_ref().unwrap_err();
        assert!(error.contains(&format!("s.tar` {reason}")), "{length}, {key}: {error}");
    }
    // Between two members nothing shows; the sample that lost its label says so.
    let (_home, dataset) = open(&whole[..4_096]);
    let samples = samples(&dataset.unwrap());
    assert!(samples[1].1.as_ref().unwrap_err().contains("has no label for its sample `b`"));
}

#[test]
fn damage_in_another_member_leaves_a_whole_sample_alone() {
    let mut bytes = archive(&[("a.jpg", b"image"), ("a.cls", b"1"), ("b.jpg", b"image"), ("b.cls", b"2")]);
    bytes[2048 + 100] ^= 0x55;
    let (_home, dataset) = open(&bytes);
    let samples = samples(&dataset.unwrap());
    assert_eq!(samples[0], good("a", b"image", 1));
    assert_eq!(samples[1].0, "s.tar/offset 2048");
    let error = samples[1].1.as_ref().unwrap_err();
    assert!(error.contains("s.tar` has no valid tar header at offset 2048"), "{error}");
    assert_eq!(samples.len(), 2);
}

#[test]
fn sparse_members_and_endless_names_are_refused() {
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_path("a.jpg").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, &[][..]).unwrap();
    let (_home, dataset) = open(&builder.into_inner().unwrap());
    let error = dataset.unwrap_err().to_string();
    assert!(error.contains("holds `a.jpg` as a sparse file at offset 0"), "{error}");

    let mut header = Header::new_gnu();
    header.set_path("././@LongLink").unwrap();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(2 << 20);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.resize(3 << 20, b'x');
    let (_home, dataset) = open(&bytes);
    let error = dataset.unwrap_err().to_string();
    assert!(error.contains("has an extended header of 2097152 bytes at offset 0"), "{error}");
}

#[test]
fn a_shard_that_shrinks_after_opening_spoils_its_samples_only() {
    let members = [("a.jpg", &[1; 600][..]), ("a.cls", b"1"), ("b.jpg", &[2; 600]), ("b.cls", b"2")];
    for engine in engines() {
        let (_home, path) = shard(&archive(&members));
        let options = WebDatasetOptions { engine, ..WebDatasetOptions::default() };
        let dataset = WebDataset::open(&path, &options).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(3_300).unwrap();
        let samples = samples(&dataset);
        assert!(samples[0].1.is_ok());
        let error = samples[1].1.as_ref().unwrap_err();
        let expected =
            "is cut short: the image of its sample `b` at offset 3072 has 600 bytes, of which 228 are there";
        assert!(error.ends_with(expected), "{engine:?}: {error}");
        fs::remove_file(&path).unwrap();
        assert!(samples_again(&dataset), "the shard is still open");
    }
}

fn samples_again(dataset: &WebDataset) -> bool {
    samples(dataset)[0].1.is_ok()
}

#[test]
fn a_shard_that_is_gone_is_an_error_of_its_samples() {
    let (home, path) = shard(&archive(&[("a.jpg", b"image"), ("a.cls", b"1")]));
    let dataset = WebDataset::open(&path, &WebDatasetOptions::default()).unwrap();
    drop(home);
    let error = samples(&dataset)[0].1.clone().unwrap_err();
    assert_eq!(error, format!("cannot open `{path}`: No such file or directory (os error 2)"));
}

#[test]
fn a_sample_larger_than_the_limit_is_refused_before_it_is_read() {
    for engine in engines() {
        let (_home, path) =
            shard(&archive(&[("a.jpg", &[1; 1000]), ("a.cls", b"1"), ("b.jpg", b"2"), ("b.cls", b"2")]));
        let options = WebDatasetOptions { engine, ..WebDatasetOptions::default() };
        let dataset = WebDataset::open(&path, &options).unwrap();
        let limited = ReaderOptions { max_sample_bytes: 999, ..ReaderOptions::default() };
        let mut reader = dataset.reader(&limited).unwrap();
        reader.submit(&[0, 1, 2]);
        let error = next(&mut *reader).unwrap().1.unwrap_err();
        assert!(error.contains("has 1000 bytes or more, and samples may have 999\nhint: "), "{error}");
        assert!(next(&mut *reader).unwrap().1.is_ok());
        let error = next(&mut *reader).unwrap().1.unwrap_err();
        assert_eq!(error, "there is no sample 2: the source has 2");
        assert_eq!(dataset.key(2), "sample 2");
    }
}

#[test]
fn more_shards_than_may_be_open_are_read_in_any_order() {
    let home = tempfile::tempdir().unwrap();
    for number in 0..200 {
        let label = number.to_string();
        let bytes = archive(&[("a.jpg", label.as_bytes()), ("a.cls", label.as_bytes())]);
        fs::write(home.path().join(format!("{number:03}.tar")), bytes).unwrap();
    }
    let pattern: PathBuf = home.path().join("{000..199}.tar");
    let dataset = WebDataset::open(pattern.to_str().unwrap(), &WebDatasetOptions::default()).unwrap();
    let run: Vec<u64> = (0..600).map(|step| step * 77 % 200).collect();
    for (index, sample) in read_all(&dataset, &run) {
        let label = i64::try_from(index).unwrap();
        assert_eq!(sample, Ok((index.to_string().into_bytes(), Some(label))));
    }
    let highest = fs::File::open("/dev/null").unwrap().as_raw_fd();
    assert!(highest < 190, "descriptors up to {highest} are open");
}

#[test]
fn the_fingerprint_follows_the_content_of_the_index() {
    let print = |members: &[(&str, &[u8])]| {
        let (_home, dataset) = open(&archive(members));
        // The path is part of the fingerprint, and differs from run to run.
        dataset.unwrap()
    };
    let (home, path) = shard(&archive(&SMALL));
    let first = WebDataset::open(&path, &WebDatasetOptions::default()).unwrap().fingerprint();
    let again = WebDataset::open(&path, &WebDatasetOptions::default()).unwrap().fingerprint();
    assert_eq!(first, again);
    let mut changed = SMALL;
    changed[1].1 = b"4";
    fs::write(home.path().join("s.tar"), archive(&changed)).unwrap();
    assert_ne!(first, WebDataset::open(&path, &WebDatasetOptions::default()).unwrap().fingerprint());
    assert!(format!("{:?}", print(&SMALL)).starts_with("WebDataset(webdataset "));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Flipped, overwritten, cut and repeated bytes: whatever comes of it, opening and reading end,
    /// nothing is read beyond the file, and what is read is part of it.
    #[test]
    fn a_damaged_archive_never_panics_hangs_or_invents_bytes(
        flips in prop::collection::vec((0_usize..9000, any::<u8>()), 0..12),
        digits in prop::collection::vec((0_usize..12, 124_usize..136, prop::sample::select(b"01234567\x80\xFF ".to_vec())), 0..6),
        cut in prop::option::of(0_usize..9000),
        fix in any::<bool>(),
    ) {
        let mut builder = Builder::new(Vec::new());
        builder.append_pax_extensions([("path", &b"a.jpg"[..]), ("size", b"700")]).unwrap();
        for (name, content) in
            [("x", &[1_u8; 700][..]), ("a.cls", b"1"), (&"n".repeat(150), &[2; 30]), ("b.jpg", &[3; 900]), ("b.cls", b"2")]
        {
            let mut header = Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, content).unwrap();
        }
        let mut bytes = builder.into_inner().unwrap();
        for (at, value) in flips {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        for (block, at, digit) in digits {
            bytes[block * 512 + at] = digit;
        }
        if fix {
            // Correct checksums let the damage through to the fields behind them.
            for block in bytes.as_chunks_mut::<512>().0 {
                if block[257..262] == *b"ustar" {
                    let mut header = Header::new_old();
                    header.as_mut_bytes().copy_from_slice(block);
                    header.set_cksum();
                    block.copy_from_slice(header.as_bytes());
                }
            }
        }
        bytes.truncate(cut.unwrap_or(bytes.len()));
        let (_home, path) = shard(&bytes);
        let options = WebDatasetOptions { engine: EngineChoice::Blocking, ..WebDatasetOptions::default() };
        if let Ok(dataset) = WebDataset::open(&path, &options) {
            for (_, sample) in samples(&dataset) {
                if let Ok((image, _)) = sample {
                    prop_assert!(image.is_empty() || bytes.windows(image.len()).any(|part| part == image));
                }
            }
        }
    }
}
