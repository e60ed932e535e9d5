/** Settings → one switchboard per upstream. They outlast a change of settings as long as theirs stay the same. */
import { readFile } from "node:fs/promises";
import type { Counts } from "../console/counts.ts";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { Settings, UpstreamSettings } from "../settings/schema.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import { Switchboard, type UpstreamNews } from "../upstream/switchboard.ts";
import { VERSION } from "./version.ts";

export const startUpstreams = async (settings: Settings, tell: (news: UpstreamNews) => void): Promise<Map<string, Switchboard>> =>
  new Map(await Promise.all(Object.entries(settings.upstreams).map(async ([name, upstream]): Promise<[string, Switchboard]> =>
    [name, new Switchboard(await boardOptions(name, upstream, settings, tell))])));

const boardOptions = async (name: string, upstream: UpstreamSettings, settings: Settings, tell: (news: UpstreamNews) => void): Promise<ConstructorParameters<typeof Switchboard>[0]> => {
  const { ca, cert, key, server_name } = upstream.tls;
  const tls = {
    ...(ca !== null && { ca: await readFile(ca, "utf8") }),
    ...(cert !== null && { cert: await readFile(cert, "utf8") }),
    ...(key !== null && { key: await readFile(key, "utf8") }),
    ...(server_name !== null && { serverName: server_name }),
  };
  const endpoint = (origin: string): Endpoint => ({ origin, tls, connectTimeout: upstream.timeouts.connect });
  const shares = new Map(settings.tenants.filter((tenant) => tenant.upstream === name).map((tenant) => [tenant.name, tenant.share]));
  return {
    name,
    primary: endpoint(upstream.primary),
    backup: upstream.backup === null ? undefined : endpoint(upstream.backup),
    connections: upstream.connections,
    onePerTenant: upstream.lane_isolation === "tenant",
    answerTimeout: upstream.timeouts.answer,
    queue: { max: upstream.queue.max, maxBytes: upstream.queue.max_bytes, maxWait: upstream.queue.max_wait },
    shareOf: (tenant) => shares.get(tenant) ?? 1,
    userAgent: `ocs-gateway/${VERSION}`,
    tell,
  };
};

/** A change of roles is told to operators and to the journal. */
export const tellOf = (journal: Journal, counts: Counts) => (news: UpstreamNews): void => {
  if (news.kind === "down") return events.upstreamDown(news.upstream);
  const { upstream, from, to, epoch, reason } = news;
  counts.switchovers++;
  events.switchover(upstream, from, to, epoch);
  journal.note({ kind: "switchover", upstream, from, to, epoch, reason });
};
