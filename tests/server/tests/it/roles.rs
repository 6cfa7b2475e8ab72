//! Roles: the matrix of `roles.tsv`, grants for one thing, sensitive resources (S6).

use ee::{
    Action, Permission, PermissionSet, RbacProvider as _, Resource, User, defaults::StaticRbac,
    server::Op,
};
use serde_json::json;
use server_tests::{Call, SessionKind, Setup, TestServer, Who, roles};

const MATRIX: &str = include_str!("roles.tsv");

/// The cells of the file: operation, person, status.
pub(crate) fn cells() -> Vec<(Op, Who, u16)> {
    let mut lines = MATRIX.lines();
    let people: Vec<Who> = lines
        .next()
        .unwrap()
        .split('\t')
        .skip(1)
        .map(|id| Who::ALL.into_iter().find(|who| who.id() == id).unwrap())
        .collect();
    let mut cells = Vec::new();
    for line in lines {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap();
        let op = Op::ALL
            .iter()
            .copied()
            .find(|op| op.name() == name)
            .unwrap_or_else(|| panic!("no `{name}`"));
        cells.extend(
            people
                .iter()
                .zip(fields)
                .map(|(who, status)| (op, *who, status.parse().unwrap())),
        );
    }
    cells
}

#[test]
fn the_matrix_has_a_cell_for_every_operation_and_person() {
    let cells = cells();

    for op in Op::ALL {
        for who in Who::ALL {
            let found = cells
                .iter()
                .filter(|(of, whose, _)| of == op && *whose == who);
            assert_eq!(found.count(), 1, "{op:?} {who:?}");
        }
    }
}

#[tokio::test]
async fn s06_every_cell_of_the_matrix_holds_for_tokens() {
    let server = TestServer::start().await;

    for (op, who, status) in cells() {
        let call = Call::prepare(&server, op, who).await;
        let answer = call.ask(&server).by(who).send().await;
        assert_eq!(answer.code(), status, "{op:?} {who:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn s06_every_cell_of_the_matrix_holds_for_sessions() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let server = Setup::loopback().sessions(kind).start().await;
        for (op, who, status) in cells() {
            if who == Who::Anonymous {
                continue;
            }
            let session = server.sign_in(who).await;
            let call = Call::prepare(&server, op, who).await;
            let answer = call.ask(&server).cookie(&session).send().await;
            // A session can be refreshed, a token cannot.
            let status = if op == Op::Refresh { 200 } else { status };
            assert_eq!(
                answer.code(),
                status,
                "{kind:?} {op:?} {who:?}: {}",
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn p4_users_can_be_assigned_roles_via_the_provider() {
    let server = TestServer::start().await;

    for who in [
        Who::Owner,
        Who::Admin,
        Who::Developer,
        Who::Member,
        Who::Viewer,
        Who::Writer,
    ] {
        let me = server.get("/api/auth/me").by(who).send().await.json();
        assert_eq!(me["roles"], json!([who.id()]));
        assert_eq!(me["id"], who.id());
    }
    let nobody = server
        .get("/api/auth/me")
        .by(Who::Nobody)
        .send()
        .await
        .json();
    assert_eq!(
        (&nobody["roles"], &nobody["permissions"]),
        (&json!([]), &json!([]))
    );
}

#[tokio::test]
async fn p4_has_permission_checks_effective_permissions() {
    let rbac = StaticRbac::new(roles());
    let mut user = User::new("dev".parse().unwrap());
    user.roles = vec!["developer".parse().unwrap(), "unknown".parse().unwrap()];
    let holds = async |text: &str| {
        let permission: Permission = text.parse().unwrap();
        rbac.has_permission(&user, &permission).await.unwrap()
    };

    assert!(holds("agents:write").await, "granted by the role itself");
    assert!(holds("agents:read").await, "inherited from member");
    assert!(!holds("stored-agents:delete").await);
    assert!(!holds("audit:read").await);

    let server = TestServer::start().await;
    let shown = server
        .get("/api/auth/me")
        .by(Who::Developer)
        .send()
        .await
        .json();
    let shown: Vec<String> = serde_json::from_value(shown["permissions"].clone()).unwrap();
    let set = PermissionSet::compile(shown.iter().map(|text| text.parse().unwrap()));
    assert!(set.allows_text("stored-agents:write") && !set.allows_text("stored-agents:delete"));
}

#[tokio::test]
async fn a_grant_for_one_agent_opens_that_agent_and_shows_it_alone() {
    let server = TestServer::start().await;
    let get = |path: &str| server.get(path.to_owned()).by(Who::Writer).send();

    assert_eq!(get("/api/agents/writer").await.json()["id"], "writer");
    let list = get("/api/agents").await.json();
    assert_eq!(
        list.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["writer"]
    );
    for other in [
        "reviewer",
        "researcher",
        "unknown",
        "writer2",
        "WRITER",
        "writer:x",
        "writ",
        "*",
    ] {
        let answer = get(&format!("/api/agents/{other}")).await;
        answer.assert_error(403, "forbidden");
        assert_eq!(
            answer.json()["message"],
            "Missing required permission: agents:read"
        );
        for verb in ["generate", "stream"] {
            let ask = server
                .post(format!("/api/agents/{other}/{verb}"))
                .by(Who::Writer);
            let answer = ask.json(&json!({ "messages": "x" })).send().await;
            assert_eq!(answer.code(), 403, "{other} {verb}");
        }
    }
    let ask = server.post("/api/agents/writer/generate").by(Who::Writer);
    assert_eq!(
        ask.json(&json!({ "messages": "x" })).send().await.code(),
        200
    );

    let all = server
        .get("/api/agents")
        .by(Who::Viewer)
        .send()
        .await
        .json();
    assert_eq!(all.as_object().unwrap().len(), 3);
}

#[test]
fn a_resource_wildcard_reaches_no_sensitive_resource() {
    let all = roles();
    let held = |role: &str| PermissionSet::compile(all.resolve(&[role.parse().unwrap()]));

    for resource in [Resource::Audit, Resource::Access, Resource::License] {
        for action in Action::ALL {
            let permission = Permission::known(resource, *action);
            for role in ["developer", "member", "viewer", "writer"] {
                assert!(!held(role).allows(&permission), "{role} {permission}");
            }
            assert!(held("owner").allows(&permission), "{permission}");
        }
    }
}

#[tokio::test]
async fn what_a_role_permits_is_shown_to_those_who_may_do_everything() {
    let server = TestServer::start().await;
    let path = |role: &str| format!("/api/auth/roles/{role}/permissions");

    let shown = server.get(path("viewer")).by(Who::Owner).send().await;
    assert_eq!(
        shown.json(),
        json!({ "roleId": "viewer", "permissions": ["*:read"] })
    );
    let unknown = server.get(path("unknown")).by(Who::Owner).send().await;
    assert_eq!(
        unknown.json(),
        json!({ "roleId": "unknown", "permissions": [] })
    );
    for who in [Who::Admin, Who::Developer, Who::Member, Who::Viewer] {
        for role in ["viewer", "unknown", who.id()] {
            let refused = server.get(path(role)).by(who).send().await;
            let expected = json!({ "error": "Forbidden", "message": "Admin access required", "code": "forbidden" });
            assert_eq!((refused.code(), refused.json_without_id()), (403, expected));
        }
    }
}

#[tokio::test]
async fn roles_that_a_client_claims_do_not_count() {
    let server = TestServer::start().await;

    let session = server.sign_in(Who::Viewer).await;
    for (name, value) in [
        ("x-role", "owner"),
        ("x-mastra-role", "owner"),
        ("x-preview-role", "owner"),
        ("cookie", "role=owner"),
    ] {
        let ask = server
            .ask(http::Method::DELETE, "/api/stored/agents/writer")
            .cookie(&session);
        assert_eq!(ask.header(name, value).send().await.code(), 403, "{name}");
    }
}
