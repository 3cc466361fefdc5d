//! Hosts that are reached without a proxy, even if the environment names one.

/// Returns whether `NO_PROXY` names a host.
///
/// Its entries are between commas or blanks, in upper or lower case. `*` names every host.
/// `example.com`, `.example.com` and `*.example.com` name the host and all below it, and `10.0.*`
/// all that begin so. An entry with a port names that port alone.
pub(super) fn is_direct(no_proxy: &str, host: &str, port: u16) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let entries = no_proxy.split([',', ' ', '\t', '\n', '\r']).filter(|entry| !entry.is_empty());
    entries.map(str::to_ascii_lowercase).any(|entry| names(&entry, host, port))
}

fn names(entry: &str, host: &str, port: u16) -> bool {
    let (name, of_port) = divided(entry);
    if of_port.is_some_and(|of_port| of_port.parse() != Ok(port)) {
        return false;
    }
    if name == "*" {
        return true;
    }
    if let Some(beginning) = name.strip_suffix('*') {
        return host.starts_with(beginning);
    }
    let name = name.trim_start_matches('*').trim_matches('.');
    let below = host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    !name.is_empty() && (host == name || below)
}

/// Returns the host of an entry, and its port. An address of IPv6 with a port is in brackets.
fn divided(entry: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (entry, None),
    }
}

/// Returns the value in the environment.
pub(super) fn no_proxy() -> String {
    ["NO_PROXY", "no_proxy"].map(|name| std::env::var(name).unwrap_or_default()).join(",")
}

/// Returns whether a host is this machine, which needs no proxy.
pub(super) fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_name_hosts_in_every_way() {
        for (no_proxy, host) in [
            ("a.b", "a.b"),
            ("x, a.b ,y", "a.b"),
            ("x a.b", "c.a.b"),
            ("A.B", "a.b"),
            ("a.b", "A.b."),
            (".a.b", "a.b"),
            (".a.b", "c.a.b"),
            ("*.a.b", "c.d.a.b"),
            ("*", "anything"),
            ("x,*", "anything"),
            ("10.0.*", "10.0.3.4"),
            ("a.b:443", "a.b"),
            ("*:443", "a.b"),
            ("::1", "[::1]"),
            ("[::1]:443", "[::1]"),
        ] {
            assert!(is_direct(no_proxy, host, 443), "{no_proxy} {host}");
        }
    }

    #[test]
    fn other_hosts_are_not_named() {
        for (no_proxy, host) in [
            ("", "a.b"),
            (", ,", "a.b"),
            ("a.b", "xa.b"),
            ("a.b", "a.b.c"),
            (".b", "ab"),
            ("a.b:80", "a.b"),
            ("a.b:x", "a.b"),
            ("*:80", "a.b"),
            (".", "a.b"),
            ("10.0.*", "10.1.0.0"),
            ("[::2]", "[::1]"),
        ] {
            assert!(!is_direct(no_proxy, host, 443), "{no_proxy} {host}");
        }
    }
}
