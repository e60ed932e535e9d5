/**
 * The client as plain JavaScript, as the package has it, on the runtimes of this machine, against a sandbox gateway
 * over TLS.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reachedModules } from "../../deploy/package/modules.ts";
import { createControl } from "../../src/cli/conformance/control.ts";
import { root, run, startSandbox, type RunningSandbox } from "../kit/command.ts";
import { describeAllowed, describeIf, programOf } from "../kit/machine.ts";

/** Prints the results of its calls as JSON. It closes no client: an idle connection must not keep it running. */
const PROGRAM = `
import { readFileSync } from "node:fs";
import process from "node:process";
import { CallResult, ocs } from "./client/client.js";

const [url, ca, handle] = process.argv.slice(2);
const tls = { ca: readFileSync(ca, "utf8") };
const api = ocs({ baseUrl: url, client: "alpha-ors", key: "sk_sandbox_alpha-ors", tls });
const ops = ocs({ baseUrl: url, key: "sk_sandbox_alpha-ops", tls });
const results = [
  api.phones("4155550101").doNotCall(),
  api.records(handle).recordProcessed({ GSW_CALL_RESULT: CallResult.Answer, fields: { CUSTOMER_CODE: 22 } }),
  api.records(handle).recordProcessed(),
  api
    .lists("Alpha List")
    .addRecord({ GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155550102", GSW_TZ_NAME: "PST" }),
  api.phones("4155550101").doNotCall({ GSW_TENANT_NAME: "Beta Tenant" }),
  ops.campaignGroups(106).readStatus(),
  ops.campaignGroups().readStatus(),
  ops.campaignGroups(106).load(),
  ocs({ baseUrl: url, key: "k" }).phones("4155550101").doNotCall(),
];
console.log(JSON.stringify(await Promise.all(results)));
`;

let sandbox: RunningSandbox;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-runtime-"));
  for (const [path, text] of reachedModules(join(root, "src"), ["client/client.ts"])) {
    await mkdir(join(dir, dirname(path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  await writeFile(join(dir, "package.json"), '{"type":"module"}');
  await writeFile(join(dir, "program.js"), PROGRAM);
  sandbox = await startSandbox();
});
afterAll(async () => {
  await sandbox.stop();
  await sandbox.remove();
  await rm(dir, { recursive: true });
});

const succeedsWith = async (command: string, args: readonly string[]): Promise<void> => {
  const { ready } = sandbox;
  const handle = await createControl(ready.sandbox.url).openHandle();
  const { stdout, stderr, code } = await run(command, [
    ...args,
    join(dir, "program.js"),
    ready.gateway!.https,
    ready.ca,
    handle,
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const ok = { ok: true, origin: "ocs", delivery: "answered", requestId: expect.stringMatching(/^[0-9A-Z]{26}$/) };
  expect(JSON.parse(stdout)).toMatchObject([
    ok,
    ok,
    { ok: false, status: 410 },
    ok,
    { ok: false, origin: "gateway", code: "OCSGW-2103", status: 403, delivery: "not-sent", repeat: "no" },
    { ...ok, value: { GSW_CM_MessageType: 24, GSW_CM_AttrGroupCampStatus: 5 } },
    { ...ok, value: { GSW_CM_MessageType: 46, CampaignGroups: { "Alpha Campaign@Alpha Agents": expect.anything() } } },
    { ok: false, origin: "ocs", status: 409, ocsError: 5 },
    { ok: false, origin: "network", reason: "tls", delivery: "not-sent", repeat: "safe" },
  ]);
};

/** npm puts the Node of the package first on PATH. */
const nodeOfMachine = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((place) => !place.includes("node_modules"))
  .map((place) => join(place, "node"))
  .find((path) => existsSync(path));

describe("the client as plain JavaScript", () => {
  it("works on the Node of the package", () => succeedsWith(process.execPath, []));
});

describeIf(nodeOfMachine !== undefined, "a Node outside this package", "the client as plain JavaScript", () => {
  it("works on the machine's own Node, of version 20 or later", async () => {
    const { stdout } = await run(nodeOfMachine!, ["--version"]);
    expect(Number(/^v(\d+)/.exec(stdout)![1])).toBeGreaterThanOrEqual(20);
    await succeedsWith(nodeOfMachine!, []);
  });
});

describe.each([
  ["deno", ["run", "--allow-net", "--allow-read", "--no-prompt"]],
  ["bun", ["run"]],
] as const)("the client as plain JavaScript", (runtime, args) => {
  const program = programOf(runtime);
  describeAllowed(program !== undefined, `${runtime} on this machine`, `with ${runtime}`, () => {
    it("works", () => succeedsWith(program!, args));
  });
});
