//! Everything that can be done with an account, its passwords, links, codes and factors.

use ee::{Clock as _, SystemClock, auth_password::totp_for_tests};
use processes::{Api, Credential, Mailbox};
use serde_json::{Value, json};

use super::{drive, secret, watch::Watch};

const OWNER: &str = "grace@example.com";
const PERSON: &str = "ada@example.com";

/// Everybody's passwords look different in every spelling.
fn password(watch: &mut Watch, name: &str) -> String {
    let password = format!(r#"{} "&\ +%<ü>"#, secret(name));
    watch.keep(&format!("the {name}"), &password);
    password
}

/// Lets an owner and somebody else come in and does everything once.
pub(crate) async fn everything(api: &Api, watch: &mut Watch, mailbox: &Mailbox, link: &str) {
    watch.keep("the secret of the first link", link);
    let first = password(watch, "first-password-of-the-owner");
    let body = json!({ "token": link, "email": OWNER, "password": first, "name": "Grace" });
    let set_up = api.post("/api/auth/setup").json(&body);
    let owner = watch.sign_in("setup", set_up).await;
    watch
        .send("a used link", api.post("/api/auth/setup").json(&body))
        .await;

    let changed = password(watch, "second-password-of-the-owner");
    let body = json!({ "currentPassword": first, "newPassword": changed });
    let change = || api.post("/api/auth/password").json(&body);
    let owner = watch.sign_in("a new password", change().by(&owner)).await;
    watch.send("the old password", change().by(&owner)).await;

    let person = invited(api, watch, mailbox, &owner).await;
    second_factor(api, watch, &person).await;
    reset(api, watch, mailbox).await;
    drive::keys(api, watch, &owner).await;
    failures(api, watch, &owner, &changed).await;
}

async fn invited(
    api: &Api,
    watch: &mut Watch,
    mailbox: &Mailbox,
    owner: &Credential,
) -> Credential {
    let body = json!({ "email": PERSON, "roles": ["developer"] });
    let invite = api.post("/api/access/invitations").by(owner).json(&body);
    watch.send("an invitation", invite).await;
    let token = mailbox.secret().await;
    watch.keep("the secret of an invitation", &token);
    watch
        .send("invitations", api.get("/api/access/invitations").by(owner))
        .await;
    let find = api
        .post("/api/auth/invitations/find")
        .json(&json!({ "token": token }));
    watch.send("an invitation", find).await;
    let password = password(watch, "first-password-of-the-guest");
    let body = json!({ "token": token, "password": password, "name": "Ada" });
    let accept = || api.post("/api/auth/invitations/accept").json(&body);
    let person = watch.sign_in("an accepted invitation", accept()).await;
    watch.send("a used invitation", accept()).await;
    person
}

async fn second_factor(api: &Api, watch: &mut Watch, person: &Credential) {
    let begun = watch
        .reveal(api.post("/api/auth/totp").by(person))
        .await
        .json();
    let (factor, uri) = (text(&begun["secret"]), text(&begun["uri"]));
    watch.keep("the secret of a second factor", &factor);
    watch.keep("the address of a second factor", &uri);
    let confirm = |code: &str| {
        api.post("/api/auth/totp/confirm")
            .json(&json!({ "code": code }))
    };
    watch
        .send("a wrong code", confirm("000000").by(person))
        .await;
    let code = totp_for_tests(&factor, SystemClock.now()).unwrap();
    let confirmed = watch.reveal(confirm(&code).by(person)).await;
    let codes = confirmed.json()["recoveryCodes"].clone();
    let codes: Vec<String> = codes.as_array().unwrap().iter().map(text).collect();
    for code in &codes {
        watch.keep("a recovery code", code);
        watch.keep("a recovery code without hyphens", &code.replace('-', ""));
    }
    let person = confirmed.cookie().unwrap();
    watch
        .send("an account", api.get("/api/auth/account").by(&person))
        .await;
    watch.send("a used code", confirm(&code).by(&person)).await;
}

/// Sets a new password by letter, and signs in with it and a recovery code.
async fn reset(api: &Api, watch: &mut Watch, mailbox: &Mailbox) {
    let forgot = api
        .post("/api/auth/password/forgot")
        .json(&json!({ "email": PERSON }));
    watch.send("a letter", forgot).await;
    let token = mailbox.secret().await;
    watch.keep("the secret of a letter", &token);
    let password = password(watch, "second-password-of-the-guest");
    let body = json!({ "token": token, "password": password });
    let reset = || api.post("/api/auth/password/reset").json(&body);
    assert_eq!(watch.send("a reset", reset()).await.status, 200);
    watch.send("a used letter", reset()).await;
    let step = watch.reveal(api.signing_in(PERSON, &password)).await;
    assert_eq!(step.status, 202, "{}", step.text);
    let token = text(&step.json()["secondFactor"]["token"]);
    watch.keep("a sign-in that waits for a code", &token);
    for code in ["000000", "aaaa-bbbb-cccc-dddd", token.as_str()] {
        let body = json!({ "token": token, "code": code });
        let second = api.post("/api/auth/credentials/second-factor").json(&body);
        watch.send("a wrong second factor", second).await;
    }
}

/// Puts what is right and what is wrong where it does not belong.
async fn failures(api: &Api, watch: &mut Watch, owner: &Credential, password: &str) {
    let wrong = secret("wrong-secret-of-somebody");
    watch.keep("a wrong secret", &wrong);
    for path in [
        "/api/auth/credentials/sign-in",
        "/api/auth/credentials/sign-up",
        "/api/auth/credentials/second-factor",
        "/api/auth/setup",
        "/api/auth/password",
        "/api/auth/password/reset",
        "/api/auth/email/verify",
        "/api/auth/invitations/accept",
        "/api/auth/totp/disable",
        "/api/auth/recovery-codes",
    ] {
        for secret in [wrong.as_str(), password] {
            for body in [
                json!({ "email": OWNER, "password": secret, "surprise": 1 }),
                json!({ "email": OWNER, "password": [secret] }),
                json!({ "token": secret, "password": secret, "email": "nobody@example.com" }),
                json!({ "token": secret, "code": secret }),
                json!({ "currentPassword": secret, "newPassword": secret }),
            ] {
                watch.send(path, api.post(path).by(owner).json(&body)).await;
            }
            let cut = format!(r#"{{"password": {}, "#, Value::from(secret));
            watch.send(path, api.post(path).by(owner).raw(cut)).await;
        }
    }
    drive::every_route(api, watch, owner, &wrong).await;
    let stranger = Credential::Token(wrong.clone());
    drive::every_route(&api.over_http2(), watch, &stranger, &wrong).await;
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}
