//! What a run says at its end of unix sockets that it did not see.

use std::fmt;

use super::page::counted;
use crate::totals::{Said, UnixTalk, UnixUnseen};

/// So many of those who spoke are named.
const TALKS: usize = 10;

/// Who spoke to whom, and how much. Nothing, when nobody did.
pub(super) fn write(f: &mut fmt::Formatter<'_>, unseen: &UnixUnseen) -> fmt::Result {
    let UnixUnseen { talks, other } = unseen;
    let mut talks: Vec<_> = talks.iter().filter(|talk| talk.said.bytes > 0).collect();
    talks.sort_by(|a, b| {
        let by_bytes = b.said.bytes.cmp(&a.said.bytes);
        by_bytes.then_with(|| a.path.cmp(&b.path))
    });
    let sum = |start: Said, talks: &[&UnixTalk]| {
        talks.iter().fold(start, |sum, talk| sum.plus(talk.said))
    };
    let all = sum(*other, &talks);
    if all.bytes == 0 {
        return Ok(());
    }
    let much = |said: Said| {
        let bytes = counted(said.bytes, "byte", "bytes");
        format!("{bytes} in {}", counted(said.calls, "call", "calls"))
    };
    writeln!(
        f,
        "over unix sockets, which are not seen here: {}",
        much(all)
    )?;
    let (named, others) = talks.split_at(talks.len().min(TALKS));
    for UnixTalk {
        from,
        to,
        path,
        said,
    } in named
    {
        let to = if to.is_empty() { "somebody" } else { &**to };
        writeln!(f, "  {from} to {to} over {path}: {}", much(*said))?;
    }
    let rest = sum(*other, others);
    if rest.bytes > 0 {
        writeln!(f, "  others: {}", much(rest))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Summary;
    use super::*;
    use crate::totals::Totals;

    #[test]
    fn who_spoke_unseen_is_named() {
        let talk = |from: &str, bytes| UnixTalk {
            from: from.into(),
            to: if from == "nginx" { "gunicorn" } else { "" }.into(),
            path: "/run/app.sock".into(),
            said: Said { bytes, calls: 2 },
        };
        let mut talks = vec![talk("gunicorn", 1), talk("nginx", 2048)];
        let totals = |talks, other| Totals {
            unix_unseen: Some(UnixUnseen { talks, other }),
            ..Totals::default()
        };
        let page = |totals| Summary::default().with(&totals, None).to_string();
        assert_eq!(
            page(totals(talks.clone(), Said::default())),
            "\n0 exchanges\nno rejections\n\
             over unix sockets, which are not seen here: 2,049 bytes in 4 calls\n  \
             nginx to gunicorn over /run/app.sock: 2,048 bytes in 2 calls\n  \
             gunicorn to somebody over /run/app.sock: 1 byte in 2 calls\nnothing was lost\n"
        );
        talks.extend((0..20).map(|_| talk("nginx", 1)));
        let other = Said { bytes: 5, calls: 1 };
        let many = page(totals(talks, other));
        assert_eq!(many.matches(" over /run/app.sock: ").count(), TALKS);
        assert!(
            many.contains("\n  others: 17 bytes in 25 calls\n"),
            "{many}"
        );
        assert!(!page(totals(Vec::new(), Said::default())).contains("unix"));
    }
}
