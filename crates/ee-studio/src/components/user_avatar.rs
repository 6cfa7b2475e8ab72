use maud::{Markup, html};

use crate::components::UserCard;

/// Renders the picture of a person, or the initials on a colour of their own.
///
/// A picture from another origin is not shown: the content security policy
/// refuses it, and loading it would tell that origin who is reading.
pub fn user_avatar(user: &UserCard) -> Markup {
    html! {
        @if let Some(url) = user.avatar_url.as_deref().filter(|url| is_own_image(url)) {
            img.avatar src=(url) alt="" width="28" height="28";
        } @else {
            span.avatar data-hue=(hue(&user.id)) aria-hidden="true" { (initials(user)) }
        }
    }
}

fn is_own_image(url: &str) -> bool {
    let own_path = url.starts_with('/')
        && !url.starts_with("//")
        && !url.chars().any(|c| c.is_control() || c == '\\');
    let inline = ["png", "jpeg", "gif", "webp"]
        .iter()
        .any(|kind| url.starts_with(&format!("data:image/{kind};base64,")));
    own_path || inline
}

fn initials(user: &UserCard) -> String {
    let name = if user.name.trim().is_empty() {
        user.email.split('@').next().unwrap_or_default()
    } else {
        user.name.as_str()
    };
    let mut words = name
        .split(|c: char| c.is_whitespace() || matches!(c, '.' | '-' | '_'))
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    let initials: String = first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect();
    if initials.is_empty() {
        "?".to_owned()
    } else {
        initials
    }
}

/// One of six colours, always the same for one id.
fn hue(id: &str) -> u32 {
    id.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }) % 6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, email: &str, avatar_url: Option<&str>) -> UserCard {
        UserCard {
            name: name.to_owned(),
            email: email.to_owned(),
            avatar_url: avatar_url.map(str::to_owned),
            ..UserCard::default()
        }
    }

    #[test]
    fn initials_come_from_name_or_email() {
        for (name, email, expected) in [
            ("Ada Lovelace", "", "AL"),
            ("Anna Maria van Dam", "", "AD"),
            ("plato", "", "P"),
            ("", "grace.hopper@example.org", "GH"),
            ("", "", "?"),
            ("\u{1f600}", "", "?"),
        ] {
            assert_eq!(initials(&user(name, email, None)), expected, "{name}");
        }
    }

    #[test]
    fn only_images_of_our_own_are_shown() {
        for (url, shown) in [
            ("/avatars/1.png", true),
            ("data:image/png;base64,AAAA", true),
            ("https://evil.example/a.png", false),
            ("//evil.example/a.png", false),
            ("/\\evil.example/a.png", false),
            ("data:text/html,x", false),
            ("data:image/svg+xml;base64,AAAA", false),
            ("javascript:alert(1)", false),
        ] {
            let output = user_avatar(&user("Ada", "", Some(url))).into_string();
            assert_eq!(output.contains("<img"), shown, "{url}");
        }
    }
}
