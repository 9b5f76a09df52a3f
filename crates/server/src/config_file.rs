//! The sources of the program's configuration: the file, the environment, and the secrets that the
//! program generated for itself.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use vestibule::Vestibule;
use vestibule::program::rng::SystemRandom;
use vestibule::program::{
    Listening, Loaded, Problem, ProgramSettings, STARTER, Settings, Sources, is_claimed, keys,
};
use vestibule_store::sql::{Database, TableNames};

use crate::data_folder;
use crate::private_files;
use crate::serve::listen::Address;

/// The file that is read when the command line names none.
const FILE: &str = "vestibule.toml";

/// The configuration, and where it came from.
#[derive(Debug)]
pub struct Configuration {
    /// Every value.
    pub loaded: Loaded,
    /// The settings of the program itself.
    pub program: ProgramSettings,
    /// The address to listen on.
    pub listen: Address,
    /// The settings in force.
    pub settings: Settings,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Whether this start wrote the file, because there was none.
    pub started_afresh: bool,
    purpose: Purpose,
}

/// The problems of a configuration, one line each.
#[derive(Debug)]
pub struct Unusable(Vec<String>);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [only] = self.0.as_slice() else {
            writeln!(f, "the configuration has {} problems:", self.0.len())?;
            return f.write_str(
                &self
                    .0
                    .iter()
                    .map(|line| format!("  - {line}"))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        };
        f.write_str(only)
    }
}

impl From<Vec<Problem>> for Unusable {
    fn from(problems: Vec<Problem>) -> Self {
        Self(problems.iter().map(ToString::to_string).collect())
    }
}

impl From<Vec<String>> for Unusable {
    fn from(lines: Vec<String>) -> Self {
        Self(lines)
    }
}

impl From<String> for Unusable {
    fn from(line: String) -> Self {
        Self(vec![line])
    }
}

/// What a command does with the database, which determines the secrets that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Serves it, and creates what is missing: the configuration, the secrets, the database.
    Serve,
    /// Reads it, without secrets, and creates nothing.
    Look,
    /// Creates tables, without secrets.
    Arrange,
    /// Creates an account or a role: it hashes passwords and appends to the audit log.
    Create,
    /// Changes accounts or roles, or verifies seals.
    Change,
}

impl Purpose {
    /// Whether the command signs, hashes or verifies with the secrets, so that stand-ins would do
    /// harm.
    fn needs_secrets(self) -> bool {
        matches!(self, Self::Serve | Self::Create | Self::Change)
    }

    /// Whether the command may be the first one in a folder without a configuration.
    fn may_begin(self) -> bool {
        matches!(self, Self::Arrange | Self::Create)
    }
}

/// The sources of the configuration, before they are parsed.
#[derive(Debug)]
pub(crate) struct Places {
    environment: Vec<(String, String)>,
    file: Option<(PathBuf, String)>,
}

impl Places {
    /// Finds the sources, and reports the environment variables that cannot be read.
    pub(crate) fn find(named: Option<&Path>) -> Result<(Self, Vec<String>), Unusable> {
        let (environment, problems) = environment();
        let file = read_file(named)?;
        Ok((Self { environment, file }, problems))
    }

    /// Parses the sources, with `kept` for secrets that they do not set.
    fn read(&self, kept: Option<&str>) -> Result<Loaded, Vec<Problem>> {
        let (loaded, problems) = self.read_all(kept);
        if problems.is_empty() {
            Ok(loaded)
        } else {
            Err(problems)
        }
    }

    /// Like [`Self::read`], but also returns the values that could be read beside the problems.
    pub(crate) fn read_all(&self, kept: Option<&str>) -> (Loaded, Vec<Problem>) {
        Loaded::read_all(&Sources {
            file: self.file.as_ref().map(|(_, text)| text.as_str()),
            environment: &self.environment,
            kept,
            read_file: &|path| std::fs::read_to_string(path),
        })
    }

    /// The path of the configuration file, if there is one.
    pub(crate) fn file_path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    fn say_nothing(&self) -> bool {
        self.file.is_none() && !is_configured(&self.environment)
    }
}

impl Configuration {
    /// Reads the configuration for a command that changes accounts. `listen` is the address from
    /// the command line.
    ///
    /// # Errors
    /// All problems at once.
    pub fn read(named: Option<&Path>, listen: Option<Address>) -> Result<Self, Unusable> {
        Self::read_to(Purpose::Change, named, listen)
    }

    /// Reads the configuration for a command with any purpose.
    ///
    /// # Errors
    /// All problems at once.
    pub fn read_to(
        purpose: Purpose,
        named: Option<&Path>,
        listen: Option<Address>,
    ) -> Result<Self, Unusable> {
        let (mut places, unreadable) = Places::find(named)?;
        if !unreadable.is_empty() {
            return Err(Unusable(unreadable));
        }
        let started_afresh = purpose == Purpose::Serve && places.say_nothing();
        if started_afresh {
            places.file = Some(write_starter()?);
        }
        let mut loaded = places.read(None)?;
        let program = ProgramSettings::new(&loaded);
        let listen = listen.map_or_else(|| listen_at(&program), Ok)?;
        let listening = listen.reach();
        if lacks_secrets(&loaded)
            && keeps_secrets(&loaded, listening)
            && let Some(kept) = kept(purpose, &places)?
        {
            loaded = places.read(Some(&kept))?;
        }
        let settings = if purpose.needs_secrets() {
            Settings::new(&loaded, listening)
                .map_err(|problems| lacking(&loaded, purpose, problems))
        } else {
            // These are never used to sign or hash, and never shown.
            let stand_ins = data_folder::fresh_secrets(&SystemRandom);
            let complete = if lacks_secrets(&loaded) {
                &places.read(Some(&stand_ins))?
            } else {
                &loaded
            };
            Settings::new(complete, listening).map_err(Unusable::from)
        }?;
        Ok(Self {
            loaded,
            program,
            listen,
            settings,
            file: places.file.map(|(path, _)| path),
            started_afresh,
            purpose,
        })
    }

    /// The database that the configuration names.
    ///
    /// # Errors
    /// When its kind is not supported.
    pub fn database(&self) -> Result<Database, Unusable> {
        Ok(database_of(&self.settings)?)
    }

    /// The tables' names.
    #[must_use]
    pub fn tables(&self) -> TableNames {
        tables_of(&self.settings)
    }

    /// Opens the database, creating it if it does not exist, and builds the application. A command
    /// that only reads does not create a database in our folder.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn open(&self, hashing_threads: usize) -> Result<Vestibule, Unusable> {
        let (database, tables) = (self.database()?, self.tables());
        let in_words = |error: &dyn std::fmt::Display| format!("the database {database}: {error}");
        let builder = Vestibule::builder(self.settings.clone()).hashing_threads(hashing_threads);
        let builder = match embedded(&database) {
            // There is nothing to read: the command runs without a database.
            Some(path) if self.purpose == Purpose::Look && !path.exists() => builder,
            inside => {
                if inside.is_some() {
                    data_folder::make(Path::new(data_folder::FOLDER))
                        .map_err(|error| in_words(&error))?;
                }
                let store = database.open_or_make(&tables).await;
                builder.datastore(store.map_err(|error| in_words(&error))?)
            }
        };
        builder.build().map_err(|error| error.to_string().into())
    }
}

/// The address in the configuration to listen on.
pub(crate) fn listen_at(program: &ProgramSettings) -> Result<Address, String> {
    let address = program.listen.parse();
    address.map_err(|error: String| format!("VESTIBULE_LISTEN: {error}"))
}

/// The database that the settings name; the embedded one by default.
pub(crate) fn database_of(settings: &Settings) -> Result<Database, String> {
    let embedded = || data_folder::database_uri(Path::new(data_folder::FOLDER));
    let uri = settings.database.uri.as_ref();
    let uri = uri.map_or_else(embedded, |uri| uri.expose_secret().to_owned());
    Database::at(&uri).map_err(|error| format!("SQLALCHEMY_DATABASE_URI: {error}"))
}

/// Checks the certificates that the database's address names.
pub(crate) fn certificates_of(settings: &Settings) -> Result<(), String> {
    let checked = database_of(settings)?.check_certificates();
    checked.map_err(|error| format!("SQLALCHEMY_DATABASE_URI: {error}"))
}

/// The tables' names.
pub(crate) fn tables_of(settings: &Settings) -> TableNames {
    let database = &settings.database;
    TableNames {
        user: database.user_table.clone(),
        role: database.role_table.clone(),
        roles_users: database.roles_users_table.clone(),
        web_authn: database.webauthn_table.clone(),
        refresh: database.refresh_table.clone(),
    }
}

/// The environment variables that are UTF-8, and a problem for each setting that is not: a setting
/// is never skipped silently.
fn environment() -> (Vec<(String, String)>, Vec<String>) {
    let mut variables = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else {
            continue;
        };
        match value.into_string() {
            Ok(value) => variables.push((name, value)),
            Err(_) if is_claimed(&name) => {
                problems.push(format!(
                    "{name}: is not UTF-8 in the environment; set it again, or unset it"
                ));
            }
            Err(_) => {}
        }
    }
    (variables, problems)
}

fn read_file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, Unusable> {
    let path = named.unwrap_or(Path::new(FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// Whether the environment configures more than the program itself (`VESTIBULE_*`, such as the
/// address and the log) and `DEBUG`.
fn is_configured(environment: &[(String, String)]) -> bool {
    environment.iter().any(|(name, _)| {
        let base = name.strip_suffix("_FILE").unwrap_or(name);
        base != "DEBUG" && !base.starts_with("VESTIBULE_") && keys::find(base).is_some()
    })
}

/// Writes the starter configuration, unless another process has just written it.
fn write_starter() -> Result<(PathBuf, String), Unusable> {
    let written = private_files::create(Path::new(FILE), STARTER, &SystemRandom);
    let why = match written {
        Ok(_) => match read_file(None)? {
            Some(file) => return Ok(file),
            None => "it is a dangling symbolic link".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    Err(
        format!("cannot write a starter {FILE} ({why}); name a configuration file with --config")
            .into(),
    )
}

/// The secrets that the program can generate for itself.
const SECRETS: [&str; 3] = [
    "SECRET_KEY",
    "SECURITY_PASSWORD_SALT",
    "SECURITY_TOTP_SECRETS",
];

pub(crate) fn lacks_secrets(loaded: &Loaded) -> bool {
    SECRETS.iter().any(|name| !loaded.is_set(name))
}

/// Whether the program may use secrets that it generated. Only with the embedded database, because
/// the accounts in any other database were created with other secrets; and only when it listens
/// locally, because otherwise every node could have secrets of its own.
pub(crate) fn keeps_secrets(loaded: &Loaded, listening: Listening) -> bool {
    listening == Listening::Local && !loaded.is_set("SQLALCHEMY_DATABASE_URI")
}

/// The stored secrets. `serve` generates them if there are none. So does the first command of all,
/// if nothing is configured and it also creates the database. Next to an existing database, new
/// secrets would not be those that its accounts were created with.
fn kept(purpose: Purpose, places: &Places) -> Result<Option<String>, Unusable> {
    let folder = Path::new(data_folder::FOLDER);
    let begins = purpose.may_begin() && places.say_nothing() && !data_folder::has_database(folder);
    let secrets = if purpose == Purpose::Serve || begins {
        data_folder::kept_secrets(folder, &SystemRandom).map(Some)
    } else {
        data_folder::secrets(folder)
    };
    secrets.map_err(|error| format!("the secrets of this installation: {error}").into())
}

/// The error for invalid settings. If a command other than `serve` lacks secrets, one line tells
/// the operator to pass those of the server.
fn lacking(loaded: &Loaded, purpose: Purpose, problems: Vec<Problem>) -> Unusable {
    let is_lack =
        |problem: &&Problem| SECRETS.contains(&&*problem.key) && !loaded.is_set(&problem.key);
    let (lacks, others): (Vec<_>, Vec<_>) = problems.iter().partition(is_lack);
    if lacks.is_empty() {
        return problems.into();
    }
    let secrets = data_folder::FOLDER;
    if purpose == Purpose::Serve {
        let mut said = Unusable::from(problems);
        if data_folder::secrets(Path::new(secrets)).is_ok_and(|kept| kept.is_some()) {
            said.0.push(format!(
                "{secrets}/secrets.toml belongs to the database beside it and is not used here; copy it into the configuration if your accounts were created with it"
            ));
        }
        return said;
    }
    let names: Vec<&str> = lacks.iter().map(|problem| problem.key.as_str()).collect();
    let mut lines = vec![format!(
        "{} not set here, and only `vestibule serve` with its own database generates them: give this command the server's secrets (a shell does not read systemd's EnvironmentFile), or run it in the server's working directory",
        match names.as_slice() {
            [one] => format!("{one} is"),
            several => format!("{} are", several.join(" and ")),
        }
    )];
    lines.extend(others.iter().map(ToString::to_string));
    Unusable(lines)
}

/// The path of the database, if it is in our own folder.
fn embedded(database: &Database) -> Option<&Path> {
    database
        .file()
        .filter(|path| path.starts_with(data_folder::FOLDER))
}
