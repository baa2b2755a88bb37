//! Names and paths as people write them: plain, or with `*`.

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

/// A text to compare with. With one of `* ? [ {` it is a glob over the whole text: `*` and `?` stand
/// for anything but `/`, `**` for anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern {
    written: String,
    glob: Option<GlobMatcher>,
}

impl Pattern {
    /// From what a person wrote.
    ///
    /// # Errors
    /// It is empty, or no glob though it has one of its characters.
    pub fn new(written: &str) -> Result<Self, String> {
        if written.is_empty() {
            return Err("an empty text matches nothing: write a name, a path or a glob".to_owned());
        }
        let glob = if written.contains(['*', '?', '[', '{']) {
            let glob = GlobBuilder::new(written)
                .literal_separator(true)
                .build()
                .map_err(|error| format!("{written:?} is no glob: {}", error.kind()))?;
            Some(glob.compile_matcher())
        } else {
            None
        };
        Ok(Self {
            written: written.to_owned(),
            glob,
        })
    }

    /// Whether it is a name as it is, or a glob that fits.
    pub fn is_name(&self, name: &str) -> bool {
        self.is_met(name, |written| name == written)
    }

    /// Whether it is this file, by its whole path or, without a `/`, by its last part.
    pub fn is_file(&self, path: &str) -> bool {
        let text = if self.written.contains('/') {
            path
        } else {
            path.rsplit('/').next().unwrap_or(path)
        };
        self.is_name(text)
    }

    /// Whether it is this path of a request or, when it is no glob, one above it.
    pub fn is_path(&self, path: &str) -> bool {
        self.is_met(path, |written| {
            let above = written.strip_suffix('/').unwrap_or(written);
            path.strip_prefix(above)
                .is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })
    }

    /// Whether the glob fits or, when it is none, `plain` says so of what was written.
    pub(crate) fn is_met(&self, text: &str, plain: impl FnOnce(&str) -> bool) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(text),
            None => plain(&self.written),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        Self::new(&written)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(written: &str) -> Pattern {
        Pattern::new(written).unwrap()
    }

    #[test]
    fn names_are_whole() {
        assert!(pattern("nginx").is_name("nginx"));
        assert!(!pattern("nginx").is_name("nginx2"));
        assert!(pattern("python3*").is_name("python3.13"));
        assert!(!pattern("python3*").is_name("bpython3"));
        assert!(pattern("{node,deno}").is_name("deno"));
    }

    #[test]
    fn files_are_found_by_path_or_by_name() {
        assert!(pattern("/usr/sbin/nginx").is_file("/usr/sbin/nginx"));
        assert!(pattern("nginx").is_file("/usr/sbin/nginx"));
        assert!(!pattern("sbin/nginx").is_file("/usr/sbin/nginx"));
        assert!(pattern("/opt/*/bin/*").is_file("/opt/orders/bin/serve"));
        assert!(!pattern("/opt/*/bin/*").is_file("/opt/orders/bin/a/serve"));
        assert!(pattern("/opt/**").is_file("/opt/orders/bin/a/serve"));
    }

    #[test]
    fn a_path_stands_for_what_is_below_it() {
        for path in ["/api", "/api/", "/api/orders/1"] {
            assert!(pattern("/api").is_path(path), "{path}");
            assert!(pattern("/").is_path(path), "{path}");
        }
        assert!(pattern("/api/").is_path("/api/x"));
        assert!(!pattern("/api").is_path("/apis"));
        assert!(pattern("/api/*/items").is_path("/api/4/items"));
        assert!(!pattern("/api/*").is_path("/api/4/items"));
        assert!(pattern("/api/**").is_path("/api/4/items"));
        assert!(pattern("**/health").is_path("/a/b/health"));
    }

    #[test]
    fn what_cannot_match_is_refused() {
        assert!(Pattern::new("").is_err());
        assert!(Pattern::new("a[").unwrap_err().contains("\"a[\""));
    }
}
