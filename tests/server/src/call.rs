use ee::{
    AgentId, Clock as _, RunId, ThreadId, UserId, WorkflowId,
    host::{AgentHost as _, NewAgent, NewWorkflow, WorkflowHost as _},
    server::Op,
    storage::{
        RunRecord, RunStatus, RunStore, StepRecord, ThreadRecord, ThreadStore, WorkflowStep,
    },
};
use http::Method;
use serde_json::{Value, json};

use crate::{Answer, Ask, TestServer, Who, seeds::Seeds};

/// A request that succeeds for whoever may make it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The body, if the operation takes one.
    pub body: Option<Value>,
    /// The version of what is to be changed.
    pub if_match: Option<u64>,
    /// The method.
    pub method: Method,
    /// The path with its parameters filled in.
    pub path: String,
    /// The query, with its question mark, or nothing.
    pub query: String,
    /// The id that the record gives to what is acted upon, where the access to things is changed and the id is known
    /// before.
    pub resource: Option<String>,
}

impl Call {
    /// Makes ready what the operation acts upon, as something of `who` where things belong to people.
    pub async fn prepare(server: &TestServer, op: Op, who: Who) -> Self {
        let route = op.route();
        let things = Things::prepare(server, op, who).await;
        let seeds = Seeds::prepare(server, op, who).await;
        let path = seeds
            .path(&route.path)
            .replace("{agentId}", "writer")
            .replace("{runId}", &things.run)
            .replace("{storedAgentId}", &things.agent)
            .replace("{threadId}", &things.thread)
            .replace("{workflowId}", &things.workflow);
        Self {
            body: seeds.body(server, op).or_else(|| body(server, op, who)),
            if_match: seeds.if_match(server, op).await,
            method: route.method,
            path,
            query: seeds.query(op).unwrap_or_else(|| things.query(op)),
            resource: seeds.resource(op, who),
        }
    }

    /// Begins the request.
    pub fn ask<'a>(&self, server: &'a TestServer) -> Ask<'a> {
        let mut ask = server.ask(self.method.clone(), self.target());
        if let Some(version) = self.if_match {
            ask = ask.if_match(version);
        }
        match &self.body {
            Some(body) => ask.json(body),
            None => ask,
        }
    }

    /// Returns path and query.
    pub fn target(&self) -> String {
        format!("{}{}", self.path, self.query)
    }
}

/// Tells whether the operation needs accounts with passwords, or something that only a letter holds.
pub fn needs_accounts(op: Op) -> bool {
    let path = op.route().path;
    let prefixes = [
        "/api/access/invitations",
        "/api/auth/account",
        "/api/auth/credentials/second-factor",
        "/api/auth/email/",
        "/api/auth/invitations/",
        "/api/auth/password",
        "/api/auth/recovery-codes",
        "/api/auth/setup",
        "/api/auth/totp",
    ];
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

/// Checks that an answer is the good end of an operation.
pub fn expect_success(op: Op, answer: &Answer) {
    let good = if op == Op::SsoCallback { 302 } else { 200 };
    assert_eq!(answer.code(), good, "{op:?}: {}", answer.text());
}

/// Ids of things that were made for one request.
struct Things {
    agent: String,
    run: String,
    thread: String,
    workflow: String,
}

impl Things {
    async fn prepare(server: &TestServer, op: Op, who: Who) -> Self {
        let number = server.number();
        let things = Self {
            agent: format!("agent-{number}"),
            run: format!("run-{number}"),
            thread: format!("thread-{number}"),
            workflow: format!("flow-{number}"),
        };
        let path = op.route().path;
        if path.contains("{storedAgentId}") {
            things.make_agent(server).await;
        }
        if path.contains("{workflowId}") {
            things.make_workflow(server).await;
            things.make_run(server, op, who).await;
        }
        if path.contains("{threadId}") {
            things.make_thread(server, who).await;
        }
        things
    }

    async fn make_agent(&self, server: &TestServer) {
        let mut agent = NewAgent::default();
        agent.id = Some(AgentId::new(&*self.agent).unwrap());
        agent.name = format!("Agent {}", self.agent);
        "Say little.".clone_into(&mut agent.instructions);
        server.agents.create(agent).await.unwrap();
    }

    async fn make_workflow(&self, server: &TestServer) {
        let mut workflow = NewWorkflow::default();
        workflow.id = Some(WorkflowId::new(&*self.workflow).unwrap());
        workflow.name = format!("Workflow {}", self.workflow);
        workflow.steps = vec![WorkflowStep {
            agent_id: AgentId::new("writer").unwrap(),
            id: "only".to_owned(),
            prompt: "Write.".to_owned(),
        }];
        server.workflows.create(workflow).await.unwrap();
    }

    async fn make_run(&self, server: &TestServer, op: Op, who: Who) {
        let mut run = RunRecord::new(
            RunId::new(&*self.run).unwrap(),
            WorkflowId::new(&*self.workflow).unwrap(),
            UserId::new(who.id()).unwrap(),
            vec![StepRecord::pending("only".to_owned())],
            server.clock.now(),
        );
        run.status = match op {
            Op::RestartRun | Op::RestartRunAsync | Op::ObserveRun | Op::DeleteRun => {
                RunStatus::Canceled
            }
            _ => RunStatus::Pending,
        };
        // A deleted workflow may hold runs, a created run must not be there.
        if op != Op::CreateRun {
            RunStore::create(&*server.store, run).await.unwrap();
        }
    }

    async fn make_thread(&self, server: &TestServer, who: Who) {
        let thread = ThreadRecord::new(
            ThreadId::new(&*self.thread).unwrap(),
            UserId::new(who.id()).unwrap(),
            who.id().to_owned(),
            server.clock.now(),
        );
        ThreadStore::create(&*server.store, thread).await.unwrap();
    }

    fn query(&self, op: Op) -> String {
        match op {
            Op::StartRun
            | Op::ObserveRun
            | Op::RestartRun
            | Op::RestartRunAsync
            | Op::CreateRun => {
                format!("?runId={}", self.run)
            }
            Op::SsoLogin => "?redirect_uri=/studio".to_owned(),
            Op::SsoCallback => "?code=none&state=none".to_owned(),
            _ => String::new(),
        }
    }
}

fn body(server: &TestServer, op: Op, who: Who) -> Option<Value> {
    let step = json!({ "id": "only", "agentId": "writer", "prompt": "Write." });
    Some(match op {
        Op::SignIn | Op::Login | Op::SignUp | Op::Signup => {
            json!({ "email": who.email(), "password": who.token().unwrap_or("no token") })
        }
        Op::SecondFactor => json!({ "token": "none", "code": "000000" }),
        Op::EnrolAtSignIn | Op::FindInvitation | Op::VerifyEmail => json!({ "token": "none" }),
        Op::AcceptInvitation | Op::ResetPassword => {
            json!({ "token": "none", "password": "violet tractor sings" })
        }
        Op::SetUp => json!({
            "token": "none",
            "email": who.email(),
            "password": "violet tractor sings",
        }),
        Op::ForgotPassword => json!({ "email": who.email() }),
        Op::ChangePassword => json!({
            "currentPassword": "violet tractor sings",
            "newPassword": "eleven quiet ferries",
        }),
        Op::ConfirmTotp => json!({ "code": "000000" }),
        Op::DisableTotp => json!({ "code": "000000", "password": "violet tractor sings" }),
        Op::RegenerateRecoveryCodes => json!({ "password": "violet tractor sings" }),
        Op::Invite => {
            let email = format!("made-{}@example.com", server.number());
            json!({ "email": email, "roles": ["viewer"] })
        }
        Op::GenerateAgent | Op::StreamAgent => json!({ "messages": "Hello there" }),
        Op::CreateStoredAgent => {
            let name = format!("Made {}", server.number());
            json!({ "name": name, "instructions": "Say little." })
        }
        Op::UpdateStoredAgent => json!({ "description": "Changed" }),
        Op::CreateStoredWorkflow => {
            json!({ "name": format!("Made {}", server.number()), "steps": [step] })
        }
        Op::CreateRun => json!({}),
        Op::StartRun | Op::StartRunAsync | Op::StreamRun => json!({ "inputData": {} }),
        Op::CreateThread | Op::UpdateThread => json!({ "title": "A talk" }),
        _ => return None,
    })
}
