/** The drill of the page on backup and restore: its commands, on a gateway that has a past. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { announce, record } from "../kit/announcing.ts";
import { basic, keyFor, twoTenants } from "../kit/gateway.ts";
import { aPageGateway, scriptsOf, type PageGateway } from "../kit/page-gateway.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const BUSY = "HTTP/1.1 500 Internal Server Error\r\nServer: OCS/8.1.524.04\r\nContent-length: 0\r\n\r\n";

let ocs: RawOcs;
let gateway: PageGateway;
let scripts: ReadonlyMap<string, readonly string[]>;

beforeEach(async () => {
  scripts = await scriptsOf("backup.md");
  ocs = await rawOcs(({ head }) => (head.includes("4155550199") ? BUSY : OK));
  gateway = await aPageGateway(({ clients, admin, callbacks }) => {
    const base = twoTenants(ocs.url);
    const keys = { listeners: [{ name: "clients", bind: `127.0.0.1:${clients}`, tls: "none" }] };
    return {
      version: 1,
      ...base,
      ...keys,
      upstreams: {
        ocs: { primary: ocs.url, callbacks: { bind: `127.0.0.1:${callbacks}`, allow_from: ["127.0.0.0/8"] } },
      },
      tenants: base.tenants.map((tenant) => ({ ...(tenant as object), records: "pre-dial" })),
      audit: {
        dir: "audit",
        index_key: "${file:secrets/index.key}",
        checkpoint: { key: "secrets/checkpoint.pem", origin: "test.example/journal", every: "1s" },
      },
      admin: { bind: `127.0.0.1:${admin}` },
    };
  });
  const hash = (client: string): string => `sha256:${createHash("sha256").update(keyFor(client)).digest("hex")}`;
  const keys = ["alpha", "beta"].map((client) => ({
    id: client,
    client,
    hash: hash(client),
    created: "2026-01-01T00:00:00Z",
  }));
  await gateway.write({
    "config/keys.yaml": stringify({ version: 1, keys }),
    "config/secrets/index.key": "a secret for this test only, and long\n",
  });
  await commands("systemctl start ocsgw");
  for (let handle = 1; handle <= 3; handle++)
    expect((await announce(`http://127.0.0.1:${gateway.ports.callbacks}`, record(handle))).status).toBe(200);
  expect([await doNotCall(4155550100), await doNotCall(4155550199), await useHandle(1)]).toEqual([200, 500, 200]);
}, 120_000);
afterEach(async () => {
  await gateway.stop();
  for (const { socket } of ocs.connections) socket.destroy();
  await ocs.close();
}, 120_000);

const post = async (path: string): Promise<number> =>
  (
    await fetch(`http://127.0.0.1:${gateway.ports.clients}${path}`, {
      method: "POST",
      headers: { Authorization: basic("alpha") },
    })
  ).status;
const doNotCall = (phone: number): Promise<number> => post(`/phones/${phone}?req=DoNotCall`);
const useHandle = (handle: number): Promise<number> => post(`/records/${handle}?req=RecordProcessed`);

const commands = async (script: string, below?: string): Promise<string> => {
  const { code, stdout, stderr } = await gateway.run(script, below);
  expect({ script, code, said: code === 0 ? "" : stdout + stderr }).toEqual({ script, code: 0, said: "" });
  return stdout;
};
const block = (heading: string, number: number, below?: string): Promise<string> => {
  const script = scripts.get(heading)?.[number];
  if (script === undefined) throw new Error(`${heading} has no block ${number}`);
  return commands(script, below);
};
const openPhones = async (below?: string): Promise<unknown> =>
  (JSON.parse(await commands("ocsgw audit dnc --json", below)) as { open: { tenant: unknown }[] }).open.length;

describe("the page on backup and restore", { timeout: 180_000 }, () => {
  it("takes a running gateway to another machine: entries, open Do-Not-Calls and owners stand", async () => {
    // Each block is run by a test of this file.
    expect([...scripts].flatMap(([heading, all]) => (all.length > 0 ? [`${heading}: ${all.length}`] : []))).toEqual([
      "Back up a running gateway: 2",
      "Restore on another machine: 4",
      "Restore on the same machine: 1",
      "Restore one damaged segment: 1",
    ]);
    await block("Back up a running gateway", 0);
    await block("Back up a running gateway", 1);
    const files = (await commands("tar -tf backup/journal.tar; tar -tf backup/config.tar")).split("\n");
    expect(files.filter((name) => /lock|commands\.sock|admin\.token|index\.sqlite|secrets\/./.test(name))).toEqual([]);
    expect(await openPhones()).toBe(1);
    await commands("systemctl stop ocsgw && mkdir other");

    await block("Restore on another machine", 0, "other");
    await block("Restore on another machine", 1, "other");
    await block("Restore on another machine", 2, "other");
    await block("Restore on another machine", 3, "other");
    expect(await openPhones("other")).toBe(1);
    // The one that was finished before the backup, and two that OCS has not confirmed yet.
    expect([await useHandle(1), await useHandle(2)]).toEqual([410, 503]);
    expect((await announce(`http://127.0.0.1:${gateway.ports.callbacks}`, record(4))).status).toBe(200);
    expect([await useHandle(2), await doNotCall(4155550101)]).toEqual([200, 200]);
    await commands("systemctl stop ocsgw && ocsgw audit verify", "other");
  });

  it("puts an older journal back on the same machine, which is noticed until somebody accepts it", async () => {
    await block("Back up a running gateway", 0);
    expect(await doNotCall(4155550102)).toBe(200);
    await commands("sleep 1.5");
    const whole = scripts.get("Restore on the same machine")![0]!;
    const [before, after] = whole.split(/(?=ocsgw audit accept-restore)/);
    await commands(before!);
    expect((await gateway.run("systemctl start ocsgw")).code).not.toBe(0);
    await commands("rm -f pid");
    await commands(after!);
    expect([await doNotCall(4155550103), await openPhones()]).toEqual([200, 1]);
    expect(await commands("ocsgw audit search kind:alarm --json")).toContain("ticket 4711");
    await commands("systemctl stop ocsgw && ocsgw audit verify");
  });

  it("puts one damaged segment back", async () => {
    await commands("systemctl stop ocsgw");
    await block("Back up a running gateway", 0);
    const segments = join(gateway.dir, "config/audit/segments");
    const name = (await readdir(segments)).find((each) => each.endsWith(".jsonl"))!;
    expect(name).toBe("000000000000.jsonl");
    const text = await readFile(join(segments, name), "utf8");
    await writeFile(join(segments, name), text.replace("DoNotCall", "DoNotCxll"));
    expect((await gateway.run("ocsgw audit verify")).code).toBe(7);
    await block("Restore one damaged segment", 0);
    expect(await doNotCall(4155550104)).toBe(200);
  });
});
