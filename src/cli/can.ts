/** `ocsgw can`: what would the policy decide, and which line of the config decides it? Nothing is sent. */
import { decidingPath } from "../dry-run/deciding-path.ts";
import { createDryRun, findTenant, lacksOwner, type Question } from "../dry-run/evaluate.ts";
import { loadSettings } from "../settings/load.ts";
import { nearest } from "../settings/problems/did-you-mean.ts";
import { check, printProblems } from "./check/check.ts";
import { DENIED, DONE, WRONG_USAGE } from "./exit-codes.ts";

/** `tenant`: the header Ocsgw-Tenant. `owner`: the tenant that owns the record handle. Both by name or DBID. */
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

/** Resolves to the exit code: 0 allowed, 2 the config cannot answer the question, 3 config not valid, 9 denied. */
export const can = async (options: CanOptions): Promise<number> => {
  const loaded = await loadSettings(options.config);
  if (!loaded.ok) return options.json ? check(options) : printProblems(options.config);
  const { settings, locate, formatPath } = loaded;
  const clients = new Set(settings.tenants.flatMap((tenant) => Object.keys(tenant.clients)));
  if (!clients.has(options.client))
    return wrong(
      `no tenant in ${options.config} has a client ${options.client}` +
        `${suggestion(options.client, [...clients], "the clients")}`,
    );
  for (const [option, called] of [
    ["--tenant", options.tenant],
    ["--owner", options.owner],
  ] as const) {
    if (called !== undefined && !findTenant(settings.tenants, called)) {
      return wrong(
        `${option}: no tenant in ${options.config} is called ${called}${suggestion(
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
      `the target asks for ${named}, and the question is about ${options.action}: name the same action twice, or ` +
        "leave out ?req=",
    );
  }
  const result = await createDryRun(settings, loaded.hash)(questionOf(options));
  const { order, refusal } = result;
  if (lacksOwner(settings, questionOf(options), result)) {
    const own = settings.tenants
      .filter((tenant) => Object.hasOwn(tenant.clients, options.client))
      .map(({ name }) => name);
    return wrong(
      `${options.client} acts for ${own.join(", ")}, and the owner of the record's handle decides for which: ` +
        "name it with --owner",
    );
  }
  const applied = order ?? (await createDryRun(settings, loaded.hash, { applied: true })(questionOf(options))).order;
  const place = decidingPath(settings, options.client, result);
  const { line, column, file = options.config } = locate(place);
  const verdict = {
    allowed: order !== undefined,
    ...(order && { tenant: order.owner.name, sends: `${order.method} ${order.path}`, body: order.body }),
    ...(refusal && { code: refusal.code, detail: refusal.detail }),
    ...(!order && applied && { observed: true }),
    rule: formatPath(place),
    at: `${file}:${line}:${column}`,
  };
  console.log(options.json ? JSON.stringify(verdict) : inWords(options, verdict));
  return order ? DONE : DENIED;
};

/** The action that the target names; undefined for a target without a query. */
const actionIn = (target: string): string | undefined => {
  const at = target.indexOf("?");
  return at < 0 ? undefined : (new URLSearchParams(target.slice(at)).get("req") ?? undefined);
};

const wrong = (message: string): number => {
  console.error(message);
  return WRONG_USAGE;
};

/** The nearest name, or all of them where none is near. */
const suggestion = (name: string, known: readonly string[], what: string): string => {
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
    ...(observed ? ["     mode: observe: the gateway lets it pass and records it"] : []),
    ...(allowed ? [`     would send ${sends} ${body}`.trimEnd()] : []),
  ].join("\n");
