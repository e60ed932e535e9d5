/** A gateway that forwards its journal: from its start to its stop, and across reloads. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { aReceiver, indexesIn, parsedIn, SD_ID, type Receiver } from "../../journal/forward/receiver.ts";

const open: { readonly close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const { close } of open.splice(0).toReversed()) await close();
});

const receiver = async (options: Parameters<typeof aReceiver>[0] = { framing: "counted" }): Promise<Receiver> => {
  const own = await aReceiver(options);
  open.push(own);
  return own;
};

type Destination = Readonly<Record<string, unknown>>;

const configOf = (forward: readonly Destination[]) => {
  const base = twoTenants("http://127.0.0.1:9");
  return { ...base, admin: { bind: "127.0.0.1:0" }, audit: { ...(base.audit as object), forward } };
};

const started = async (
  forward: readonly Destination[],
  files: Readonly<Record<string, string>> = {},
): Promise<TestGateway> => {
  const gateway = await aGateway(configOf(forward), undefined, files);
  open.push({ close: gateway.stop });
  return gateway;
};

const reloaded = async ({ dir, gateway }: TestGateway, forward: readonly Destination[]): Promise<string> => {
  const file = join(dir, "ocsgw.yaml");
  const config = parse(await readFile(file, "utf8")) as { audit: object };
  await writeFile(file, stringify({ ...config, audit: { ...config.audit, forward } }));
  return (await gateway.reload()).outcome;
};

const ask = async ({ url }: TestGateway, times = 1): Promise<void> => {
  for (let number = 0; number < times; number++)
    await (await request(`${url}/nothing`, { headers: { authorization: basic("alpha") } })).body.dump();
};

const tcp = ({ port }: Pick<Receiver, "port">, over: Destination = {}): Destination => ({
  name: "siem",
  to: `syslog:tcp://127.0.0.1:${port}`,
  ...over,
});

const kindsIn = ({ messages }: Receiver): string[] => parsedIn(messages).map(({ id }) => id);
const upTo = (end: number): number[] => Array.from({ length: end }, (_, at) => at);
const metricsOf = async ({ gateway }: TestGateway): Promise<string> =>
  (await request(`${gateway.admin}/metrics`)).body.text();

describe("a gateway with audit.forward", () => {
  it("forwards each entry once, from its start to its stop", async () => {
    const there = await receiver();
    const gateway = await started([tcp(there)]);
    await ask(gateway, 3);
    await expect.poll(() => kindsIn(there), { timeout: 5000 }).toEqual(expect.arrayContaining(["start", "refusal"]));
    await ask(gateway, 2);
    await gateway.gateway.stop("test", { quiet: 0 });
    const indexes = indexesIn(there.messages);
    expect(indexes).toEqual(upTo(indexes.length));
    expect(kindsIn(there).filter((kind) => kind === "refusal")).toHaveLength(5);
    expect(kindsIn(there).at(-1)).toBe("stop");
  });

  it("forwards over TLS with a client certificate, as OCSF lines", async () => {
    const authority = createAuthority("forwarding");
    const server = authority.issue({ names: ["siem.test"], usage: "serverAuth" });
    const client = authority.issue({ names: ["gateway.test"], usage: "clientAuth" });
    const there = await receiver({
      framing: "lines",
      tls: { cert: server.certPem, key: server.keyPem, ca: authority.certPem, requestCert: true },
    });
    const to = `tls://127.0.0.1:${there.port}`;
    const tls = { ca: "siem-ca.crt", cert: "siem.crt", key: "siem.key", server_name: "siem.test" };
    const files = { "siem-ca.crt": authority.certPem, "siem.crt": client.certPem, "siem.key": client.keyPem };
    const gateway = await started([{ name: "siem", to, tls }], files);
    await ask(gateway);
    const events = (): { class_uid: number; metadata: { sequence: number } }[] =>
      there.messages.map((line) => JSON.parse(line.toString()) as never);
    await expect.poll(() => events().length, { timeout: 5000 }).toBeGreaterThan(1);
    expect(new Set(events().map(({ class_uid }) => class_uid))).toEqual(new Set([6003]));
    expect(events().map(({ metadata: { sequence } }) => sequence)).toEqual(upTo(events().length));
  });

  it("does not send to a receiver whose certificate another authority signed", async () => {
    const [authority, other] = [createAuthority("one"), createAuthority("other")];
    const server = authority.issue({ names: ["siem.test"], usage: "serverAuth" });
    const there = await receiver({ framing: "lines", tls: { cert: server.certPem, key: server.keyPem } });
    const tls = { ca: "siem-ca.crt", server_name: "siem.test" };
    const gateway = await started([{ name: "siem", to: `tls://127.0.0.1:${there.port}`, tls }], {
      "siem-ca.crt": other.certPem,
    });
    const ready = async (): Promise<string> => (await request(`${gateway.gateway.admin}/readyz`)).body.text();
    await expect.poll(ready, { timeout: 5000 }).toMatch(/\d+ journal entries wait to be forwarded to siem/);
    expect(there.messages).toEqual([]);
  });

  it("continues at a new address after a reload, and does not send while there is none", async () => {
    const [one, other] = [await receiver(), await receiver()];
    const gateway = await started([tcp(one)]);
    await expect.poll(() => kindsIn(one), { timeout: 5000 }).toContain("start");
    expect(await reloaded(gateway, [tcp(other)])).toBe("reloaded");
    await ask(gateway);
    await expect.poll(() => kindsIn(other), { timeout: 5000 }).toContain("refusal");
    expect(await reloaded(gateway, [])).toBe("reloaded");
    await ask(gateway, 2);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const before = other.messages.length;
    expect(await reloaded(gateway, [tcp(other)])).toBe("reloaded");
    await expect.poll(() => kindsIn(other).filter((kind) => kind === "refusal").length, { timeout: 5000 }).toBe(3);
    expect(other.messages.length).toBeGreaterThan(before);
    const all = [...indexesIn(one.messages), ...indexesIn(other.messages)];
    expect(all).toEqual(upTo(all.length));
  });

  it("can begin to forward at a reload", async () => {
    const there = await receiver();
    const gateway = await started([]);
    await ask(gateway);
    expect(await reloaded(gateway, [tcp(there, { from: "beginning" })])).toBe("reloaded");
    await expect.poll(() => kindsIn(there), { timeout: 5000 }).toContain("config");
    expect(indexesIn(there.messages)[0]).toBe(0);
  });

  it("raises one alarm while a receiver is away for long, and shows the lag in its metrics", async () => {
    const away = await receiver();
    await away.close();
    open.pop();
    const gateway = await started([tcp(away, { alarm_after: "600ms" })]);
    const alarms = async () => (await gateway.journal()).filter(({ kind }) => kind === "alarm");
    await expect.poll(async () => (await alarms()).length, { timeout: 8000 }).toBe(1);
    expect((await alarms())[0]).toMatchObject({ reason: "journal entries cannot be forwarded" });
    const metrics = await metricsOf(gateway);
    expect(metrics).toContain('ocsgw_forward_up{destination="siem"} 0');
    expect(metrics).toMatch(/ocsgw_forward_lag_entries\{destination="siem"\} [1-9]/);
    const back = await receiver({ framing: "counted", port: away.port });
    await expect.poll(() => kindsIn(back), { timeout: 12_000 }).toContain("alarm");
    await expect.poll(() => metricsOf(gateway)).toContain('ocsgw_forward_up{destination="siem"} 1');
    expect(await alarms()).toHaveLength(1);
    expect(indexesIn(back.messages)).toEqual(upTo(back.messages.length));
  }, 30_000);

  it("forwards nothing that the journal masks", async () => {
    const there = await receiver();
    const gateway = await started([tcp(there)]);
    const target = `${gateway.url}/phones/4155550100?req=DoNotCall`;
    const body = JSON.stringify({ GSW_TENANT_DBID: 101, SECRET_FIELD: "canary-value" });
    const headers = { authorization: basic("alpha"), "content-type": "application/json" };
    await (await request(target, { method: "POST", headers, body })).body.dump();
    await expect.poll(() => kindsIn(there), { timeout: 5000 }).toContain("outcome");
    const text = Buffer.concat([...there.messages]).toString();
    for (const canary of ["4155550100", "canary-value", "key-of-alpha"]) expect(text).not.toContain(canary);
    const outcome = parsedIn(there.messages).find(({ id }) => id === "outcome")!;
    expect(outcome.elements.get(SD_ID)!.get("client")).toBe("alpha");
  });
});
