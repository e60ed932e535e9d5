/** Proofs of configurations of the test's choice, in this process. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFirst } from "../../../src/app/config/config-thread.ts";
import { planProof, type ProofPlan } from "../../../src/app/proof/plan.ts";
import { prove } from "../../../src/app/proof/prove.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";
import type { ProofReport, ProofResource } from "../../../src/admin/api/evidence/isolation-proofs.ts";
import { aConfigured, twoTenants } from "../../kit/gateway.ts";
import { ALL_ACTIONS } from "../../ocs/manual.ts";

type Config = ReturnType<typeof twoTenants>;

const CALLBACKS = { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] };

/** Alpha and Beta share an OCS that announces records. */
export const sharedOcs = (more: object = {}): Config => {
  const config = twoTenants("http://127.0.0.1:9");
  const upstreams = { ocs: { primary: "http://127.0.0.1:9", callbacks: CALLBACKS } };
  const tenants = config.tenants.map((tenant) => ({ ...(tenant as object), records: "pre-dial" }));
  return { ...config, upstreams, tenants, ...more };
};

/** Also Gamma, with an OCS of its own, and Delta, whose record handles a registrar names. */
export const everyKind = (): Config => {
  const config = sharedOcs();
  const tenant = (name: string, dbid: number, more: object): object => ({
    name: `${name} Tenant`,
    dbid,
    clients: { [name.toLowerCase()]: { actions: ALL_ACTIONS }, ors: { actions: ["RecordProcessed"] } },
    campaigns: [`${name} Campaign`],
    lists: [`${name} List`],
    ...more,
  });
  return {
    ...config,
    identity: { keys: { file: "keys.yaml" } },
    upstreams: {
      ocs: {
        primary: "http://127.0.0.1:9",
        callbacks: { ...CALLBACKS, registrars: [{ client: "registrar", tenants: ["Delta Tenant"] }] },
      },
      gammas: { primary: "http://127.0.0.1:10" },
    },
    tenants: [
      ...config.tenants,
      tenant("Gamma", 103, { upstream: "gammas", records: "dedicated" }),
      tenant("Delta", 104, { upstream: "ocs", records: "registered" }),
    ],
  };
};

export const settingsOf = async (config: Config): Promise<Settings> => {
  const dir = await aConfigured(config, ["alpha", "beta", "gamma", "delta", "ors", "registrar"]);
  try {
    const read = await readFirst({ file: join(dir, "ocsgw.yaml") });
    if (!read.ok) throw new Error(JSON.stringify(read.problems, undefined, 2));
    return read.settings;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

export const planOf = async (config: Config): Promise<ProofPlan> => planProof(await settingsOf(config), "h");

export const proved = async (
  plan: ProofPlan,
  options: Omit<Parameters<typeof prove>[1], "folder"> = {},
): Promise<ProofReport> => {
  const folder = await mkdtemp(join(tmpdir(), "ocsgw-test-proof-"));
  try {
    return await prove(plan, { folder, ...options });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** What was tried of each resource: passed, failed, open. */
export const countsIn = ({ pairs }: ProofReport): Partial<Record<ProofResource, [number, number, number]>> => {
  const counts: Partial<Record<ProofResource, [number, number, number]>> = {};
  for (const { resource, passed, failed, open } of pairs.flatMap(({ cells }) => cells)) {
    const [one, two, three] = counts[resource] ?? [0, 0, 0];
    counts[resource] = [one + passed, two + failed, three + open];
  }
  return counts;
};
