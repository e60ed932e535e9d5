/** The commands of the page on moving the journal, on a gateway that has a past. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { basic, keyFor, twoTenants } from "../kit/gateway.ts";
import { aPageGateway, scriptsOf, type PageGateway } from "../kit/page-gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: PageGateway;

beforeEach(async () => {
  ocs = await rawOcs();
  gateway = await aPageGateway(({ clients, admin }) => {
    const base = twoTenants(ocs.url);
    return {
      version: 1,
      ...base,
      listeners: [{ name: "clients", bind: `127.0.0.1:${clients}`, tls: "none" }],
      audit: {
        dir: "audit",
        index_key: "${file:secrets/index.key}",
        checkpoint: { key: "secrets/checkpoint.pem", origin: "test.example/journal" },
      },
      admin: { bind: `127.0.0.1:${admin}` },
    };
  });
  const hash = `sha256:${createHash("sha256").update(keyFor("alpha")).digest("hex")}`;
  await gateway.write({
    "config/keys.yaml": stringify({
      version: 1,
      keys: [{ id: "alpha", client: "alpha", hash, created: "2026-01-01T00:00:00Z" }],
    }),
    "config/secrets/index.key": "a secret for this test only, and long\n",
  });
}, 120_000);
afterEach(async () => {
  await gateway.stop();
  for (const { socket } of ocs.connections) socket.destroy();
  await ocs.close();
}, 120_000);

const commands = async (script: string): Promise<string> => {
  const { code, stdout, stderr } = await gateway.run(script);
  expect({ script, code, said: code === 0 ? "" : stdout + stderr }).toEqual({ script, code: 0, said: "" });
  return stdout;
};
const doNotCall = async (): Promise<number> =>
  (
    await fetch(`http://127.0.0.1:${gateway.ports.clients}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: basic("alpha") },
    })
  ).status;
const requests = async (): Promise<number> =>
  (JSON.parse(await commands("ocsgw audit search action:DoNotCall --json")) as { requests: unknown[] }).requests.length;

describe("the page on moving the journal", { timeout: 180_000 }, () => {
  it("moves it to another path, with every entry and the same name", async () => {
    const blocks = (await scriptsOf("move-journal.md")).get("To another path on this machine")!;
    expect(blocks.length).toBe(5);
    await commands("systemctl start ocsgw");
    for (let sent = 0; sent < 3; sent++) expect(await doNotCall()).toBe(200);
    await commands(blocks[0]!);
    expect(await doNotCall()).toBe(200);
    for (const block of blocks.slice(1)) await commands(block);
    expect([await doNotCall(), await requests()]).toEqual([200, 5]);
    expect(existsSync(join(gateway.dir, "config/audit"))).toBe(false);
    const starts = await commands("ocsgw audit search kind:start --json");
    expect((JSON.parse(starts) as { requests: unknown[] }).requests.length).toBe(2);
    await commands("systemctl stop ocsgw && ocsgw audit verify");
    expect((await readFile(join(gateway.dir, "mnt/journal/audit.anchor"), "utf8")).split("\n")[0]).toBe(
      "test.example/journal",
    );
  });
});
