//! Sending a one-time code by mail or SMS.

use vestibule_store::{NewMail, User};

use super::check::NextCode;
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::links;
use crate::mail::{self, Email};
use crate::settings::Method;
use crate::sms::{self, CodeSms};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeFor {
    /// Signing in; the mail has a link as well.
    SignIn,
    /// Verifying a signed-in user, or setting up a method of unified sign-in.
    Unified,
    /// The second factor.
    SecondFactor,
}

/// A code to send.
#[derive(Debug)]
pub(crate) struct CodeMessage<'a> {
    pub(crate) purpose: CodeFor,
    /// The user, whose address receives mails.
    pub(crate) user: &'a User,
    pub(crate) method: Method,
    /// The number that receives SMS.
    pub(crate) phone: Option<&'a str>,
    /// The secret that the code is made from, as stored; a decoy if the message is not sent.
    pub(crate) secret: &'a str,
    /// Whether it is sent. Otherwise we do the same work, so that the time does not reveal whether
    /// the account exists.
    pub(crate) sent: bool,
}

impl CodeMessage<'_> {
    /// The delivery for the outbox, to be stored with the change that it belongs to; `None` if the
    /// method sends nothing.
    ///
    /// # Errors
    /// When the code or the mail cannot be made.
    pub(crate) async fn write(
        &self,
        app: &App,
        info: &RequestInfo,
    ) -> Result<Option<NewMail>, Fault> {
        if !self.method.is_sent() {
            return Ok(None);
        }
        let validity = self.validity(app);
        let NextCode { code, valid } = super::next(app, self.secret, validity).await?;
        if !valid && self.purpose != CodeFor::SignIn {
            let unreadable = "no code can be made from a secret that cannot be read";
            return Err(Fault::Internal(unreadable.to_owned()));
        }
        // Before a sign-in, no error may reveal that the account exists.
        let sent = self.sent && valid;
        if self.method == Method::Sms {
            // A user without a number cannot have set the method up.
            let to = self.phone.unwrap_or_default();
            let sms = CodeSms {
                to,
                code: code.as_str(),
                within: validity,
                sent: sent && !to.is_empty(),
            };
            return sms::code_message(app, info, &sms).map(Some);
        }
        let settings = app.settings();
        let template = match self.purpose {
            CodeFor::SecondFactor => &settings.two_factor.email,
            CodeFor::SignIn | CodeFor::Unified => &settings.unified.email,
        };
        let link = (self.purpose == CodeFor::SignIn).then(|| {
            let url = links::endpoint(app, info, &settings.unified.verify_link_url);
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("id", &self.user.fs_uniquifier)
                .append_pair("code", code.as_str())
                .finish();
            format!("{url}?{query}")
        });
        let mut email = Email::new(
            template,
            self.user.email.as_deref().unwrap_or_default(),
            [
                ("user", mail::about(self.user)),
                ("username", crate::identity::of(app, self.user).into()),
                ("token", code.as_str().into()),
                ("login_token", code.as_str().into()),
                ("login_link", link.into()),
                ("within", app.period(info, validity).into()),
            ],
        );
        email.sent = sent;
        app.write(info, &email).map(Some)
    }

    /// How long the code is valid.
    fn validity(&self, app: &App) -> std::time::Duration {
        match self.purpose {
            CodeFor::SecondFactor => app.settings().two_factor.validity(self.method),
            CodeFor::SignIn | CodeFor::Unified => app.settings().unified.validity,
        }
    }
}
