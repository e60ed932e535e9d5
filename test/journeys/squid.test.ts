/**
 * GSW_RECORD_URI names the OCS. A client uses it as it stands, and reaches the gateway by its proxy setting alone, or
 * over a Squid that stands in between.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, startSandbox, type RunningSandbox } from "../kit/command.ts";
import { describeWith } from "../kit/machine.ts";
import { aSquid, type Squid } from "../kit/squid.ts";

/** One of the names in the sandbox's `aliases`: no DNS knows it. */
const OCS = "http://ocs.us.int.genesyslab.com:8080";

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startSandbox(["--dial-rate", "0", "--advertise", OCS]);
});
afterAll(async () => {
  await sandbox.stop();
  await sandbox.remove();
});

type Seen = {
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly status: number;
};

const control = async <Value>(path: string, body?: object): Promise<Value> =>
  (
    await fetch(`${sandbox.ready.sandbox.url}/${path}`, {
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    })
  ).json() as Promise<Value>;
const credential = (client: string): string => `${client}:sk_sandbox_${client}`;
const gateway = (): string => sandbox.ready.gateway!.http;

/** The URI that a client got with a call. */
const arrived = async (): Promise<string> => {
  const [{ handle }] = await control<[{ handle: number }]>("records/open", { list: "Alpha List", count: 1 });
  return `${OCS}/records/${handle}`;
};

type Answer = { readonly status: number; readonly headers: string; readonly body: string };
const curl = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> => {
  const { stdout, stderr, code } = await run("curl", ["-sSi", "--max-time", "20", ...args], {
    env: { no_proxy: "", NO_PROXY: "", http_proxy: "", ...env },
  });
  if (code !== 0) throw new Error(stderr);
  const [, head = "", body = ""] = /^([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(stdout) ?? [];
  return { status: Number(/ (\d{3})/.exec(head)![1]), headers: head, body };
};
const finalize = (uri: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Answer> =>
  curl(
    [
      "-u",
      credential("alpha-ors"),
      "-H",
      "Content-Type: application/json",
      "-d",
      '{"GSW_CALL_RESULT":33}',
      ...args,
      `${uri}?req=RecordProcessed`,
    ],
    env,
  );

/** OCS saw it once, as the gateway writes it, and nothing of who stood in between. */
const expectAtOcs = async (uri: string): Promise<void> => {
  const seen = (await control<readonly Seen[]>("requests")).filter(
    ({ target }) => target === `${new URL(uri).pathname}?req=RecordProcessed`,
  );
  expect(seen.map(({ status, body }) => [status, body])).toEqual([[200, '{"GSW_CALL_RESULT":33}']]);
  expect(seen[0]!.headers.map(([name]) => name.toLowerCase()).sort((one, other) => one.localeCompare(other))).toEqual([
    "content-length",
    "content-type",
    "host",
    "user-agent",
  ]);
};

describe("the event that a client gets with a call", () => {
  it("names the OCS that the sandbox was configured to advertise", async () => {
    const { events } = await control<{ events: { type: string; udata?: { GSW_RECORD_URI: string } }[] }>("dial", {
      count: 1,
    });
    expect(events.at(-1)).toMatchObject({
      type: "record.dialed",
      udata: {
        GSW_RECORD_URI: expect.stringMatching(/^http:\/\/ocs\.us\.int\.genesyslab\.com:8080\/records\/\d+$/) as string,
      },
    });
  });
});

describeWith(["curl"], "a client whose only setting is its proxy", () => {
  it("uses the URI as it stands: curl -x", async () => {
    const uri = await arrived();
    expect(await finalize(uri, ["-x", gateway()])).toMatchObject({
      status: 200,
      headers: expect.stringContaining("Ocsgw-Origin: ocs") as string,
      body: "",
    });
    await expectAtOcs(uri);
  });

  it("uses the URI as it stands: http_proxy", async () => {
    const uri = await arrived();
    expect((await finalize(uri, [], { http_proxy: gateway() })).status).toBe(200);
    await expectAtOcs(uri);
  });

  it("keeps its connection to the proxy for what follows", async () => {
    const uris = [await arrived(), await arrived(), await arrived()];
    const { stdout, stderr } = await run(
      "curl",
      [
        "-sv",
        "-x",
        gateway(),
        ...uris.flatMap((uri, index) => [
          ...(index > 0 ? ["--next", "-s", "-x", gateway()] : []),
          "-u",
          credential("alpha-ors"),
          "-H",
          "Content-Type: application/json",
          "-d",
          "{}",
          "-w",
          "%{http_code} ",
          `${uri}?req=RecordProcessed`,
        ]),
      ],
      { env: { no_proxy: "", NO_PROXY: "" } },
    );
    expect(stdout).toBe("200 200 200 ");
    expect(stderr.match(/Re-using existing connection/gi)).toHaveLength(2);
  });

  it("gets 421 for a host that is not a name of the OCS, and no tunnel is opened", async () => {
    const { status, headers } = await curl([
      "-x",
      gateway(),
      "-u",
      credential("alpha-ors"),
      "-d",
      "{}",
      "http://other.example:8080/records/15?req=RecordProcessed",
    ]);
    expect([status, headers]).toEqual([421, expect.stringContaining("OCSGW-1010")]);
    const tunnel = await run(
      "curl",
      ["-sS", "--max-time", "20", "-p", "-x", gateway(), `${OCS}/records/15?req=RecordProcessed`],
      { env: { no_proxy: "", NO_PROXY: "" } },
    );
    expect([tunnel.code, tunnel.stderr]).toEqual([
      expect.any(Number),
      expect.stringMatching(/tunnel failed|Proxy CONNECT aborted|from proxy after CONNECT/i),
    ]);
    expect(tunnel.code).not.toBe(0);
  });
});

describeWith(["squid", "curl"], "Squid in between", (program) => {
  const squids: Squid[] = [];
  const begin = async (...rules: string[]): Promise<Squid> => {
    const squid = await aSquid(program, rules);
    squids.push(squid);
    return squid;
  };
  afterAll(async () => {
    await Promise.all(squids.map((squid) => squid.stop()));
  });
  const port = (): string => new URL(gateway()).port;

  it("transparent to both: clients take it for the OCS, and the gateway is its origin (cache_peer)", async () => {
    const squid = await begin(
      "http_port 127.0.0.1:PORT accel defaultsite=ocs.us.int.genesyslab.com:8080",
      `cache_peer 127.0.0.1 parent ${port()} 0 no-query no-digest originserver login=PASSTHRU`,
      "never_direct allow all",
    );
    const uri = await arrived();
    const answer = await finalize(uri, ["--connect-to", `::127.0.0.1:${squid.port}`]);
    expect(answer).toMatchObject({
      status: 200,
      headers: expect.stringMatching(/Ocsgw-Delivery: answered/i) as string,
    });
    await expectAtOcs(uri);
  });

  it("a proxy whose parent is the gateway: absolute form arrives there (cache_peer)", async () => {
    const squid = await begin(
      "http_port 127.0.0.1:PORT",
      `cache_peer 127.0.0.1 parent ${port()} 0 no-query no-digest default login=PASSTHRU`,
      "never_direct allow all",
    );
    const uri = await arrived();
    expect((await finalize(uri, ["-x", squid.url])).status).toBe(200);
    await expectAtOcs(uri);
  });

  it("a plain forward proxy, and URIs that name the gateway", async () => {
    const squid = await begin(
      "http_port 127.0.0.1:PORT",
      "acl to_localhost dst 127.0.0.0/8",
      "http_access allow to_localhost",
    );
    const uri = (await arrived()).replace(OCS, gateway());
    expect((await finalize(uri, ["-x", squid.url])).status).toBe(200);
    await expectAtOcs(uri);
  });

  it("hands on OCS's no and the gateway's own as they are", async () => {
    const squid = squids[0]!;
    const through = ["--connect-to", `::127.0.0.1:${squid.port}`];
    const uri = await arrived();
    await finalize(uri, through);
    const again = await finalize(uri, through);
    expect([again.status, again.body]).toEqual([410, expect.stringContaining("410 Gone")]);
    const foreign = await curl([
      ...through,
      "-u",
      credential("alpha-crm"),
      "-H",
      "Content-Type: application/json",
      "-H",
      "Accept: application/json",
      "-d",
      '{"GSW_TENANT_DBID":102}',
      `${OCS}/phones/4155550100?req=DoNotCall`,
    ]);
    expect([foreign.status, JSON.parse(foreign.body)]).toMatchObject([
      403,
      { code: "OCSGW-2103", delivery: "not-sent" },
    ]);
    const nobody = await curl([...through, "-d", "{}", `${OCS}/phones/4155550100?req=DoNotCall`]);
    expect([nobody.status, nobody.headers]).toEqual([401, expect.stringMatching(/www-authenticate: /i)]);
  });

  it("never gives one client's answer to another: what it may not keep it does not keep", async () => {
    const through = ["--connect-to", `::127.0.0.1:${squids[0]!.port}`];
    const groups = async (client: string): Promise<string[]> =>
      Object.keys(
        (
          JSON.parse((await curl([...through, "-u", credential(client), `${OCS}/campaigngroups`])).body) as {
            CampaignGroups: object;
          }
        ).CampaignGroups,
      );
    for (let round = 0; round < 3; round++) {
      expect(await groups("alpha-ops")).toEqual(["Alpha Campaign@Alpha Agents", "Alpha Winback@Alpha Agents"]);
      expect(await groups("beta-ops")).toEqual(["Beta Campaign@Beta Agents"]);
    }
  });
});
