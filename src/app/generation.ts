/**
 * One generation: everything made from one reading of the config, with its pipeline. A request is handled by one
 * generation from start to end, because the pipeline refers to nothing else. What outlives a generation (the journal,
 * the lanes, the counters) is passed to it.
 */
import { createPipeline, type PipelineDeps } from "../gateway/pipeline.ts";
import type { InForce } from "../gateway/types.ts";
import { createRedactor } from "../journal/redact.ts";
import type { Handler } from "../common/message.ts";
import { tenantSteps } from "../settings/to-tenants.ts";
import type { Credentials } from "../identity/credentials.ts";
import { createQuota, type Limiters } from "../tenancy/quota.ts";
import { announcedTenantSteps, type AnnouncedTenantFinder } from "../ownership/ownership.ts";
import { registrySteps } from "../tenancy/registry.ts";
import { credentialsFor } from "./wiring/credentials.ts";
import type { Reading } from "./config/reading.ts";
import type { SharedServices } from "./shared-services.ts";
import { inSlices } from "./config/time-slices.ts";
import { limitHeapGrowth } from "./heap-growth.ts";
import type { UpstreamEntry } from "./wiring/upstreams.ts";

export type Generation = Reading & {
  /** The pipeline. */
  readonly handler: Handler;
  readonly deps: PipelineDeps;
  /** Finds the tenant of an announced record among this generation's tenants. */
  readonly findTenant: AnnouncedTenantFinder;
  readonly upstreams: ReadonlyMap<string, UpstreamEntry>;
  readonly credentials: Credentials;
  readonly inForce: InForce;
  readonly limiters: Limiters;
  /** Requests in progress. */
  readonly inFlight: () => number;
};

/** `before`: the generation to replace. `current`: the generation in force, undefined before the first. */
export type GenerationContext = {
  readonly before: Generation | undefined;
  readonly current: () => Generation | undefined;
};

/** Throws when keys or key sets cannot be read. */
export const createGeneration = async (
  services: SharedServices,
  reading: Reading,
  upstreams: ReadonlyMap<string, UpstreamEntry>,
  { before, current }: GenerationContext,
): Promise<Generation> => {
  limitHeapGrowth(reading.settings.tenants.length);
  const tenants = await inSlices(tenantSteps(reading.settings));
  const credentials = await credentialsFor(services, reading, before);
  let inFlight = 0;
  const { journal, counts, recent, records, outbox, revocations, noAnswers, telemetry, keys, requests, onReply } =
    services;
  const registry = await inSlices(registrySteps(tenants));
  const findTenant = await inSlices(announcedTenantSteps(tenants));
  // Last, so that the limiters that it takes over include the requests counted until now.
  const quota = createQuota(tenants, before?.limiters, services.limits?.windowFor);
  const inForce: InForce = {
    registry,
    get revision() {
      return revocations.revision;
    },
    isRevoked: revocations.isRevoked,
    identifyAgain: (arrival) =>
      credentials.identifyAgain(
        arrival.peerNow ? { headers: arrival.headers, source: arrival.source, peer: arrival.peerNow() } : arrival,
      ),
  };
  const acceptedTypes = new Map(
    reading.settings.listeners.map(({ name, accept_content_types: types }) => [name, new Set(types)]),
  );
  const errorFormats = new Map(reading.settings.listeners.map(({ name, errors }) => [name, errors]));
  const deps: PipelineDeps = {
    identify: credentials.identify,
    challenge: credentials.challenge,
    claimed: credentials.claimed,
    inForce: () => current()?.inForce ?? inForce,
    registry,
    ownership: records.ownership,
    ...(outbox && { outbox }),
    charge: quota.charge,
    chargeClient: quota.chargeClient,
    append: journal.append,
    note: journal.note,
    redact: createRedactor(reading.settings.audit.redact, reading.settings.audit.index_key),
    ...(requests && { requests }),
    ...(keys && { claimKey: keys.claimerFor(reading.settings.audit.index_key) }),
    waitFor: ({ owner: { upstream }, tenant, urgent }) =>
      upstreams.get(upstream)!.switchboard.retryAfter({ tenant, urgent }),
    send: (order, gone) => upstreams.get(order.owner.upstream)!.switchboard.send(order, gone),
    // Called once for every request, when its reply is decided; the request then needs nothing of this generation.
    observe: (seen, ending) => {
      inFlight--;
      requests?.running.end(seen.arrival.id);
      if (ending.isOwn) return;
      counts.observe(seen, ending);
      recent?.observe(seen, ending);
      noAnswers?.observe(seen, ending);
      telemetry?.observe(seen, ending);
      onReply?.(seen, ending);
    },
    errorFormat: (listener) => errorFormats.get(listener) ?? "auto",
    acceptsType: (listener, type) => acceptedTypes.get(listener)?.has(type) === true,
    configHash: reading.hash,
  };
  const pipeline = createPipeline(deps);
  const handler: Handler = (arrival) => {
    inFlight++;
    return pipeline(arrival);
  };
  return {
    ...reading,
    handler,
    deps,
    findTenant,
    upstreams,
    credentials,
    inForce,
    limiters: quota.limiters,
    inFlight: () => inFlight,
  };
};
