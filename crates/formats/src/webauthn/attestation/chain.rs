//! Certificate chains.

use super::super::error::AttestationError;
use super::certificate::Certificate;

/// Verifies a chain, leaf first, whose last certificate is one of the roots or was issued by one. Each
/// certificate is valid now.
pub(super) fn verify(
    chain: &[Certificate<'_>],
    roots: &[&[u8]],
    now: i64,
) -> Result<(), AttestationError> {
    if leads_to_root(chain, roots, now) {
        Ok(())
    } else {
        Err(AttestationError::Chain)
    }
}

fn leads_to_root(chain: &[Certificate<'_>], roots: &[&[u8]], now: i64) -> bool {
    let linked = chain
        .windows(2)
        .enumerate()
        .all(|(below, pair)| pair[0].is_issued_by(&pair[1]) && pair[1].may_issue(below));
    if !linked || !chain.iter().all(|certificate| certificate.is_valid_at(now)) {
        return false;
    }
    let Some(last) = chain.last() else {
        return false;
    };
    // A root does not attest anything itself.
    if chain.len() > 1 && roots.contains(&last.der()) {
        return true;
    }
    roots
        .iter()
        .filter_map(|root| Certificate::parse(root).ok())
        .any(|root| {
            last.is_issued_by(&root) && root.may_issue(chain.len() - 1) && root.is_valid_at(now)
        })
}
