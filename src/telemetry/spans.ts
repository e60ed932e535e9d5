/**
 * A request as spans: one for the request, and one for each part that took time. Attributes have the names of
 * OpenTelemetry's semantic conventions. Nothing in them names a person: no phone number, customer id, record handle,
 * client address or credential, so the path of a request is shown without its identifier.
 */
import type { TraceContext } from "../common/message.ts";

/** Of a request whose reply is decided, with the shape of the pipeline's trace. Milliseconds. */
export type SeenRequest = {
  readonly arrival: {
    readonly id: string;
    readonly at: number;
    readonly method: string;
    readonly listener: string;
    readonly trace?: TraceContext | undefined;
  };
  readonly caller?: { readonly client: string } | undefined;
  readonly tenant?: { readonly name: string; readonly dbid: number; readonly upstream: string } | undefined;
  readonly operation?:
    | {
        readonly identifier?: string | undefined;
        readonly action: { readonly name: string; readonly resource: string };
      }
    | undefined;
  readonly wouldRefuse?: string | undefined;
  /** From the arrival until all checks were passed. */
  readonly decided?: number | undefined;
  /** Until the intent, and then the outcome, was on disk. */
  readonly intended?: number | undefined;
  readonly recorded?: number | undefined;
  readonly waits?: { readonly queue: number; readonly ocs: number } | undefined;
  readonly answer?: { readonly endpoint: string; readonly status: number } | undefined;
};

export type Ending = {
  readonly status: number;
  readonly code?: string;
  readonly delivery?: string | undefined;
  readonly accepted?: true;
};

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Milliseconds on the monotonic clock. `peer`: the part is a call to another server. */
export type Part = {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly peer?: true;
  readonly attributes: Attributes;
};

export type RequestSpan = {
  readonly name: string;
  readonly attributes: Attributes;
  /** The gateway failed, or got no answer. A refusal is the client's fault, so it is no error here. */
  readonly isError: boolean;
  readonly parts: readonly Part[];
};

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]);
const FIRST_ERROR = 500;

export const requestSpan = (seen: SeenRequest, { status, code, delivery, accepted }: Ending): RequestSpan => {
  const { arrival, caller, tenant, operation, wouldRefuse } = seen;
  const method = METHODS.has(arrival.method) ? arrival.method : "_OTHER";
  const route = operation && routeOf(operation);
  return {
    name: route === undefined ? method : `${method} ${route}`,
    attributes: without({
      "http.request.method": method,
      "http.response.status_code": status,
      "http.route": route,
      "url.path": route,
      "error.type": status >= FIRST_ERROR ? (code ?? String(status)) : undefined,
      "ocsgw.request_id": arrival.id,
      "ocsgw.listener": arrival.listener,
      "ocsgw.client": caller?.client,
      "ocsgw.tenant": tenant?.name,
      "ocsgw.tenant.dbid": tenant?.dbid,
      "ocsgw.action": operation?.action.name,
      "ocsgw.code": code,
      "ocsgw.origin": code === undefined && !accepted ? "ocs" : "gateway",
      "ocsgw.delivery": delivery,
      "ocsgw.would_refuse": wouldRefuse,
    }),
    isError: status >= FIRST_ERROR,
    parts: partsOf(seen),
  };
};

/** For example `/phones/{identifier}`. */
const routeOf = ({ identifier, action: { resource } }: NonNullable<SeenRequest["operation"]>): string =>
  identifier === undefined ? `/${resource}` : `/${resource}/{identifier}`;

const partsOf = (seen: SeenRequest): readonly Part[] => {
  const { arrival, decided, intended, recorded, waits, tenant, answer } = seen;
  if (decided === undefined) return [];
  let at = arrival.at;
  const next = (name: string, ms: number | undefined, more: Partial<Part> = {}): Part[] => {
    if (ms === undefined) return [];
    const from = at;
    at += ms;
    return [{ name, from, to: at, attributes: {}, ...more }];
  };
  return [
    ...next("check", decided),
    ...next("write intent", intended),
    ...next("wait for lane", waits?.queue, { attributes: without({ "ocsgw.upstream": tenant?.upstream }) }),
    ...(waits && waits.ocs > 0
      ? next("ocs", waits.ocs, {
          peer: true,
          attributes: without({
            "ocsgw.upstream": tenant?.upstream,
            "http.response.status_code": answer?.status,
            ...serverOf(answer?.endpoint),
          }),
        })
      : []),
    ...next("write outcome", recorded),
  ];
};

const serverOf = (endpoint: string | undefined): Record<string, string | number> => {
  const url = endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url) return {};
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  return { "server.address": url.hostname.replace(/^\[|\]$/g, ""), "server.port": port };
};

const without = (given: Readonly<Record<string, string | number | boolean | undefined>>): Attributes =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Attributes;
