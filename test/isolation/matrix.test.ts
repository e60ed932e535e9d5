import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CASES, type Case } from "./cases.ts";
import {
  aWorld,
  codeOf,
  headerIn,
  masked,
  NOBODY,
  statusOf,
  TENANTS,
  type Ask,
  type OcsName,
  type TenantName,
  type World,
} from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await aWorld();
});
afterAll(async () => {
  await world.close();
});

const ocsOf = ({ ask }: Case): OcsName => TENANTS[(ask.as in TENANTS ? ask.as : "alpha") as TenantName].ocs;
const otherOf = (ocs: OcsName): OcsName => (ocs === "shared" ? "gammas" : "shared");

/** Sends it and expects that no OCS sees anything, and the reply says why. */
const refused = async (ask: Ask, code: string): Promise<string> => {
  const before = world.seen();
  const reply = await world.ask(ask);
  expect([codeOf(reply), headerIn(reply, "Ocsgw-Delivery")]).toEqual([`${code}`, "not-sent"]);
  expect(world.seen()).toEqual(before);
  return reply;
};

/** Names of others, in a reply to someone who may have named them. */
const foreignNames = (as: string): RegExp =>
  new RegExp(
    Object.values(TENANTS)
      .filter(({ key }) => key !== as)
      .map(({ name }) => name.split(" ")[0])
      .join("|"),
  );

const run = async (one: Case): Promise<void> => {
  const { ask, absent, becomes } = one;
  if (typeof becomes === "string") {
    const reply = await refused(ask, becomes);
    expect(reply).not.toMatch(foreignNames(ask.as in TENANTS ? ask.as : "alpha"));
    if (absent) expect(masked(await refused(absent, becomes))).toBe(masked(reply));
    return;
  }
  const [own, before] = [ocsOf(one), world.seen()];
  const reply = await world.ask(ask);
  const after = world.seen();
  expect([statusOf(reply), headerIn(reply, "Ocsgw-Origin")]).toEqual([200, "ocs"]);
  expect(after[otherOf(own)]).toEqual(before[otherOf(own)]);
  expect(after[own].requests).toBe(before[own].requests + 1);
  expect(after[own].last).toMatch(becomes);
  expect(after[own].last).not.toMatch(/authorization|x-api-key|idempotency|cookie|connection:/i);
};

describe("three tenants, two OCS", () => {
  it("are asked about in hundreds of ways", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(600);
    expect(new Set(CASES.map(({ says }) => says)).size).toBe(CASES.length);
  });

  it.each(CASES.map((each) => [each.vectors.join(" "), each.says, each] as const))("%s: %s", (_vectors, _says, each) =>
    run(each),
  );

  it("what was refused took nothing from anyone: every live handle still works, for its own tenant alone", async () => {
    for (const { key, handle, ocs } of Object.values(TENANTS)) {
      const before = world.seen();
      expect(statusOf(await world.ask({ as: key, target: `/records/${handle}?req=RecordProcessed`, body: "{}" }))).toBe(
        200,
      );
      expect(world.seen()[ocs].requests).toBe(before[ocs].requests + 1);
      expect(world.seen()[otherOf(ocs)]).toEqual(before[otherOf(ocs)]);
    }
  });

  it("foreign, finished and unknown handles are answered alike, and in HTML as in JSON", async () => {
    for (const headers of [[], ["Accept: application/json"]]) {
      const replies = await Promise.all(
        [TENANTS.beta.handle, TENANTS.alpha.handle, NOBODY.handle].map((handle) =>
          world.ask({ as: "alpha", target: `/records/${handle}?req=RecordReject`, body: "{}", headers }),
        ),
      );
      expect(new Set(replies.map(masked)).size).toBe(1);
      expect(statusOf(replies[0]!)).toBe(410);
    }
  });

  it("each of them left a line in the journal, with no number in clear and no tenant but the sender's", async () => {
    const journal = await world.gateway.journal();
    const refusals = journal.filter(({ kind }) => kind === "refusal");
    expect(refusals.length).toBeGreaterThanOrEqual(CASES.filter(({ becomes }) => typeof becomes === "string").length);
    expect(JSON.stringify(journal)).not.toMatch(/41555501\d\d|[AB]-0001/);
    const settled = refusals.flatMap((line) =>
      "client" in line && line.client && line.tenant ? [[line.client, line.tenant.name] as const] : [],
    );
    expect(settled.length).toBeGreaterThan(500);
    expect(settled.filter(([client, tenant]) => tenant.split(" ")[0]!.toLowerCase() !== client)).toEqual([]);
  });
});
