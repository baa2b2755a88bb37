//! The bill of materials (SBOM): every crate in the binary with its version, licence and checksum, as
//! CycloneDX has it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::failed;
use crate::built::cargo;
use crate::tools::{cargo_tools, go};

/// What cargo-cyclonedx calls its files, one in the folder of each member of the workspace.
const NAME: &str = "observer-bill-of-materials";

/// Writes it, and gives where it is.
pub(super) fn write(root: &Path, out: &Path, time: &str) -> Result<PathBuf, String> {
    let written = go(cargo(root)
        .args(["cyclonedx", "-qq", "--format", "json"])
        .args(["--spec-version", "1.5", "--no-build-deps"])
        .args(["--override-filename", NAME, "--manifest-path"])
        .arg(root.join("observer/Cargo.toml"))
        .env("PATH", cargo_tools(root)?)
        // Without it, each would have a number of its own.
        .env("SOURCE_DATE_EPOCH", time));
    let bill = root.join("observer").join(format!("{NAME}.json"));
    let text = fs::read_to_string(&bill).map_err(|error| failed(&bill, &error));
    clean(root)?;
    written?;
    let text = placeless(&text?, root);
    check(&text).map_err(|error| failed(&bill, &error))?;
    let file = out.join(format!("observer-{}.cdx.json", env!("CARGO_PKG_VERSION")));
    fs::write(&file, text).map_err(|error| failed(&file, &error))?;
    Ok(file)
}

/// Removes what was written beside the source.
fn clean(root: &Path) -> Result<(), String> {
    for entry in fs::read_dir(root).map_err(|error| failed(root, &error))? {
        let file = entry
            .map_err(|error| failed(root, &error))?
            .path()
            .join(format!("{NAME}.json"));
        if file.exists() {
            fs::remove_file(&file).map_err(|error| failed(&file, &error))?;
        }
    }
    Ok(())
}

/// Without the folder that it was made in, which is nobody's business.
fn placeless(text: &str, root: &Path) -> String {
    text.replace(&format!("file://{}", root.display()), "file:///observer")
}

/// Whether it is one: it names observer, and what observer is made of.
fn check(text: &str) -> Result<(), String> {
    let bill: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let has = |name: &str| {
        let list = bill.get("components").and_then(Value::as_array);
        list.is_some_and(|list| {
            list.iter()
                .any(|one| one.get("name").is_some_and(|it| it == name))
        })
    };
    let subject = bill.pointer("/metadata/component/name");
    match subject.is_some_and(|name| name == "observer") && has("aya") && has("jsonwebtoken") {
        true => Ok(()),
        false => Err("it does not name what observer is made of".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_names_observer_and_its_crates_and_no_folder() {
        let good = r#"{"metadata": {"component": {"name": "observer"}},
                       "components": [{"name": "aya"}, {"name": "jsonwebtoken"}]}"#;
        assert_eq!(check(good), Ok(()));
        assert!(check(&good.replace("aya", "other")).is_err());
        assert!(check("{}").is_err());
        assert_eq!(
            placeless("a path+file:///home/a/b#1 b", Path::new("/home/a")),
            "a path+file:///observer/b#1 b"
        );
    }
}
