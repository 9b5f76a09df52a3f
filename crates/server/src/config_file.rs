//! Where the program takes its configuration from: the file, the environment, and the
//! secrets that it keeps itself.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use vestibule::Vestibule;
use vestibule::rng::SystemRandom;
use vestibule::settings::{
    Listening, Loaded, Problem, ProgramSettings, STARTER, Settings, Sources, is_claimed, keys,
};
use vestibule_store::sql::{Database, TableNames};

use crate::data_folder;
use crate::serve::listen::Address;

/// The file that is read when none is named.
const FILE: &str = "vestibule.toml";

/// The configuration, and where it came from.
#[derive(Debug)]
pub struct Configuration {
    /// Every value.
    pub loaded: Loaded,
    /// What the program itself has to know.
    pub program: ProgramSettings,
    /// The address to listen on.
    pub listen: Address,
    /// The settings in force.
    pub settings: Settings,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Whether the file was written just now, because there was none.
    pub started_afresh: bool,
}

/// What is wrong with a configuration, one line each.
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

impl From<String> for Unusable {
    fn from(line: String) -> Self {
        Self(vec![line])
    }
}

impl Configuration {
    /// Reads the configuration for a command; `listen` is what the command line says.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn read(named: Option<&Path>, listen: Option<Address>) -> Result<Self, Unusable> {
        Self::read_from(named, listen, false)
    }

    /// The same for `serve`, which writes a configuration where there is none.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn read_or_start(named: Option<&Path>, listen: Option<Address>) -> Result<Self, Unusable> {
        Self::read_from(named, listen, true)
    }

    fn read_from(
        named: Option<&Path>,
        listen: Option<Address>,
        may_start: bool,
    ) -> Result<Self, Unusable> {
        let environment = environment()?;
        let mut file = read_file(named)?;
        let mut started_afresh = false;
        if file.is_none() && may_start && !is_configured(&environment) {
            write_starter()?;
            started_afresh = true;
            file = read_file(None)?;
        }
        let text = file.as_ref().map(|(_, text)| text.as_str());
        let read = |kept: Option<&str>| {
            Loaded::read(&Sources {
                file: text,
                environment: &environment,
                kept,
                read_file: &|path| std::fs::read_to_string(path),
            })
        };
        let mut loaded = read(None)?;
        let program = ProgramSettings::new(&loaded);
        let listen = listen.map_or_else(|| program.listen.parse(), Ok)?;
        let listening = listen.reach();
        // Secrets of our own only where one machine is all there is: elsewhere every node would
        // have others.
        if listening == Listening::Local && lacks_secrets(&loaded) {
            let kept = data_folder::kept_secrets(Path::new(data_folder::FOLDER), &SystemRandom)
                .map_err(|error| format!("{}: {error}", data_folder::FOLDER))?;
            loaded = read(Some(&kept))?;
        }
        let settings = Settings::new(&loaded, listening)?;
        let file = file.map(|(path, _)| path);
        Ok(Self {
            loaded,
            program,
            listen,
            settings,
            file,
            started_afresh,
        })
    }

    /// Where the database is.
    ///
    /// # Errors
    /// When it is of a kind that is not served.
    pub fn database(&self) -> Result<Database, Unusable> {
        let embedded = || data_folder::database_uri(Path::new(data_folder::FOLDER));
        let uri = self.settings.database.uri.as_ref();
        let uri = uri.map_or_else(embedded, |uri| uri.expose_secret().to_owned());
        Database::at(&uri).map_err(|error| format!("SQLALCHEMY_DATABASE_URI: {error}").into())
    }

    /// The tables' names.
    #[must_use]
    pub fn tables(&self) -> TableNames {
        let database = &self.settings.database;
        TableNames {
            user: database.user_table.clone(),
            role: database.role_table.clone(),
            roles_users: database.roles_users_table.clone(),
            web_authn: database.webauthn_table.clone(),
            refresh: database.refresh_table.clone(),
        }
    }

    /// Opens the database, which is made where there is none, and puts everything together.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn open(&self, hashing_threads: usize) -> Result<Vestibule, Unusable> {
        let (database, tables) = (self.database()?, self.tables());
        let in_words = |error: &dyn std::fmt::Display| format!("the database {database}: {error}");
        if let Some(path) = database.file()
            && path.starts_with(data_folder::FOLDER)
        {
            data_folder::make(Path::new(data_folder::FOLDER)).map_err(|error| in_words(&error))?;
        }
        let store = database
            .open_or_make(&tables)
            .await
            .map_err(|error| in_words(&error))?;
        Vestibule::builder(self.settings.clone())
            .datastore(store)
            .hashing_threads(hashing_threads)
            .build()
            .map_err(|error| error.to_string().into())
    }
}

/// The environment, as far as it is text. A setting that is not is no setting to pass over.
fn environment() -> Result<Vec<(String, String)>, Unusable> {
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
    if problems.is_empty() {
        Ok(variables)
    } else {
        Err(Unusable(problems))
    }
}

fn read_file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, Unusable> {
    let path = named.unwrap_or(Path::new(FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// Whether the environment configures more than where to listen and how to log.
fn is_configured(environment: &[(String, String)]) -> bool {
    environment.iter().any(|(name, _)| {
        let base = name.strip_suffix("_FILE").unwrap_or(name);
        base != "DEBUG" && !base.starts_with("VESTIBULE_") && keys::find(base).is_some()
    })
}

fn write_starter() -> Result<(), Unusable> {
    std::fs::write(FILE, STARTER).map_err(|error| {
        format!("cannot write a starter {FILE} ({error}): name a configuration with --config")
            .into()
    })
}

/// Whether a secret that this installation could keep for itself is not set.
fn lacks_secrets(loaded: &Loaded) -> bool {
    [
        "SECRET_KEY",
        "SECURITY_PASSWORD_SALT",
        "SECURITY_TOTP_SECRETS",
    ]
    .iter()
    .any(|name| !loaded.is_set(name))
}
