/** What an operator sees, put together from the parts that know it: metrics, readiness, status. Only reads. */
import { endings, firstEnd, type Certificate } from "../console/certificates.ts";
import type { Counts } from "../console/counts.ts";
import { createHealth, type HealthParts } from "../console/health.ts";
import { createMetrics, type Sources } from "../console/metrics.ts";
import type { ProbeParts, Ready } from "../console/probes.ts";
import {
  awayIssuers,
  partlyUnreachable,
  refusalsOf,
  totals,
  unhealthyStandbys,
  unreachable,
  type HandlesState,
  type KeySetState,
  type Status,
  type UpstreamState,
} from "../console/status.ts";
import type { Journal } from "../journal/append.ts";
import type { Checkpoints } from "../journal/checkpoint.ts";
import { fillingUp, type DiskUse } from "../journal/disk-use.ts";
import type { TenantCount } from "../journal/open-do-not-calls.ts";
import type { Handler } from "../message.ts";
import type { Settings } from "../settings/schema.ts";
import type { Retention } from "./retention.ts";
import type { OutsideEvidence } from "./outside-evidence.ts";
import type { SecondPlaces } from "./second-places.ts";
import type { Reading } from "./generation.ts";
import type { Rereading } from "./rereading.ts";
import { readSmallFile } from "../small-file.ts";

export type Watched = {
  /** The one in force. */
  readonly reading: () => Pick<Reading, "settings" | "hash">;
  /** Why the config file as it is on disk is not in force. */
  readonly refused: () => string | undefined;
  readonly reload: HealthParts["reload"];
  readonly revoke: HealthParts["revoke"];
  /** In words, when the revocations file lost something. */
  readonly revocationTroubles: () => readonly string[];
  readonly version: string;
  readonly audit: HealthParts["audit"];
  readonly retention: Retention;
  readonly token: string;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly secondPlaces: Pick<SecondPlaces, "troubles" | "states">;
  readonly outside: Pick<OutsideEvidence, "witnesses" | "quorum" | "timestamps">;
  readonly counts: Counts;
  /** Undefined while it is not known. */
  readonly openDoNotCalls: () => readonly TenantCount[] | undefined;
  readonly rereading: Rereading;
  readonly diskUse: () => DiskUse | undefined;
  readonly upstreams: () => readonly UpstreamState[];
  readonly handles: () => readonly HandlesState[];
  readonly keySets: () => readonly KeySetState[];
  /** In words, how many requests got no answer in the last minute. */
  readonly noAnswers: () => readonly string[];
  /** In words, why commands do not reach the gateway. */
  readonly commandsTrouble: () => string | undefined;
  /** For the metrics alone. */
  readonly measures: Pick<Sources, "connections" | "descriptorLimit" | "inDoubt" | "limits">;
};

export type Oversight = {
  /** For the admin listener. */
  readonly handler: Handler;
  /** For the listener of probes. */
  readonly probed: ProbeParts;
  /** To be called when another reading is in force: looks at its certificates. */
  readonly refresh: () => Promise<void>;
  /** In words, what keeps the gateway from serving; empty when ready. */
  readonly notReady: () => readonly string[];
  /** In words, what wants looking after although the gateway serves. */
  readonly warnings: () => readonly string[];
  stage: "starting" | "serving" | "draining";
};

export const createOversight = async (watched: Watched): Promise<Oversight> => {
  const {
    reading,
    refused,
    reload,
    checkpoints,
    secondPlaces,
    counts,
    upstreams,
    handles,
    audit,
    revoke,
    retention,
    token,
  } = watched;
  let certificates = await certificatesOf(reading().settings);
  const metrics = createMetrics({
    counts,
    upstreams,
    handles,
    keySets: watched.keySets,
    journal: watched.journal.status,
    checkpointAge: () => checkpoints.last().age,
    get configHash() {
      return reading().hash;
    },
    get tenants() {
      return reading().settings.tenants;
    },
    get certificates() {
      return certificates;
    },
    openDoNotCalls: watched.openDoNotCalls,
    diskUse: watched.diskUse,
    rereading: watched.rereading,
    outside: watched.outside,
    get refused() {
      return refused();
    },
    version: watched.version,
    secondPlaces: secondPlaces.states,
    retention,
    ...watched.measures,
    queueMax: (upstream) => reading().settings.upstreams[upstream]?.queue.max,
  });
  const notReady = (): string[] => [...(oversight.stage === "serving" ? [] : [oversight.stage]), ...reasons(watched)];
  const warnings = (): string[] =>
    [
      refused() ?? [],
      fillingUp(watched.diskUse()) ?? [],
      ...endings(certificates),
      ...secondPlaces.troubles(),
      ...watched.revocationTroubles(),
      ...watched.rereading.damage(),
      watched.commandsTrouble() ?? [],
      ...partlyUnreachable(upstreams()),
      ...unhealthyStandbys(upstreams()),
      ...awayIssuers(watched.keySets()),
      ...watched.noAnswers(),
      ...retention.warnings(),
    ].flat();
  const status = (): Status => ({
    ready: notReady().length === 0,
    reasons: notReady(),
    warnings: warnings(),
    ...statusOf(watched),
  });
  const oversight: Oversight = {
    handler: createHealth({
      notReady,
      warnings,
      metrics,
      status,
      reload,
      audit,
      revoke,
      retention,
      token,
      auditDir: watched.journal.dir,
    }),
    probed: { ready: () => inGeneral(oversight.stage, watched), metrics },
    notReady,
    warnings,
    refresh: async () => void (certificates = await certificatesOf(reading().settings)),
    stage: "starting",
  };
  return oversight;
};

const reasons = ({ journal, upstreams }: Watched): string[] => {
  const { failed } = journal.status();
  return [...(failed === undefined ? [] : [failed]), ...unreachable(upstreams())];
};

/** Without names, addresses and paths. */
const inGeneral = (stage: Oversight["stage"], { journal, upstreams }: Watched): Ready => {
  const reasons = [
    ...(stage === "serving" ? [] : [stage]),
    ...(journal.status().failed === undefined ? [] : ["the journal cannot be written"]),
    ...(unreachable(upstreams()).length === 0 ? [] : ["no OCS reachable"]),
  ];
  return reasons.length === 0 ? { status: "ready" } : { status: "not ready", reasons };
};

const statusOf = ({
  version,
  reading,
  journal,
  checkpoints,
  counts,
  upstreams,
  handles,
  openDoNotCalls,
  diskUse,
  rereading,
  outside,
}: Watched): Omit<Status, "ready" | "reasons" | "warnings"> => {
  const { failed, ...rest } = journal.status();
  const { size, age } = checkpoints.last();
  return {
    version,
    uptime: Math.round(process.uptime() * 1000),
    config_hash: reading().hash,
    upstreams: upstreams(),
    records: handles(),
    journal: {
      ...rest,
      failed: failed ?? null,
      checkpoint: { size, age: Math.round(age) },
      disk: diskOf(diskUse()),
      verified: rereading.verified() ?? null,
      damage: rereading.damage(),
      ...outsideOf(outside),
    },
    open_do_not_calls:
      openDoNotCalls()?.map(({ tenant, open, oldest }) => ({
        tenant,
        open,
        oldest: Math.max(0, Math.round(Date.now() - oldest / 1000)),
      })) ?? null,
    requests: totals(counts.requests(), ["origin", "status_class"]),
    refusals: refusalsOf(counts.refusals()),
    auth_failures: [...counts.authFailures]
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => ({ reason, count })),
    no_answers: totals(counts.noAnswers(), ["code"]),
  };
};

type OutsideStatus = Pick<Status["journal"], "witnesses" | "quorum" | "timestamp">;

const outsideOf = ({ witnesses, quorum, timestamps }: Watched["outside"]): OutsideStatus => {
  const needed = quorum();
  const stamped = timestamps();
  return {
    witnesses: witnesses().map(({ age, trouble, ...each }) => ({
      ...each,
      age: age === undefined ? null : Math.round(age),
      trouble: trouble ?? null,
    })),
    quorum: needed && { needed: needed.needed, met: needed.isMet, size: needed.size },
    timestamp: stamped && {
      url: stamped.url,
      last: stamped.last
        ? { size: stamped.last.size, time: stamped.last.time, age: Math.round(stamped.last.age) }
        : null,
      trouble: stamped.trouble ?? null,
    },
  };
};

const diskOf = (use: DiskUse | undefined): Status["journal"]["disk"] =>
  use ? { journal: use.journal, free: use.free, per_hour: use.perHour ?? null, full_in: use.fullInMs ?? null } : null;

/** Those in force, read once as the listeners and the lanes do. One that has gone since says nothing. */
const certificatesOf = async (settings: Settings): Promise<Certificate[]> => {
  const read = await Promise.all(
    filesOf(settings).map(async ({ of, what, file }) => ({
      of,
      what,
      end: firstEnd(await readSmallFile(file).catch(() => "")),
    })),
  );
  return read.flatMap(({ of, what, end }) => (end === undefined ? [] : [{ of, what, ...end }]));
};

type Named = Pick<Certificate, "of" | "what"> & { readonly file: string };
type CertificateFiles = { readonly [Key in Certificate["what"]]?: string | null };

const filesOf = ({ listeners, admin, upstreams }: Settings): Named[] => [
  ...listeners.flatMap(({ name, tls }) => named(`listeners.${name}`, tls)),
  ...named("admin", admin?.tls ?? "none"),
  ...Object.entries(upstreams).flatMap(([name, { tls, callbacks }]) => [
    ...named(`upstreams.${name}`, tls),
    ...named(`upstreams.${name}.callbacks`, callbacks?.tls ?? "none"),
  ]),
];

const named = (of: string, tls: CertificateFiles | "none"): Named[] =>
  tls === "none"
    ? []
    : (["cert", "ca", "client_ca", "crl", "client_crl"] as const).flatMap((what) => {
        const file = tls[what];
        return typeof file === "string" ? [{ of, what, file }] : [];
      });
