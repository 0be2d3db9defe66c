//! `ImageFolder` against the rules of torchvision's, and against files that are not what they seem.

mod common;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
    process::Command,
    sync::Arc,
};

use common::{engines, next, read_all};
use tempfile::TempDir;
use zenith_core::{FieldKind, ReaderOptions, Source, SourceError};
use zenith_io::{EngineChoice, EngineKind, ImageFolder, ImageFolderOptions};

fn options(engine: EngineChoice) -> ImageFolderOptions {
    ImageFolderOptions { engine, ..ImageFolderOptions::default() }
}

fn write(root: &Path, path: impl AsRef<OsStr>, bytes: &[u8]) {
    let path = root.join(Path::new(path.as_ref()));
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder can be made");
    fs::write(path, bytes).expect("the file can be written");
}

/// A folder `train` with the given files, each holding its own path.
fn tree(files: &[&str]) -> TempDir {
    let home = tempfile::tempdir().expect("there is a temporary folder");
    for file in files {
        write(&home.path().join("train"), file, file.as_bytes());
    }
    home
}

fn open(home: &TempDir) -> Result<ImageFolder, SourceError> {
    ImageFolder::open(home.path().join("train"), &ImageFolderOptions::default())
}

/// Names that sort differently by locale, by case, by number, and as paths instead of as strings.
const AWKWARD: [&str; 18] = [
    "Zebra/1.jpg",
    "ant/a.JPG",
    "ant/B.jpg",
    "ant/a.jpg",
    "ant/10.png",
    "ant/9.png",
    "ant/é.webp",
    "ant/z.TiFF",
    "ant/.jpg",
    "ant/x.jpg.txt",
    "ant/deep/1.ppm",
    "ant/deep-er/2.pgm",
    "ant/deep/er/3.bmp",
    "ant/deep.jpg/4.tif",
    "ant/notes.txt",
    "_hidden/1.jpeg",
    "éclair/1.jpg",
    "10/1.jpg",
];

#[test]
fn files_and_labels_come_in_torchvisions_order() {
    let home = tree(&AWKWARD);
    let source = open(&home).unwrap();
    assert_eq!(source.classes(), ["10", "Zebra", "_hidden", "ant", "éclair"]);
    assert_eq!((source.class_to_idx("ant"), source.class_to_idx("bee")), (Some(3), None));
    let keys: Vec<String> = (0..source.len()).map(|index| source.key(index)).collect();
    // As `torchvision.datasets.ImageFolder("train").samples` lists this tree.
    let expected = [
        ("train/10/1.jpg", 0),
        ("train/Zebra/1.jpg", 1),
        ("train/_hidden/1.jpeg", 2),
        ("train/ant/.jpg", 3),
        ("train/ant/10.png", 3),
        ("train/ant/9.png", 3),
        ("train/ant/B.jpg", 3),
        ("train/ant/a.JPG", 3),
        ("train/ant/a.jpg", 3),
        ("train/ant/z.TiFF", 3),
        ("train/ant/é.webp", 3),
        ("train/ant/deep/1.ppm", 3),
        ("train/ant/deep-er/2.pgm", 3),
        ("train/ant/deep.jpg/4.tif", 3),
        ("train/ant/deep/er/3.bmp", 3),
        ("train/éclair/1.jpg", 4),
    ];
    assert_eq!(keys, expected.map(|(key, _)| key));
    let labels: Vec<_> = (0..source.len()).map(|index| source.label(index).unwrap()).collect();
    assert_eq!(labels, expected.map(|(_, label)| label));
    assert_eq!(source.label(source.len()), None);
}

#[test]
fn every_engine_reads_every_file_in_the_order_of_the_asking() {
    let home = tree(&AWKWARD);
    // Larger than any engine's first buffer, to the byte where a buffer is exactly full, and empty.
    for (name, size) in [("big", 3_000_000), ("page", 4096), ("class", 131_072), ("none", 0)] {
        let bytes: Vec<u8> = (0..size).map(|at: u32| u8::try_from(at * 7 % 251).unwrap()).collect();
        write(&home.path().join("train"), format!("ant/{name}.jpg"), &bytes);
    }
    for engine in engines() {
        let source = ImageFolder::open(home.path().join("train"), &options(engine)).unwrap();
        let run: Vec<u64> = (0..source.len()).rev().chain([3, 3, 0]).collect();
        let samples = read_all(&source, &run);
        assert_eq!(samples.iter().map(|(index, _)| *index).collect::<Vec<_>>(), run, "{engine:?}");
        for (index, sample) in samples {
            let (bytes, label) = sample.unwrap();
            assert_eq!(bytes, fs::read(source.path(index).unwrap()).unwrap(), "{engine:?}");
            assert_eq!(label, i64::try_from(source.label(index).unwrap()).ok());
        }
    }
}

#[test]
fn more_may_be_asked_for_at_any_time() {
    let home = tree(&AWKWARD);
    for engine in engines() {
        let source = ImageFolder::open(home.path().join("train"), &options(engine)).unwrap();
        let mut reader = source.reader(&ReaderOptions::default()).unwrap();
        assert!(reader.next().is_none());
        reader.submit(&[5]);
        reader.submit(&[]);
        reader.submit(&[1, 2]);
        assert_eq!(next(&mut *reader).unwrap().0, 5);
        reader.submit(&[0; 100]);
        let rest: Vec<u64> = std::iter::from_fn(|| reader.next()).map(|(index, _)| index).collect();
        assert_eq!(rest, [vec![1, 2], vec![0; 100]].concat());
        reader.submit(&[4; 40]);
        assert!(reader.next().is_some());
        // Dropped with reads under way.
    }
}

#[test]
fn links_to_files_and_folders_are_followed() {
    let home = tree(&["cat/1.jpg", "cat/more/2.jpg"]);
    let root = home.path().join("train");
    write(home.path(), "elsewhere/3.jpg", b"three");
    symlink(home.path().join("elsewhere"), root.join("dog")).unwrap();
    symlink("../../elsewhere/3.jpg", root.join("cat/linked.jpg")).unwrap();
    symlink("nowhere", root.join("cat/broken.jpg")).unwrap();
    symlink("nowhere", root.join("broken-class")).unwrap();
    let source = open(&home).unwrap();
    assert_eq!(source.classes(), ["cat", "dog"]);
    let samples = read_all(&source, &[0, 1, 2, 3, 4]);
    assert_eq!(samples[2].1, Ok((b"three".to_vec(), Some(0))));
    assert_eq!(samples[4].1, Ok((b"three".to_vec(), Some(1))));
    let missing = samples[1].1.as_ref().unwrap_err();
    assert!(missing.starts_with("cannot open `") && missing.contains("cat/broken.jpg`: No such file"));
}

#[test]
fn a_link_to_a_folder_above_is_refused_by_name() {
    let home = tree(&["cat/1.jpg"]);
    symlink("..", home.path().join("train/cat/again")).unwrap();
    let error = open(&home).unwrap_err().to_string();
    assert!(error.contains("train/cat/again") && error.contains("no end"), "{error}");
}

#[test]
fn what_is_missing_empty_or_no_folder_is_told_apart() {
    let home = tree(&["cat/1.jpg", "dog/notes.txt", "eel/readme.md"]);
    let root = home.path().join("train");
    let error = open(&home).unwrap_err().to_string();
    let expected = format!(
        "`{}` has no image for the classes `dog`, `eel` (extensions: .jpg, .jpeg, .png, .ppm, .bmp, .pgm, .tif, .tiff, .webp)\nhint: remove the empty folders, or allow them with `allow_empty`",
        root.display()
    );
    assert_eq!(error, expected);
    let allowed =
        ImageFolder::open(&root, &ImageFolderOptions { allow_empty: true, ..ImageFolderOptions::default() })
            .unwrap();
    assert_eq!((allowed.classes().len(), allowed.len(), allowed.is_empty()), (3, 1, false));

    let error = ImageFolder::open(root.join("cat"), &ImageFolderOptions::default()).unwrap_err().to_string();
    assert!(error.contains("train/cat` has no class folder\nhint: "), "{error}");
    let error = ImageFolder::open(root.join("cow"), &ImageFolderOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("cannot list `") && error.contains("No such file"), "{error}");
    let error =
        ImageFolder::open(root.join("cat/1.jpg"), &ImageFolderOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("cannot list `") && error.contains("Not a directory"), "{error}");
}

#[test]
fn an_unreadable_folder_is_named() {
    let home = tree(&["cat/1.jpg", "cat/secret/2.jpg"]);
    let secret = home.path().join("train/cat/secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&secret).is_ok() {
        // The superuser reads everything; a folder that vanishes between two steps is covered above.
        return;
    }
    let error = open(&home).unwrap_err().to_string();
    assert!(error.starts_with("cannot list `") && error.contains("cat/secret"), "{error}");
}

#[test]
fn what_only_looks_like_a_file_spoils_its_sample_and_nothing_waits() {
    let home = tree(&["cat/1.jpg", "cat/2.jpg", "cat/3.jpg", "cat/4.jpg", "cat/5.jpg"]);
    let root = home.path().join("train");
    for engine in engines() {
        for file in ["2.jpg", "3.jpg", "4.jpg"] {
            write(&root.join("cat"), file, b"before");
        }
        let source = ImageFolder::open(&root, &options(engine)).unwrap();
        for file in ["2.jpg", "3.jpg", "4.jpg"] {
            fs::remove_file(root.join("cat").join(file)).unwrap();
        }
        let made = Command::new("mkfifo").arg(root.join("cat/2.jpg")).status().unwrap();
        assert!(made.success());
        fs::create_dir(root.join("cat/3.jpg")).unwrap();
        let samples = read_all(&source, &[0, 1, 2, 3, 4]);
        assert!(samples[0].1.is_ok() && samples[4].1.is_ok(), "{engine:?}: {samples:?}");
        let errors: Vec<&String> =
            samples[1..4].iter().map(|(_, sample)| sample.as_ref().unwrap_err()).collect();
        assert!(errors[0].ends_with("cat/2.jpg` is a named pipe, not a file"), "{engine:?}: {errors:?}");
        assert!(errors[1].ends_with("cat/3.jpg` is a folder, not a file"), "{engine:?}: {errors:?}");
        assert!(errors[2].starts_with("cannot open `") && errors[2].contains("No such file"), "{errors:?}");
        fs::remove_dir(root.join("cat/3.jpg")).unwrap();
        fs::remove_file(root.join("cat/2.jpg")).unwrap();
    }
}

#[test]
fn a_sample_larger_than_the_limit_is_refused_by_name() {
    let home = tree(&["cat/1.jpg", "cat/2.jpg", "cat/3.jpg"]);
    let root = home.path().join("train");
    write(&root, "cat/2.jpg", &vec![1; 100_001]);
    write(&root, "cat/3.jpg", &vec![1; 100_000]);
    // Sparse: its bytes are never looked at.
    fs::File::create(root.join("cat/1.jpg")).unwrap().set_len(1 << 40).unwrap();
    for engine in engines() {
        let source = ImageFolder::open(&root, &options(engine)).unwrap();
        let options = ReaderOptions { max_sample_bytes: 100_000, ..ReaderOptions::default() };
        let mut reader = source.reader(&options).unwrap();
        reader.submit(&[0, 1, 2]);
        for file in ["cat/1.jpg", "cat/2.jpg"] {
            let error = next(&mut *reader).unwrap().1.unwrap_err();
            assert!(error.contains(file) && error.contains("samples may have 100000\nhint: "), "{error}");
        }
        assert_eq!(next(&mut *reader).unwrap().1.unwrap().0.len(), 100_000, "{engine:?}");
    }
}

/// What the kernel makes up as it is read says that it has no bytes, as a file that grows since it was
/// looked at has too few.
#[test]
fn a_file_with_more_bytes_than_it_says_is_read_to_its_end() {
    let home = tree(&["cat/1.jpg"]);
    let root = home.path().join("train");
    symlink("/proc/version", root.join("cat/2.jpg")).unwrap();
    let content = fs::read("/proc/version").unwrap();
    for engine in engines() {
        let source = ImageFolder::open(&root, &options(engine)).unwrap();
        assert_eq!(read_all(&source, &[1]), [(1, Ok((content.clone(), Some(0))))], "{engine:?}");
        let limited = ReaderOptions { max_sample_bytes: 10, ..ReaderOptions::default() };
        let mut reader = source.reader(&limited).unwrap();
        reader.submit(&[1]);
        let error = next(&mut *reader).unwrap().1.unwrap_err();
        assert!(error.contains("samples may have 10\nhint: "), "{engine:?}: {error}");
    }
}

#[test]
fn an_index_that_no_sample_has_is_an_error_of_that_read() {
    let home = tree(&["cat/1.jpg"]);
    let source = open(&home).unwrap();
    let samples = read_all(&source, &[7, 0]);
    assert_eq!(samples[0].1, Err("there is no sample 7: the source has 1".to_owned()));
    assert!(samples[1].1.is_ok());
    assert_eq!((source.key(7), source.path(7)), ("sample 7".to_owned(), None));
}

#[test]
fn a_source_describes_itself_and_notices_changes() {
    let home = tree(&["cat/1.jpg", "dog/2.jpg"]);
    let root = home.path().join("train");
    let source = ImageFolder::open(&root, &options(EngineChoice::Blocking)).unwrap();
    assert_eq!(
        source.describe(),
        format!("image folder {}: 2 samples, 2 classes, read with blocking", root.display())
    );
    assert_eq!(source.engine(), EngineKind::Blocking);
    let kinds: Vec<_> = source.fields().iter().map(|field| (field.name.as_str(), field.kind)).collect();
    assert_eq!(kinds, [("image", FieldKind::Bytes), ("label", FieldKind::Int)]);
    let mut seen = BTreeSet::from([source.fingerprint()]);
    assert!(!seen.insert(open(&home).unwrap().fingerprint()), "the engine makes no difference");
    write(&root, "cat/3.jpg", b"");
    assert!(seen.insert(open(&home).unwrap().fingerprint()));
    fs::rename(root.join("dog"), root.join("doh")).unwrap();
    assert!(seen.insert(open(&home).unwrap().fingerprint()));
}

#[test]
fn names_that_are_not_utf8_are_read() {
    let home = tree(&["cat/1.jpg"]);
    write(&home.path().join("train"), OsStr::from_bytes(b"cat/\xFF.jpg"), b"odd");
    let source = open(&home).unwrap();
    assert_eq!(source.key(1), "train/cat/\u{FFFD}.jpg");
    assert_eq!(read_all(&source, &[1])[0].1, Ok((b"odd".to_vec(), Some(0))));
}

#[test]
fn readers_of_one_source_work_side_by_side() {
    let files: Vec<String> = (0..60).map(|number| format!("c{}/{number}.jpg", number % 3)).collect();
    let home = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
    for engine in engines() {
        let source = Arc::new(ImageFolder::open(home.path().join("train"), &options(engine)).unwrap());
        std::thread::scope(|scope| {
            for shift in 0..4 {
                let source = Arc::clone(&source);
                scope.spawn(move || {
                    let run: Vec<u64> = (0..300).map(|step| (step * 7 + shift) % 60).collect();
                    for (index, sample) in read_all(&*source, &run) {
                        assert_eq!(sample.unwrap().0, source.key(index).as_bytes()["train/".len()..]);
                    }
                });
            }
        });
    }
}

#[test]
fn engines_are_chosen_by_name() {
    assert_eq!("blocking".parse::<EngineChoice>().unwrap().resolve().unwrap(), EngineKind::Blocking);
    assert_eq!("threads".parse::<EngineChoice>().unwrap().resolve().unwrap(), EngineKind::Threads);
    for name in ["auto", "io_uring"] {
        let chosen = name.parse::<EngineChoice>().unwrap().resolve();
        match zenith_io::uring_refusal() {
            None => assert_eq!(chosen.unwrap(), EngineKind::IoUring),
            Some(_) if name == "auto" => assert_eq!(chosen.unwrap(), EngineKind::Threads),
            Some(_) => assert!(chosen.unwrap_err().to_string().starts_with("io_uring cannot be used here: ")),
        }
    }
    assert_eq!(
        "epoll".parse::<EngineChoice>().unwrap_err().to_string(),
        "`epoll` is not a read engine: choose `auto`, `io_uring`, `threads` or `blocking`"
    );
}
