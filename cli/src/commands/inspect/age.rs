//! What the header of an age file shows: the types of its recipients.

use stream_v2::format::envelope::AgeView;

/// Returns the types of the stanzas that are for recipients. None of them is authenticated.
///
/// Implementations of age add a stanza without a recipient, whose type ends in this.
pub(super) fn recipient_types(age: &AgeView<'_>) -> Vec<String> {
    let types = age.recipient_types().filter(|name| !name.ends_with(b"-grease"));
    types.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Returns each type once, with its number: "2 X25519, 1 ssh-ed25519".
pub(super) fn counted(types: &[String]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in types {
        match counts.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let counts: Vec<String> = counts.into_iter().map(|(name, count)| format!("{count} {name}")).collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn types_are_counted_in_order() {
        assert_eq!(counted(&["b".into(), "a".into(), "b".into()]), "2 b, 1 a");
        assert_eq!(counted(&[]), "");
    }
}
