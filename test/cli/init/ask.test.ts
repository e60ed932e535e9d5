import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { loadSettings } from "../../../src/settings/load.ts";
import type { InitOptions } from "../../../src/cli/init/options.ts";
import { inFolder, run, type Said } from "./kit.ts";

const folder = inFolder();

/** Types all answers at once, and then ends the input. */
const answered = async (
  answers: readonly string[],
  options: InitOptions = {},
): Promise<Said & { readonly screen: string }> => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let screen = "";
  output.on("data", (part: Buffer) => (screen += part.toString()));
  input.end(answers.map((answer) => `${answer}\n`).join(""));
  return { ...(await run({ dir: join(folder(), "config"), ...options }, { input, output })), screen };
};

const settings = async () => {
  const loaded = await loadSettings(join(folder(), "config/ocsgw.yaml"), {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
};

describe("init on a terminal", () => {
  it("asks for everything that the options leave open", async () => {
    const { code, stdout, screen } = await answered([
      "http://10.1.2.3:8080",
      "http://10.1.2.4:8080",
      "127.0.0.1:9443",
      "Alpha Tenant:101",
      "Beta Tenant:102",
      "",
      "ors-main",
      "beta-crm:Beta Tenant",
      "none",
      "yes",
      "development",
      "",
      "",
      "",
      "",
    ]);
    expect(screen).toContain("Networks of the OCS hosts, separated by commas [10.1.2.3/32,10.1.2.4/32]");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ors-main ocsgw_.*\nbeta-crm ocsgw_.*\n$/);
    const { upstreams, tenants, listeners } = await settings();
    expect(upstreams["ocs-main"]).toMatchObject({
      primary: "http://10.1.2.3:8080",
      backup: "http://10.1.2.4:8080",
      allow_plaintext: true,
      callbacks: { bind: { host: "127.0.0.1", port: 8444 }, allow_from: ["10.1.2.3/32", "10.1.2.4/32"] },
    });
    expect(listeners[0]!.bind).toMatchObject({ port: 9443 });
    expect(tenants.map(({ name, clients }) => [name, Object.keys(clients)])).toEqual([
      ["Alpha Tenant", ["ors-main"]],
      ["Beta Tenant", ["ors-main", "beta-crm"]],
    ]);
  });

  it("repeats a question whose answer is malformed, with what it expects", async () => {
    const { code, screen } = await answered(
      ["ocs1", "http://127.0.0.1:1", "", "", "Alpha", "A:1", "B:1", "", "a b", "a", "", "", "what", "dedicated", "y"],
      {},
    );
    expect(code).toBe(0);
    for (const why of [
      'expected scheme://host:port of an OCS without a path, for example https://ocs1.example.internal:8443, found "ocs1"',
      "expected NAME:DBID",
      "two tenants have the DBID 1",
      "expected a name of 1 to 64",
      'expected pre-dial, dedicated, unscoped, found "what"',
    ])
      expect(screen).toContain(why);
    expect((await settings()).tenants).toMatchObject([{ name: "A", records: "dedicated" }]);
  });

  const KNOWN: InitOptions = {
    upstream: "http://127.0.0.1:1",
    bind: "127.0.0.1:8443",
    tenant: ["A:1"],
    client: ["a"],
    tls: "none",
    records: "unscoped",
  };

  it("asks only for the confirmation when the options say all", async () => {
    const { code, screen } = await answered(["yes"], KNOWN);
    expect([code, screen.match(/\?|: /g)?.length]).toEqual([0, 2]);
  });

  it.each([
    ["a no at the end", ["no"], KNOWN, 1],
    ["the end of the input at the confirmation", [], KNOWN, 2],
    ["the end of the input before", ["http://127.0.0.1:1", ""], {}, 2],
    ["http that is not intended", ["http://10.0.0.1:1", "", "", "A:1", "", "a", "", ""], {}, 1],
  ] as const)("writes nothing after %s", async (_, answers, options, wanted) => {
    const { code, stdout, stderr } = await answered(answers, options);
    expect([code, stdout, readdirSync(folder())]).toEqual([wanted, "", []]);
    expect(stderr).toContain("nothing was written");
  });

  it("needs a terminal or --no-input", async () => {
    const { code, stderr } = await run({ dir: join(folder(), "config") });
    expect(code).toBe(2);
    expect(stderr).toContain("--no-input");
  });
});
