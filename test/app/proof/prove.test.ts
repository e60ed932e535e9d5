/** A proof passes where the config separates its tenants, and fails for each way in which the gateway might not. */
import { beforeAll, describe, expect, it } from "vitest";
import type { ProofReport } from "../../../src/admin/api/evidence/isolation-proofs.ts";
import type { Canary } from "../../../src/app/proof/canaries.ts";
import type { Answer } from "../../../src/app/proof/exchange.ts";
import type { InForce, ProofGateway } from "../../../src/app/proof/temporary-gateway.ts";
import type { TenantSettings } from "../../../src/settings/schema/schema.ts";
import { countsIn, everyKind, planOf, proved, sharedOcs } from "./kit.ts";

const [ALPHA, BETA] = ["Alpha Tenant", "Beta Tenant"] as const;

type Through = (gateway: ProofGateway, canaries: readonly Canary[]) => ProofGateway;

/** The answers of the gateway, some of them replaced. */
const answering =
  (
    replace: (answer: Answer, target: string, canaries: readonly Canary[], client: string) => Partial<Answer>,
  ): Through =>
  (gateway, canaries) => ({
    ...gateway,
    ask: async (client, sent) => {
      const answer = await gateway.ask(client, sent);
      return { ...answer, ...replace(answer, sent.target, canaries, client) };
    },
  });

describe("a proof of isolation", () => {
  it("passes where tenants share an OCS, after each could do what is its own", async () => {
    const percents: number[] = [];
    const report = await proved(await planOf(sharedOcs()), { onPercent: (percent) => percents.push(percent) });
    expect(report).toMatchObject({ verdict: "ok", failures: [], missing: [], open: [] });
    expect(report.tenants).toEqual([
      { dbid: 101, name: ALPHA },
      { dbid: 102, name: BETA },
    ]);
    const counts = countsIn(report);
    expect(Object.keys(counts).toSorted()).toEqual(
      ["phones", "customer_ids", "lists", "records", "campaigngroups", "journal", "limits", "connections"].toSorted(),
    );
    for (const [passed, failed, open] of Object.values(counts)) {
      expect(passed).toBeGreaterThanOrEqual(2);
      expect([failed, open]).toEqual([0, 0]);
    }
    expect(report.requests).toBeGreaterThan(60);
    expect(percents.at(-1)).toBe(99);
    expect(percents).toEqual(percents.toSorted((one, other) => one - other));
  }, 30_000);

  it("knows all kinds of record owners, and says what the config leaves open", async () => {
    let throttled = 0;
    const report = await proved(await planOf(everyKind()), {
      // A tenant that asks for many record handles of others is throttled: it asks again.
      through: answering((_answer, target) =>
        target.startsWith("/records/7002?req=RecordReject") && throttled++ === 0
          ? { status: 429, headers: { "ocsgw-code": "OCSGW-2108" } }
          : {},
      ),
    });
    expect(throttled).toBeGreaterThan(1);
    expect(report).toMatchObject({ verdict: "ok", failures: [], missing: [] });
    // The reference of the config has it as an example; "ors" is short.
    expect(report.untried).toEqual(
      ["Alpha", "Gamma", "Delta"].map((name) =>
        expect.stringMatching(new RegExp(`^names of ${name} Tenant in answers`)),
      ),
    );
    expect(report.open).toEqual([expect.stringContaining("client ors acts for several tenants")]);
    expect(countsIn(report).clients).toEqual([0, 0, 2]);
    expect(report.covers).toEqual({
      tenants: { tried: 4, of: 4 },
      clients: { tried: 6, of: 6 },
      objects: { tried: 10, of: 10 },
    });
  }, 40_000);

  it("proves nothing about one tenant", async () => {
    const config = sharedOcs();
    const report = await proved(await planOf({ ...config, tenants: config.tenants.slice(0, 1) }));
    expect(report).toMatchObject({ verdict: "cannot-tell", pairs: [], failures: [] });
    expect(report.missing).toEqual(["there is one tenant only, so there is nothing to separate"]);
  }, 30_000);

  it("fails with a policy test that decides otherwise, masks its number, and says which records are open", async () => {
    const passing = { as: "alpha", do: "POST /phones/4155550177?req=DoNotCall", expect: "allow" };
    const config = sharedOcs({ tests: [passing] });
    const tenants = config.tenants.map((tenant) => ({ ...(tenant as object), records: "unscoped" }));
    const plan = await planOf({ ...config, tenants });
    const failing = { ...plan.tests[0]!, expect: "OCSGW-2103" };
    const report = await proved({ ...plan, tests: [...plan.tests, failing] });
    expect([report.verdict, report.failures, report.tests.passed]).toEqual(["broken", [], 1]);
    expect(report.tests.failed).toMatchObject([
      { client: "alpha", expected: "OCSGW-2103", decided: `allow, for ${ALPHA}` },
    ]);
    expect(JSON.stringify(report.tests)).not.toContain("4155550177");
    expect(report.open.join()).toContain("records is unscoped");
    expect(countsIn(report).records).toEqual([0, 0, 2]);
  }, 30_000);
});

type Change = (inForce: InForce) => InForce;

const changed =
  (name: string, change: (tenant: TenantSettings, all: readonly TenantSettings[]) => Partial<TenantSettings>): Change =>
  (inForce) => ({
    ...inForce,
    tenants: inForce.tenants.map((each, _at, all) => (each.name === name ? { ...each, ...change(each, all) } : each)),
  });

const beta = (all: readonly TenantSettings[]): TenantSettings => all.find(({ name }) => name === BETA)!;

/** `found`: what one of the failures is. */
type Found = { readonly says: string; readonly found: Readonly<Record<string, unknown>> };

/** Each way in which a config can break the isolation, and the cell that must say so. */
const BROKEN_CONFIGS: readonly (Found & { readonly inForce: Change })[] = [
  {
    says: "a campaign group that belongs to two tenants",
    inForce: changed(ALPHA, (tenant, all) => ({
      campaign_groups: [...tenant.campaign_groups, ...beta(all).campaign_groups],
    })),
    found: { from: ALPHA, to: BETA, resource: "campaigngroups", client: null, says: expect.stringContaining("DBID") },
  },
  {
    says: "a calling list and a campaign that belong to two tenants",
    inForce: changed(ALPHA, (tenant, all) => ({
      lists: [...tenant.lists, ...beta(all).lists],
      campaigns: [...tenant.campaigns, ...beta(all).campaigns],
    })),
    found: { from: ALPHA, to: BETA, resource: "phones", why: "the OCS of Beta Tenant received the request" },
  },
  {
    says: "a client that was given a tenant which the config does not give it",
    inForce: (inForce) => {
      const { alpha } = inForce.tenants[0]!.clients;
      return changed(BETA, ({ clients }) => ({ clients: { ...clients, alpha: alpha! } }))(inForce);
    },
    found: { from: ALPHA, to: BETA, resource: "phones", client: "alpha", says: "by the tenant's DBID in the body" },
  },
  {
    says: "record handles without owners",
    inForce: changed(ALPHA, () => ({ records: "unscoped" })),
    found: { from: ALPHA, to: BETA, resource: "records", why: "the OCS of Beta Tenant received the request" },
  },
  {
    says: "connections that tenants share",
    inForce: ({ upstreams, ...rest }) => ({
      ...rest,
      upstreams: Object.fromEntries(
        Object.entries(upstreams).map(([name, each]) => [name, { ...each, connections: 1, lane_isolation: "none" }]),
      ),
    }),
    found: { resource: "connections", why: "one connection to OCS had requests of both" },
  },
];

/** The same for the answers of a gateway. */
const BROKEN_ANSWERS: readonly (Found & { readonly through: Through })[] = [
  {
    says: "a list of campaign groups that is not filtered",
    through: answering((_answer, target, canaries) => {
      if (target !== "/campaigngroups") return {};
      const groups = canaries.flatMap(({ tenant }) => tenant.campaign_groups.map(({ name }) => [name, {}]));
      return { body: JSON.stringify({ CampaignGroups: Object.fromEntries(groups) }) };
    }),
    found: { resource: "campaigngroups", says: "by listing all campaign groups" },
  },
  {
    says: "a refusal that names the other tenant",
    through: answering(({ status, text }, target) =>
      status === 403 && target.startsWith("/phones/") ? { text: `${text} ${ALPHA} ${BETA}` } : {},
    ),
    found: { from: BETA, to: ALPHA, why: "the answer contains the tenant's name" },
  },
  {
    says: "a refusal that tells what exists from what does not",
    through: answering(({ text }, target) => (target.startsWith("/campaigngroups/208") ? { text: `${text}.` } : {})),
    found: { from: ALPHA, resource: "campaigngroups", why: "the answer differs from that about what no tenant has" },
  },
  {
    says: "an auditor who sees another tenant",
    through: (gateway, canaries) => ({
      ...gateway,
      askAs: (_auditor, sent) => gateway.askAs(canaries[1]!.auditor, sent),
    }),
    found: { from: ALPHA, to: BETA, resource: "journal", client: null },
  },
  {
    says: "an auditor who sees that the config changed",
    through: (gateway) => ({
      ...gateway,
      askAs: async (auditor, sent) => {
        const answer = await gateway.askAs(auditor, sent);
        const marker = '{"kind":"config","text":"reloaded 6aaa256e"}';
        return sent.target === "/api/now" ? { ...answer, text: `${answer.text}${marker}` } : answer;
      },
    }),
    found: {
      resource: "journal",
      says: "with GET /api/now",
      why: "the answer contains a start or a config change of the whole gateway",
    },
  },
  {
    says: "a limit that others use up",
    through: (gateway) => {
      let sent = 0;
      return {
        ...gateway,
        ask: async (client, asked) => {
          const answer = await gateway.ask(client, asked);
          const isCounted = asked.target.includes("RequestRecordCancel") && ++sent > 3;
          return isCounted ? { ...answer, headers: { ...answer.headers, "ocsgw-code": "OCSGW-3001" } } : answer;
        },
      };
    },
    found: { resource: "limits", why: expect.stringContaining("was refused after requests of others") },
  },
];

/** A proof takes seconds, so that one is made of all configs, and one of all answers. */
const all =
  <Value>(steps: readonly ((value: Value) => Value)[]) =>
  (value: Value): Value =>
    steps.reduce((so, step) => step(so), value);

describe("a proof of a gateway that does not separate its tenants", () => {
  const reports: { configs?: ProofReport; answers?: ProofReport } = {};
  beforeAll(async () => {
    const plan = await planOf(sharedOcs());
    reports.configs = await proved(plan, { inForce: all(BROKEN_CONFIGS.map(({ inForce }) => inForce)) });
    reports.answers = await proved(plan, {
      through: (gateway, canaries) =>
        all(
          BROKEN_ANSWERS.map(
            ({ through }) =>
              (each: ProofGateway) =>
                through(each, canaries),
          ),
        )(gateway),
    });
  }, 60_000);

  it.each([
    ...BROKEN_CONFIGS.map((row) => ({ ...row, of: "configs" as const })),
    ...BROKEN_ANSWERS.map((row) => ({ ...row, of: "answers" as const })),
  ])("fails, and names the cell: $says", ({ of, found }) => {
    const { verdict, failures } = reports[of]!;
    expect(verdict).toBe("broken");
    expect(failures).toContainEqual(expect.objectContaining(found));
  });

  it("shows no credential of a failed request", () => {
    for (const { request, answer } of [reports.configs!, reports.answers!].flatMap(({ failures }) => failures))
      expect(`${request}${answer}`).not.toMatch(/authorization|cookie:|basic /i);
  });

  it("proves nothing where all requests are refused, also the own ones", async () => {
    const plan = await planOf(sharedOcs());
    const report = await proved(plan, {
      through: answering(() => ({ status: 403, text: "no", body: "", headers: {} })),
    });
    expect([report.verdict, report.failures]).toEqual(["cannot-tell", []]);
    expect(report.missing.join("\n")).toMatch(/phones: the own request of Alpha Tenant was answered with 403/);
  }, 30_000);
});
