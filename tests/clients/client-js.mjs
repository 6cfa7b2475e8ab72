// The published client of the original framework, unchanged, against our server.
// `cargo xtask clients` starts the server and sets BASE_URL, TOKEN (owner) and VIEWER_TOKEN.
import assert from 'node:assert';
import { MastraClient } from '@mastra/client-js';

const { BASE_URL, TOKEN, VIEWER_TOKEN } = process.env;
assert(BASE_URL && TOKEN && VIEWER_TOKEN, 'run `cargo xtask clients`');
const make = (token) => new MastraClient({ baseUrl: BASE_URL, retries: 0, headers: { Authorization: `Bearer ${token}` } });
const client = make(TOKEN);
let passed = 0;
let failed = 0;

async function check(name, fn) {
  try {
    const value = await fn();
    passed += 1;
    console.log(`ok ${name}`);
    return value;
  } catch (error) {
    failed += 1;
    console.log(`not ok ${name}: ${error?.message ?? error}`);
    return undefined;
  }
}

/** A value that fits a plain JSON schema: enough for objects of strings, numbers and booleans. */
function sample(schema) {
  if (schema?.default !== undefined) return schema.default;
  if (schema?.enum) return schema.enum[0];
  switch (schema?.type) {
    case 'object':
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, value]) => [key, sample(value)]));
    case 'array':
      return schema.items ? [sample(schema.items)] : [];
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    default:
      return 'hello';
  }
}

const agents = await check('listAgents', async () => {
  const map = await client.listAgents();
  assert(Object.keys(map).length >= 1, 'no agents');
  for (const agent of Object.values(map)) assert.strictEqual(typeof agent.name, 'string');
  return map;
});
const agentId = Object.keys(agents ?? {})[0];
const agent = client.getAgent(agentId);

await check('agent.details', async () => assert.strictEqual((await agent.details()).name, agents[agentId].name));
await check('agent.generate', async () => {
  const answer = await agent.generate('Say hello in a few words.');
  assert(answer.text.length > 0, 'empty text');
  assert.strictEqual(answer.finishReason, 'stop');
});
await check('agent.stream', async () => {
  const stream = await agent.stream([{ role: 'user', content: 'Say hello in a few words.' }]);
  assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/);
  const chunks = [];
  await stream.processDataStream({ onChunk: async (chunk) => void chunks.push(chunk) });
  const deltas = chunks.filter((chunk) => chunk.type === 'text-delta').map((chunk) => chunk.payload.text);
  assert(deltas.length >= 2, `only ${deltas.length} text deltas`);
  assert(deltas.join('').length > 0, 'empty text');
  assert.deepStrictEqual(chunks.filter((chunk) => chunk.type === 'error'), []);
  assert.strictEqual(chunks.at(-1).type, 'finish');
  assert.strictEqual(chunks.at(-1).payload.stepResult.reason, 'stop');
});

const workflows = await check('listWorkflows', async () => {
  const map = await client.listWorkflows();
  assert(Object.keys(map).length >= 1, 'no workflows');
  return map;
});
const workflow = client.getWorkflow(Object.keys(workflows ?? {})[0]);
const inputData = sample((await check('workflow.getSchema', () => workflow.getSchema()))?.inputSchema);

await check('workflow.details', async () => assert.strictEqual(typeof (await workflow.details()).name, 'string'));
await check('run.startAsync', async () => {
  const run = await workflow.createRun();
  const result = await run.startAsync({ inputData });
  assert.strictEqual(result.status, 'success', JSON.stringify(result));
});
await check('run.start and runById', async () => {
  const run = await workflow.createRun();
  assert.strictEqual(typeof (await run.start({ inputData })).message, 'string');
  let state = await workflow.runById(run.runId);
  for (let i = 0; i < 100 && ['pending', 'running', 'waiting'].includes(state.status); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    state = await workflow.runById(run.runId);
  }
  assert.strictEqual(state.status, 'success', JSON.stringify(state));
  assert((await workflow.runs()).runs.some((one) => one.runId === run.runId), 'run missing from list');
});
await check('run.stream', async () => {
  const run = await workflow.createRun();
  const events = [];
  for await (const event of await run.stream({ inputData })) events.push(event);
  assert.strictEqual(events[0].type, 'workflow-start');
  assert(events.some((event) => event.type === 'workflow-step-result'), 'no step result');
  assert.strictEqual(events.at(-1).type, 'workflow-finish');
  assert.strictEqual(events.at(-1).payload.workflowStatus, 'success');
  assert(events.every((event) => event.runId === run.runId), 'wrong runId');
});

const status = (promise) => promise.then(() => 200, (error) => error.status);
await check('unknown agent is 404', async () => assert.strictEqual(await status(client.getAgent('no-such-agent').details()), 404));
await check('unknown workflow is 404', async () => assert.strictEqual(await status(client.getWorkflow('no-such').details()), 404));
await check('wrong token is 401', async () => assert.strictEqual(await status(make(`${TOKEN}-wrong`).listAgents()), 401));

const viewer = make(VIEWER_TOKEN);
await check('a viewer reads and may not run', async () => {
  assert(Object.keys(await viewer.listAgents()).length >= 1);
  assert.strictEqual(await status(viewer.getAgent(agentId).generate('Hi')), 403);
});
await check('stored agents', async () => {
  const model = { provider: 'echo', name: 'dev' };
  const created = await client.createStoredAgent({ id: 'from-client', name: 'From a client', instructions: 'Greet.', model });
  assert.strictEqual(created.id, 'from-client');
  const stored = client.getStoredAgent('from-client');
  assert.strictEqual((await stored.update({ name: 'Renamed' })).name, 'Renamed');
  assert.strictEqual(await status(viewer.getStoredAgent('from-client').delete()), 403);
  assert.strictEqual((await stored.delete()).success, true);
  assert.strictEqual(await status(stored.details()), 404);
});
await check('memory', async () => {
  const thread = await client.createMemoryThread({ agentId, resourceId: 'r1', title: 'T', threadId: 'thread-1', metadata: { k: 'v' } });
  assert.strictEqual(thread.title, 'T');
  await agent.generate('Remember this.', { memory: { thread: 'thread-1', resource: 'r1' } });
  const { messages } = await client.getMemoryThread({ threadId: 'thread-1', agentId }).listMessages();
  assert.deepStrictEqual(messages.map((message) => message.role), ['user', 'assistant']);
  assert((await client.listMemoryThreads({ resourceId: 'r1', agentId })).threads.some((one) => one.id === 'thread-1'));
  assert.strictEqual(await status(viewer.getMemoryThread({ threadId: 'thread-1', agentId }).get()), 404);
  await client.getMemoryThread({ threadId: 'thread-1', agentId }).delete();
});
await check('permission patterns', async () => {
  const answer = await client.getPermissionPatterns();
  assert((answer.patterns ?? answer).includes('agents:read'));
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
