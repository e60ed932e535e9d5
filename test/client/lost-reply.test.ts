/** What the client says of a request whose answer got lost between OCS and the gateway, and that it is sent once. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ocs, type Client, type Result } from "../../src/client/client.ts";
import { startSandbox, type RunningSandbox } from "../kit/command.ts";

let sandbox: RunningSandbox;
const clients: Client[] = [];
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await sandbox.stop();
  await sandbox.remove();
});

const clientOf = async (name: string): Promise<Client> => {
  const { ready } = sandbox;
  const tls = { ca: await readFile(ready.ca, "utf8") };
  const client = ocs({ baseUrl: ready.gateway!.https, client: name, key: `sk_sandbox_${name}`, tls });
  clients.push(client);
  return client;
};

/** The requests of the action that OCS has read so far. */
const received = async (action: string): Promise<number> => {
  const answer = await fetch(`${sandbox.ready.sandbox.url}/requests`);
  return ((await answer.json()) as { target: string }[]).filter(({ target }) => target.endsWith(`req=${action}`))
    .length;
};

it.each<[string, string, string, (client: Client) => Promise<Result>, string]>([
  [
    "an AddRecord must not be sent again",
    "AddRecord",
    "alpha-ors",
    (client) =>
      client
        .lists("Alpha List")
        .addRecord({ GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155550103", GSW_TZ_NAME: "PST" }),
    "no",
  ],
  [
    "an AddRecord with an Idempotency-Key may be sent again",
    "AddRecord",
    "alpha-ors",
    (client) =>
      client
        .lists("Alpha List")
        .addRecord(
          { GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155550105", GSW_TZ_NAME: "PST" },
          { idempotencyKey: 'a "key"' },
        ),
    "safe",
  ],
  [
    "a Do-Not-Call may be sent again",
    "DoNotCall",
    "alpha-crm",
    (client) => client.phones("4155550104").doNotCall(),
    "safe",
  ],
  [
    "a StopDialing needs a look at the group first",
    "StopDialing",
    "alpha-ops",
    (client) => client.campaignGroups(106).stopDialing(),
    "check-first",
  ],
])("says that %s", async (_, action, name, call, repeat) => {
  const before = await received(action);
  const added = await fetch(`${sandbox.ready.sandbox.url}/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ kind: "lost-reply", action, count: 1 }),
  });
  expect([added.ok, await added.text()]).toEqual([true, expect.anything()]);
  const client = await clientOf(name);
  expect(await call(client)).toMatchObject({
    ok: false,
    origin: "gateway",
    code: "OCSGW-4102",
    delivery: "sent-no-answer",
    repeat,
  });
  expect(await received(action)).toBe(before + 1);
});
