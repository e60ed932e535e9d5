/**
 * Each OCS: is there a connection, by the TLS that lanes use, and does it stay? The one that keeps it open is the primary, and is asked for its
 * campaign groups: the one request of the manual that changes nothing.
 */
import { endpointsOf } from "../../assemble/upstreams.ts";
import { readGroups } from "../../gateway/shape.ts";
import { headerOf } from "../../message.ts";
import type { Settings, UpstreamSettings } from "../../settings/schema.ts";
import { faultInWords } from "../../system-error.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";
import { Lane } from "../../upstream/lane.ts";
import type { RawAnswer } from "../../upstream/pending.ts";
import { probe, type Seen } from "../../upstream/probe.ts";
import type { Habit } from "../../upstream/standby.ts";
import { aheadOf, type Heard } from "./issuers.ts";
import type { Row } from "./row.ts";

/** A standby that closes what it accepts does it at once. */
const HOLD_MS = 200;

type Found = { readonly seen: Seen | undefined; readonly detail: string | undefined };

export const upstreamRows = async ({ upstreams, tenants }: Settings): Promise<Heard[]> =>
  (
    await Promise.all(
      Object.entries(upstreams).map(async ([name, upstream]) => {
        const known = tenants
          .filter((tenant) => tenant.upstream === name)
          .flatMap((tenant) => tenant.campaign_groups.map((group) => group.name));
        return ask(name, upstream, known);
      }),
    )
  ).flat();

const ask = async (name: string, upstream: UpstreamSettings, known: readonly string[]): Promise<Heard[]> => {
  const { primary, backup } = await endpointsOf(upstream);
  const endpoints = [primary, ...(backup ? [backup] : [])];
  const found = await Promise.all(endpoints.map(tryOne));
  const activeAt = found.findIndex(({ seen }) => seen === "accepts");
  const active = endpoints[activeAt];
  const says = endpoints.map(
    ({ origin }, at) =>
      `${at === 0 ? "primary" : "backup"} ${origin} ${inWords(found[at]!, active !== undefined && at !== activeAt ? upstream.standby : undefined)}`,
  );
  if (!active) return [{ row: { name, state: "fail", says }, clock: undefined }];
  const failed = found.some((each, at) => at !== activeAt && !isHealthy(each, upstream.standby));
  const { line, answer, bad } = await askGroups(name, active, upstream.timeouts.answer);
  const row: Row = { name, state: bad ? "fail" : failed ? "warn" : "ok", says: [...says, line] };
  const groups = answer && readGroups(answer.body);
  return [
    { row, clock: aheadOf(answer && headerOf(answer.headers, "Date")) },
    ...(groups ? [{ row: groupsRow(name, Object.keys(groups), known), clock: undefined }] : []),
  ];
};

const tryOne = async (endpoint: Endpoint): Promise<Found> => {
  const look = probe(endpoint, HOLD_MS);
  await look.done;
  look.release()?.destroy();
  return { seen: look.seen(), detail: look.detail() };
};

/** Without a stated `standby` every sign of life is one: which of them is healthy differs by site. */
const isHealthy = ({ seen }: Found, standby: Habit | null): boolean =>
  standby === null ? seen === "accepts" || seen === "accepts and closes" : seen === SEEN[standby];

const SEEN: Readonly<Record<Habit, Seen>> = { closes: "accepts and closes", refuses: "refuses", accepts: "accepts" };

/** `standby`: as configured, for the one that is it; undefined for the active one, and where neither is. */
const inWords = (found: Found, standby: Habit | null | undefined): string => {
  const { seen, detail } = found;
  const shows =
    seen === "accepts"
      ? "keeps a connection open"
      : seen === "accepts and closes"
        ? "accepts a connection and closes it at once"
        : `cannot be reached: ${detail ?? "no answer"}`;
  if (standby === undefined || !(isHealthy(found, standby) || standby !== null)) return shows;
  return isHealthy(found, standby) ? `${shows}: it is the standby` : `${shows}; expected of the standby: ${standby}`;
};

type Told = { readonly line: string; readonly answer: RawAnswer | undefined; readonly bad: boolean };

const askGroups = async (name: string, endpoint: Endpoint, timeout: number): Promise<Told> => {
  const lane = new Lane(`${name}/check`, {
    endpoint,
    answerTimeout: () => timeout,
    userAgent: "ocs-gateway/check",
    onePerTenant: true,
  });
  try {
    const answer = await lane.exchange({ tenant: "", method: "GET", path: "/campaigngroups", body: "", urgent: false });
    return {
      line: `GET /campaigngroups: ${answer.status} from ${headerOf(answer.headers, "Server") ?? "a server without a name"} in ${Math.round(answer.ms)} ms`,
      answer,
      bad: false,
    };
  } catch (error) {
    return { line: `GET /campaigngroups: ${faultInWords(error)}`, answer: undefined, bad: true };
  } finally {
    lane.close();
  }
};

/** Names are told to the operator alone, who owns this config. */
const groupsRow = (upstream: string, there: readonly string[], known: readonly string[]): Row => {
  const [nobodys, missing] = [
    there.filter((name) => !known.includes(name)),
    known.filter((name) => !there.includes(name)),
  ];
  const says = [
    `${upstream} knows ${there.length} campaign group${there.length === 1 ? "" : "s"}; ${there.length - nobodys.length} belong to a tenant here`,
    ...(nobodys.length > 0
      ? [`nobody can control through the gateway: ${nobodys.map((name) => JSON.stringify(name)).join(", ")}`]
      : []),
    ...(missing.length > 0 ? [`OCS does not know: ${missing.map((name) => JSON.stringify(name)).join(", ")}`] : []),
  ];
  return { name: "groups", state: missing.length > 0 ? "warn" : nobodys.length > 0 ? "note" : "ok", says };
};
