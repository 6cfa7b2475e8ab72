use ee_studio::paths;

use crate::{browser::House, doubles::People};

#[tokio::test]
async fn a_viewer_sees_no_control_and_is_refused_by_the_server() {
    let house = House::new();
    let mut viewer = house.as_user("viewer").await;

    let list = viewer.get("/studio/agents").await;
    list.shows(200, &["Support", "Workflows"]);
    assert!(!list.body.contains("New agent"));
    let agent = viewer.get("/studio/agents/support").await;
    agent.shows(200, &["Be brief.", "not talk to it"]);
    for control in ["/edit", "/delete", "/chat"] {
        assert!(!agent.body.contains(control), "{control}");
    }
    let workflow = viewer.get("/studio/workflows/triage").await;
    workflow.shows(200, &["Sum up", "not run it"]);
    assert!(!workflow.body.contains("action=\"/studio/workflows"));

    for (target, permission) in [
        ("/studio/agents", "stored-agents:write"),
        ("/studio/agents/support/edit", "stored-agents:write"),
        ("/studio/agents/support/delete", "stored-agents:delete"),
        ("/studio/agents/support/chat", "agents:execute"),
        ("/studio/workflows/triage/runs", "workflows:execute"),
        (
            "/studio/workflows/triage/runs/r/cancel",
            "workflows:execute",
        ),
        (
            "/studio/workflows/triage/runs/r/restart",
            "workflows:execute",
        ),
    ] {
        let answer = viewer
            .post(target, &[("name", "x"), ("message", "x")])
            .await;
        answer.shows(403, &["Permission denied", permission, "viewer"]);
    }
    let denied = viewer.get("/studio/agents/support/edit").await;
    denied.shows(
        403,
        &["the agent \u{201c}support\u{201d}", "stored-agents:write"],
    );
    let stream = viewer
        .post("/studio/agents/support/chat/stream", &[("message", "x")])
        .await;
    stream.shows(403, &["\"error\":\"Forbidden\""]);
    assert!(
        house
            .record
            .lines()
            .contains(&"agents.update Denied viewer".to_owned())
    );
}

#[tokio::test]
async fn a_grant_for_one_agent_opens_that_one_alone() {
    let mut limited = House::new().as_user("limited").await;

    let list = limited.get("/studio/agents").await;
    list.shows(200, &["/studio/agents/support"]);
    assert!(!list.body.contains("/studio/agents/other"));
    let agent = limited.get("/studio/agents/support").await;
    agent.shows(200, &["/studio/agents/support/edit"]);
    assert!(!agent.body.contains("/delete"));
    limited
        .get("/studio/agents/support/edit")
        .await
        .shows(200, &["Save changes"]);
    limited
        .get("/studio/agents/other")
        .await
        .shows(403, &["the agent \u{201c}other\u{201d}"]);
    limited
        .get(paths::NEW_AGENT)
        .await
        .shows(403, &["creating agents"]);
    let workflow = limited.get("/studio/workflows/triage").await;
    workflow.shows(200, &["href=\"/studio/agents/support\""]);
}

#[tokio::test]
async fn who_may_open_nothing_learns_why() {
    let mut nobody = House::new().as_user("nobody").await;

    let (page, count) = nobody.visit("/").await;

    page.shows(403, &["Permission denied", "agents:read"]);
    assert!(count <= 3);
    assert!(!page.body.contains("href=\"/studio/workflows\""));
}

#[tokio::test]
async fn a_licence_that_does_not_cover_roles_keeps_pages_closed_and_says_so() {
    let people = People {
        unlicensed: true,
        ..People::default()
    };
    let mut owner = House::with(people).as_user("owner").await;

    let (page, _) = owner.visit("/studio").await;

    page.shows(
        403,
        &["Not covered by the licence", "does not cover `rbac`"],
    );
}

#[tokio::test]
async fn conversations_belong_to_one_person_and_one_agent() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;
    let fields = [("message", "Hi"), ("thread_id", "")];
    let asked = owner.post("/studio/agents/support/chat", &fields).await;
    let page = asked
        .location()
        .unwrap()
        .split('#')
        .next()
        .unwrap()
        .to_owned();
    let thread = page.rsplit('/').next().unwrap().to_owned();
    owner.get(&page).await.shows(200, &["Hi"]);

    let mut viewer = house.as_user("viewer").await;
    viewer
        .get(&page)
        .await
        .shows(404, &["No such conversation"]);
    owner
        .get(&page.replace("support", "other"))
        .await
        .shows(404, &["No such conversation"]);
    let mut chatter = house.as_user("chatter").await;
    chatter
        .get(&page)
        .await
        .shows(403, &["this conversation", "memory:read"]);
    let stolen = [("message", "x"), ("thread_id", thread.as_str())];
    chatter
        .post("/studio/agents/support/chat", &stolen)
        .await
        .shows(404, &[]);
    let wrong_agent = owner.post("/studio/agents/other/chat", &stolen).await;
    wrong_agent.shows(404, &[]);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;

    for target in [
        paths::LOGOUT,
        paths::THEME,
        paths::LOGIN,
        paths::AGENTS,
        "/studio/agents/support/delete",
    ] {
        let answer = owner.post_from_elsewhere(target).await;
        answer.shows(403, &["Request refused", "Cross-site request refused."]);
    }

    assert_eq!(house.agents.agents.lock().unwrap().len(), 2);
    owner.get("/studio/agents").await.shows(200, &["Sign out"]);
}
