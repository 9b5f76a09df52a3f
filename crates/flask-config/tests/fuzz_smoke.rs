//! The body of the fuzz target, driven by changed configurations for a bounded time. `cargo fuzz run
//! flask_config` in `fuzz/` continues where this stops.

use proptest::prelude::*;

#[path = "../fuzz/bodies.rs"]
mod bodies;

const ROUNDS: u64 = 3_000;

/// The configurations that the changes start from.
const SEEDS: [&str; 12] = [
    "",
    "SECRET_KEY = 'a key' \"in two parts\"\nSECURITY_TRACKABLE = not False\n",
    "class A:\n    SECURITY_URL_PREFIX = '/a' + B\nclass C(A):\n    MAIL_PORT = 25.0\n",
    "import os\nSECRET_KEY = os.environ['KEY']\nSERVER_NAME = os.environ.get('NAME') or ''\n",
    "if x:\n    SERVER_NAME = 'a'\nelif y: SERVER_NAME = 'b'\nelse:\n\tSERVER_NAME = 'c'\n",
    "def f(app):\n    app.config.update({'DEBUG': 1}, MAIL_PORT=2**4, **D)\n    app.secret_key = b'\\xff'\n",
    "from datetime import timedelta as t\nSECURITY_URL_PREFIX = t(days=1, hours=-2).total_seconds()\n",
    "SECURITY_USER_IDENTITY_ATTRIBUTES = [{'email': {'mapper': m.uia_email_mapper}}, 'b']\n",
    "a = b = (1, [2, {3: None}], {*c}); SERVER_NAME = a[1][0]; SECURITY_TRACKABEL = f'{x}'\n",
    "SECURITY_EMAIL_SENDER = ('Ana', ' a@b.example')\nSQLALCHEMY_DATABASE_URI = 'sqlite:///a'\n",
    "c = app.config\nc['SERVER_NAME'] = 'a,b'.split(',')[0].upper() if 1 in [1] else x\nc |= {'DEBUG': 0}\n",
    "SERVER_NAME: str = \"\"\"\\u00e4\\\r\n\\N{DASH}\"\"\" # comment\r\nA_CLIENT_ID = 0x_1F + .5e-3j\n",
];

/// Tokens and fragments: random sequences of these reach more of the grammar than random letters.
const PIECES: [&str; 58] = [
    "SECURITY_URL_PREFIX",
    "SECRET_KEY",
    "X",
    "app",
    ".config",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "=",
    "+=",
    "==",
    ":",
    ",",
    ";",
    ".",
    "\n",
    "\r\n",
    "\\\n",
    "\n    ",
    "\n\t",
    " ",
    "#",
    "\\",
    "class A(B):",
    "if x:",
    "def f():",
    "for x in y:",
    "lambda",
    "not ",
    " or ",
    " and ",
    " if ",
    " else ",
    "os.environ.get(",
    "timedelta(days=",
    "None",
    "True",
    "1_0",
    "0x",
    "1e9",
    "-",
    "*",
    "**",
    "f'",
    "rb'",
    "update(",
    "from a import *",
    "\u{e9}",
    "\u{feff}",
    "99999999999999999999",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_safe(text in any::<String>()) {
        bodies::flask_config(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        bodies::flask_config(&bytes);
    }

    #[test]
    fn any_sequence_of_tokens_is_safe(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..80),
    ) {
        bodies::flask_config(pieces.concat().as_bytes());
    }
}

/// xorshift64*: the same changes in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap_or(0) % bound.max(1)
    }
}

fn change(text: &str, dice: &mut Dice) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(characters.len() + 1);
        match dice.below(5) {
            0 if at < characters.len() => drop(characters.remove(at)),
            1 => characters.truncate(at),
            2 => {
                let other = SEEDS[dice.below(SEEDS.len())];
                characters.extend(other.chars().take(dice.below(80)));
            }
            3 if at < characters.len() => {
                characters[at] = char::from(u8::try_from(dice.below(128)).unwrap_or(0));
            }
            _ => {
                let piece = PIECES[dice.below(PIECES.len())];
                characters.splice(at..at, piece.chars());
            }
        }
    }
    characters.into_iter().collect()
}

#[test]
fn flask_config() {
    for seed in SEEDS {
        bodies::flask_config(seed.as_bytes());
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..ROUNDS {
        let seed = SEEDS[dice.below(SEEDS.len())];
        bodies::flask_config(change(seed, &mut dice).as_bytes());
    }
}
