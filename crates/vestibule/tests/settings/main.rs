//! The configuration: what is read, what is refused, and the page that lists it.

mod page;
mod refusals;
mod sources;
