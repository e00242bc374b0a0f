//! Whom a request is about, by the patterns that it gives.

use super::request::Request;
use crate::{
    layout::{Known, Select},
    session::{Manifest, Peer},
};

/// Whether `select` admits a peer, by their role and by all that patterns may call them.
pub fn admits(select: &Select, peer: &Peer) -> bool {
    select.admits(known(peer, &names(peer)))
}

/// What patterns of the request mean nobody: who mistypes a name must hear of it, or somebody stays in the picture.
pub fn warnings(manifest: &Manifest, request: &Request) -> Vec<String> {
    let names: Vec<Vec<&str>> = manifest.peers.iter().map(names).collect();
    let people: Vec<Known> = manifest
        .peers
        .iter()
        .zip(&names)
        .map(|(peer, names)| known(peer, names))
        .collect();
    let mut warnings = Vec::new();
    for select in [&request.seen, &request.heard] {
        for pattern in select.idle_roles(&people) {
            let mut roles: Vec<&str> = people.iter().filter_map(|person| person.role).collect();
            roles.sort_unstable();
            roles.dedup();
            warnings.push(format!(
                "nobody has the role '{pattern}'; the session's roles, capital letters as they are: {}",
                if roles.is_empty() {
                    "none".to_owned()
                } else {
                    roles.join(", ")
                }
            ));
        }
        for pattern in select.idle_peers(&people) {
            warnings.push(format!(
                "nobody is called '{pattern}', by id, user id or name; capital letters count, and * stands for anything"
            ));
        }
    }
    warnings
}

fn known<'a>(peer: &'a Peer, names: &'a [&'a str]) -> Known<'a> {
    Known {
        role: peer.role.as_deref(),
        names,
    }
}

fn names(peer: &Peer) -> Vec<&str> {
    let names = [Some(peer.id.as_str()), peer.user_id.as_deref(), peer.name.as_deref()];
    names.into_iter().flatten().collect()
}
