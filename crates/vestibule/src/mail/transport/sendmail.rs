//! Sending mail with a program of the host (`MAIL_SENDMAIL`): sendmail or a compatible one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, Command};

use super::message::{self, Travelling};
use super::{DeliveryError, Mailer, Outgoing, said};
use crate::settings::SENDMAIL_TIMEOUT;

/// How many bytes of the program's standard error are read.
const COMPLAINT_BYTES: u64 = 2048;

/// How long we read from a program that has exited. A child that it left behind may hold its pipes
/// open for any time.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The search path of the program. It gets nothing else of our environment, which may contain
/// secrets.
const SEARCH: (&str, &str) = (
    "PATH",
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
);

/// Exit codes that would be the same at every attempt (sysexits.h): `EX_NOUSER`, `EX_NOHOST`.
const FOR_EVER: [i32; 2] = [67, 68];

/// Exit codes that may concern this mail alone: `EX_DATAERR`, which some programs return for
/// everything that a server refuses, and `EX_TEMPFAIL`.
const THIS_MAIL: [i32; 2] = [65, 75];

/// Sends mails by passing them to a program.
#[derive(Debug)]
pub(super) struct Sendmail {
    program: PathBuf,
    patience: Duration,
}

impl Sendmail {
    pub(super) fn new(program: PathBuf) -> Self {
        Self {
            program,
            patience: SENDMAIL_TIMEOUT,
        }
    }

    /// Checks that the program exists and is executable.
    ///
    /// # Errors
    /// What is wrong with `MAIL_SENDMAIL`, and how to fix it.
    pub(super) fn check(&self) -> Result<(), String> {
        const FIX: &str = "set it to the program that sends mail, such as \"/usr/sbin/sendmail\"";
        let shown = self.program.display();
        let in_search =
            !self.program.as_os_str().is_empty() && self.program.components().count() == 1;
        let candidates: Vec<PathBuf> = if self.program.is_absolute() {
            vec![self.program.clone()]
        } else if in_search {
            let folders = SEARCH.1.split(':').map(PathBuf::from);
            folders.map(|folder| folder.join(&self.program)).collect()
        } else {
            return Err(format!(
                "MAIL_SENDMAIL: {shown:?} is not an absolute path; {FIX}"
            ));
        };
        let runs = |path: &PathBuf| {
            std::fs::metadata(path)
                .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
        };
        if candidates.iter().any(runs) {
            Ok(())
        } else {
            Err(format!(
                "MAIL_SENDMAIL: {shown} is not an executable program; {FIX}"
            ))
        }
    }

    async fn hand_over(&self, mail: &Travelling) -> Result<(), DeliveryError> {
        let (Some(from), [to]) = (mail.from(), mail.envelope.to()) else {
            return Err(DeliveryError::Blocked(
                "the mail has no recipient".to_owned(),
            ));
        };
        let mut program = Command::new(&self.program)
            .args(["-i", "-f", from.as_ref(), "--", to.as_ref()])
            .env_clear()
            .env(SEARCH.0, SEARCH.1)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                DeliveryError::Blocked(format!("MAIL_SENDMAIL cannot be started: {error}"))
            })?;
        let (stdin, stderr) = (program.stdin.take(), program.stderr.take());
        let (mut written, mut complaint) = (false, Vec::new());
        let talking = async {
            tokio::join!(
                async {
                    written = write(stdin, &with_line_feeds(&mail.bytes)).await.is_some();
                },
                read(stderr, &mut complaint),
            );
        };
        let status = {
            tokio::pin!(talking);
            tokio::select! {
                status = program.wait() => {
                    // The exit code counts, whatever is written after it.
                    let _ = tokio::time::timeout(LAST_WORDS, &mut talking).await;
                    status
                }
                () = &mut talking => program.wait().await,
            }
        };
        let status = status.map_err(|error| {
            DeliveryError::Blocked(format!(
                "the exit status of MAIL_SENDMAIL is unknown: {error}"
            ))
        })?;
        let complaint = String::from_utf8_lossy(&complaint);
        verdict(status, written, &said::clean(&complaint, to.as_ref()))
    }
}

#[async_trait]
impl Mailer for Sendmail {
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
        let mail = message::write(mail)?;
        tokio::time::timeout(self.patience, self.hand_over(&mail))
            .await
            .unwrap_or_else(|_| {
                Err(DeliveryError::Blocked(
                    "MAIL_SENDMAIL did not finish in time".to_owned(),
                ))
            })
    }
}

async fn write(stdin: Option<ChildStdin>, bytes: &[u8]) -> Option<()> {
    let mut stdin = stdin?;
    stdin.write_all(bytes).await.ok()?;
    stdin.shutdown().await.ok()
}

async fn read(stderr: Option<ChildStderr>, complaint: &mut Vec<u8>) {
    let Some(mut stderr) = stderr else { return };
    let mut first = (&mut stderr).take(COMPLAINT_BYTES);
    let _ = first.read_to_end(complaint).await;
    // The rest is discarded, so that the program does not block on a full pipe.
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
}

fn verdict(status: ExitStatus, written: bool, complaint: &str) -> Result<(), DeliveryError> {
    match status.code() {
        Some(0) if written => Ok(()),
        Some(0) => Err(DeliveryError::Blocked(
            "MAIL_SENDMAIL did not read the mail".to_owned(),
        )),
        Some(code) => {
            let text = format!("MAIL_SENDMAIL exited with {code}: {complaint}");
            Err(if FOR_EVER.contains(&code) {
                DeliveryError::Never(text)
            } else if THIS_MAIL.contains(&code) {
                DeliveryError::Later(text)
            } else {
                DeliveryError::Blocked(text)
            })
        }
        None => Err(DeliveryError::Blocked(
            "MAIL_SENDMAIL was killed by a signal".to_owned(),
        )),
    }
}

/// Converts line ends to the ones that programs of this host expect.
fn with_line_feeds(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if !(*byte == b'\r' && bytes.get(at + 1) == Some(&b'\n')) {
            lines.push(*byte);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::example;
    use super::*;

    /// A folder with a program in it, removed when dropped.
    struct Program(PathBuf);

    impl Program {
        fn new(name: &str, script: &str) -> Self {
            let folder = std::env::temp_dir()
                .join(format!("vestibule-sendmail-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let path = folder.join("sendmail");
            let folder_text = folder.display().to_string();
            let script = format!("#!/bin/sh\ncd '{folder_text}'\n{script}\n");
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            Self(folder)
        }

        fn mailer(&self) -> Sendmail {
            Sendmail::new(self.0.join("sendmail"))
        }

        fn read(&self, name: &str) -> String {
            std::fs::read_to_string(self.0.join(name)).unwrap()
        }
    }

    impl Drop for Program {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn the_program_gets_the_mail_the_sender_and_the_recipient() {
        let program = Program::new(
            "plain",
            "printf '%s\\n' \"$@\" > args; cat > mail; env > env",
        );
        program.mailer().send(&example()).await.unwrap();
        assert_eq!(
            program.read("args"),
            "-i\n-f\naccounts@xn--mnchen-3ya.example\n--\nana@example.com\n"
        );
        let mail = program.read("mail");
        assert!(mail.contains("\nMessage-ID: <1@example.com>\n"), "{mail}");
        assert!(!mail.contains('\r'));
    }

    #[tokio::test]
    async fn attack_secrets_of_the_environment_do_not_reach_the_program() {
        let program = Program::new("environment", "cat > /dev/null; env > env");
        program.mailer().send(&example()).await.unwrap();
        let names = program.read("env");
        let known = ["PATH", "PWD", "OLDPWD", "SHLVL", "_"];
        for line in names.lines() {
            let name = line.split('=').next().unwrap_or_default();
            assert!(known.contains(&name), "{name}");
        }
    }

    #[tokio::test]
    async fn attack_an_address_is_never_an_option_or_a_command() {
        let program = Program::new("option", "printf '%s\\n' \"$@\" > args; cat > /dev/null");
        let mail = Outgoing {
            to: "-oQ$(touch${IFS}owned)|`id`@example.com".to_owned(),
            ..example()
        };
        assert!(matches!(
            program.mailer().send(&mail).await,
            Err(DeliveryError::Blocked(_))
        ));
        let mail = Outgoing {
            to: "-oQ`id`|x@example.com".to_owned(),
            ..example()
        };
        program.mailer().send(&mail).await.unwrap();
        assert!(
            program
                .read("args")
                .ends_with("\n--\n-oQ`id`|x@example.com\n")
        );
        assert!(!program.0.join("owned").exists());
    }

    #[tokio::test]
    async fn the_exit_code_decides_whether_a_mail_is_retried() {
        for (code, kind) in [
            (75, "later"),
            (65, "later"),
            (78, "blocked"),
            (1, "blocked"),
            (67, "never"),
            (68, "never"),
        ] {
            let script = format!("cat > /dev/null; echo no ana@example.com >&2; exit {code}");
            let program = Program::new(&format!("code-{code}"), &script);
            let (found, text) = match program.mailer().send(&example()).await {
                Err(DeliveryError::Never(text)) => ("never", text),
                Err(DeliveryError::Later(text)) => ("later", text),
                Err(DeliveryError::Blocked(text)) => ("blocked", text),
                Ok(()) => panic!("{code}"),
            };
            assert_eq!(found, kind, "{code}: {text}");
            assert!(text.contains("no (recipient)"), "{code}: {text}");
        }
    }

    #[test]
    fn a_missing_program_is_reported_at_the_start() {
        let program = Program::new("there", "exit 0");
        assert_eq!(program.mailer().check(), Ok(()));
        let plain = program.0.join("plain");
        std::fs::write(&plain, "no program").unwrap();
        for path in [
            plain,
            program.0.clone(),
            program.0.join("absent"),
            PathBuf::from("bin/sendmail"),
            PathBuf::from("no-such-program-anywhere"),
            PathBuf::new(),
        ] {
            let complaint = Sendmail::new(path.clone()).check().unwrap_err();
            assert!(
                complaint.contains("/usr/sbin/sendmail"),
                "{path:?}: {complaint}"
            );
        }
        assert_eq!(Sendmail::new(PathBuf::from("sh")).check(), Ok(()));
    }

    #[tokio::test]
    async fn children_of_an_exited_program_are_not_waited_for() {
        // Each leaves a child that holds its standard error open.
        for (name, script) in [
            ("sent", "cat > /dev/null; (sleep 30; touch MARK) & exit 0"),
            (
                "refused",
                "cat > /dev/null; echo no such user >&2; (sleep 30; touch MARK) & exit 67",
            ),
            ("unread", "exec 3<&0; (sleep 30; touch MARK) <&3 & exit 0"),
        ] {
            let mark = std::env::temp_dir().join(format!("sendmail-{name}-{}", std::process::id()));
            let script = script.replace("MARK", &mark.display().to_string());
            let program = Program::new(&format!("leaves-{name}"), &script);
            let mail = Outgoing {
                // More than a pipe can hold.
                text: Some("long ".repeat(100_000)),
                ..example()
            };
            let outcome = program.mailer().send(&mail).await;
            assert!(!mark.exists(), "{name}: the child came to its end first");
            match (name, outcome) {
                ("sent", Ok(())) | ("unread", Err(DeliveryError::Blocked(_))) => {}
                ("refused", Err(DeliveryError::Never(text))) => {
                    assert!(text.contains("no such user"), "{text}");
                }
                (_, outcome) => panic!("{name}: {outcome:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_hanging_flooding_or_missing_program_does_not_block_the_worker() {
        let program = Program::new("hangs", "exec sleep 600");
        let mailer = Sendmail {
            patience: Duration::from_millis(200),
            ..program.mailer()
        };
        let outcome = mailer.send(&example()).await;
        assert!(
            matches!(outcome, Err(DeliveryError::Blocked(_))),
            "{outcome:?}"
        );

        let flood = "head -c 300000 /dev/zero | tr '\\0' x >&2; cat > /dev/null; exit 75";
        let program = Program::new("floods", flood);
        let Err(DeliveryError::Later(text)) = program.mailer().send(&example()).await else {
            panic!("it was sent");
        };
        assert!(text.len() < 500, "{}", text.len());

        let missing = Sendmail::new(Path::new("/nonexistent/sendmail").to_owned());
        assert!(matches!(
            missing.send(&example()).await,
            Err(DeliveryError::Blocked(_))
        ));
    }
}
