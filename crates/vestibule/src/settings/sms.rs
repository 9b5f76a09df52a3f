//! Settings of SMS: the service that sends them.

use std::time::Duration;

use secrecy::SecretString;
use toml::{Table, Value};

use super::http_origin::HttpOrigin;
use super::load::Problem;
use super::reader::Reader;

const SERVICE: &str = "SECURITY_SMS_SERVICE";
const CONFIG: &str = "SECURITY_SMS_SERVICE_CONFIG";

/// How long sending an SMS may take.
pub(crate) const SMS_TIMEOUT: Duration = Duration::from_secs(15);

/// Where Twilio's REST API is.
const TWILIO: &str = "https://api.twilio.com";

/// The shortest secret of a webhook, in bytes.
const SHORTEST_SECRET: usize = 16;

/// The members of `SECURITY_SMS_SERVICE_CONFIG`.
const MEMBERS: [&str; 6] = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "PHONE_NUMBER",
    "BASE_URL",
    "URL",
    "SECRET",
];

/// The methods of the features that send SMS, and the switches of these features.
const FEATURES: [(&str, &str); 2] = [
    ("SECURITY_UNIFIED_SIGNIN", "SECURITY_US_ENABLED_METHODS"),
    ("SECURITY_TWO_FACTOR", "SECURITY_TWO_FACTOR_ENABLED_METHODS"),
];

/// Settings of SMS: `SECURITY_SMS_SERVICE` and `SECURITY_SMS_SERVICE_CONFIG`.
#[derive(Debug, Clone)]
pub struct SmsSettings {
    /// The service that sends SMS.
    pub service: SmsService,
}

/// A service that sends SMS.
#[derive(Debug, Clone)]
pub enum SmsService {
    /// None: SMS are kept in the dev mailbox, or logged at debug level where there is none.
    Dummy,
    /// Twilio's REST API.
    Twilio(TwilioSettings),
    /// A webhook of the operator.
    Webhook(SmsWebhookSettings),
}

/// An account at Twilio.
#[derive(Debug, Clone)]
pub struct TwilioSettings {
    /// The account's SID.
    pub account_sid: String,
    /// The account's token.
    pub auth_token: SecretString,
    /// The sender: a phone number, or a name that Twilio accepts as a sender.
    pub from: String,
    /// The server of the API.
    pub origin: HttpOrigin,
}

/// A webhook that sends SMS.
#[derive(Debug, Clone)]
pub struct SmsWebhookSettings {
    /// The webhook's server.
    pub origin: HttpOrigin,
    /// The webhook's path with its query.
    pub path: String,
    /// The key of the signature.
    pub secret: SecretString,
    /// The sender: a phone number or a name, which the webhook interprets.
    pub from: Option<String>,
}

impl SmsSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        #[derive(Clone, Copy)]
        enum Service {
            Twilio,
            Webhook,
            Dummy,
        }
        let services = [
            ("Twilio", Service::Twilio),
            ("webhook", Service::Webhook),
            ("Dummy", Service::Dummy),
        ];
        let service = reader.word(SERVICE, &services).unwrap_or(Service::Dummy);
        if matches!(service, Service::Dummy) {
            return Self {
                service: SmsService::Dummy,
            };
        }
        if cfg!(not(feature = "sms")) {
            reader.problem(
                SERVICE,
                "is set, but this program was built without SMS",
                "build the program with the feature sms, or remove the setting",
            );
        }
        lease(reader);
        let config = reader.table(CONFIG);
        let mut config = Config::read(reader, &config);
        let service = match service {
            Service::Twilio => config.twilio().map(SmsService::Twilio),
            Service::Webhook => config.webhook().map(SmsService::Webhook),
            Service::Dummy => None,
        };
        Self {
            // An incomplete service is an error if a feature needs it; without such a feature, no
            // SMS is sent.
            service: service.unwrap_or(SmsService::Dummy),
        }
    }
}

/// The switch of the first feature that is on and sends SMS.
fn needed_by(reader: &Reader<'_>) -> Option<&'static str> {
    let sends = |(switch, methods): &&(&str, &str)| {
        reader.flag(switch)
            && reader
                .list(methods)
                .iter()
                .any(|method| method.eq_ignore_ascii_case("sms"))
    };
    FEATURES.iter().find(sends).map(|(switch, _)| *switch)
}

/// Reports a lease that ends while an SMS is being sent: a second server would send it again.
fn lease(reader: &mut Reader<'_>) {
    const KEY: &str = "VESTIBULE_OUTBOX_LEASE";
    if reader.duration(KEY) <= SMS_TIMEOUT {
        reader.problem(
            KEY,
            format!(
                "is not longer than the {} seconds that sending an SMS may take",
                SMS_TIMEOUT.as_secs()
            ),
            "remove it for the default, 5 minutes",
        );
    }
}

/// The members of `SECURITY_SMS_SERVICE_CONFIG`. Values are never repeated in problems, because an
/// operator may have put the secret into the wrong member.
struct Config<'a, 'b> {
    reader: &'a mut Reader<'b>,
    members: Table,
    /// The feature that needs the service. Without one, missing members are no problem.
    needed_by: Option<&'static str>,
}

impl<'a, 'b> Config<'a, 'b> {
    fn read(reader: &'a mut Reader<'b>, members: &Table) -> Self {
        for (name, value) in members {
            if !MEMBERS.contains(&name.as_str()) {
                reader.problem(
                    CONFIG,
                    format!("contains {name}, which is not a setting of an SMS service"),
                    format!("use {}", MEMBERS.join(", ")),
                );
            } else if !value.is_str() {
                reader.problem(
                    CONFIG,
                    format!("contains a value of {name} that is not a string"),
                    "write it in quotes",
                );
            }
        }
        Self {
            needed_by: needed_by(reader),
            members: members.clone(),
            reader,
        }
    }

    fn twilio(&mut self) -> Option<TwilioSettings> {
        let account_sid = self.required("ACCOUNT_SID");
        let auth_token = self.required("AUTH_TOKEN");
        let from = self.required("PHONE_NUMBER");
        let origin = match self.optional("BASE_URL") {
            None => HttpOrigin::parse(TWILIO),
            Some(text) => {
                let origin = HttpOrigin::parse(&text);
                if origin.is_none() {
                    self.problem(
                        "contains a BASE_URL that is not an origin",
                        "write an origin such as \"https://api.twilio.com\", without a path",
                    );
                }
                origin
            }
        };
        let origin = self.protected("BASE_URL", origin?)?;
        let account_sid = account_sid?;
        // It becomes a part of the path.
        if !account_sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.problem(
                "contains an ACCOUNT_SID that has characters other than letters and digits",
                "copy the Account SID, which begins with AC, from the Twilio console",
            );
            return None;
        }
        Some(TwilioSettings {
            account_sid,
            auth_token: auth_token?.into(),
            from: from?,
            origin,
        })
    }

    fn webhook(&mut self) -> Option<SmsWebhookSettings> {
        let url = self.required("URL");
        let secret = self.required("SECRET");
        if secret
            .as_ref()
            .is_some_and(|secret| secret.len() < SHORTEST_SECRET)
        {
            self.problem(
                "contains a SECRET shorter than 16 characters: an attacker could guess it and forge requests to the webhook",
                "use a long random secret",
            );
        }
        let parsed = HttpOrigin::parse_url(&url?);
        let Some((origin, path)) = parsed else {
            self.problem(
                "contains a URL that is not valid",
                "write a URL such as \"https://sms.example.com/send\", without a username and a password",
            );
            return None;
        };
        Some(SmsWebhookSettings {
            origin: self.protected("URL", origin)?,
            path,
            secret: secret?.into(),
            from: self.optional("PHONE_NUMBER"),
        })
    }

    fn optional(&self, name: &str) -> Option<String> {
        let text = self.members.get(name).and_then(Value::as_str)?.trim();
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    fn required(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        if let (None, Some(switch)) = (&value, self.needed_by) {
            let service = self.reader.text(SERVICE);
            self.problem(
                format!("has no {name}, but {SERVICE} is {service:?} and {switch} sends SMS"),
                format!(
                    "add {name}, or remove \"sms\" from the methods of {switch} ({})",
                    methods_of(switch)
                ),
            );
        }
        value
    }

    /// The origin, unless its requests could be read on the network.
    fn protected(&mut self, name: &str, origin: HttpOrigin) -> Option<HttpOrigin> {
        if origin.is_protected() {
            return Some(origin);
        }
        self.problem(
            format!(
                "contains a {name} with plain HTTP: an attacker on the network can read the codes"
            ),
            "use https://",
        );
        None
    }

    fn problem(&mut self, what: impl Into<String>, fix: impl Into<String>) {
        self.reader.problem(CONFIG, what, fix);
    }
}

fn methods_of(switch: &str) -> &'static str {
    FEATURES
        .iter()
        .find(|(known, _)| *known == switch)
        .map_or("", |(_, methods)| methods)
}

/// The warning that no SMS is sent although a feature depends on it.
pub(super) fn not_sent(reader: &Reader<'_>, settings: &SmsSettings) -> Option<Problem> {
    let switch = needed_by(reader)?;
    matches!(settings.service, SmsService::Dummy).then(|| {
        Problem::new(
            SERVICE,
            format!("sends no SMS, but {switch} depends on them: users receive no codes"),
            format!(
                "set it to \"Twilio\" or \"webhook\", or remove \"sms\" from {}",
                methods_of(switch)
            ),
        )
    })
}
