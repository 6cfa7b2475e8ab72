//! The table of all routes of ours. Enforcement, the record, the router and the OpenAPI document follow it.

mod declare;

use ee_core::AuditAction;

use declare::{delete, get, need, patch, post, put};

use crate::{
    Access, Route, access, account, agents, audit, auth, chat, health, metrics, permissions as p,
    runs, sso, threads, workflows,
};

/// The sentence before an operation is its doc comment and its summary in the OpenAPI document.
macro_rules! operations {
    ($($doc:literal $op:ident => $route:expr;)*) => {
        /// An operation of the API. An adapter has a handler for each: its `match` does not compile without.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Op {
            $(#[doc = $doc] $op,)*
        }

        impl Op {
            /// Every operation.
            pub const ALL: &[Self] = &[$(Self::$op,)*];

            /// Returns the declaration.
            pub fn route(self) -> Route {
                match self {
                    $(Self::$op => Route { summary: $doc, ..$route },)*
                }
            }

            /// Returns the name of the operation.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$op => stringify!($op),)*
                }
            }
        }
    };
}

/// The parameters of a search of the record, and more.
macro_rules! searched {
    ($($more:literal),*) => {
        &[
            "action", "actorId", "actorKind", "actorType", "agentId", "category", "code", "email", "filter", "from", "ip",
            "minDuration", "model", "org", "outcome", "q", "requestId", "resourceId", "resourceType", "role", "runId",
            "sessionId", "stage", "threadId", "to", "traceId", "tz", $($more),*
        ]
    };
}

const LISTED: &[&str] = &["cursor", "limit"];
const PAGED: &[&str] = &["page", "perPage", "requestContext"];
const RUN: &[&str] = &["runId", "requestContext"];

operations! {
    "Describes how to sign in and, to a caller who is known, what he may do"
    Capabilities => get("/api/auth/capabilities", Access::Public).gives::<ee_core::Capabilities>();
    "Tells who is calling"
    Me => get("/api/auth/me", Access::Public).gives::<Option<auth::Me>>();
    "Signs in with an e-mail address and a password"
    SignIn => post("/api/auth/credentials/sign-in", Access::Public)
        .takes::<auth::SignInBody>().gives::<auth::SignInStep>().audited(AuditAction::LOGIN_CREDENTIALS);
    "Signs in with an e-mail address and a password (path of the specification)"
    Login => post("/api/auth/login", Access::Public)
        .takes::<auth::SignInBody>().gives::<auth::SignInStep>().audited(AuditAction::LOGIN_CREDENTIALS);
    "Creates an account and signs in"
    SignUp => post("/api/auth/credentials/sign-up", Access::Public)
        .takes::<auth::SignUpBody>().gives::<auth::SignInStep>().audited(AuditAction::SIGNUP);
    "Creates an account and signs in (path of the specification)"
    Signup => post("/api/auth/signup", Access::Public)
        .takes::<auth::SignUpBody>().gives::<auth::SignInStep>().audited(AuditAction::SIGNUP);
    "Goes on with a sign-in that waits for a second factor"
    SecondFactor => post("/api/auth/credentials/second-factor", Access::Public)
        .takes::<auth::SecondFactorBody>().gives::<auth::SignInStep>().audited(AuditAction::FACTOR_VERIFY);
    "Begins to set up the second factor that a sign-in demands"
    EnrolAtSignIn => post("/api/auth/credentials/second-factor/enrol", Access::Public)
        .takes::<account::TokenBody>().gives::<account::TotpView>().audited(AuditAction::FACTOR_BEGIN);
    "Creates the first owner with the link that the console has shown"
    SetUp => post("/api/auth/setup", Access::Public)
        .takes::<account::SetupBody>().gives::<auth::SignedIn>().audited(AuditAction::SETUP);
    "Sends a link to set a new password, if there is such an account"
    ForgotPassword => post("/api/auth/password/forgot", Access::Public)
        .takes::<account::ForgotPasswordBody>().gives::<account::Done>().audited(AuditAction::PASSWORD_RESET_REQUEST);
    "Sets a new password with the secret of a link"
    ResetPassword => post("/api/auth/password/reset", Access::Public)
        .takes::<account::ResetPasswordBody>().gives::<account::Done>().audited(AuditAction::PASSWORD_RESET);
    "Confirms an e-mail address with the secret of a link"
    VerifyEmail => post("/api/auth/email/verify", Access::Public)
        .takes::<account::TokenBody>().gives::<account::Done>().audited(AuditAction::EMAIL_VERIFY);
    "Tells whom an invitation is for"
    FindInvitation => post("/api/auth/invitations/find", Access::Public)
        .takes::<account::TokenBody>().gives::<account::InvitationCard>();
    "Creates the account of somebody who was invited, and signs in"
    AcceptInvitation => post("/api/auth/invitations/accept", Access::Public)
        .takes::<account::AcceptInvitationBody>().gives::<auth::SignedIn>().audited(AuditAction::INVITATION_ACCEPT);
    "Tells how the caller's account is protected"
    AccountSecurity => get("/api/auth/account", Access::Authenticated).gives::<ee_core::AccountSecurity>();
    "Changes the caller's password and ends all his other sessions"
    ChangePassword => post("/api/auth/password", Access::Authenticated)
        .takes::<account::ChangePasswordBody>().gives::<auth::SignedIn>().audited(AuditAction::PASSWORD_CHANGE);
    "Sends the caller the letter that confirms his address"
    SendVerification => post("/api/auth/email/send-verification", Access::Authenticated)
        .gives::<account::Done>().audited(AuditAction::EMAIL_VERIFY_REQUEST);
    "Begins to set up a second factor"
    BeginTotp => post("/api/auth/totp", Access::Authenticated).step_up()
        .gives::<account::TotpView>().audited(AuditAction::FACTOR_BEGIN);
    "Turns the second factor on with its first code, and shows recovery codes once"
    ConfirmTotp => post("/api/auth/totp/confirm", Access::Authenticated).step_up()
        .takes::<account::CodeBody>().gives::<account::RecoveryCodesView>().audited(AuditAction::FACTOR_ENABLE);
    "Turns the second factor off"
    DisableTotp => post("/api/auth/totp/disable", Access::Authenticated)
        .takes::<account::DisableTotpBody>().gives::<account::Done>().audited(AuditAction::FACTOR_DISABLE);
    "Makes new recovery codes, which replace those before"
    RegenerateRecoveryCodes => post("/api/auth/recovery-codes", Access::Authenticated)
        .takes::<account::PasswordBody>().gives::<account::RecoveryCodesView>().audited(AuditAction::FACTOR_RECOVERY_CODES);
    "Ends the session"
    Logout => post("/api/auth/logout", Access::Public).gives::<auth::LoggedOut>().audited(AuditAction::LOGOUT);
    "Prolongs the session"
    Refresh => post("/api/auth/refresh", Access::Public).gives::<auth::Refreshed>().audited(AuditAction::SESSION_REFRESH);
    "Starts a sign-in at the identity provider"
    SsoLogin => get("/api/auth/sso/login", Access::Public)
        .asks(&["redirect_uri"]).gives::<sso::LoginUrl>().audited(AuditAction::SSO_START);
    "Finishes a sign-in at the identity provider and sends the browser on"
    SsoCallback => get("/api/auth/sso/callback", Access::Public)
        .asks(&["code", "state", "error"]).audited(AuditAction::LOGIN_SSO);
    "Tells what a role permits"
    RolePermissions => get("/api/auth/roles/{roleId}/permissions", need(p::AUTH_READ)).gives::<auth::RolePermissions>();
    "Lists every permission pattern"
    PermissionPatterns => get("/api/auth/permission-patterns", need(p::AUTH_READ)).gives::<auth::Patterns>();

    "Lists the caller's own sessions"
    MySessions => get("/api/auth/sessions", Access::Authenticated)
        .asks(LISTED).gives::<access::Listing<access::SessionView>>();
    "Ends the caller's own sessions but the one that asks"
    EndMyOtherSessions => delete("/api/auth/sessions", Access::Authenticated)
        .gives::<access::EndedSessions>().audited(AuditAction::SESSION_END);
    "Ends one of the caller's own sessions"
    EndMySession => delete("/api/auth/sessions/{sessionId}", Access::Authenticated)
        .gives::<access::EndedSessions>().audited(AuditAction::SESSION_END);

    "Lists accounts"
    ListUsers => get("/api/access/users", need(p::ACCESS_READ))
        .asks(&["cursor", "limit", "kind", "status", "search"]).gives::<access::Listing<access::UserView>>();
    "Creates an account"
    CreateUser => post("/api/access/users", need(p::ACCESS_WRITE)).step_up()
        .takes::<access::CreateUserBody>().gives::<access::UserView>().audited(AuditAction::USER_CREATE);
    "Describes an account with its roles and groups"
    GetUser => get("/api/access/users/{userId}", need(p::ACCESS_READ)).about("user", "userId").gives::<access::UserView>();
    "Changes an account (`If-Match`)"
    UpdateUser => patch("/api/access/users/{userId}", need(p::ACCESS_WRITE)).step_up().about("user", "userId")
        .takes::<access::PatchUserBody>().gives::<access::UserView>().audited(AuditAction::USER_UPDATE);
    "Deletes an account with everything of it (`If-Match`)"
    DeleteUser => delete("/api/access/users/{userId}", need(p::ACCESS_DELETE)).about("user", "userId")
        .gives::<access::Success>().audited(AuditAction::USER_DELETE);
    "Lists all roles"
    ListRoles => get("/api/access/roles", need(p::ACCESS_READ)).gives::<access::RolesView>();
    "Creates or changes a role (`If-Match` with the revision of the list)"
    PutRole => put("/api/access/roles/{roleId}", need(p::ACCESS_WRITE)).step_up().about("role", "roleId")
        .takes::<access::RoleBody>().gives::<access::RolesView>().audited(AuditAction::ROLE_WRITE);
    "Deletes a role with its assignments and the grants to it (`If-Match` with the revision of the list)"
    DeleteRole => delete("/api/access/roles/{roleId}", need(p::ACCESS_WRITE)).step_up().about("role", "roleId")
        .gives::<access::RolesView>().audited(AuditAction::ROLE_DELETE);
    "Tells what roles of identity providers stand for"
    GetRoleMapping => get("/api/access/role-mapping", need(p::ACCESS_READ)).gives::<access::MappingBody>();
    "Replaces what roles of identity providers stand for (`If-Match` with the revision of the roles)"
    SetRoleMapping => put("/api/access/role-mapping", need(p::ACCESS_WRITE)).step_up()
        .takes::<access::MappingBody>().gives::<access::MappingBody>().audited(AuditAction::ROLE_MAPPING);
    "Lists who has which role"
    ListAssignments => get("/api/access/assignments", need(p::ACCESS_READ))
        .asks(&["cursor", "limit", "userId", "role"]).gives::<access::Listing<access::AssignmentView>>();
    "Gives a role to a user"
    Assign => post("/api/access/assignments", need(p::ACCESS_WRITE)).step_up()
        .takes::<access::AssignBody>().gives::<access::AssignBody>().audited(AuditAction::ROLE_ASSIGN);
    "Takes a role from a user"
    Unassign => delete("/api/access/assignments", need(p::ACCESS_WRITE)).step_up()
        .asks(&["userId", "role"]).gives::<access::AssignBody>().audited(AuditAction::ROLE_UNASSIGN);
    "Lists the grants of a subject, or on a thing"
    ListGrants => get("/api/access/grants", need(p::ACCESS_READ))
        .asks(&["cursor", "limit", "subject", "resourceType", "resourceId"]).gives::<access::Listing<ee_core::AclGrant>>();
    "Permits or forbids something with one thing"
    Grant => post("/api/access/grants", need(p::ACCESS_WRITE)).step_up()
        .takes::<access::GrantBody>().gives::<ee_core::AclGrant>().audited(AuditAction::GRANT_CREATE);
    "Takes a grant back"
    Revoke => delete("/api/access/grants", need(p::ACCESS_WRITE)).step_up()
        .asks(&["subject", "resourceType", "resourceId", "effect", "actions"]).gives::<access::Revoked>()
        .audited(AuditAction::GRANT_DELETE);
    "Lists invitations that nobody has accepted"
    ListInvitations => get("/api/access/invitations", need(p::ACCESS_READ))
        .asks(LISTED).gives::<access::Listing<access::InvitationView>>();
    "Invites somebody by a letter"
    Invite => post("/api/access/invitations", need(p::ACCESS_WRITE)).step_up()
        .takes::<access::InviteBody>().gives::<access::InvitationView>().audited(AuditAction::INVITATION_CREATE);
    "Withdraws an invitation"
    RevokeInvitation => delete("/api/access/invitations/{invitationId}", need(p::ACCESS_WRITE)).step_up()
        .about("invitation", "invitationId").gives::<access::Success>().audited(AuditAction::INVITATION_DELETE);
    "Lists groups"
    ListGroups => get("/api/access/groups", need(p::ACCESS_READ)).asks(LISTED).gives::<access::Listing<access::GroupView>>();
    "Creates a group"
    CreateGroup => post("/api/access/groups", need(p::ACCESS_WRITE)).step_up()
        .takes::<access::GroupBody>().gives::<access::GroupView>().audited(AuditAction::GROUP_CREATE);
    "Describes a group"
    GetGroup => get("/api/access/groups/{groupId}", need(p::ACCESS_READ)).about("group", "groupId").gives::<access::GroupView>();
    "Changes a group (`If-Match`)"
    UpdateGroup => patch("/api/access/groups/{groupId}", need(p::ACCESS_WRITE)).step_up().about("group", "groupId")
        .takes::<access::PatchGroupBody>().gives::<access::GroupView>().audited(AuditAction::GROUP_UPDATE);
    "Deletes a group with its memberships and the grants to it (`If-Match`)"
    DeleteGroup => delete("/api/access/groups/{groupId}", need(p::ACCESS_WRITE)).step_up().about("group", "groupId")
        .gives::<access::Success>().audited(AuditAction::GROUP_DELETE);
    "Lists who is in a group"
    ListMembers => get("/api/access/groups/{groupId}/members", need(p::ACCESS_READ)).about("group", "groupId")
        .asks(LISTED).gives::<access::Listing<access::MemberBody>>();
    "Puts a user into a group"
    AddMember => post("/api/access/groups/{groupId}/members", need(p::ACCESS_WRITE)).step_up().about("group", "groupId")
        .takes::<access::MemberBody>().gives::<access::MemberBody>().audited(AuditAction::GROUP_ADD_MEMBER);
    "Takes a user out of a group"
    RemoveMember => delete("/api/access/groups/{groupId}/members", need(p::ACCESS_WRITE)).step_up().about("group", "groupId")
        .asks(&["userId"]).gives::<access::Success>().audited(AuditAction::GROUP_REMOVE_MEMBER);
    "Lists API keys"
    ListKeys => get("/api/access/keys", need(p::ACCESS_READ))
        .asks(&["cursor", "limit", "userId"]).gives::<access::Listing<access::KeyView>>();
    "Makes an API key and shows its secret, once"
    CreateKey => post("/api/access/keys", need(p::ACCESS_WRITE)).step_up()
        .takes::<access::KeyBody>().gives::<access::NewKeyView>().audited(AuditAction::KEY_CREATE);
    "Describes an API key"
    GetKey => get("/api/access/keys/{keyId}", need(p::ACCESS_READ)).about("key", "keyId").gives::<access::KeyView>();
    "Changes an API key (`If-Match`)"
    UpdateKey => patch("/api/access/keys/{keyId}", need(p::ACCESS_WRITE)).step_up().about("key", "keyId")
        .takes::<access::PatchKeyBody>().gives::<access::KeyView>().audited(AuditAction::KEY_UPDATE);
    "Gives an API key a new secret and shows it, once (`If-Match`)"
    RotateKey => post("/api/access/keys/{keyId}/rotate", need(p::ACCESS_WRITE)).step_up().about("key", "keyId")
        .takes::<Option<access::RotateKeyBody>>().gives::<access::NewKeyView>().audited(AuditAction::KEY_ROTATE);
    "Deletes an API key"
    DeleteKey => delete("/api/access/keys/{keyId}", need(p::ACCESS_WRITE)).step_up().about("key", "keyId")
        .gives::<access::Success>().audited(AuditAction::KEY_DELETE);
    "Lists sessions of everybody, or of one user"
    ListSessions => get("/api/access/sessions", need(p::ACCESS_READ))
        .asks(&["cursor", "limit", "userId"]).gives::<access::Listing<access::SessionView>>();
    "Ends all sessions of a user"
    EndSessions => delete("/api/access/sessions", need(p::ACCESS_WRITE)).step_up()
        .asks(&["userId"]).gives::<access::EndedSessions>().audited(AuditAction::SESSION_END);
    "Ends one session"
    EndSession => delete("/api/access/sessions/{sessionId}", need(p::ACCESS_WRITE)).step_up()
        .gives::<access::EndedSessions>().audited(AuditAction::SESSION_END);
    "Tells what somebody may do, and why"
    Explain => post("/api/access/explain", need(p::ACCESS_READ))
        .takes::<access::ExplainBody>().gives::<access::Explanation>();

    "Lists the agents that the caller may read"
    ListAgents => get("/api/agents", need(p::AGENTS_READ).listed())
        .asks(&["requestContext", "partial"]).gives::<std::collections::BTreeMap<String, agents::AgentDetail>>();
    "Describes an agent"
    GetAgent => get("/api/agents/{agentId}", need(p::AGENTS_READ).on("agentId"))
        .about("agent", "agentId").asks(&["requestContext"]).gives::<agents::AgentDetail>();
    "Asks an agent and answers at once"
    GenerateAgent => post("/api/agents/{agentId}/generate", need(p::AGENTS_EXECUTE).on("agentId"))
        .about("agent", "agentId").takes::<chat::ChatBody>().gives::<chat::ChatAnswer>()
        .audited(AuditAction::AGENT_EXECUTE);
    "Asks an agent and answers piece by piece"
    StreamAgent => post("/api/agents/{agentId}/stream", need(p::AGENTS_EXECUTE).on("agentId"))
        .about("agent", "agentId").takes::<chat::ChatBody>()
        .streams("text/event-stream", "`data: {json}` blocks: start, step-start, text-start, text-delta, text-end, step-finish, finish or error, then `[DONE]`")
        .audited(AuditAction::AGENT_STREAM);

    "Lists the stored agents that the caller may read"
    ListStoredAgents => get("/api/stored/agents", need(p::STORED_AGENTS_READ).listed())
        .asks(PAGED).gives::<agents::StoredAgents>();
    "Creates an agent"
    CreateStoredAgent => post("/api/stored/agents", need(p::STORED_AGENTS_WRITE))
        .asks(&["requestContext"]).takes::<agents::CreateAgentBody>().gives::<agents::StoredAgent>()
        .audited(AuditAction::AGENT_CREATE);
    "Describes a stored agent"
    GetStoredAgent => get("/api/stored/agents/{storedAgentId}", need(p::STORED_AGENTS_READ).on("storedAgentId"))
        .about("agent", "storedAgentId").asks(&["requestContext", "status"]).gives::<agents::StoredAgent>();
    "Changes an agent"
    UpdateStoredAgent => patch("/api/stored/agents/{storedAgentId}", need(p::STORED_AGENTS_WRITE).on("storedAgentId"))
        .about("agent", "storedAgentId").asks(&["requestContext"]).takes::<agents::PatchAgentBody>()
        .gives::<agents::StoredAgent>().audited(AuditAction::AGENT_UPDATE);
    "Deletes an agent"
    DeleteStoredAgent => delete("/api/stored/agents/{storedAgentId}", need(p::STORED_AGENTS_DELETE).on("storedAgentId"))
        .about("agent", "storedAgentId").asks(&["requestContext"]).gives::<serde_json::Value>()
        .audited(AuditAction::AGENT_DELETE);
    "Creates a workflow"
    CreateStoredWorkflow => post("/api/stored/workflows", need(p::STORED_WORKFLOWS_WRITE))
        .takes::<workflows::CreateWorkflowBody>().gives::<workflows::WorkflowDetail>()
        .audited(AuditAction::WORKFLOW_CREATE);
    "Deletes a workflow and its runs"
    DeleteStoredWorkflow => delete("/api/stored/workflows/{workflowId}", need(p::STORED_WORKFLOWS_DELETE).on("workflowId"))
        .about("workflow", "workflowId").gives::<serde_json::Value>().audited(AuditAction::WORKFLOW_DELETE);

    "Lists the workflows that the caller may read"
    ListWorkflows => get("/api/workflows", need(p::WORKFLOWS_READ).listed())
        .asks(&["requestContext", "partial"]).gives::<std::collections::BTreeMap<String, workflows::WorkflowDetail>>();
    "Counts the runs that are under way"
    RunCounts => get("/api/workflows/run-counts", need(p::WORKFLOWS_READ).listed())
        .gives::<std::collections::BTreeMap<String, workflows::RunCounts>>();
    "Describes a workflow"
    GetWorkflow => get("/api/workflows/{workflowId}", need(p::WORKFLOWS_READ).on("workflowId"))
        .about("workflow", "workflowId").asks(&["requestContext"]).gives::<workflows::WorkflowDetail>();
    "Creates a run and does not start it"
    CreateRun => post("/api/workflows/{workflowId}/create-run",
        Access::any_permission(vec![p::WORKFLOWS_WRITE, p::WORKFLOWS_EXECUTE]).on("workflowId"))
        .about("workflow", "workflowId").asks(RUN).takes::<Option<runs::CreateRunBody>>().gives::<runs::RunCreated>()
        .audited(AuditAction::RUN_CREATE);
    "Starts a run and answers at once"
    StartRun => post("/api/workflows/{workflowId}/start", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").asks(RUN).takes::<runs::StartRunBody>().gives::<serde_json::Value>()
        .audited(AuditAction::RUN_START);
    "Starts a run and answers when it is over"
    StartRunAsync => post("/api/workflows/{workflowId}/start-async", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").asks(RUN).takes::<runs::StartRunBody>().gives::<serde_json::Value>()
        .audited(AuditAction::RUN_START);
    "Starts a run and tells what happens"
    StreamRun => post("/api/workflows/{workflowId}/stream", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").asks(RUN).takes::<runs::StartRunBody>()
        .streams("text/plain", "JSON objects, each followed by the record separator U+001E")
        .audited(AuditAction::RUN_START);
    "Tells what has happened in a run and what still happens"
    ObserveRun => post("/api/workflows/{workflowId}/observe", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").asks(&["runId", "offset", "requestContext"])
        .streams("text/plain", "JSON objects, each followed by the record separator U+001E");
    "Starts an interrupted, failed or cancelled run again and answers at once"
    RestartRun => post("/api/workflows/{workflowId}/restart", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").asks(RUN).gives::<serde_json::Value>().audited(AuditAction::RUN_RESTART);
    "Starts an interrupted, failed or cancelled run again and answers when it is over"
    RestartRunAsync => post("/api/workflows/{workflowId}/restart-async", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").asks(RUN).gives::<serde_json::Value>().audited(AuditAction::RUN_RESTART);
    "Lists the runs of a workflow"
    ListRuns => get("/api/workflows/{workflowId}/runs", need(p::WORKFLOWS_READ).on("workflowId"))
        .about("workflow", "workflowId")
        .asks(&["fromDate", "toDate", "status", "page", "perPage", "limit", "offset", "resourceId", "requestContext"])
        .gives::<runs::Runs>();
    "Describes a run"
    GetRun => get("/api/workflows/{workflowId}/runs/{runId}", need(p::WORKFLOWS_READ).on("workflowId"))
        .about("workflow", "workflowId").asks(&["fields", "withNestedWorkflows", "requestContext"])
        .gives::<serde_json::Value>();
    "Stops a run"
    CancelRun => post("/api/workflows/{workflowId}/runs/{runId}/cancel", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").gives::<serde_json::Value>().audited(AuditAction::RUN_CANCEL);
    "Deletes a run"
    DeleteRun => delete("/api/workflows/{workflowId}/runs/{runId}", need(p::WORKFLOWS_DELETE).on("workflowId"))
        .about("workflow", "workflowId").gives::<serde_json::Value>().audited(AuditAction::RUN_DELETE);

    "Lists the caller's conversations"
    ListThreads => get("/api/memory/threads", need(p::MEMORY_READ).listed())
        .asks(&["resourceId", "agentId", "page", "perPage", "orderBy[field]", "orderBy[direction]", "requestContext"])
        .gives::<threads::Threads>();
    "Creates a conversation"
    CreateThread => post("/api/memory/threads", need(p::MEMORY_WRITE))
        .asks(&["agentId", "requestContext"]).takes::<threads::CreateThreadBody>().gives::<threads::ThreadBody>()
        .audited(AuditAction::THREAD_CREATE);
    "Describes a conversation"
    GetThread => get("/api/memory/threads/{threadId}", need(p::MEMORY_READ).on("threadId"))
        .about("thread", "threadId").asks(&["agentId", "requestContext"]).gives::<threads::ThreadBody>();
    "Changes a conversation"
    UpdateThread => patch("/api/memory/threads/{threadId}", need(p::MEMORY_WRITE).on("threadId"))
        .about("thread", "threadId").asks(&["agentId", "requestContext"]).takes::<threads::PatchThreadBody>()
        .gives::<threads::ThreadBody>().audited(AuditAction::THREAD_UPDATE);
    "Deletes a conversation with its messages"
    DeleteThread => delete("/api/memory/threads/{threadId}", need(p::MEMORY_DELETE).on("threadId"))
        .about("thread", "threadId").asks(&["agentId", "requestContext"]).gives::<serde_json::Value>()
        .audited(AuditAction::THREAD_DELETE);
    "Lists the messages of a conversation"
    ListMessages => get("/api/memory/threads/{threadId}/messages", need(p::MEMORY_READ).on("threadId"))
        .about("thread", "threadId")
        .asks(&["agentId", "page", "perPage", "orderBy", "filter", "include", "resourceId", "requestContext"])
        .gives::<threads::Messages>();
    "Tells that conversations are kept"
    MemoryStatus => get("/api/memory/status", need(p::MEMORY_READ)).asks(&["agentId", "requestContext"])
        .gives::<serde_json::Value>();

    "Lists events of the audit record by the time when they happened"
    ListAuditEvents => get("/api/audit/events", need(p::AUDIT_READ).listed())
        .asks(searched!["allowScan", "count", "cursor", "limit", "order"]).gives::<audit::AuditPage>();
    "Describes an event of the audit record (`include=related` with what belongs to it)"
    GetAuditEvent => get("/api/audit/events/{eventId}", need(p::AUDIT_READ).listed())
        .asks(&["content", "include"]).gives::<audit::AuditDetail>();
    "Proves that an event is in the audit record (C2SP tlog-proof)"
    ProveAuditEvent => get("/api/audit/events/{eventId}/proof", need(p::AUDIT_READ).listed()).gives_text("text/plain");
    "Shows an event of the audit record as it was hashed"
    GetRawAuditEvent => get("/api/audit/events/{eventId}/raw", need(p::AUDIT_READ).listed()).gives::<audit::RawEvent>();
    "Lists events of a log by their numbers, and waits for one up to thirty seconds"
    FeedAudit => get("/api/audit/feed", need(p::AUDIT_READ)).asks(&["after", "limit", "partition", "wait"])
        .streams("application/json", "The events behind a number: `events`, `head`, `lagMs`, `next`, `partition`");
    "Follows a log by its numbers"
    StreamAudit => get("/api/audit/stream", need(p::AUDIT_READ))
        .asks(searched!["after", "limit", "partition"])
        .streams("text/event-stream", "An event each, with its number as the id; `Last-Event-ID` goes on behind one");
    "Counts events of the audit record over time"
    AuditHistogram => get("/api/audit/histogram", need(p::AUDIT_READ).listed())
        .asks(searched!["allowScan", "by", "interval"]).gives::<audit::AuditHistogram>();
    "Lists the values that occur most in the audit record"
    AuditFacets => get("/api/audit/facets", need(p::AUDIT_READ).listed())
        .asks(searched!["allowScan", "fields", "limit"]).gives::<audit::AuditFacets>();
    "Copies a part of the audit record, as lines, as a table or for other systems"
    ExportAudit => get("/api/audit/export", need(p::AUDIT_EXPORT))
        .asks(searched!["actionPrefix", "allowScan", "bom", "columns", "content", "endDate", "evidence", "format",
            "manifest", "order", "startDate"])
        .streams("application/octet-stream", "The copy; with `manifest=true` a `multipart/mixed` of it and its manifest")
        .audited(AuditAction::AUDIT_EXPORT);
    "Tells what a value looks like in the audit record where a digest stands in its place"
    HashAuditValue => post("/api/audit/hash", need(p::AUDIT_HASH))
        .takes::<audit::DigestBody>().gives::<audit::DigestView>().audited(AuditAction::AUDIT_HASH_LOOKUP);
    "Tells how the audit record is"
    AuditStatus => get("/api/audit/status", need(p::AUDIT_READ)).gives::<audit::AuditStatus>();
    "Lists the places that events are taken to"
    ListAuditSinks => get("/api/audit/sinks", need(p::AUDIT_READ)).gives::<audit::SinksView>();
    "Sends a sink one event that is in no log"
    TestAuditSink => post("/api/audit/sinks/{sinkName}/test", need(p::AUDIT_WRITE)).about("audit-sink", "sinkName")
        .gives::<audit::SinkTested>().audited(AuditAction::AUDIT_SINK_TEST);
    "Stops the deliveries to a sink"
    PauseAuditSink => post("/api/audit/sinks/{sinkName}/pause", need(p::AUDIT_WRITE)).about("audit-sink", "sinkName")
        .takes::<audit::PauseBody>().gives::<serde_json::Value>().audited(AuditAction::AUDIT_SINK_PAUSED);
    "Goes on with the deliveries to a sink"
    ResumeAuditSink => post("/api/audit/sinks/{sinkName}/resume", need(p::AUDIT_WRITE)).about("audit-sink", "sinkName")
        .gives::<serde_json::Value>().audited(AuditAction::AUDIT_SINK_RESUMED);
    "Delivers events to a sink once more"
    ReplayAuditSink => post("/api/audit/sinks/{sinkName}/replay", need(p::AUDIT_WRITE)).about("audit-sink", "sinkName")
        .takes::<audit::ReplayBody>().gives::<serde_json::Value>().audited(AuditAction::AUDIT_SINK_REPLAY);
    "Lists events of the audit record in the shape of Mastra"
    ListAuditLogs => get("/api/audit", need(p::AUDIT_READ).listed())
        .asks(&["action", "actionPrefix", "actorId", "actorType", "endDate", "limit", "offset", "outcome", "page",
            "perPage", "resourceId", "resourceType", "startDate"])
        .gives::<audit::MastraList>();
    "Describes an event of the audit record in the shape of Mastra"
    GetAuditLog => get("/api/audit/{eventId}", need(p::AUDIT_READ).listed()).gives::<serde_json::Value>();

    "Figures of the server, as Prometheus reads them"
    Metrics => get("/api/metrics", need(p::OBSERVABILITY_READ)).gives_text(metrics::MEDIA_TYPE);
    "Tells what the server is made of"
    SystemPackages => get("/api/system/packages", need(p::SYSTEM_READ)).gives::<serde_json::Value>();
    "This document"
    OpenApi => get("/api/openapi.json", Access::Open).gives::<serde_json::Value>();
    "Tells that the process lives"
    HealthLive => get("/health/live", Access::Open).gives::<serde_json::Value>();
    "Tells that the server can do its work"
    HealthReady => get("/health/ready", Access::Open).gives::<health::Readiness>();
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Scope;

    #[test]
    fn no_route_is_declared_twice() {
        let mut seen = HashSet::new();
        for op in Op::ALL {
            let route = op.route();
            assert!(
                seen.insert((route.method.clone(), route.path.clone())),
                "{op:?}"
            );
        }
    }

    #[test]
    fn every_parameter_that_a_declaration_names_is_in_its_template() {
        for op in Op::ALL {
            let route = op.route();
            let named = |param: &str| route.path.contains(&format!("{{{param}}}"));
            if let Access::Permission {
                scope: Scope::Param(param),
                ..
            } = &route.access
            {
                assert!(named(param), "{op:?}");
            }
            if let Some((_, param)) = route.resource {
                assert!(named(param), "{op:?}");
            }
        }
    }

    #[test]
    fn every_route_that_changes_something_has_an_audit_action() {
        // These only tell something.
        let tell = [Op::ObserveRun, Op::Explain, Op::FindInvitation];
        for op in Op::ALL.iter().filter(|op| !tell.contains(op)) {
            let route = op.route();
            assert!(!route.is_unsafe() || route.audit.is_some(), "{op:?}");
        }
    }

    #[test]
    fn v05_the_public_routes_are_these_and_no_others() {
        let public: Vec<&str> = Op::ALL
            .iter()
            .filter(|op| op.route().access.is_public())
            .map(|op| op.name())
            .collect();

        assert_eq!(
            public,
            [
                "Capabilities",
                "Me",
                "SignIn",
                "Login",
                "SignUp",
                "Signup",
                "SecondFactor",
                "EnrolAtSignIn",
                "SetUp",
                "ForgotPassword",
                "ResetPassword",
                "VerifyEmail",
                "FindInvitation",
                "AcceptInvitation",
                "Logout",
                "Refresh",
                "SsoLogin",
                "SsoCallback",
                "OpenApi",
                "HealthLive",
                "HealthReady",
            ]
        );
    }
}
