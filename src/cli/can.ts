/** `ocsgw can`: what would the policy say, and which line of the file decides? Nothing is sent. */
import { placeOf } from "../rehearsal/place.ts";
import { createRehearsal, lacksOwner, tenantCalled, type Question } from "../rehearsal/rehearse.ts";
import { loadSettings } from "../settings/load.ts";
import { nearest } from "../settings/nearest.ts";
import { check, sayInvalid } from "./check.ts";

/** `tenant`: as the header Ocsgw-Tenant says it. `owner`: the tenant whose record handle it is. Both by name or DBID. */
export type CanOptions = {
  readonly client: string;
  readonly action: string;
  readonly target: string;
  readonly body: string;
  readonly tenant?: string;
  readonly owner?: string;
  readonly config: string;
  readonly json?: boolean;
};

const ALLOWED = 0;
const WRONG_USAGE = 2;
const DENIED = 9;

/** Resolves to the exit code: 0 allowed, 2 the question is not one that the config can answer, 3 config not valid, 9 denied. */
export const can = async (options: CanOptions): Promise<number> => {
  const loaded = await loadSettings(options.config);
  if (!loaded.ok) return options.json ? check(options) : sayInvalid(options.config);
  const { settings, locate, spell } = loaded;
  const clients = new Set(settings.tenants.flatMap((tenant) => Object.keys(tenant.clients)));
  if (!clients.has(options.client))
    return wrong(
      `no tenant in ${options.config} has a client ${options.client}${nearOr(options.client, [...clients], "the clients")}`,
    );
  for (const [option, called] of [
    ["--tenant", options.tenant],
    ["--owner", options.owner],
  ] as const) {
    if (called !== undefined && !tenantCalled(settings.tenants, called)) {
      return wrong(
        `${option}: no tenant in ${options.config} is called ${called}${nearOr(
          called,
          settings.tenants.map(({ name }) => name),
          "the tenants",
        )}`,
      );
    }
  }
  const named = actionIn(options.target);
  if (named !== undefined && named.toLowerCase() !== options.action.toLowerCase()) {
    return wrong(
      `the target asks for ${named}, and the question is about ${options.action}: say the same twice, or leave ?req= out`,
    );
  }
  const rehearsed = await createRehearsal(settings, loaded.hash)(questionOf(options));
  const { order, refusal } = rehearsed;
  if (lacksOwner(settings, questionOf(options), rehearsed)) {
    const theirs = settings.tenants
      .filter((tenant) => Object.hasOwn(tenant.clients, options.client))
      .map(({ name }) => name);
    return wrong(
      `${options.client} acts for ${theirs.join(", ")}, and the owner of the record's handle decides for which: say it with --owner`,
    );
  }
  const applied = order ?? (await createRehearsal(settings, loaded.hash, { applied: true })(questionOf(options))).order;
  const place = placeOf(settings, options.client, rehearsed);
  const { line, column, file = options.config } = locate(place);
  const verdict = {
    allowed: order !== undefined,
    ...(order && { tenant: order.owner.name, sends: `${order.method} ${order.path}`, body: order.body }),
    ...(refusal && { code: refusal.code, detail: refusal.detail }),
    ...(!order && applied && { observed: true }),
    rule: spell(place),
    at: `${file}:${line}:${column}`,
  };
  console.log(options.json ? JSON.stringify(verdict) : inWords(options, verdict));
  return order ? ALLOWED : DENIED;
};

/** What the target itself says of the action; undefined where it leaves that out. */
const actionIn = (target: string): string | undefined => {
  const at = target.indexOf("?");
  return at < 0 ? undefined : (new URLSearchParams(target.slice(at)).get("req") ?? undefined);
};

const wrong = (message: string): number => {
  console.error(message);
  return WRONG_USAGE;
};

/** The nearest name, or all of them where none is near. */
const nearOr = (name: string, known: readonly string[], what: string): string => {
  const near = nearest(name, known);
  return near === undefined ? `; ${what} there: ${known.join(", ")}` : `; did you mean ${near}?`;
};

const questionOf = ({ client, action, target, body, tenant, owner }: CanOptions): Question => {
  const path = target.startsWith("/") || /^https?:/i.test(target) ? target : `/${target}`;
  const reads = action.toLowerCase() === "readstatus";
  return {
    client,
    method: reads ? "GET" : "POST",
    target: reads || path.includes("?") ? path : `${path}?req=${action}`,
    body,
    tenant,
    owner,
  };
};

const inWords = (
  { client, action, target }: CanOptions,
  {
    allowed,
    code,
    detail,
    rule,
    at,
    tenant,
    sends,
    body,
    observed,
  }: {
    allowed: boolean;
    code?: string;
    detail?: string | undefined;
    rule: string;
    at: string;
    tenant?: string;
    sends?: string;
    body?: string;
    observed?: boolean;
  },
): string =>
  [
    allowed
      ? `yes  ${client} may ${action} ${target}, for ${tenant}`
      : `no   ${client} may not ${action} ${target}: ${code} ${detail}`,
    `     ${at}  ${rule}`,
    ...(observed ? ["     mode: observe: it is let pass, and recorded"] : []),
    ...(allowed ? [`     would send ${sends} ${body}`.trimEnd()] : []),
  ].join("\n");
