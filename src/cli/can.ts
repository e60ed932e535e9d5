/** `ocsgw can`: the real line up to the point of sending, with a client that is believed and an OCS that is never asked. */
import { createLine } from "../gateway/line.ts";
import type { Order, Parts } from "../gateway/words.ts";
import type { Entry } from "../journal/entry.ts";
import { createRedactor } from "../journal/redact.ts";
import { bytesOf, type Arrival } from "../message.ts";
import { loadSettings, type Loaded } from "../settings/load.ts";
import { pathText } from "../settings/problem.ts";
import { toTenants } from "../settings/register.ts";
import { createRegister, type Tenant } from "../tenants/register.ts";
import { check } from "./check.ts";

export type CanOptions = { readonly client: string; readonly action: string; readonly target: string; readonly body: string; readonly config: string; readonly json?: boolean };
type Valid = Extract<Loaded, { ok: true }>;

export const can = async (options: CanOptions): Promise<number> => {
  const loaded = await loadSettings(options.config);
  if (!loaded.ok) return check(options);
  const tenants = toTenants(loaded.settings);
  if (!tenants.some(({ clients }) => clients.has(options.client))) {
    console.error(`no tenant in ${options.config} has a client of that name; those are ${[...new Set(tenants.flatMap(({ clients }) => [...clients.keys()]))].join(", ")}`);
    return 9;
  }
  const asked = await ask(options, loaded, tenants);
  const { order, refusal } = asked;
  const verdict = {
    allowed: order !== undefined,
    ...(order && { tenant: order.owner.name, sends: `${order.method} ${order.path}`, body: order.body }),
    ...(refusal && { code: refusal.code, detail: refusal.detail }),
    ...placeOf(options, loaded, asked),
  };
  console.log(options.json ? JSON.stringify(verdict) : inWords(options, verdict));
  return order ? 0 : 9;
};

type RefusalEntry = Extract<Entry, { kind: "refusal" }>;
type Asked = { readonly order: Order | undefined; readonly refusal: RefusalEntry | undefined };

const ask = async (options: CanOptions, loaded: Valid, tenants: readonly Tenant[]): Promise<Asked> => {
  let order: Order | undefined;
  let refusal: RefusalEntry | undefined;
  const parts: Parts = {
    identify: () => ({ client: options.client, credential: { kind: "key", id: "none" } }),
    challenge: "",
    register: createRegister(tenants),
    charge: () => ({ allowed: true, retryAfter: 0, headers: [], exceeded: undefined }),
    append: () => Promise.resolve(),
    note: (entry) => void (refusal = entry.kind === "refusal" ? entry : refusal),
    redact: createRedactor(loaded.settings.audit.redact, loaded.settings.audit.index_key),
    send: (wouldSend) => {
      order = wouldSend;
      return Promise.resolve({ status: 204, headers: [], body: bytesOf(""), lane: "none", endpoint: "none", waits: { queue: 0, ocs: 0 } });
    },
    observe: () => undefined,
    dialect: () => "problem",
    configHash: loaded.hash,
  };
  await createLine(parts)(arrivalOf(options));
  return { order, refusal };
};

const arrivalOf = ({ action, target, body }: CanOptions): Arrival => {
  const path = target.startsWith("/") || /^https?:/i.test(target) ? target : `/${target}`;
  const reads = action.toLowerCase() === "readstatus";
  return {
    id: "can", at: performance.now(), method: reads ? "GET" : "POST", target: reads || path.includes("?") ? path : `${path}?req=${action}`, headers: [],
    source: "", listener: "", body: () => Promise.resolve(bytesOf(body)), surplus: () => Promise.resolve(false), gone: new AbortController().signal,
  };
};

/** The line that decided: what grants the action, or what lacks the name. */
const placeOf = ({ client, config }: CanOptions, { settings, locate }: Valid, { order, refusal }: Asked): { rule: string; at: string } => {
  const tenant = order?.owner.name ?? refusal?.tenant?.name;
  const found = settings.tenants.findIndex(({ name, clients }) => (tenant === undefined ? Object.hasOwn(clients, client) : name === tenant));
  const path = ["tenants", found, ...(refusal ? lackingIn(client, refusal) : ["clients", client, "actions"])];
  const { line, column } = locate(path);
  return { rule: pathText(path), at: `${config}:${line}:${column}` };
};

/** Which list of the tenant does not have what was asked for. */
const lackingIn = (client: string, { code, pointer, resource, detail }: RefusalEntry): readonly string[] => {
  switch (code) {
    case "OCSGW-2103":
      return ["dbid"];
    case "OCSGW-2104":
      return [pointer === "/GSW_CAMPAIGN_NAME" ? "campaigns" : resource === "campaigngroups" ? "campaign_groups" : "lists"];
    case "OCSGW-2106":
      return ["records"];
    case "OCSGW-2101":
      return ["clients", client, detail?.includes("campaign group") ? "campaign_groups" : "actions"];
    case "OCSGW-1007":
      return ["fields"];
    default:
      return ["clients", client];
  }
};

const inWords = ({ client, action, target }: CanOptions, { allowed, code, detail, rule, at, tenant, sends, body }: {
  allowed: boolean; code?: string; detail?: string | undefined; rule: string; at: string; tenant?: string; sends?: string; body?: string;
}): string => [
  allowed ? `yes  ${client} may ${action} ${target}, for ${tenant}` : `no   ${client} may not ${action} ${target}: ${code} ${detail}`,
  `     ${at}  ${rule}`,
  ...(allowed ? [`     would send ${sends} ${body}`.trimEnd()] : []),
].join("\n");
