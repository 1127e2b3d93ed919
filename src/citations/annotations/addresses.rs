//! Addresses of sources: their parts, and which of them are one page.

/// The last segment of an address's path, without its extension.
pub(super) fn last_path_segment(url: &str) -> &str {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or("");
    let Some((_, path)) = path.split_once('/') else { return "" };
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    last.rsplit_once('.').filter(|(stem, end)| !stem.is_empty() && end.len() <= 5).map_or(last, |(stem, _)| stem)
}

pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    host.strip_prefix("www.").unwrap_or(host)
}

/// Cuts tracking parameters off an address.
pub(super) fn without_trackers(url: &str) -> &str {
    // Trackers come last, so nothing else is lost by cutting at the first one.
    let cut = ["?utm_", "&utm_"].iter().filter_map(|mark| url.find(mark)).min();
    cut.map_or(url, |at| &url[..at])
}

/// Normalizes an address, so that all addresses of one page have the same key.
pub fn address_key(url: &str) -> String {
    let (address, fragment) = url.split_once('#').map_or((url, ""), |(address, fragment)| (address, fragment));
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            !pair.is_empty()
                && !["utm_", "gclid=", "fbclid=", "ref_src="].iter().any(|tracker| pair.starts_with(tracker))
        })
        .collect();
    let (scheme, rest) = path.split_once("://").unwrap_or(("", path));
    let scheme = if scheme.eq_ignore_ascii_case("http") { "https" } else { scheme };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let mut key =
        format!("{}://{}{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase(), path.trim_end_matches('/'));
    if !kept.is_empty() {
        key.push('?');
        key.push_str(&kept.join("&"));
    }
    if !fragment.is_empty() && !fragment.starts_with(":~:") {
        key.push('#');
        key.push_str(fragment);
    }
    key
}

/// Whether the text of an inline link only names its address, so that a mark can replace it.
pub fn only_names_address(link: &str) -> bool {
    let Some((words, address)) = link.strip_prefix('[').and_then(|link| link.rsplit_once("](")) else { return false };
    let words = words.trim_matches(['[', ']', '*', '_', ' ']);
    let is_number = !words.is_empty() && words.chars().all(|char| char.is_ascii_digit() || char == '^');
    let is_host = words.contains('.') && !words.contains(' ') && address.contains(words.trim_start_matches("www."));
    is_number || is_host || matches!(words.to_lowercase().as_str(), "" | "source" | "link")
}
