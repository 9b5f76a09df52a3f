//! Stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale(&'static str);
impl Locale {
    pub const ENGLISH: Self = Self("en");
    pub fn negotiate(_: Option<&str>) -> Self {
        Self::ENGLISH
    }
    pub fn tag(self) -> &'static str {
        self.0
    }
}
#[derive(Debug, Clone, Default)]
pub struct Catalogues;
impl Catalogues {
    pub fn built_in() -> Self {
        Self
    }
    pub fn translate<'a>(&'a self, _: Locale, english: &'a str) -> &'a str {
        english
    }
}
