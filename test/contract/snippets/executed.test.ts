/**
 * The snippets as they are printed, executed against a gateway over TLS in front of the embedded OCS, which says what
 * it received.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createControl } from "../../../src/cli/conformance/control.ts";
import { requestOf, sampleOf, type SnippetRequest } from "../../../src/contract/snippets/request.ts";
import { snippetsOf, type SnippetLanguage } from "../../../src/contract/snippets/snippets.ts";
import { ACTIONS, CATALOG, type Action } from "../../../src/ocs/catalog.ts";
import { root, run, startSandbox, type Ran, type RunningSandbox } from "../../kit/command.ts";
import { describeAllowed, describeWith, programOf } from "../../kit/machine.ts";

type Received = { readonly method: string; readonly target: string; readonly body: string; readonly status: number };

let sandbox: RunningSandbox;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-snippets-"));
  await mkdir(join(dir, "node_modules"));
  await symlink(root, join(dir, "node_modules/ocs-gateway"));
  sandbox = await startSandbox();
});
afterAll(async () => {
  await sandbox.stop();
  await sandbox.remove();
  await rm(dir, { recursive: true });
});

/** A client of the sandbox that may do the action. */
const keyFor = (action: Action): string => {
  const [alpha] = sandbox.ready.tenants;
  return alpha!.clients.find(({ actions }) => (actions as readonly string[]).includes(action.name))!.key;
};

/** The sample of the action, about an open record. */
const requestFor = async (action: Action): Promise<SnippetRequest> => {
  const sample = sampleOf(action);
  if (action.resource !== "records") return sample;
  const handle = await createControl(sandbox.ready.sandbox.url).openHandle();
  return requestOf(action, `/records/${handle}`, sample.body);
};

const lastReceived = async (): Promise<Received> => {
  const answer = await fetch(`${sandbox.ready.sandbox.url}/requests`);
  return ((await answer.json()) as readonly Received[]).at(-1)!;
};

type Execute = (text: string, env: NodeJS.ProcessEnv) => Promise<Ran>;

/** Executes the snippet and compares what OCS received, without the tenant that the gateway adds. */
const expectReceived = async (language: SnippetLanguage, request: SnippetRequest, execute: Execute): Promise<void> => {
  const { action } = request;
  const { text } = snippetsOf(action, request).find((each) => each.language === language)!;
  const ran = await execute(text, {
    OCSGW_URL: sandbox.ready.gateway!.https,
    OCSGW_KEY: keyFor(action),
    OCSGW_CA: sandbox.ready.ca,
  });
  expect([ran.code, ran.stderr, text]).toEqual([0, "", text]);
  const received = await lastReceived();
  expect([received.method, received.target]).toEqual([action.method, request.target]);
  expect(withoutTenant(received.body)).toEqual(withoutTenant(request.body));
  expect(ran.stdout).toContain(`${received.status}`);
};

const withoutTenant = (body: string): object => {
  const {
    GSW_TENANT_DBID: _dbid,
    GSW_TENANT_NAME: _name,
    ...rest
  } = JSON.parse(body === "" ? "{}" : body) as {
    readonly GSW_TENANT_DBID?: unknown;
    readonly GSW_TENANT_NAME?: unknown;
  };
  return rest;
};

/** Names of sites: each language must escape them right. */
const ODD = JSON.stringify({
  GSW_CALL_RESULT: 33,
  "R&D <x>": String.raw`"double" 'single' \back\\slash $HOME ${"`id`"} %s {0} 東京 😀`,
  NOTES: "line 1\nline 2\ttab",
});
const oddRequest = async (): Promise<SnippetRequest> => {
  const handle = await createControl(sandbox.ready.sandbox.url).openHandle();
  return requestOf(CATALOG.records.actions.RecordProcessed!, `/records/${handle}`, ODD);
};

const rows = ACTIONS.map((action) => [`${action.resource}.${action.name}`, action] as const);
const few = rows.filter(([id]) => ["campaigngroups.Load", "campaigngroups.ReadStatus"].includes(id));

const suite = (language: SnippetLanguage, actions: typeof rows, execute: Execute): void => {
  // The campaign dials at first, so that there are records.
  beforeAll(() => createControl(sandbox.ready.sandbox.url).reset());

  it("sends names and values with quotes, markup and backslashes as they are", async () => {
    await expectReceived(language, await oddRequest(), execute);
  });

  it.each(actions)("sends %s as OCS has it", async (_, action) => {
    await expectReceived(language, await requestFor(action), execute);
  });
};

describeWith(["sh", "curl"], "the snippet for curl", (sh) => {
  suite("curl", rows, (text, env) => run(sh!, ["-c", text], { env }));

  it("gives the key to no argument of a program", () => {
    for (const action of ACTIONS) expect(snippetsOf(action)[0]!.text).not.toMatch(/curl[^|]*OCSGW_KEY/);
  });
});

describeWith(["python3"], "the snippet for Python", (python) => {
  suite("python", rows, (text, env) => run(python!, ["-c", text], { env }));
});

describeWith(["java", "javac"], "the snippet for Java", (java) => {
  suite("java", few, async (text, env) => {
    const file = join(dir, "OcsRequest.java");
    await writeFile(file, text);
    return run(java!, [file], { env });
  });
});

describe("the snippet in TypeScript", () => {
  suite("typescript", few, async (text, env) => {
    const file = join(dir, "snippet.mts");
    await writeFile(file, text);
    return run(process.execPath, ["--disable-warning=ExperimentalWarning", file], { env, cwd: dir });
  });
});

const dotnet = programOf("dotnet");
describeAllowed(dotnet !== undefined, "dotnet on this machine", "the snippet for C#", () => {
  suite("csharp", few, async (text, env) => {
    const project = join(dir, "csharp");
    await mkdir(project, { recursive: true });
    const properties = "<OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework>";
    const usings = "<ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable>";
    await writeFile(
      join(project, "snippet.csproj"),
      `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup>${properties}${usings}</PropertyGroup></Project>`,
    );
    await writeFile(join(project, "Program.cs"), text);
    return run(dotnet!, ["run", "--project", project], { env });
  });
});

describeWith(["sh", "curl", "python3"], "a refusal", () => {
  it("is printed with its code, and whether to send it again", async () => {
    const action = CATALOG.phones.actions.DoNotCall!;
    const env = { OCSGW_URL: sandbox.ready.gateway!.https, OCSGW_KEY: "sk_none", OCSGW_CA: sandbox.ready.ca };
    const [curl] = snippetsOf(action);
    const { stdout } = await run("sh", ["-c", curl!.text], { env });
    expect(stdout).toMatch(/^HTTP\/1.1 401 .*Ocsgw-Code: OCSGW-2001/s);
    const python = snippetsOf(action).find(({ language }) => language === "python")!;
    const { stdout: printed } = await run("python3", ["-c", python.text], { env });
    expect(printed).toMatch(/^401 OCSGW-2001 \{.*\nrepeat: no [0-9A-Z]{26}\n$/);
  });
});
