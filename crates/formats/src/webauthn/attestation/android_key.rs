//! `android-key` (section 8.4).

use x509_parser::der_parser::oid;
use x509_parser::oid_registry::Oid;

use super::super::error::AttestationError;
use super::der::{Element, Tag};
use super::{Statement, chain, roots};

/// The extension with the description of the key.
const KEY_DESCRIPTION: Oid<'static> = oid!(1.3.6.1.4.1.11129.2.1.17);

/// Tags in an authorization list.
const PURPOSE: Tag = Tag::Context(1);
const ALL_APPLICATIONS: Tag = Tag::Context(600);
const ORIGIN: Tag = Tag::Context(702);

/// `KM_PURPOSE_SIGN` and `KM_ORIGIN_GENERATED`, as DER integers.
const SIGN: &[u8] = &[2];
const GENERATED: &[u8] = &[0];

pub(super) fn verify(statement: &Statement<'_>) -> Result<(), AttestationError> {
    let signature = statement.bytes("sig")?;
    let algorithm = statement.algorithm()?;
    let certificates = statement.certificates()?;
    let roots = [roots::GOOGLE, statement.roots].concat();
    chain::verify(&certificates, &roots, statement.now)?;
    let leaf = &certificates[0];
    if !algorithm.fits(&leaf.key) {
        return Err(AttestationError::Algorithm);
    }
    if !algorithm.verify(&leaf.key, &statement.signed(), signature) {
        return Err(AttestationError::Signature);
    }
    if leaf.key != statement.key.key {
        return Err(AttestationError::Key);
    }
    let value = leaf
        .extension(&KEY_DESCRIPTION)?
        .ok_or(AttestationError::CertificateProfile)?;
    let description = KeyDescription::parse(value).ok_or(AttestationError::CertificateProfile)?;
    if description.challenge != statement.client_data_hash {
        return Err(AttestationError::Nonce);
    }
    if description.is_restricted() {
        Ok(())
    } else {
        Err(AttestationError::KeyUse)
    }
}

/// The members that are checked.
struct KeyDescription<'a> {
    challenge: &'a [u8],
    software: Vec<Element<'a>>,
    hardware: Vec<Element<'a>>,
}

impl<'a> KeyDescription<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        let members = Element::parse(value)?.children(Tag::Sequence)?;
        let [
            version,
            level,
            keymaster,
            keymaster_level,
            challenge,
            unique,
            software,
            hardware,
        ] = members[..]
        else {
            return None;
        };
        version.expect(Tag::Integer)?;
        level.expect(Tag::Enumerated)?;
        keymaster.expect(Tag::Integer)?;
        keymaster_level.expect(Tag::Enumerated)?;
        unique.expect(Tag::OctetString)?;
        Some(Self {
            challenge: challenge.expect(Tag::OctetString)?,
            software: software.children(Tag::Sequence)?,
            hardware: hardware.children(Tag::Sequence)?,
        })
    }

    /// Whether hardware generated the key, for signatures only, and for one application only.
    fn is_restricted(&self) -> bool {
        let for_all = |list: &[Element<'_>]| list.iter().any(|item| item.has_tag(ALL_APPLICATIONS));
        !for_all(&self.software)
            && !for_all(&self.hardware)
            && self.hardware_integer(ORIGIN) == Some(GENERATED)
            && self.purpose() == Some(SIGN)
    }

    /// The one element inside an explicit tag of the hardware's list.
    fn hardware_value(&self, tag: Tag) -> Option<Element<'a>> {
        let item = self.hardware.iter().find(|item| item.has_tag(tag))?;
        match item.children(tag)?[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    fn hardware_integer(&self, tag: Tag) -> Option<&'a [u8]> {
        self.hardware_value(tag)?.expect(Tag::Integer)
    }

    /// The purpose, if there is exactly one.
    fn purpose(&self) -> Option<&'a [u8]> {
        match self.hardware_value(PURPOSE)?.children(Tag::Set)?[..] {
            [purpose] => purpose.expect(Tag::Integer),
            _ => None,
        }
    }
}
