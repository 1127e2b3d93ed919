//! The rules, as data: who may use what, and what to do instead.

/// The layers from top to bottom: a layer may use those below it, but none above or beside it.
pub const LAYERS: &[&[&str]] = &[
    &["main", "cli"],
    &["terminal", "headless", "demo"],
    &["runtime"],
    &["ui"],
    &["exchange"],
    &["render"],
    &["store", "mcp", "keys"],
    &["citations", "config", "log", "search"],
    &["chat"],
    &["api"],
    &["tools"],
    &["files", "processes", "console"],
    &["text", "secrets", "clock"],
];

/// Exceptions within a layer: (user, used module, reason).
pub const LAYER_EXCEPTIONS: &[(&str, &str, &str)] = &[("main", "cli", "to parse its arguments")];

/// Layers in which the same input always gives the same state: time is an argument, and side effects are values.
const PURE: &[&str] = &["crate::ui", "crate::render", "crate::citations", "crate::chat", "crate::tools", "crate::text"];

/// The features of `ui`: each is a folder or a file of its own, and knows no other.
pub const FEATURES: &[&str] = &[
    "commands",
    "connect",
    "conversations",
    "help",
    "models",
    "notifications",
    "rail",
    "results",
    "safeguard",
    "search",
    "slash",
    "status",
    "themes",
    "title",
    "tools",
    "transcript",
    "trash",
    "xray",
];

/// What every feature of `ui` may use: it knows no feature.
pub const SHARED: &[&str] = &[
    "action",
    "areas",
    "chats",
    "composer",
    "conversation_index",
    "costs",
    "cx",
    "effect",
    "key_hints",
    "keymap",
    "msg",
    "overlay",
    "reading",
    "saves",
    "start",
    "teaching",
    "temporary",
    "test_buffer",
    "toasts",
];

/// What holds the state of several features, and is passed to all of them.
pub const HOLDERS: &[&str] = &["environment", "screen"];

/// The files of `ui` that put the features together. No feature uses them, or it would know all others.
pub const INDEX: &[&str] = &[
    "actions",
    "dispatch",
    "escape_keys",
    "focus",
    "hint_clicks",
    "layout",
    "list_sync",
    "news",
    "on_input",
    "on_mouse",
    "on_store",
    "on_stream",
    "overlays",
    "state",
    "toast_ends",
    "view",
];

/// A rule: a file that breaks it is reported with what to do instead.
pub struct SourceRule {
    pub name: &'static str,
    pub check: RuleCheck,
    pub instead: &'static str,
}

/// How a rule is checked.
///
/// A pattern of one word is the beginning of a path, one that begins with `crate` a module or an item of ours, and any
/// other a part of a path.
pub enum RuleCheck {
    /// A module of `src` uses only those of lower layers.
    LowerLayers,
    /// Nothing in `who` uses what matches `forbidden`, apart from what matches `except`.
    Uses {
        who: &'static [&'static str],
        forbidden: &'static [&'static str],
        except: &'static [&'static str],
        tests: TestCode,
    },
    /// Nothing in `who` waits.
    Awaits { who: &'static [&'static str] },
    /// No feature of `ui` uses these.
    FeaturesUse { forbidden: &'static [&'static str] },
    /// Every module of `ui` is a feature, shared, a holder, or an index.
    ListedInUi,
    /// A feature uses no other feature.
    FeaturesApart,
    /// A feature uses no index.
    FeaturesBelowIndex,
    /// What is shared uses neither a feature nor an index.
    SharedBelowFeatures,
    /// What draws, in a view or into a `Buffer`, takes no `&mut` of a type of `ui`, `chat` or `citations` that is not its own.
    ViewsBorrow,
    /// Only files that begin like these name the type; tests may.
    NamedOnlyIn { type_name: &'static str, files: &'static [&'static str] },
    /// `ui::update` reaches no function that names any of these.
    UpdateReaches { words: &'static [&'static str] },
    /// These methods and macros are not called outside tests.
    Calls { words: &'static [&'static str] },
    /// No file has more lines.
    FileLength { max_lines: usize },
    /// At most so many functions of `ui` take `&mut` of the type.
    FewTake { type_path: &'static str, max_functions: usize },
}

/// Whether a rule also holds for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestCode {
    Checked,
    Exempt,
}

const fn uses(
    name: &'static str,
    who: &'static [&'static str],
    forbidden: &'static [&'static str],
    instead: &'static str,
) -> SourceRule {
    SourceRule { name, check: RuleCheck::Uses { who, forbidden, except: &[], tests: TestCode::Checked }, instead }
}

const fn pure(name: &'static str, forbidden: &'static [&'static str], instead: &'static str) -> SourceRule {
    SourceRule { name, check: RuleCheck::Uses { who: PURE, forbidden, except: &[], tests: TestCode::Exempt }, instead }
}

/// All rules.
pub const RULES: &[SourceRule] = &[
    SourceRule {
        name: "lower layers",
        check: RuleCheck::LowerLayers,
        instead: "use only what lies below (`LAYERS`); pass the rest as an argument",
    },
    uses(
        "render draws text",
        &["crate::render"],
        &["crate::chat", "crate::ui"],
        "take the text, the spans or a number; what knows a chat belongs into `ui`",
    ),
    uses(
        "citations are data",
        &["crate::citations"],
        &["crate::render", "crate::ui"],
        "return what was found; how it is drawn belongs into `render` or `ui`",
    ),
    uses(
        "chat reads no config",
        &["crate::chat"],
        &["crate::config"],
        "define the setting in `chat`, and let the config refer to it",
    ),
    SourceRule {
        name: "text stands alone",
        check: RuleCheck::Uses {
            who: &["crate::text"],
            forbidden: &["crate"],
            except: &["crate::text"],
            tests: TestCode::Checked,
        },
        instead: "take a `&str` or a number; what needs more belongs into a higher layer",
    },
    SourceRule {
        name: "the loop's entry points",
        check: RuleCheck::Uses {
            who: &["crate::runtime", "crate::terminal", "crate::headless"],
            forbidden: &["crate::ui"],
            except: &[
                "crate::ui::msg",
                "crate::ui::effect",
                "crate::ui::state::State",
                "crate::ui::update",
                "crate::ui::settle",
                "crate::ui::sync",
                "crate::ui::layout::settle",
                "crate::ui::layout::sync",
                "crate::ui::next_wake",
                "crate::ui::view::draw",
            ],
            tests: TestCode::Checked,
        },
        instead: "define what an effect or a message carries beside it, or below `ui`",
    },
    SourceRule {
        name: "every room has a kind",
        check: RuleCheck::ListedInUi,
        instead: "list it in `FEATURES`, `SHARED`, `HOLDERS` or `INDEX`",
    },
    SourceRule {
        name: "features apart",
        check: RuleCheck::FeaturesApart,
        instead: "return an `Action`, push to `Cx`, or move what both need into a shared module",
    },
    SourceRule {
        name: "features without the screen",
        check: RuleCheck::FeaturesUse { forbidden: &["crate::ui::screen::Screen"] },
        instead: "take the feature's own state and `Cx`",
    },
    SourceRule {
        name: "features below the index",
        check: RuleCheck::FeaturesBelowIndex,
        instead: "return an `Action` or push to `Cx`; the index calls the feature",
    },
    SourceRule {
        name: "shared below features",
        check: RuleCheck::SharedBelowFeatures,
        instead: "take what is needed as an argument, or move it into the feature",
    },
    SourceRule {
        name: "views borrow",
        check: RuleCheck::ViewsBorrow,
        instead: "take `&`; what drawing needs is laid out in `sync` before",
    },
    SourceRule {
        name: "update lays out nothing",
        check: RuleCheck::UpdateReaches { words: &["sync", "settle", "lay_out", "LayoutPass"] },
        instead: "leave a pending move, which the next layout carries out",
    },
    SourceRule {
        name: "keys are in the table",
        check: RuleCheck::NamedOnlyIn {
            type_name: "KeyCode",
            files: &["ui/keymap", "ui/composer/readline_keys.rs", "ui/overlay/field.rs", "terminal/input"],
        },
        instead: "give the key an action in the keymap, and match the action",
    },
    pure(
        "pure time",
        &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "crate::clock"],
        "take `now` as an argument",
    ),
    SourceRule {
        name: "timers survive the clock",
        check: RuleCheck::Uses {
            who: &["crate::terminal", "crate::headless", "crate::runtime", "crate::mcp", "crate::store"],
            forbidden: &["Timestamp::now", "Zoned::now"],
            except: &[],
            tests: TestCode::Exempt,
        },
        instead: "use `clock::now`, which setting the system's clock does not change",
    },
    pure("pure ids", &["Uuid::now_v7", "Uuid::new_v4", "rand", "getrandom"], "draw ids from `chat::IdGenerator`"),
    pure("pure environment", &["std::env"], "take its value as an argument"),
    pure(
        "pure effects",
        &["std::fs", "std::net", "std::process", "std::thread", "tokio", "reqwest", "rusqlite"],
        "return an effect",
    ),
    SourceRule {
        name: "pure waiting",
        check: RuleCheck::Awaits { who: PURE },
        instead: "nothing waits here: return an effect",
    },
    SourceRule {
        name: "nothing behind a lock",
        check: RuleCheck::Uses {
            who: &["crate"],
            forbidden: &[
                "std::cell",
                "std::sync::Mutex",
                "std::sync::RwLock",
                "std::sync::Condvar",
                "tokio::sync::Mutex",
                "tokio::sync::RwLock",
            ],
            except: &[],
            tests: TestCode::Exempt,
        },
        instead: "give it one owner, and send what others need through a channel",
    },
    SourceRule {
        name: "no unwrap",
        check: RuleCheck::Calls { words: &["unwrap"] },
        instead: "handle it, or say in an `expect` why it holds",
    },
    SourceRule {
        name: "nothing is printed past the cleaner",
        check: RuleCheck::Calls { words: &["eprintln!", "eprint!", "println!", "print!"] },
        instead: "call `console::complain` or `console::print_line`",
    },
    SourceRule {
        name: "nothing unfinished",
        check: RuleCheck::Calls { words: &["todo!", "unimplemented!", "dbg!"] },
        instead: "finish it",
    },
    SourceRule {
        name: "short files",
        check: RuleCheck::FileLength { max_lines: 600 },
        instead: "find the second noun in it, and give that a file",
    },
    SourceRule {
        name: "few take the whole state",
        check: RuleCheck::FewTake { type_path: "crate::ui::state::State", max_functions: 30 },
        instead: "take the feature's own state and `Cx`",
    },
];
