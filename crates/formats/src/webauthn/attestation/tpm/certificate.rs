//! The certificate of a TPM's attestation key (section 8.3.1).

use x509_parser::der_parser::oid;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::Oid;

use super::super::super::error::AttestationError;
use super::super::certificate::{AAGUID, Certificate};
use super::super::der::{Element, Tag};

/// `tcg-kp-AIKCertificate`.
const AIK_CERTIFICATE: Oid<'static> = oid!(2.23.133.8.3);

/// `tcg-at-tpmManufacturer`, `tcg-at-tpmModel` and `tcg-at-tpmVersion`.
const MANUFACTURER: Oid<'static> = oid!(2.23.133.2.1);
const MODEL: Oid<'static> = oid!(2.23.133.2.2);
const VERSION: Oid<'static> = oid!(2.23.133.2.3);

/// The TCG's vendor ID registry, version 1.07.
const MANUFACTURERS: [&[u8; 4]; 29] = [
    b"AMD\0", b"ANT\0", b"ATML", b"BRCM", b"CSCO", b"FLYS", b"ROCC", b"GOOG", b"HPI\0", b"HPE\0",
    b"HISI", b"IBM\0", b"IFX\0", b"INTC", b"LEN\0", b"MSFT", b"NSM ", b"NTZ\0", b"NSG\0", b"NTC\0",
    b"QCOM", b"SMSN", b"SECE", b"SNS\0", b"SMSC", b"STM ", b"TXN\0", b"WEC\0", b"SEAL",
];

pub(super) fn verify(
    certificate: &Certificate<'_>,
    aaguid: &[u8; 16],
) -> Result<(), AttestationError> {
    if !meets_profile(certificate) {
        return Err(AttestationError::CertificateProfile);
    }
    match certificate.extension(&AAGUID)? {
        Some(value)
            if Element::parse(value).and_then(|value| value.expect(Tag::OctetString))
                != Some(aaguid) =>
        {
            Err(AttestationError::Aaguid)
        }
        _ => Ok(()),
    }
}

fn meets_profile(certificate: &Certificate<'_>) -> bool {
    let tbs = &certificate.parsed().tbs_certificate;
    let purposes = tbs.extended_key_usage();
    let constraints = tbs.basic_constraints();
    certificate.is_version_3()
        && tbs.subject.iter().next().is_none()
        && names_tpm(certificate).unwrap_or(false)
        && matches!(purposes, Ok(Some(usage)) if usage.value.other.contains(&AIK_CERTIFICATE))
        && matches!(constraints, Ok(Some(constraints)) if !constraints.value.ca)
}

/// Whether the alternative name has the manufacturer, the model and the version of a TPM.
fn names_tpm(certificate: &Certificate<'_>) -> Option<bool> {
    let tbs = &certificate.parsed().tbs_certificate;
    let names = tbs.subject_alternative_name().ok()??;
    let Some(GeneralName::DirectoryName(name)) = names.value.general_names.first() else {
        return None;
    };
    let attribute = |oid: Oid<'static>| {
        name.iter_attributes()
            .find(|attribute| *attribute.attr_type() == oid)
            .and_then(|attribute| attribute.as_str().ok())
            .filter(|text| !text.is_empty())
    };
    let manufacturer = attribute(MANUFACTURER)?;
    attribute(MODEL)?;
    attribute(VERSION)?;
    Some(is_manufacturer(manufacturer))
}

/// Whether a text like `id:494E5443` names a known manufacturer.
fn is_manufacturer(text: &str) -> bool {
    let Some(digits) = text.strip_prefix("id:").filter(|digits| digits.len() == 8) else {
        return false;
    };
    u32::from_str_radix(digits, 16).is_ok_and(|id| MANUFACTURERS.contains(&&id.to_be_bytes()))
}
