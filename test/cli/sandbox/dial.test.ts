import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { arrival, showArrivals } from "../../../src/cli/sandbox/arrivals.ts";
import { readyTenants } from "../../../src/cli/sandbox/config.ts";
import type { Host } from "../../../src/cli/sandbox/control-client.ts";
import { dial, type DialOptions } from "../../../src/cli/sandbox/dial.ts";
import { followEvents, type EventsOptions } from "../../../src/cli/sandbox/events.ts";
import { screen, type Ready } from "../../../src/cli/sandbox/screen.ts";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { ocsgw } from "../../kit/command.ts";
import { NOON } from "../../sandbox/support.ts";
import { patternOf } from "../../kit/pattern.ts";

let ocs: SandboxOcs;
beforeEach(async () => {
  ocs = await startSandboxOcs({ now: () => NOON + 6 * 3_600_000 });
});
afterEach(async () => {
  await ocs.close();
});

type Output = { code: number; stdout: string; stderr: string };
const outputOf = async (run: (host: Host) => Promise<number>): Promise<Output> => {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run({ stdout: { write: (text) => out.push(text) }, stderr: { write: (text) => err.push(text) } });
  return { code, stdout: out.join(""), stderr: err.join("") };
};
const dialed = (options: Partial<DialOptions> = {}): Promise<Output> =>
  outputOf((host) => dial({ url: ocs.control, ...options }, host));

describe("the command line ocsgw sandbox dial", () => {
  it("dials and prints the events", async () => {
    const { code, stdout } = await ocsgw(
      "sandbox",
      "dial",
      "--list",
      "Alpha List",
      "--count",
      "2",
      "--url",
      ocs.control,
    );
    expect([code, stdout.split("\n").length]).toEqual([0, 3]);
    expect(stdout).toMatch(
      new RegExp(
        "^1 {2}18:00:00Z {2}Alpha Tenant {2}Alpha List {2}dialed \\d{10} {2}handle 1000 " +
          `{2}${ocs.primary.http}/records/1000\n2 `,
      ),
    );
  });
});

describe("dial", () => {
  it("prints one JSON line for each event", async () => {
    const { stdout } = await dialed({ count: 2, json: true });
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { id: 1, udata: { GSW_RECORD_HANDLE: 1000 } },
      { id: 2, udata: { GSW_RECORD_HANDLE: 1001 } },
    ]);
  });

  it("continues at the given rate until it has dialed the given number", async () => {
    expect((await dialed({ count: 3, rate: "100/s" })).stdout.split("\n")).toHaveLength(4);
  });

  it("ends with 1 and says why when there were fewer records", async () => {
    expect(await dialed({ count: 1000 })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^no more records are due: /) as string,
      stdout: expect.stringContaining("on the do-not-call list") as string,
    });
    expect((await dialed({ rate: "100/s" })).code).toBe(1);
  });

  it.each([
    [{ list: "Gamma List" }, "list: unknown calling list"],
    [{ list: "Beta List" }, "list: no running campaign group uses this calling list"],
    [{ rate: "often" }, "--rate: expected records per second, such as 2/s or 0.5/s; found often"],
    [{ rate: "0/s" }, "--rate: expected"],
    [{ to: "here" }, "to: expected an http or https URL"],
  ])("rejects %j with exit code 2", async (options, message) => {
    expect(await dialed(options)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
  });

  it("ends with 5 when no sandbox is there", async () => {
    expect((await dialed({ url: "http://127.0.0.1:9/sandbox" })).code).toBe(5);
  });
});

describe("events", () => {
  const follow = (options: Partial<EventsOptions>, lines: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const over = new AbortController();
      let text = "";
      const write = (more: string): void => {
        text += more;
        if (text.split("\n").length > lines) over.abort();
      };
      followEvents(
        { url: ocs.control, ...options },
        { stdout: { write }, stderr: { write: reject } },
        over.signal,
      ).then(() => resolve(text), reject);
    });

  it("are followed from a given event on, for one tenant only", async () => {
    ocs.world.db.run("UPDATE campaign_group SET status = 5, dial_mode = 2 WHERE dbid = 208");
    await ocs.dialer.dial({ count: 6 });
    expect(
      (await follow({ since: "2", tenant: "Beta Tenant" }, 2)).split("\n").map((line) => line.slice(0, 25).trim()),
    ).toEqual(["4  18:00:00Z  Beta Tenant", "6  18:00:00Z  Beta Tenant", ""]);
    expect(JSON.parse((await follow({ since: "5", json: true }, 1)).trim())).toMatchObject({
      id: 6,
      tenant: { dbid: 102 },
    });
  });

  it("end with exit code 2 for an unknown tenant, and with 5 when no sandbox is there", async () => {
    expect(await outputOf((host) => followEvents({ url: ocs.control, tenant: "Gamma" }, host))).toMatchObject({
      code: 2,
      stderr: "tenant: unknown tenant\n",
    });
    expect(await outputOf((host) => followEvents({ url: "http://127.0.0.1:9/sandbox" }, host))).toMatchObject({
      code: 5,
    });
  });
});

describe("the screen of npm start", () => {
  const ready = (): Ready => ({
    ocs: { primary: "http://ocs1", backup: "http://ocs2", primary_https: "", backup_https: "" },
    sandbox: { url: "http://127.0.0.1:1/sandbox" },
    ca: "ca.pem",
    tenants: readyTenants(),
  });
  const gateway = { http: "http://gateway:8080", https: "https://gateway" };

  it("shows a dialed record with a command that finalizes it as its tenant may", async () => {
    ocs.world.db.run("UPDATE campaign_group SET status = 5, dial_mode = 2 WHERE dbid = 208");
    ocs.dialer.configure({ recordBase: gateway.http });
    const [alpha, beta] = (await ocs.dialer.dial({ count: 2 })).events;
    expect(arrival(alpha!, { ...ready(), gateway })).toMatch(
      patternOf(
        /\n {2}curl -i -u alpha-ors:sk_sandbox_alpha-ors 'http:\/\/gateway:8080\/records\/1000\?req=RecordProcessed' /,
        /-H 'Content-Type: application\/json' -d '\{"GSW_CALL_RESULT":33\}'\n$/,
      ),
    );
    expect(arrival(beta!, { ...ready(), gateway })).toContain(
      "curl -i -u beta-crm:sk_sandbox_beta-crm 'http://gateway:8080/records/1001?",
    );
    expect(arrival(beta!, ready())).toContain("curl -i 'http://gateway:8080/records/1001?");
  });

  it("shows at most one record a second", async () => {
    const lines: string[] = [];
    showArrivals(ocs.dialer.log, ready(), (text) => lines.push(text));
    await ocs.dialer.dial({ count: 20 });
    expect(lines).toHaveLength(1);
  });

  it("lists no clients and no keys without a gateway, because OCS has none", () => {
    const off = { rate: 0, validationUri: undefined };
    const shown = screen(ready(), off);
    expect(shown).not.toMatch(/sk_sandbox|alpha-crm|\bkey\b/);
    for (const { name, dbid, campaign_groups } of ready().tenants)
      expect(shown).toContain(
        `${name} (${dbid}) has campaign groups ${campaign_groups.map((group) => group.dbid).join(", ")}`,
      );
    expect(screen({ ...ready(), gateway }, off)).toContain("sk_sandbox_alpha-crm");
  });

  it("names usual ports that other programs use, and says nothing if all are free", () => {
    const off = { rate: 0, validationUri: undefined };
    expect(screen(ready(), off, ["8080 (gateway)", "9640 (admin)"])).toContain(
      "Usual ports in use by another program: 8080 (gateway), 9640 (admin). Free ports are used instead.",
    );
    expect(screen(ready(), off)).not.toContain("Another program");
  });

  it("shows the dial rate and, without a gateway, how to announce records to one", () => {
    const off = { rate: 0, validationUri: undefined };
    expect(screen(ready(), { ...off, rate: 0.1 })).toContain("OCS dials a record each 10 s");
    expect(screen(ready(), { ...off, rate: 20 })).toContain("OCS dials 20 records a second");
    expect(screen(ready(), off)).toContain(
      `curl 'http://127.0.0.1:1/sandbox/dialer' -d '{"validation-uri":"http://127.0.0.1:8444/"}'`,
    );
    for (const shown of [screen({ ...ready(), gateway }, off), screen(ready(), { ...off, validationUri: "http://x" })])
      expect(shown).not.toContain("validation-uri");
  });
});
