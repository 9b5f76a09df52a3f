//! `/us-verify-link`: the link that signs in, in the mail with a one-time code.

use axum::extract::State;
use axum::response::Response;
use vestibule_store::UserKey;

use super::{sign_in as passcode_sign_in, wire};
use crate::app::App;
use crate::guard::{Attempt, Guesser, Principal};
use crate::http::body::Field;
use crate::http::fault::HandlerError;
use crate::http::redirect;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::links::step::{self, LinkRefusal, LinkStep};
use crate::messages::{LocalizedMessage, Message};
use crate::session::passcode::{self, PasscodeCheck};
use crate::session::proof::Factor;
use crate::session::request::RequestContext;
use crate::session::sign_in::{self, Authentication, SignInOutcome};
use crate::session::{assurance, tokens};
use crate::settings::Method;

/// The parameters of the link, and the members of the body that the app posts.
const ID: &str = "id";
const CODE: &str = "code";

/// `GET/POST /us-verify-link`: handles the link from the mail.
pub(super) async fn follow_link(State(app): State<App>, mut request: RequestContext) -> Response {
    let outcome = follow(&app, &mut request).await;
    request.finish(&app, outcome)
}

async fn follow(app: &App, request: &mut RequestContext) -> Result<Reply, HandlerError> {
    let settings = &app.settings().unified;
    let step = LinkStep::of(app, request);
    if step == LinkStep::Redeem {
        request.require_anonymous(app).await?;
    } else {
        if step == LinkStep::Consume {
            step::check_navigation(app, request)?;
        }
        if let Some(reply) = step::already_signed_in(app, request, &settings.post_view).await? {
            return Ok(reply);
        }
    }
    let Some((id, code)) = read(request, step)? else {
        let refusal = LinkRefusal::error(Message::ApiError);
        return step.refuse(app, request.session.info(), &settings.error_view, &refusal);
    };
    let info = request.session.info().clone();
    if step == LinkStep::HandOver {
        let parameters = [(ID, id.as_str()), (CODE, code.as_str())];
        let view = &settings.post_view;
        return Ok(redirect::go_to(app, &info, view, &parameters)?);
    }
    let guesser = request.session.guesser();
    let (authentication, attempt) = match authenticate(app, guesser, &id, &code).await? {
        Ok(right) => *right,
        Err(reason) => return refuse(app, &info, step, reason),
    };
    let issues_tokens = step == LinkStep::Redeem && tokens::requested(app, &request.query);
    let authentication = authentication.with_tokens(issues_tokens);
    let user = authentication.user.clone();
    let session = &mut request.session;
    let outcome = sign_in::proceed(app, session, authentication).await?;
    if !matches!(outcome, SignInOutcome::Refused(_)) {
        let complete = matches!(outcome, SignInOutcome::SignedIn(_));
        passcode::end(app, attempt, complete).await?;
    }
    match outcome {
        SignInOutcome::SignedIn(payload) if step == LinkStep::Redeem => {
            Ok(wire::signed_in(app, session, payload))
        }
        SignInOutcome::SignedIn(_) => {
            let view = &settings.post_view;
            Ok(step::redirect_success(app, &info, view, None, &user)?)
        }
        SignInOutcome::SecondFactor(due) if step == LinkStep::Redeem => Ok(due.reply(app, session)),
        SignInOutcome::SecondFactor(_) => {
            let view = &settings.error_view;
            Ok(step::redirect_second_factor(app, &info, view, None, &user)?)
        }
        SignInOutcome::Refused(reason) if reason.message == Message::InvalidPasswordCode => {
            refuse(app, &info, step, Message::InvalidCode.into())
        }
        SignInOutcome::Refused(reason) => refuse(app, &info, step, reason),
    }
}

/// The user's `fs_uniquifier` and the code, if both are there.
fn read(
    request: &RequestContext,
    step: LinkStep,
) -> Result<Option<(String, String)>, HandlerError> {
    let (id, code) = if step == LinkStep::Redeem {
        let fields = request.body.fields()?;
        let id = match fields.text(ID) {
            Field::Text(id) => Some(id.to_owned()),
            Field::Empty | Field::WrongType => None,
        };
        (id, fields.code(CODE).ok().flatten())
    } else {
        let parameter = |name| {
            let value = request.query.get(name).filter(|value| !value.is_empty());
            value.map(str::to_owned)
        };
        (parameter(ID), parameter(CODE))
    };
    Ok(id.zip(code))
}

/// Checks the code of the link.
async fn authenticate(
    app: &App,
    guesser: Guesser<'_>,
    id: &str,
    code: &str,
) -> Result<Result<Box<(Authentication, Option<Attempt>)>, LocalizedMessage>, HandlerError> {
    let user = app.store().user(UserKey::Uniquifier(id)).await?;
    // Links carry codes that are sent by mail, as long as the settings have that method.
    let by_mail = app.settings().unified.has(Method::Email);
    let methods: &[Method] = if by_mail { &[Method::Email] } else { &[] };
    let principal = Principal::of(user.as_ref(), id);
    let check = passcode::check_passcode(app, guesser, principal, code, methods).await?;
    let Some(user) = user else {
        return Ok(Err(Message::UserDoesNotExist.into()));
    };
    // The reference signs users in whose address is not confirmed.
    if let Some(reason) = assurance::sign_in_block(app, &user) {
        return Ok(Err(reason));
    }
    Ok(match check {
        PasscodeCheck::Wrong => Err(Message::InvalidCode.into()),
        PasscodeCheck::Right(right) => Ok(Box::new(passcode_sign_in::by(
            app,
            user,
            *right,
            Factor::CodeLink,
        ))),
    })
}

/// The reply to a link that is refused. It never names the user, whose address may have changed
/// since the link was mailed.
fn refuse(
    app: &App,
    info: &RequestInfo,
    step: LinkStep,
    reason: LocalizedMessage,
) -> Result<Reply, HandlerError> {
    let generic = app.settings().login.return_generic_responses;
    let reason = if generic {
        Message::GenericAuthnFailed.into()
    } else {
        reason
    };
    let view = &app.settings().unified.error_view;
    step.refuse(app, info, view, &LinkRefusal::error(reason))
}
