/** `ocsgw can`: what would the policy say, and which line of the file decides? Nothing is sent. */
import { placeOf } from "../rehearsal/place.ts";
import { createRehearsal, type Question } from "../rehearsal/rehearse.ts";
import { loadSettings } from "../settings/load.ts";
import { pathText } from "../settings/problem.ts";
import { check, sayInvalid } from "./check.ts";

export type CanOptions = { readonly client: string; readonly action: string; readonly target: string; readonly body: string; readonly config: string; readonly json?: boolean };

export const can = async (options: CanOptions): Promise<number> => {
  const loaded = await loadSettings(options.config);
  if (!loaded.ok) return options.json ? check(options) : sayInvalid(options.config);
  const { settings, locate } = loaded;
  const clients = new Set(settings.tenants.flatMap((tenant) => Object.keys(tenant.clients)));
  if (!clients.has(options.client)) {
    console.error(`no tenant in ${options.config} has a client of that name; those are ${[...clients].join(", ")}`);
    return 9;
  }
  const rehearsed = await createRehearsal(settings, loaded.hash)(questionOf(options));
  const { order, refusal } = rehearsed;
  const applied = order ?? (await createRehearsal(settings, loaded.hash, { applied: true })(questionOf(options))).order;
  const place = placeOf(settings, options.client, rehearsed);
  const { line, column } = locate(place);
  const verdict = {
    allowed: order !== undefined,
    ...(order && { tenant: order.owner.name, sends: `${order.method} ${order.path}`, body: order.body }),
    ...(refusal && { code: refusal.code, detail: refusal.detail }),
    ...(!order && applied && { observed: true }),
    rule: pathText(place), at: `${options.config}:${line}:${column}`,
  };
  console.log(options.json ? JSON.stringify(verdict) : inWords(options, verdict));
  return order ? 0 : 9;
};

const questionOf = ({ client, action, target, body }: CanOptions): Question => {
  const path = target.startsWith("/") || /^https?:/i.test(target) ? target : `/${target}`;
  const reads = action.toLowerCase() === "readstatus";
  return { client, method: reads ? "GET" : "POST", target: reads || path.includes("?") ? path : `${path}?req=${action}`, body };
};

const inWords = ({ client, action, target }: CanOptions, { allowed, code, detail, rule, at, tenant, sends, body, observed }: {
  allowed: boolean; code?: string; detail?: string | undefined; rule: string; at: string; tenant?: string; sends?: string; body?: string; observed?: boolean;
}): string => [
  allowed ? `yes  ${client} may ${action} ${target}, for ${tenant}` : `no   ${client} may not ${action} ${target}: ${code} ${detail}`,
  `     ${at}  ${rule}`,
  ...(observed ? ["     mode: observe: it is let pass, and recorded"] : []),
  ...(allowed ? [`     would send ${sends} ${body}`.trimEnd()] : []),
].join("\n");
