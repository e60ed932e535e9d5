/** What tenants share, and so what one request cannot show: connections, answers, the configuration, time. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rawClient } from "../kit/raw-client.ts";
import { OK, type Script } from "../kit/raw-ocs.ts";
import {
  aWorld,
  bodyOf,
  codeOf,
  groupName,
  headerIn,
  masked,
  ocsAnswer,
  statusOf,
  TENANTS,
  textOf,
  type Ask,
  type TenantName,
  type World,
} from "./world.ts";

const { alpha, beta, gamma } = TENANTS;
let world: World;
beforeEach(async () => {
  world = await aWorld();
});
afterEach(async () => {
  await world.close();
});

const instead = async (more: Parameters<typeof aWorld>[0]): Promise<void> => {
  await world.close();
  world = await aWorld(more);
};
const script = (play: Script): void => {
  world.ocs.shared.script = play;
};
const dnc = (as: Ask["as"], body = "{}"): Ask => ({ as, target: "/phones/4155550100?req=DoNotCall", body });
const reject = (as: TenantName, handle: number): Ask => ({
  as,
  target: `/records/${handle}?req=RecordReject`,
  body: "{}",
});
const groups = (as: TenantName, headers: readonly string[] = []): Ask => ({
  as,
  method: "GET",
  target: "/campaigngroups",
  headers,
});
const GONE = [410, "2106"];
const UNCLEAR = [503, "5103"];
const statusAndCode = (reply: string): [number, string | undefined] => [statusOf(reply), codeOf(reply)];

/** The connections on which each tenant's DBID was seen. */
const connectionsOf = ({ dbid }: { readonly dbid: number }): number[] =>
  world.ocs.shared.connections
    .filter(({ received }) => received.includes(`"GSW_TENANT_DBID":${dbid}`))
    .map(({ number }) => number);

describe("rights", () => {
  it("W11: a client does what it was granted and no more, in its own tenant too", async () => {
    await instead({
      alpha: { clients: { alpha: { actions: ["Load", "ReadStatus"], campaign_groups: [] } } },
      beta: { clients: { beta: { actions: ["Load", "ReadStatus"] } } },
    });
    const before = world.seen();
    const load = "/campaigngroups/208?req=Load";
    for (const [ask, code] of [
      [{ ...dnc("beta"), target: load.replace("Load", "ForceUnload") }, "2101"],
      [dnc("beta"), "2101"],
      [{ as: "alpha", target: "/campaigngroups/106?req=Load" }, "2101"],
    ] as const) {
      expect(codeOf(await world.ask(ask))).toBe(code);
    }
    expect(world.seen()).toEqual(before);
    expect(statusOf(await world.ask({ as: "beta", target: load }))).toBe(200);
  });

  it("W20: on one connection each request is judged by its own credential", async () => {
    const client = await rawClient(world.gateway.port);
    const asks: readonly Ask[] = [
      dnc("alpha"),
      dnc("beta"),
      dnc("nobody"),
      reject("alpha", beta.handle),
      reject("beta", beta.handle),
      dnc("gamma"),
      dnc("alpha"),
    ];
    await client.send(asks.map(textOf).join(""));
    const statuses: number[] = [];
    for (const _ of asks) statuses.push((await client.reply()).status);
    client.close();
    expect(statuses).toEqual([200, 200, 401, 410, 200, 200, 200]);
    expect(world.ocs.gammas.requests()).toBe(1);
    expect(world.seen().shared.requests).toBe(4);
  });
});

describe("handles", () => {
  it("W21: a handle that has ended is nobody's, whoever had it and for whatever action", async () => {
    expect(statusOf(await world.ask(reject("beta", beta.handle)))).toBe(200);
    const before = world.seen();
    const replies = await Promise.all(
      (["alpha", "beta"] as const).flatMap((as) =>
        ["UpdateCallCompletionStats", "DoNotCall", "RecordProcessed"].map((action) =>
          world.ask({ as, target: `/records/${beta.handle}?req=${action}`, body: "{}" }),
        ),
      ),
    );
    expect(new Set(replies.map(masked)).size).toBe(1);
    expect(statusAndCode(replies[0]!)).toEqual(GONE);
    expect(world.seen()).toEqual(before);
  });

  it("W22: a handle given out again is its new tenant's alone; while it is in use, neither tenant has it", async () => {
    await world.announce(alpha, 500);
    expect(statusOf(await world.ask(reject("alpha", 500)))).toBe(200);
    await world.announce(beta, 500);
    expect(statusAndCode(await world.ask(reject("alpha", 500)))).toEqual(GONE);
    expect(statusOf(await world.ask(reject("beta", 500)))).toBe(200);
    await world.announce(alpha, 501);
    await world.announce(beta, 501);
    const before = world.seen();
    expect([
      statusAndCode(await world.ask(reject("alpha", 501))),
      statusAndCode(await world.ask(reject("beta", 501))),
    ]).toEqual([UNCLEAR, UNCLEAR]);
    expect(world.seen()).toEqual(before);
  });

  it("W23: who asks for a handle before it is announced gains nothing by it", async () => {
    expect(statusAndCode(await world.ask(reject("alpha", 502)))).toEqual(GONE);
    await world.announce(beta, 502);
    expect(statusAndCode(await world.ask(reject("alpha", 502)))).toEqual(GONE);
    expect(statusOf(await world.ask(reject("beta", 502)))).toBe(200);
  });
});

describe("the configuration", () => {
  const file = (name: string): string => join(world.gateway.dir, name);

  it("W24: a request is judged by the configuration under which it began, the next by the new one", async () => {
    const client = await rawClient(world.gateway.port);
    const text = textOf(dnc("alpha", '{"GSW_CAMPAIGN_NAME":"Alpha Campaign"}'));
    await client.send(text.slice(0, -10));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const swapped = (await readFile(file("ocsgw.yaml"), "utf8")).replace("- Alpha Campaign\n", "- Delta Campaign\n");
    await writeFile(file("ocsgw.yaml"), swapped);
    expect((await world.gateway.gateway.reload()).outcome).toBe("reloaded");
    await client.send(text.slice(-10));
    expect((await client.reply()).status).toBe(200);
    await client.send(text);
    expect((await client.reply()).headers["ocsgw-code"]).toBe("OCSGW-2104");
    client.close();
    expect(world.seen().shared.requests).toBe(1);
  });

  it("W25: without keys nobody gets in; a bad registry changes nothing; an unstored handle has no owner", async () => {
    await writeFile(file("ocsgw.yaml"), "tenants: [");
    expect((await world.gateway.gateway.reload()).outcome).toBe("refused");
    expect(codeOf(await world.ask(dnc("alpha", '{"GSW_TENANT_DBID":102}')))).toBe("2103");
    expect(statusAndCode(await world.ask(reject("alpha", 503)))).toEqual(GONE);
    expect(world.seen().shared.requests).toBe(0);
  });
});

describe("answers", () => {
  it("W27: what may have left is never sent again", async () => {
    script(({ connection }) => void connection.socket.destroy());
    const reply = await world.ask(dnc("alpha"));
    expect([codeOf(reply), headerIn(reply, "Ocsgw-Delivery")]).toEqual(["4102", "sent-no-answer"]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(world.seen().shared.requests).toBe(1);
  });

  it("D1: the list of groups is the own part of it, without what tells of the others", async () => {
    for (const tenant of [alpha, beta, gamma]) {
      const reply = await world.ask(groups(tenant.key));
      const others = [alpha, beta, gamma].filter((other) => other !== tenant);
      expect(Object.keys((JSON.parse(bodyOf(reply)) as { CampaignGroups: object }).CampaignGroups)).toEqual([
        groupName(tenant),
      ]);
      for (const other of others)
        expect(reply).not.toMatch(
          new RegExp(`${other.name.split(" ")[0]}|\\b${other.ids.campaign}\\b|\\b${other.ids.group}\\b`),
        );
    }
  });

  it("D3: an answer too many, too late or of another shape goes to nobody", async () => {
    script(({ body }) =>
      body.includes('"GSW_TENANT_DBID":101')
        ? `${OK}HTTP/1.1 410 Gone\r\nWarning: 666\r\nContent-length: 0\r\n\r\n`
        : OK,
    );
    for (let round = 0; round < 20; round++) {
      const replies = await Promise.all([world.ask(dnc("alpha")), world.ask(dnc("beta"))]);
      for (const reply of replies) expect(reply).not.toContain("Warning: 666");
      expect(statusOf(replies[1]!)).toBe(200);
    }
    script(({ head }) => ocsAnswer(head.replace("/campaigngroups/106 ", "/campaigngroups/208 ")));
    const reply = await world.ask({ as: "alpha", method: "GET", target: "/campaigngroups/106" });
    expect([codeOf(reply), reply]).toEqual(["4103", expect.not.stringMatching(/146|244/)]);
    expect(connectionsOf(alpha).filter((number) => connectionsOf(beta).includes(number))).toEqual([]);
  });

  it("D5: callers of two tenants that ask at the same time each get their own", async () => {
    script(
      ({ head, connection }) =>
        void setTimeout(() => connection.socket.writable && connection.socket.write(ocsAnswer(head)), 20),
    );
    const asked = (["alpha", "beta"] as const).flatMap((as) => Array.from({ length: 5 }, () => as));
    const replies = await Promise.all(asked.map((as) => world.ask(groups(as))));
    replies.forEach((reply, at) =>
      expect(Object.keys((JSON.parse(bodyOf(reply)) as { CampaignGroups: object }).CampaignGroups)).toEqual([
        groupName(TENANTS[asked[at]!]),
      ]),
    );
  });

  it("D8: no byte of one tenant's ever stands in what another gets or sends", async () => {
    script(({ head, body }) =>
      head.startsWith("GET ")
        ? ocsAnswer(head)
        : body.includes("101")
          ? `HTTP/1.1 400 Bad Request\r\nWarning: 1\r\nContent-type: text/html\r\nContent-length: ` +
            `12\r\n\r\nCANARY-REPLY`
          : OK,
    );
    for (let round = 0; round < 100; round++) {
      const note = `CANARY-${"x".repeat((round * 37) % 900)}`;
      const [, other, list] = await Promise.all([
        world.ask(dnc("alpha", JSON.stringify({ NOTE: note }))),
        world.ask(dnc("beta")),
        world.ask(groups("beta")),
      ]);
      expect(`${other}${list}`).not.toContain("CANARY");
    }
    const foreign = world.ocs.shared.connections
      .filter(({ number }) => !connectionsOf(alpha).includes(number))
      .map(({ received }) => received)
      .join("");
    expect(foreign).toContain('"GSW_TENANT_DBID":102');
    expect(foreign).not.toContain("CANARY");
  });

  it("I2: what others do changes neither body nor length nor ETag nor order of the own list", async () => {
    const first = await world.ask(groups("alpha"));
    script(({ head }) =>
      ocsAnswer(head, {
        beta: { GSW_CM_AttrGroupCampStatus: 5, GSW_CM_AttrDialMode: 1, LONG: "x".repeat(500) },
        gamma: { GSW_CM_AttrGroupCampStatus: 0 },
      }).replace("Etag: 1569882947", "Etag: 1569882999"),
    );
    const second = await world.ask(groups("alpha"));
    expect(masked(second)).toBe(masked(first));
    const again = await world.ask(groups("alpha", [`If-None-Match: ${headerIn(first, "Etag")}`]));
    expect([statusOf(again), bodyOf(again)]).toEqual([304, ""]);
    script(({ head }) => ocsAnswer(head, { alpha: { GSW_CM_AttrGroupCampStatus: 5 } }));
    expect(masked(await world.ask(groups("alpha")))).not.toBe(masked(first));
  });
});

describe("counters", () => {
  it("I5: request ids do not count, and limits are of the own tenant", async () => {
    const random = (reply: string): bigint =>
      BigInt(`0x${Buffer.from(headerIn(reply, "Ocsgw-Request-Id")!.slice(10)).toString("hex")}`);
    const ids: bigint[] = [];
    for (let round = 0; round < 20; round++) ids.push(random(await world.ask(dnc("nobody"))));
    const steps = ids.slice(1).map((id, at) => id - ids[at]!);
    expect(steps.filter((step) => step > 0n && step < 65_536n)).toEqual([]);
  });

  it("I9: a client over its limit gets 429, and no other client sees anything of it", async () => {
    await instead({ alpha: { limits: { requests: { rate: "3/m", burst: 3 } } } });
    const quiet = masked(await world.ask(dnc("beta")));
    for (let round = 0; round < 3; round++) expect(statusOf(await world.ask(dnc("alpha")))).toBe(200);
    const over = await world.ask(dnc("alpha"));
    expect([codeOf(over), headerIn(over, "Retry-After")]).toEqual(["3001", expect.stringMatching(/^\d+$/)]);
    expect(masked(await world.ask(dnc("beta")))).toBe(quiet);
    expect(quiet).not.toMatch(/^RateLimit/im);
  });
});
