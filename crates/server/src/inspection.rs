//! Checks whether the server would start with a configuration, without starting it or creating
//! anything.

use std::path::Path;

use vestibule::Vestibule;
use vestibule::program::rehearsal;
use vestibule::program::rng::SystemRandom;
use vestibule::program::{Listening, Loaded, Problem, ProgramSettings, Settings};

use crate::config_file::{
    Places, Unusable, certificates_of, database_of, keeps_secrets, lacks_secrets, listen_at,
};
use crate::data_folder;
use crate::private_files::is_readable_by_all;
use crate::serve::listen::Address;
use crate::telemetry::log;

/// The name that `Loaded` gives to a configuration file that it cannot parse.
const NO_TOML: &str = "the configuration file";

/// The result of checking a configuration.
#[derive(Debug)]
pub struct Inspection {
    /// Every value that could be read.
    pub loaded: Loaded,
    /// What would stop the start, one line each.
    pub problems: Vec<String>,
    /// Settings that do not stop the start, but are risky.
    pub advice: Vec<Problem>,
    /// The settings that would be in force, with stand-ins for secrets that the start would
    /// generate.
    pub settings: Settings,
}

impl Inspection {
    /// Checks everything that the start checks, except the database itself. `listen` is the value
    /// of `serve --listen`.
    ///
    /// # Errors
    /// When the configuration file or the stored secrets cannot be read.
    pub fn of(named: Option<&Path>, listen: Option<&Address>) -> Result<Self, Unusable> {
        let (places, mut problems) = Places::find(named)?;
        let (mut loaded, mut found) = places.read_all(None);
        let program = ProgramSettings::new(&loaded);
        let listen = listen.map_or_else(|| listen_at(&program), |address| Ok(address.clone()));
        let listening = match listen {
            Ok(address) => {
                problems.extend(address.obstacle());
                address.reach()
            }
            Err(why) => {
                problems.push(why);
                Listening::Local
            }
        };
        let mut complete = loaded.clone();
        if lacks_secrets(&loaded) && keeps_secrets(&loaded, listening) {
            let kept = data_folder::secrets(Path::new(data_folder::FOLDER))
                .map_err(|error| format!("the secrets of this installation: {error}"))?;
            if let Some(kept) = &kept {
                (loaded, found) = places.read_all(Some(kept));
                complete = loaded.clone();
            }
            // The start would generate the secrets that are still missing.
            if lacks_secrets(&loaded) {
                let stand_ins = data_folder::fresh_secrets(&SystemRandom);
                (complete, _) = places.read_all(Some(&stand_ins));
            }
        }
        let (settings, wrong) = Settings::draft(&complete, listening);
        // A setting that could not be read is not reported as missing as well.
        let is_new = |problem: &Problem| {
            let known = |other: &Problem| other.key == problem.key || other.key == NO_TOML;
            !found.iter().any(known)
        };
        let wrong: Vec<Problem> = wrong.into_iter().filter(is_new).collect();
        let sound = found.is_empty() && wrong.is_empty();
        problems.extend(found.iter().chain(&wrong).map(ToString::to_string));
        problems.extend(obstacles(&program, &settings));
        if sound && problems.is_empty() {
            problems.extend(assembled(&settings).err());
        }
        let mut advice = settings.advice.clone();
        advice.extend(readable_secrets(&loaded, places.file_path()));
        advice.extend(exposed_database(&settings));
        Ok(Self {
            loaded,
            problems,
            advice,
            settings,
        })
    }
}

/// Problems that stop the program before it opens anything.
pub(crate) fn obstacles(program: &ProgramSettings, settings: &Settings) -> Vec<String> {
    [
        log::filter(&program.log).err(),
        certificates_of(settings).err(),
        templates(settings).err(),
    ]
    .into_iter()
    .flatten()
    .chain(broken_mails(settings))
    .collect()
}

/// Files with secrets that every user of the machine can read. `/run/secrets` is exempt: containers
/// mount their secrets there, where no other users are.
fn readable_secrets(loaded: &Loaded, configuration: Option<&Path>) -> Vec<Problem> {
    let named = loaded
        .secret_files()
        .map(|(key, path)| (format!("{key}_FILE"), path));
    let configuration = configuration.filter(|_| loaded.has_secret_in_file());
    let whole = configuration.map(|path| (path.display().to_string(), path));
    named
        .chain(whole)
        .filter(|(_, path)| !path.starts_with("/run/secrets") && is_readable_by_all(path))
        .map(|(key, path)| {
            let path = path.display();
            Problem::new(
                &key,
                format!("contains a secret, and every user of this machine can read {path}"),
                format!("chmod o-rwx {path}"),
            )
        })
        .collect()
}

/// A remote database whose identity is not verified: an attacker on the network could read every
/// account, or impersonate the database.
fn exposed_database(settings: &Settings) -> Option<Problem> {
    let option = database_of(settings).ok()?.lacks_verification()?;
    Some(Problem {
        key: "SQLALCHEMY_DATABASE_URI".to_owned(),
        what: "names a server on another machine, and the identity of that server is not verified"
            .to_owned(),
        fix: format!("add {option} to the address (docs/features/databases.md)"),
    })
}

/// Templates that cannot be rendered.
fn broken_mails(settings: &Settings) -> Vec<String> {
    let problems = rehearsal::problems(settings);
    problems.iter().map(ToString::to_string).collect()
}

/// The templates folder must be readable: without it, every mail would silently use our templates.
fn templates(settings: &Settings) -> Result<(), String> {
    let Some(folder) = &settings.mail.templates else {
        return Ok(());
    };
    match std::fs::read_dir(folder) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "SECURITY_TEMPLATES_FOLDER: {}: {error}",
            folder.display()
        )),
    }
}

/// Builds the application without a database.
fn assembled(settings: &Settings) -> Result<(), String> {
    let vestibule = Vestibule::builder(settings.clone())
        .hashing_threads(1)
        .build()
        .map_err(|error| error.to_string())?;
    drop(vestibule.standalone());
    Ok(())
}
