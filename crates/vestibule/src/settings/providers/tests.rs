//! Reading of providers.
