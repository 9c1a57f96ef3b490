//! Names of objects. An object store's paths have no control characters, names of files may have them: there they are escaped, so that every path
//! has one name and comes back from it.
use std::borrow::Cow;

/// The name of the object at a path: control characters as `%0A`, and `%` as `%25` where what follows would be read as such an escape.
pub(super) fn escaped(path: &str) -> Cow<'_, str> {
    let is_plain = |(at, character): (usize, char)| !character.is_ascii_control() && escape_at(path, at).is_none();
    if path.char_indices().all(is_plain) {
        return path.into();
    }
    let mut name = String::with_capacity(path.len() + 8);
    for (at, character) in path.char_indices() {
        match is_plain((at, character)) {
            true => name.push(character),
            false => name.push_str(&format!("%{:02X}", u32::from(character))),
        }
    }
    name.into()
}

/// The path of an object by its name.
pub(super) fn unescaped(name: &str) -> String {
    let (mut path, mut at) = (String::with_capacity(name.len()), 0);
    while let Some(character) = name[at..].chars().next() {
        match escape_at(name, at) {
            Some(meant) => {
                path.push(meant);
                at += 3;
            }
            None => {
                path.push(character);
                at += character.len_utf8();
            }
        }
    }
    path
}

/// The character that is escaped at a place of a name, if one is: a control character or `%`.
fn escape_at(name: &str, at: usize) -> Option<char> {
    let digits = name.get(at..)?.strip_prefix('%')?.get(..2)?;
    // `from_str_radix` takes a sign.
    let code = u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
    let meant = char::from(code);
    (meant.is_ascii_control() || meant == '%').then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Output;
    use crate::store::Store;
    use proptest::prelude::*;

    #[test]
    fn usual_names_stay_as_they_are() {
        for path in ["artifacts/a/film.mp4", "50%.png", "100%41.png", "%zz", "%+a", "שלום/#2 [x]?.mov", "back\\slash"]
        {
            assert_eq!(escaped(path), path);
        }
        assert_eq!(escaped("a\nb/\u{7f}"), "a%0Ab/%7F");
        assert_eq!(escaped("a%0Ab"), "a%250Ab");
    }

    #[tokio::test]
    async fn objects_of_any_name_are_written_listed_and_deleted() {
        let store = Store::new(&Output::in_memory()).unwrap();
        let names =
            ["a\nb.mp4", "a%0Ab.mp4", "a%250Ab.mp4", "tab\there.mp4", "back\\slash", "50%.png", "\u{7f}", "שלום"];
        let mut expected: Vec<(String, u64)> = names.iter().map(|name| (format!("artifacts/x/{name}"), 0)).collect();
        store.write("part", "bytes".into()).await.unwrap();
        for (number, (path, length)) in expected.iter_mut().enumerate() {
            let bytes = "?".repeat(number + 1);
            *length = bytes.len() as u64;
            store.copy("part", path).await.unwrap();
            store.write(path, bytes.into()).await.unwrap();
        }
        for (path, length) in &expected {
            assert_eq!(store.length(path).await.unwrap(), Some(*length), "{path:?}");
            assert_eq!(store.digest(path).await.unwrap().unwrap().1, *length, "{path:?}");
        }
        let mut found = store.list("artifacts").await.unwrap();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "names that differ are different objects");
        store.delete(found.into_iter().map(|(path, _)| path)).await.unwrap();
        assert_eq!(store.list("artifacts").await.unwrap(), []);
    }

    proptest! {
        #[test]
        fn every_path_comes_back_from_its_name(path in "[%0-9a-fA-F\n\t\u{1}\u{7f}é/x]{0,12}") {
            let name = escaped(&path).into_owned();
            prop_assert!(!name.contains(|character: char| character.is_ascii_control()));
            prop_assert_eq!(unescaped(&name), path);
        }
    }
}
