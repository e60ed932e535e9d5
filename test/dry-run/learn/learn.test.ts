import { describe, expect, it } from "vitest";
import { ROWS, KINDS } from "../../../src/dry-run/learn/refusal-kinds.ts";
import type { Learned } from "../../../src/dry-run/learn/learn.ts";
import { REFUSALS } from "../../../src/gateway/refusals.ts";
import type { Recorded } from "../../../src/journal/entry.ts";
import { mutated } from "../../settings/kit.ts";
import { BEGIN, edited, learnFrom, send, type Sent } from "./kit.ts";

/** Both tenants of the sample observe. */
const OBSERVING = mutated(
  ["lists: [Alpha List, Alpha Winback List]", "lists: [Alpha List, Alpha Winback List]\n    mode: observe"],
  ["lists: [Beta List]", "lists: [Beta List]\n    mode: observe"],
).replace(/\ntests:[^]*$/, "\n");

const dnc = (at: number, as: string, body?: object): Sent => ({
  at,
  as,
  method: "POST",
  target: `/phones/41555501${String(at % 100).padStart(2, "0")}?req=DoNotCall`,
  ...(body && { body: JSON.stringify(body) }),
});
const times = (count: number, of: (at: number) => Sent, gap = 1000): Sent[] =>
  Array.from({ length: count }, (_, at) => of(at * gap + at));
const namesOf = ({ tenants }: Learned): string[] =>
  tenants.flatMap(({ tenant, names }) =>
    names.map(({ kind, name, verdict }) => `${tenant}: ${kind} ${name} ${verdict}`),
  );
const changesOf = ({ tenants }: Learned): string[] =>
  tenants.flatMap(({ tenant, changes }) =>
    changes.map(({ change, key, value }) => `${tenant} ${change} ${key} ${value}`),
  );

describe("names that a tenant does not have", () => {
  const asked = async (...bodies: readonly (readonly [as: string, body: object])[]): Promise<readonly Recorded[]> =>
    (
      await send(
        OBSERVING,
        bodies.flatMap(([as, body], place) => times(5, (at) => dnc(place * 60_000 + at, as, body))),
      )
    ).journal;

  it.each([
    ["nobody's", { GSW_CALLING_LIST: "New List" }, "list New List may be added"],
    ["another tenant's", { GSW_CALLING_LIST: "Beta List" }, "list Beta List another tenant's"],
    [
      "another tenant's in other letters",
      { GSW_CAMPAIGN_NAME: "BETA  campaign" },
      "campaign BETA  campaign another tenant's",
    ],
    ["its own in other letters", { GSW_CALLING_LIST: "alpha list" }, "list alpha list spelled differently"],
    ["masked", { GSW_CAMPAIGN_NAME: "Call 4155550100" }, "campaign Call ······0100 masked"],
    ["no name of a list", { GSW_CALLING_LIST: "a/b" }, "list a/b not a name"],
    ["no name of a campaign", { GSW_CAMPAIGN_NAME: " x" }, "campaign  x not a name"],
  ])("are judged: %s", async (_, body, verdict) => {
    const learned = await learnFrom(OBSERVING, await asked(["alpha-ors", body]), { minRequests: 5 });
    expect(namesOf(learned)).toEqual([`Alpha Tenant: ${verdict}`]);
    expect(changesOf(learned).filter((change) => / add (?:lists|campaigns)/.test(change))).toEqual([]);
  });

  it("go to none of two tenants whose clients use them, also when names are accepted", async () => {
    const body = { GSW_CALLING_LIST: "New List" };
    const learned = await learnFrom(OBSERVING, await asked(["alpha-ors", body], ["beta-crm", body]), {
      acceptNames: true,
    });
    expect(namesOf(learned)).toEqual([
      "Alpha Tenant: list New List two tenants use it",
      "Beta Tenant: list New List two tenants use it",
    ]);
    expect(edited(OBSERVING, learned)).not.toContain("New List");
  });

  it.each([
    ["observes and is not learned", OBSERVING],
    ["enforces", OBSERVING.replace("lists: [Beta List]\n    mode: observe", "lists: [Beta List]")],
  ])("go to no tenant whose neighbour uses them and %s", async (_, text) => {
    for (const body of [{ GSW_CALLING_LIST: "New List" }, { GSW_CAMPAIGN_NAME: "New Campaign" }]) {
      const traffic = ["alpha-ors", "beta-crm"].flatMap((as, place) =>
        times(5, (at) => dnc(place * 60_000 + at, as, body)),
      );
      const { journal } = await send(text, traffic);
      const learned = await learnFrom(text, journal, { places: [0], acceptNames: true });
      expect(namesOf(learned)).toEqual([expect.stringMatching(/^Alpha Tenant: \w+ New \w+ two tenants use it$/)]);
      expect(learned.tenants[0]!.names[0]!.detail).toBe('also "Beta Tenant"');
      expect(edited(text, learned)).not.toContain("New ");
    }
  });

  it("are added when they are accepted, with the actions that they were for", async () => {
    const bare = OBSERVING.replace(/beta-crm: \{.*\}/, "beta-crm: { actions: [] }");
    const journal = [
      ...(await asked(["beta-crm", { GSW_CALLING_LIST: "New List" }])),
      ...(
        await send(
          bare,
          times(5, (at) => ({ ...dnc(at, "beta-crm"), target: "/phones/4155550100?req=RequestRecordCancel" })),
        )
      ).journal,
    ];
    const learned = await learnFrom(bare, journal, { acceptNames: true, minRequests: 5 });
    expect(changesOf(learned)).toEqual(
      expect.arrayContaining([
        "Beta Tenant add lists New List",
        "Beta Tenant add clients.beta-crm.actions DoNotCall",
        "Beta Tenant add clients.beta-crm.actions RequestRecordCancel",
      ]),
    );
  });

  it("are too rare below the threshold", async () => {
    const journal = await asked(["alpha-ors", { GSW_CALLING_LIST: "New List" }]);
    expect(namesOf(await learnFrom(OBSERVING, journal, { minRequests: 6, acceptNames: true }))).toEqual([
      "Alpha Tenant: list New List rare",
    ]);
  });

  it("include groups, which need a name in OCS too", async () => {
    const target = (dbid: number) => `/campaigngroups/${dbid}?req=Load`;
    const { journal } = await send(OBSERVING, [
      { at: 0, as: "beta-ops", method: "POST", target: target(999) },
      { at: 1, as: "beta-ops", method: "POST", target: target(106) },
    ]);
    expect(namesOf(await learnFrom(OBSERVING, journal, { acceptNames: true }))).toEqual([
      "Beta Tenant: group 999 unknown group",
      "Beta Tenant: group 106 another tenant's",
    ]);
  });
});

describe("what is seen too rarely", () => {
  it("is not granted, and keeps what the config has", async () => {
    const traffic = [...times(3, (at) => dnc(at, "alpha-ops")), ...times(1, (at) => dnc(10_000 + at, "alpha-ors"))];
    const learned = await learnFrom(OBSERVING, (await send(OBSERVING, traffic)).journal, { minRequests: 4 });
    expect(learned.tenants[0]!.rare).toMatchObject([
      { key: "clients.alpha-ops.actions", value: "DoNotCall", evidence: { requests: 3 } },
    ]);
    expect(edited(OBSERVING, learned)).toMatch(
      /alpha-ors: \{ actions: \[DoNotCall\] \}\n {6}alpha-ops: \{ actions: \[\]/,
    );
  });

  it("is no proposal at all for a tenant without a request", async () => {
    const { journal } = await send(
      OBSERVING,
      times(3, (at) => dnc(at, "alpha-ors")),
    );
    const learned = await learnFrom(OBSERVING, journal, { enforce: true });
    expect(learned.tenants[1]).toMatchObject({
      tenant: "Beta Tenant",
      requests: 0,
      changes: [],
      edits: [],
      notes: ["no request passed for this tenant, so nothing is proposed for it"],
    });
  });
});

describe("with --add-only", () => {
  it("nothing is removed or restricted", async () => {
    const { journal } = await send(
      OBSERVING,
      times(5, (at) => dnc(at, "alpha-ops", { COLOUR: "x" })),
    );
    const learned = await learnFrom(OBSERVING, journal, { addOnly: true, enforce: true });
    expect(changesOf(learned)).toEqual([
      "Alpha Tenant add clients.alpha-ops.actions DoNotCall",
      "Alpha Tenant set mode enforce",
    ]);
  });
});

describe("a right whose requests were all refused after the policy allowed them", () => {
  const refusedWith = async (code: string, stage: string): Promise<readonly Recorded[]> => {
    const other = { ...dnc(0, "alpha-ors"), target: "/phones/4155550100?req=RequestRecordCancel" };
    const { journal } = await send(RICH, [other, ...times(5, (at) => dnc(1000 + at, "alpha-ors"))]);
    return journal.flatMap((entry): Recorded[] => {
      if (!("action" in entry) || entry.action !== "RequestRecordCancel") return [entry];
      const { id, time, index, tenant, client, resource, action } = entry as Extract<Recorded, { kind: "intent" }>;
      return [
        { kind: "refusal", id, time, index, tenant, client, resource, action, code, stage } as unknown as Recorded,
      ];
    });
  };
  const RICH = OBSERVING.replace(/alpha-ors: \{.*\}/, "alpha-ors: { actions: [DoNotCall, RequestRecordCancel] }");
  const removed = "Alpha Tenant remove clients.alpha-ors.actions RequestRecordCancel";

  it.each([
    ["the record was not the tenant's", "OCSGW-2106", "scope", true],
    ["whose record it was could not be told", "OCSGW-5103", "scope", true],
    ["the queue was full", "OCSGW-3002", "queue", true],
    ["the body was malformed", "OCSGW-1007", "body", false],
    ["it was for another tenant", "OCSGW-2103", "scope", false],
    ["it was refused before the policy", "OCSGW-1002", "operation", false],
  ])("stays or goes: %s", async (_, code, stage, stays) => {
    const learned = await learnFrom(RICH, await refusedWith(code, stage));
    expect(changesOf(learned).includes(removed)).toBe(!stays);
    expect(learned.tenants[0]!.notes.some((note) => note.includes("keeps RequestRecordCancel"))).toBe(stays);
    expect(edited(RICH, learned).includes("alpha-ors: { actions: [DoNotCall, RequestRecordCancel] }")).toBe(stays);
  });
});

describe("fields", () => {
  const journalOf = async (body: object): Promise<readonly Recorded[]> =>
    (
      await send(
        OBSERVING,
        times(5, (at) => dnc(at, "alpha-ors", body)),
      )
    ).journal;
  const fieldsOf = (learned: Learned): string[] => changesOf(learned).filter((change) => change.includes("fields"));

  it("are those of the requests, also the ones whose values are dropped", async () => {
    const learned = await learnFrom(OBSERVING, await journalOf({ COLOUR: "x", CUSTOMER_CODE: "y" }));
    expect(fieldsOf(learned)).toEqual(["Alpha Tenant set fields [COLOUR, CUSTOMER_CODE]"]);
  });

  it.each([
    [
      "a name is masked",
      { "id 4155550100": "x" },
      {},
      /^fields stays any: 5 requests, for example [0-9A-Z]{26}, had a field/,
    ],
    ["an older gateway wrote the journal", { COLOUR: "x" }, { unnamed: "too old" }, /^fields stays any: too old$/],
  ])("stay any where %s", async (_, body, options, note) => {
    const learned = await learnFrom(OBSERVING, await journalOf(body), options);
    expect(fieldsOf(learned)).toEqual([]);
    expect(learned.tenants[0]!.notes).toContainEqual(expect.stringMatching(note));
  });
});

describe("fields of requests that were refused until now", () => {
  const note = expect.stringMatching(
    /^(?:fields stays any|no field is removed): some requests .* were refused until now/,
  );

  it.each([
    ["any", "fields: any", "fields: any"],
    ["a list", "fields: [COLOUR]", "fields: [ COLOUR ]"],
  ])("are unknown, so %s stays when their names are accepted", async (_, written, stays) => {
    const text = OBSERVING.replace("fields: any", written);
    const body = { GSW_CALLING_LIST: "New List", COLOUR: "x" };
    const { journal } = await send(
      text,
      times(5, (at) => dnc(at, "alpha-ors")).concat(times(5, (at) => dnc(60_000 + at, "alpha-ors", body))),
    );
    const learned = await learnFrom(text, journal, { acceptNames: true });
    expect(learned.tenants[0]!.notes).toContainEqual(note);
    expect(edited(text, learned).replaceAll("[COLOUR]", "[ COLOUR ]")).toContain(stays);
    const unaccepted = await learnFrom(text, journal);
    expect(unaccepted.tenants[0]!.notes).not.toContainEqual(note);
  });
});

describe("limits", () => {
  const limitsOf = (learned: Learned): string[] => changesOf(learned).filter((change) => change.includes("limits"));
  const without = OBSERVING.replace(/ {4}limits:\n {6}requests: \{ rate: 50\/s, burst: 100 \}\n {6}actions:.*\n/, "");

  it("are proposed where the tenant has none, and urgent requests get their own if they need higher ones", async () => {
    const adds = times(
      40,
      (at) => ({
        at,
        as: "alpha-ors",
        method: "POST",
        target: "/lists/Alpha%20List?req=AddRecord",
        body: '{"GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}',
      }),
      10_000,
    );
    const stops = times(50, (at) => dnc(500_000 + at, "alpha-ors"), 10);
    const { journal } = await send(without, [...adds, ...stops]);
    expect(limitsOf(await learnFrom(without, journal))).toEqual([
      "Alpha Tenant set limits.requests { rate: 11/m, burst: 22 }",
      "Alpha Tenant set limits.urgent { rate: 75/m, burst: 150 }",
    ]);
    expect(limitsOf(await learnFrom(without, journal, { minForLimits: 91 }))).toEqual([]);
  });

  it("that the config has are raised if they would have refused what was seen, and else stay", async () => {
    const low = OBSERVING.replace("requests: { rate: 50/s, burst: 100 }", "requests: { rate: 1/s, burst: 5 }");
    const { journal, codes } = await send(
      low,
      times(20, (at) => dnc(at, "alpha-ors"), 10),
    );
    expect(new Set(codes)).toEqual(new Set([undefined]));
    const learned = await learnFrom(low, journal);
    expect(limitsOf(learned)).toEqual(["Alpha Tenant set limits.urgent { rate: 30/m, burst: 60 }"]);
    expect(learned.tenants[0]!.changes.at(-1)!.why).toMatch(
      /^1\/s, burst 5 would have refused requests that were seen; 20 /,
    );
    expect(limitsOf(await learnFrom(OBSERVING, journal))).toEqual([]);
  });
});

describe("requests that no policy can allow", () => {
  it("are counted by code, client and action, and those of other tenants' clients are not shown", async () => {
    const text = OBSERVING.replace("lists: [Beta List]\n    mode: observe", "lists: [Beta List]");
    const { journal } = await send(text, [
      dnc(0, "nobody"),
      dnc(1, "alpha-ors", { GSW_TENANT_DBID: 102 }),
      dnc(2, "alpha-ors", { GSW_TENANT_DBID: 102 }),
      { ...dnc(3, "alpha-ors"), target: "/phones/4155550100?req=Nothing" },
      dnc(4, "beta-ops"),
    ]);
    const { never, passed_over } = await learnFrom(text, journal);
    expect(never.map(({ code, kind, client, evidence }) => [code, kind, client, evidence.requests])).toEqual([
      ["OCSGW-2103", "other tenant", "alpha-ors", 2],
      ["OCSGW-2001", "identity", null, 1],
      ["OCSGW-1002", "protocol", "alpha-ors", 1],
    ]);
    expect(passed_over).toEqual({ otherTenants: 0, otherClients: 0, ambiguous: 0 });
  });

  it("are refused for a reason of one kind each", () => {
    for (const { code } of Object.values(REFUSALS)) expect(ROWS.get(code)).toBeDefined();
    const kinds = Map.groupBy(Object.entries(KINDS), ([name]) => REFUSALS[name as keyof typeof REFUSALS].code);
    for (const [code, rows] of kinds) expect([code, new Set(rows.map(([, kind]) => kind)).size]).toEqual([code, 1]);
  });
});

describe("requests of a client of two tenants that name none", () => {
  const shared = (alpha: string, beta: string): string =>
    OBSERVING.replace(/alpha-ops: \{.*\}/, `shared: { actions: [${alpha}] }`).replace(
      /beta-ops: \{.*\}/,
      `shared: { actions: [${beta}] }`,
    );
  const journalOf = async (text: string): Promise<readonly Recorded[]> => {
    const named = (tenant: string) => times(5, (at) => ({ ...dnc(at, "shared"), tenant }));
    const cancel = times(5, (at) => ({
      ...dnc(60_000 + at, "shared"),
      target: "/phones/4155550100?req=RequestRecordCancel",
      tenant: "Beta Tenant",
    }));
    return (await send(text, [...named("Alpha Tenant"), ...cancel, ...times(3, (at) => dnc(90_000 + at, "shared"))]))
      .journal;
  };
  const cautionsIn = ({ tenants }: Learned): string[] =>
    tenants.flatMap(({ tenant, notes }) => notes.filter((note) => note.startsWith("CAUTION")).map(() => tenant));

  it.each([
    ["only one tenant would grant the action", "DoNotCall", "DoNotCall, RequestRecordCancel", ["Alpha Tenant"]],
    ["the only tenant that used it gets it", "", "", ["Alpha Tenant"]],
  ])("are pointed out where %s", async (_, alpha, beta, cautions) => {
    const text = shared(alpha, beta);
    const learned = await learnFrom(text, await journalOf(text));
    expect(learned.never).toMatchObject([{ code: "OCSGW-2105", client: "shared", action: "DoNotCall" }]);
    expect(cautionsIn(learned)).toEqual(cautions);
  });

  it("are not where both tenants still grant it", async () => {
    const text = shared("DoNotCall", "DoNotCall");
    expect(cautionsIn(await learnFrom(text, await journalOf(text), { addOnly: true }))).toEqual([]);
  });
});

describe("entries of tenants and clients that are no longer there", () => {
  it("teach nothing, and are counted", async () => {
    const { journal } = await send(OBSERVING, [dnc(0, "alpha-ors"), dnc(1, "beta-crm"), dnc(2, "alpha-ops")]);
    const renamed = OBSERVING.replace("name: Beta Tenant", "name: Gamma Tenant").replace(/ {6}alpha-ops:.*\n/, "");
    const { passed_over, requests } = await learnFrom(renamed, journal);
    expect([requests, passed_over]).toEqual([1, { otherTenants: 1, otherClients: 1, ambiguous: 0 }]);
  });

  it("keep their evidence: first and last time, and three ids", async () => {
    const { journal } = await send(
      OBSERVING,
      times(4, (at) => dnc(at, "alpha-ops")),
    );
    const [change] = (await learnFrom(OBSERVING, journal)).tenants[0]!.changes.filter(
      ({ change: how }) => how === "add",
    );
    expect(change!.evidence).toEqual({
      requests: 4,
      first: `${new Date(BEGIN).toISOString().slice(0, -1)}000Z`,
      last: `${new Date(BEGIN + 3003).toISOString().slice(0, -1)}000Z`,
      ids: journal.flatMap((entry) => (entry.kind === "intent" ? [entry.id] : [])).slice(0, 3),
    });
  });
});
