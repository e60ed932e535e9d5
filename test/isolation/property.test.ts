/** Whoever asks for whatever in whatever way: what an OCS then gets, an independent oracle allows for the sender. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawClient, type RawClient } from "../kit/raw-client.ts";
import { ALL_ACTIONS, reqValuesOf } from "../ocs/manual.ts";
import { objection, type Registered, type Wire } from "./oracle.ts";
import { bearerOf } from "./tokens.ts";
import {
  aWorld,
  ocsAnswer,
  textOf,
  TENANTS,
  type Ask,
  type TenantFacts,
  type TenantName,
  type World,
} from "./world.ts";

const RUNS = Number(process.env["OCSGW_PROPERTY_RUNS"] ?? 2000);

let world: World;
let client: RawClient | undefined;
const wire: Wire[] = [];
const live: Record<"alpha" | "beta", Set<number>> = { alpha: new Set(), beta: new Set() };
let nextHandle = 10_000;

beforeAll(async () => {
  world = await aWorld();
  for (const [ocs, raw] of Object.entries(world.ocs))
    raw.script = ({ head, body }) => (
      wire.push({ ocs, head, body: Buffer.from(body, "latin1").toString("utf8") }),
      ocsAnswer(head)
    );
});
afterAll(async () => {
  client?.close();
  await world.close();
});

const registered = (tenant: TenantFacts): Registered => ({
  dbid: tenant.dbid,
  ocs: tenant.ocs,
  campaigns: [tenant.campaign],
  lists: [tenant.list],
  groups: [tenant.group],
  handles: tenant.key === "gamma" ? undefined : live[tenant.key],
});

const replenish = async (): Promise<void> => {
  for (const key of ["alpha", "beta"] as const) {
    while (live[key].size < 3) {
      await world.announce(TENANTS[key], nextHandle);
      live[key].add(nextHandle++);
    }
  }
};

const all = Object.values(TENANTS);
/** Mostly as written, now and then in a way that some reader takes for the same. */
const spelled = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...texts), fc.nat(40)).map(([text, how]) => {
    switch (how) {
      case 0:
        return text.toLowerCase();
      case 1:
        return text.toUpperCase();
      case 2:
        return text.replace(/[A-Z]/, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0));
      case 3:
        return `${text} `;
      case 4:
        return text.replace(" ", "  ");
      case 5:
        return `${text}\u200b`;
      default:
        return text;
    }
  });

const queryOf = (resource: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 16, arbitrary: spelled(reqValuesOf(resource)).map((action) => `?req=${action}`) },
    { weight: 1, arbitrary: fc.constantFrom(...ALL_ACTIONS).map((action) => `?req=${action}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        "?req=Load&req=ForceUnload",
        "?REQ=Load",
        "?req=DoNotCall&x=1",
        "?%72eq=DoNotCall",
        "?req=",
        "?req=DoNotCall#x",
      ),
    },
  );

/** Handles are chosen when the request is made, for they come and go. */
const HANDLE = "<handle>";
const identifier: Readonly<Record<string, fc.Arbitrary<string>>> = {
  records: fc.oneof(
    { weight: 8, arbitrary: fc.constant(HANDLE) },
    { weight: 1, arbitrary: fc.constantFrom("015", "+15", "15%2F..%2F41", "1e1", "-1", "4294967337") },
  ),
  phones: fc.constantFrom("4155550100", "+14155550100", "4155550101", "4155550102", "415%", "%2A", "12"),
  customer_ids: fc.constantFrom("A-0001", "B-0001", "C-0001", "%25", "x'%20OR%201", "a%2Fb"),
  lists: spelled(all.map(({ list }) => list)).map(encodeURIComponent),
  campaigngroups: fc.constantFrom(...all.map(({ group }) => String(group)), "999", "0", "0106"),
};
const targetOf = (resource: string): fc.Arbitrary<string> =>
  fc
    .tuple(identifier[resource]!, queryOf(resource))
    .map(([id, rest]) => `/${resource}/${id}${rest}`.replaceAll(" ", "%20"));

const escaped = (key: string): string => `\\u${key.charCodeAt(0).toString(16).padStart(4, "0")}${key.slice(1)}`;
const key = fc
  .tuple(
    spelled([
      "GSW_TENANT_DBID",
      "GSW_TENANT_NAME",
      "GSW_CAMPAIGN_NAME",
      "GSW_CAMPAIGN",
      "GSW_CALLING_LIST",
      "GSW_RECORD_HANDLE",
      "GSW_PHONE",
      "GSW_CUSTOMER_ID",
      "GSW_TZ_NAME",
      "GSW_DATE_TIME",
      "GSW_CM_AttrDialMode",
      "GSW_CM_AttrGroupID",
      "GSW_CM_AttrProperties",
      "GSW_CALL_RESULT",
      "GSW_CHAIN_ATTR",
      "CUSTOMER_CODE",
      "NOTE",
      "__proto__",
    ]),
    fc.nat(30),
  )
  .map(([text, how]) => `"${how === 0 ? escaped(text) : text}"`);
const fitting = new Map<string, fc.Arbitrary<string>>(
  Object.entries({
    GSW_TENANT_DBID: fc.constantFrom(
      "101",
      "102",
      "103",
      '"101"',
      '"102"',
      "0",
      "102.0",
      "null",
      "[102]",
      "4294967398",
    ),
    GSW_TENANT_NAME: spelled(all.map(({ name }) => name)).map((text) => JSON.stringify(text)),
    GSW_CAMPAIGN_NAME: spelled(all.map(({ campaign }) => campaign)).map((text) => JSON.stringify(text)),
    GSW_CAMPAIGN: fc.constantFrom(...all.map(({ campaign }) => JSON.stringify(campaign))),
    GSW_CALLING_LIST: spelled(all.map(({ list }) => list)).map((text) => JSON.stringify(text)),
    GSW_PHONE: fc.constantFrom('"4155550100"', '"4155550101"', '"%"'),
    GSW_TZ_NAME: fc.constantFrom('"PST"', '"x"'),
    GSW_DATE_TIME: fc.constantFrom('"12/12/2026 13:00"', '"soon"'),
    GSW_CM_AttrDialMode: fc.constantFrom("2", "1", '"2"'),
  }),
);
const anything = fc.constantFrom(
  "1",
  '"text"',
  '"a\\r\\nb"',
  '"\\u0000"',
  "{}",
  '{"GSW_TENANT_DBID":102}',
  "[]",
  "null",
  "1e3",
  '"\\ud800"',
  '"Beta Tenant"',
  "41",
);
const field = key.chain((name) =>
  fc
    .tuple(
      fc.constant(name),
      fc.oneof(
        { weight: 9, arbitrary: fitting.get(name.replaceAll('"', "")) ?? anything },
        { weight: 1, arbitrary: anything },
      ),
    )
    .map(([of, value]) => `${of}:${value}`),
);
/** What an action needs, so that not everything fails at the first look. */
const BASIS: Readonly<Record<string, readonly string[]>> = {
  records: ["", "", '"GSW_DATE_TIME":"12/12/2026 13:00"', '"GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"'],
  lists: all.map(({ campaign }) => `"GSW_CAMPAIGN_NAME":"${campaign}","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"`),
  campaigngroups: ["", '"GSW_CM_AttrDialMode":2'],
};
const bodyOf = (resource: string): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...(BASIS[resource] ?? [""])),
          fc.oneof(
            { weight: 1, arbitrary: fc.constant<string[]>([]) },
            { weight: 1, arbitrary: fc.array(field, { minLength: 1, maxLength: 2 }) },
          ),
        )
        .map(([first, more]) => `{${[first, ...more].filter((part) => part !== "").join(",")}}`),
    },
    { weight: 1, arbitrary: fc.constantFrom("", "[]", "{", "null", "\ufeff{}", '{"a":1}{"b":2}') },
  );
const request = fc
  .constantFrom("records", "records", "phones", "customer_ids", "lists", "campaigngroups")
  .chain((resource) => fc.tuple(targetOf(resource), bodyOf(resource)));
const who = fc.constantFrom<TenantName | "nobody" | "token">(
  "alpha",
  "beta",
  "gamma",
  "alpha",
  "beta",
  "gamma",
  "alpha",
  "beta",
  "gamma",
  "token",
  "token",
  "nobody",
);
const headers = fc.oneof(
  { weight: 9, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ["Ocsgw-Tenant: 102"],
      ["X-Api-Key: key-of-beta"],
      ["Transfer-Encoding: chunked"],
      ["Host: evil"],
      ["X-Tenant: 102", "Cookie: tenant=102"],
      ["Content-Type: text/plain"],
    ),
  },
);
const form = fc.constantFrom(
  ...Array<string>(18).fill(""),
  "http://ocs.us.int.genesyslab.com:8080",
  "http://evil.example",
);

/** On one connection as long as it lasts. */
const send = async (ask: Ask): Promise<{ status: number; text: string }> => {
  client ??= await rawClient(world.gateway.port);
  await client.send(textOf(ask));
  const reply = await client.reply();
  if (reply.headers["connection"] === "close") {
    client.close();
    client = undefined;
  }
  return { status: reply.status, text: JSON.stringify(reply) };
};

const OWNERS: Readonly<Record<string, TenantFacts | undefined>> = { ...TENANTS, token: TENANTS.alpha };

/** Who asks, by all the credentials shown: one, or several of one client. */
const senderOf = (as: string, more: readonly string[]): TenantFacts | undefined => {
  const betas = more.some((header) => header.includes("key-of-beta"));
  return betas && as !== "beta" ? (as === "nobody" ? TENANTS.beta : undefined) : OWNERS[as];
};

describe("any request", () => {
  it(`reaches only what its sender may reach, in ${RUNS} of ${RUNS}`, { timeout: 3_600_000 }, async () => {
    let reached = 0;
    const token = bearerOf("alpha");
    const property = fc.asyncProperty(
      who,
      request,
      headers,
      form,
      fc.nat(),
      fc.constantFrom(true, ...Array<boolean>(9).fill(false)),
      async (as, [path, text], more, authority, pick, reads) => {
        await replenish();
        const sender = senderOf(as, more);
        // Mostly its own: whoever asks for many that are not is slowed down.
        const own = sender && sender.key !== "gamma" ? [...live[sender.key]] : [];
        const handles = [...own, ...own, ...own, ...live.alpha, ...live.beta, nextHandle + 1, 9_999];
        const rights = sender && {
          ...registered(sender),
          ...(sender.key !== "gamma" && { handles: new Set(live[sender.key]) }),
        };
        wire.length = 0;
        const chosen = (reads ? path.split("?")[0]! : path).replace(HANDLE, String(handles[pick % handles.length]));
        const ask: Ask = {
          as: as === "token" ? token : as,
          target: `${authority}${chosen}`,
          method: reads ? "GET" : "POST",
          ...(!reads && { body: text }),
          headers: more,
        };
        const { status, text: reply } = await send(ask);
        for (const got of wire) {
          const why = objection(got, rights);
          if (why !== undefined) throw new Error(`${as} sent ${why}: ${JSON.stringify(got)}`);
        }
        expect(wire.length).toBeLessThanOrEqual(1);
        reached += wire.length;
        if (wire.length === 0 && status === 200) throw new Error("answered 200 without OCS");
        if (
          sender &&
          new RegExp(
            all
              .filter((tenant) => tenant !== sender)
              .map(({ name }) => name.split(" ")[0])
              .join("|"),
          ).test(reply)
        )
          throw new Error(`told ${as} of another tenant: ${reply}`);
        const handle = Number(
          /^POST \/records\/(\d+)\?req=(?!UpdateCallCompletionStats|AddRecord)/.exec(wire[0]?.head ?? "")?.[1],
        );
        if (status === 200) for (const key of ["alpha", "beta"] as const) live[key].delete(handle);
      },
    );
    await fc.assert(property, {
      numRuns: RUNS,
      ...(process.env["OCSGW_PROPERTY_SEED"] !== undefined && { seed: Number(process.env["OCSGW_PROPERTY_SEED"]) }),
    });
    // A tenth and more gets through: refusing everything would not pass.
    expect(reached).toBeGreaterThan(RUNS / 20);
  });
});

describe("the oracle", () => {
  const sender: Registered = {
    dbid: 101,
    ocs: "shared",
    campaigns: ["Alpha Campaign"],
    lists: ["Alpha List"],
    groups: [106],
    handles: new Set([15]),
  };
  const post = (path: string, text: string, extra = ""): Wire => ({
    ocs: "shared",
    head:
      `POST ${path} HTTP/1.1\r\nHost: ocs\r\nUser-Agent: x\r\nContent-type: application/json\r\nContent-length: ` +
      `${Buffer.byteLength(text)}${extra}`,
    body: text,
  });

  it("is short and of its own mind", () => {
    const source = readFileSync(new URL("oracle.ts", import.meta.url), "utf8");
    expect(source.split("\n").length).toBeLessThanOrEqual(120);
    expect(source.match(/^import.*$/gm)).toEqual(['import { reqValuesOf } from "../ocs/manual.ts";']);
    expect(readFileSync(new URL("../ocs/manual.ts", import.meta.url), "utf8")).not.toMatch(/^import/m);
  });

  it.each([
    ["a phone of the tenant's", post("/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID":101}')],
    ["its handle", post("/records/15?req=RecordReject", "{}")],
    [
      "its list",
      post(
        "/lists/Alpha%20List?req=AddRecord",
        '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}',
      ),
    ],
    ["its group", post("/campaigngroups/106?req=Load", "")],
    ["all groups", { ocs: "shared", head: "GET /campaigngroups HTTP/1.1\r\nHost: ocs", body: "" }],
  ])("allows %s", (_, request) => {
    expect(objection(request, sender)).toBeUndefined();
  });

  it.each([
    ["nobody", post("/records/15?req=RecordReject", "{}"), undefined, "nobody"],
    ["another OCS", { ...post("/records/15?req=RecordReject", "{}"), ocs: "gammas" }, sender, "another tenant's OCS"],
    ["another handle", post("/records/41?req=RecordReject", "{}"), sender, "not a live handle"],
    [
      "another list",
      post("/lists/Beta%20List?req=AddRecord", '{"GSW_CAMPAIGN_NAME":"Alpha Campaign"}'),
      sender,
      "another tenant's list",
    ],
    [
      "another campaign",
      post("/lists/Alpha%20List?req=AddRecord", '{"GSW_CAMPAIGN_NAME":"Beta Campaign"}'),
      sender,
      "another tenant's campaign",
    ],
    ["another group", post("/campaigngroups/208?req=Load", ""), sender, "another tenant's campaign group"],
    [
      "another group's status",
      { ocs: "shared", head: "GET /campaigngroups/208 HTTP/1.1\r\nHost: ocs", body: "" },
      sender,
      "another tenant's campaign group",
    ],
    [
      "another tenant",
      post("/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID":102}'),
      sender,
      "not the tenant's DBID",
    ],
    ["no tenant", post("/phones/4155550100?req=DoNotCall", "{}"), sender, "not the tenant's DBID"],
    [
      "a tenant's name",
      post("/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID":101,"GSW_TENANT_NAME":"Beta Tenant"}'),
      sender,
      "a tenant's name",
    ],
    [
      "a doubled key",
      post("/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID":102,"GSW_TENANT_DBID":101}'),
      sender,
      "a second reading",
    ],
    [
      "a client's header",
      post("/records/15?req=RecordReject", "{}", "\r\nX-Tenant: 102"),
      sender,
      "a header that OCS does not read",
    ],
    ["a wrong length", { ...post("/records/15?req=RecordReject", "{}"), body: "{} " }, sender, "a length that is not"],
    ["another action", post("/phones/4155550100?req=Load", '{"GSW_TENANT_DBID":101}'), sender, "no action"],
    ["two actions", post("/campaigngroups/106?req=Load&req=ForceUnload", ""), sender, "no request line"],
    [
      "a full-width key",
      post("/records/15?req=RecordReject", '{"\uff27SW_TENANT_DBID":102}'),
      sender,
      "could be read as GSW_",
    ],
  ] as const)("objects to %s", (_, request, of, why) => {
    expect(objection(request, of)).toContain(why);
  });
});
