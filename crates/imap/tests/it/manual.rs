//! The tests that the manual names are there.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_manual_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = 0;
    for page in fs::read_dir(root.join("src/manual")).unwrap() {
        let page = page.unwrap().path();
        let text = fs::read_to_string(&page).unwrap();
        for name in text.split('`').skip(1).step_by(2) {
            let Some((module, test)) = name.split_once("::") else { continue };
            // A type of this crate.
            if module.starts_with(char::is_uppercase) {
                continue;
            }
            let file = root.join(format!("tests/it/{module}.rs"));
            let tests = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{}: {name}", page.display()));
            assert!(tests.contains(&format!("fn {test}(")), "{}: no {name}", page.display());
            named += 1;
        }
    }
    assert!(named > 60, "{named}");
}

/// The modules that the table of extensions names.
#[test]
fn every_module_that_the_table_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("src/extensions.rs")).unwrap();
    let mut named = 0;
    for row in text.lines().filter(|line| line.starts_with("//! | ")).skip(1) {
        let tried = row.rsplit(" | ").next().unwrap();
        for module in tried.split('`').skip(1).step_by(2) {
            let file = root.join(format!("tests/it/{module}.rs"));
            assert!(file.exists(), "{module}: {row}");
            named += 1;
        }
    }
    assert!(named > 60, "{named}");
}
