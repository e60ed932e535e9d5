/**
 * Tests each OCS: opens a connection with the TLS settings of lanes, and checks that it stays open. The OCS that keeps
 * it open is active and is asked for its campaign groups, the only request of the manual that changes nothing.
 */
import { endpointsOf } from "../../../app/wiring/upstreams.ts";
import { readGroups } from "../../../gateway/match-answer.ts";
import { headerOf } from "../../../common/message.ts";
import type { Settings, UpstreamSettings } from "../../../settings/schema/schema.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { Endpoint } from "../../../upstream/lanes/endpoint.ts";
import { Lane } from "../../../upstream/lanes/lane.ts";
import type { RawAnswer } from "../../../upstream/lanes/in-flight.ts";
import { probe, type ProbeResult } from "../../../upstream/failover/probe.ts";
import type { StandbyBehaviour } from "../../../upstream/failover/standby.ts";
import { aheadOf, type Tested } from "./issuers.ts";
import type { Row } from "./row.ts";

/** A standby that closes accepted connections closes them at once. */
const HOLD_MS = 200;

type Found = { readonly seen: ProbeResult | undefined; readonly detail: string | undefined };

export const upstreamRows = async ({ upstreams, tenants }: Settings): Promise<Tested[]> =>
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

const ask = async (name: string, upstream: UpstreamSettings, known: readonly string[]): Promise<Tested[]> => {
  const { primary, backup } = await endpointsOf(upstream);
  const endpoints = [primary, ...(backup ? [backup] : [])];
  const found = await Promise.all(endpoints.map(tryOne));
  const activeAt = found.findIndex(({ seen }) => seen === "accepts");
  const active = endpoints[activeAt];
  const says = endpoints.map(
    ({ origin }, at) =>
      `${at === 0 ? "primary" : "backup"} ${origin} ` +
      `${inWords(found[at]!, active !== undefined && at !== activeAt ? upstream.standby : undefined)}`,
  );
  if (!active) return [{ row: { name, state: "fail", says }, clock: undefined }];
  const failed = found.some((each, at) => at !== activeAt && !isHealthy(each, upstream.standby));
  const { line, answer, bad } = await askGroups(name, active, upstream.timeouts.answer);
  const groups = answer && readGroups(answer.body);
  const isOdd = answer !== undefined && !groups;
  const row: Row = {
    name,
    state: bad ? "fail" : failed || isOdd ? "warn" : "ok",
    says: [...says, line, ...(isOdd ? [NOT_GROUPS] : [])],
  };
  return [
    { row, clock: aheadOf(answer && headerOf(answer.headers, "Date")) },
    ...(groups ? [{ row: groupsRow(name, Object.keys(groups), known), clock: undefined }] : []),
  ];
};

const tryOne = async (endpoint: Endpoint): Promise<Found> => {
  const look = probe(endpoint, HOLD_MS);
  await look.done;
  look.release()?.destroy();
  return { seen: look.result(), detail: look.detail() };
};

/** Without a configured `standby`, any reaction counts as healthy, because it differs by site. */
const isHealthy = ({ seen }: Found, standby: StandbyBehaviour | null): boolean =>
  standby === null ? seen === "accepts" || seen === "accepts and closes" : seen === SEEN[standby];

const SEEN: Readonly<Record<StandbyBehaviour, ProbeResult>> = {
  closes: "accepts and closes",
  refuses: "refuses",
  accepts: "accepts",
};

/** `standby`: what is configured for a standby; undefined for the active OCS, and when no OCS is active. */
const inWords = (found: Found, standby: StandbyBehaviour | null | undefined): string => {
  const { seen, detail } = found;
  const shows =
    seen === "accepts"
      ? "keeps a connection open"
      : seen === "accepts and closes"
        ? "accepts a connection and closes it at once"
        : `cannot be reached: ${detail ?? "no answer"}`;
  if (standby === undefined || !(isHealthy(found, standby) || standby !== null)) return shows;
  return isHealthy(found, standby) ? `${shows}, as a standby does` : `${shows}; expected for the standby: ${standby}`;
};

const NOT_GROUPS =
  "that is not OCS's list of campaign groups: check that the address is OCS's HTTP port, and not a proxy or another " +
  "program";

type GroupsAnswer = { readonly line: string; readonly answer: RawAnswer | undefined; readonly bad: boolean };

const askGroups = async (name: string, endpoint: Endpoint, timeout: number): Promise<GroupsAnswer> => {
  const lane = new Lane(`${name}/check`, {
    endpoint,
    answerTimeout: () => timeout,
    userAgent: "ocs-gateway/check",
    onePerTenant: true,
  });
  try {
    const answer = await lane.exchange({ tenant: "", method: "GET", path: "/campaigngroups", body: "", urgent: false });
    return {
      line:
        `GET /campaigngroups: ${answer.status} from ` +
        `${headerOf(answer.headers, "Server") ?? "a server without a Server header"} in ${Math.round(answer.ms)} ms`,
      answer,
      bad: false,
    };
  } catch (error) {
    return { line: `GET /campaigngroups: ${faultInWords(error)}`, answer: undefined, bad: true };
  } finally {
    lane.close();
  }
};

/** Names of all tenants are shown: only the operator runs this command. */
const groupsRow = (upstream: string, there: readonly string[], known: readonly string[]): Row => {
  const [unassigned, missing] = [
    there.filter((name) => !known.includes(name)),
    known.filter((name) => !there.includes(name)),
  ];
  const says = [
    `${upstream} knows ${there.length} campaign group${there.length === 1 ? "" : "s"}; ` +
      `${there.length - unassigned.length} belong to tenants in this config`,
    ...(unassigned.length > 0
      ? [
          "these OCS campaign groups belong to no tenant in this config, so no client can control them (add them to " +
            `campaign_groups of a tenant): ${quoted(unassigned)}`,
        ]
      : []),
    ...(missing.length > 0
      ? [`unknown to OCS, so its list never shows them (correct the names in campaign_groups): ${quoted(missing)}`]
      : []),
  ];
  return { name: "groups", state: missing.length > 0 ? "warn" : unassigned.length > 0 ? "note" : "ok", says };
};

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(", ");
