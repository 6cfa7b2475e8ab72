//! What pages share: each component is one function and one place for its look.

mod alert;
mod auth_status;
mod brand;
mod chat_log;
mod composer;
mod data_block;
mod empty;
mod field;
mod login_button;
mod moment;
mod page_header;
mod run_steps;
mod status_badge;
mod theme_switch;
mod thread_list;
mod user_avatar;
mod user_menu;

pub use self::alert::{AlertKind, alert};
pub use self::auth_status::{AuthStatus, auth_status};
pub use self::brand::{brand, mark};
pub use self::chat_log::{Author, ChatMessage, MessageState, chat_log, chat_message};
pub use self::composer::{Composer, composer};
pub use self::data_block::data_block;
pub use self::empty::{EmptyState, NextStep, empty};
pub use self::field::{Control, Field, field};
pub use self::login_button::{LoginButton, Weight, login_button};
pub use self::moment::{duration, moment};
pub use self::page_header::{PageHeader, page_header};
pub use self::run_steps::{RunStep, run_steps};
pub use self::status_badge::{Status, status_badge};
pub use self::theme_switch::{Theme, theme_switch};
pub use self::thread_list::{ThreadItem, ThreadList, thread_list};
pub use self::user_avatar::user_avatar;
pub use self::user_menu::{UserCard, user_menu};
