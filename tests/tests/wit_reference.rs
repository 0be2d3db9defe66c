//! `docs/plugin-interface.md` is what `wit/` says, and `wit/` says something about each of its items.

use std::{env, fs, path::Path};

use zenith_tests::wit_reference;

#[test]
fn the_reference_page_is_made_from_the_interface() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = wit_reference::page(&repository.join("wit")).unwrap();
    let file = repository.join("docs/plugin-interface.md");
    if env::var_os("ZENITH_BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "`docs/plugin-interface.md` is not what `wit/` says: run \
         `ZENITH_BLESS=1 cargo test --workspace --test wit_reference`"
    );
}

#[test]
fn every_item_of_the_interface_is_documented() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = wit_reference::page(&repository.join("wit")).unwrap();
    let empty_cells: Vec<_> = page.lines().filter(|line| line.ends_with("|  |")).collect();
    assert_eq!(empty_cells, Vec::<&str>::new());
    // A heading with nothing below it but another heading or the end has no comment.
    let paragraphs: Vec<_> = page.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).collect();
    for pair in paragraphs.windows(2) {
        let is_item = pair[0].starts_with("##") || pair[0].starts_with("```text");
        assert!(
            !(is_item && pair[1].starts_with('#')) || pair[0].starts_with("## Worlds"),
            "`{}` has no comment",
            pair[0]
        );
    }
}
