//! The mail that carries a link.

use vestibule_store::User;

use super::kind::Kind;
use super::token::Link;
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::mail::{self, Email};
use crate::settings::MailTemplate;

/// A mail with a link.
pub(crate) struct LinkMail<'a> {
    pub(crate) kind: Kind,
    pub(crate) template: &'a MailTemplate,
    pub(crate) link: &'a Link,
    /// The user that the link is for.
    pub(crate) user: &'a User,
    /// The address that the mail goes to.
    pub(crate) to: &'a str,
    /// Whether the mail is sent. Otherwise we do the same work, so that the time does not reveal
    /// whether the account exists.
    pub(crate) sent: bool,
}

impl LinkMail<'_> {
    /// Puts the mail into the outbox together with its event.
    ///
    /// # Errors
    /// When the template cannot be rendered, or the store fails.
    pub(crate) async fn send(
        &self,
        app: &App,
        info: &RequestInfo,
        event: &Event<'_>,
    ) -> Result<(), Fault> {
        let row = self.kind.row();
        let [link, token] = row.variables;
        let within = (row.settings)(app.settings()).within;
        let mut email = Email::new(
            self.template,
            self.to,
            [
                ("user", mail::about(self.user)),
                (link, self.link.url.clone().into()),
                (token, self.link.token.clone().into()),
                ("within", app.period(info, within).into()),
            ],
        );
        email.sent = self.sent;
        app.send(info, &email, self.sent.then_some(event)).await
    }
}
