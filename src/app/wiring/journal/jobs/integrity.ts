/** What the admin API shows of the journal's integrity, collected from the parts. */
import {
  furthest,
  type IntegrityParts,
  type IntegrityState,
  type LastVerification,
} from "../../../../admin/api/evidence/integrity.ts";
import type { VerifyJobs } from "../../../../admin/api/evidence/verifications.ts";
import type { AuditParts } from "../../../../admin/audit-parts.ts";
import { inShell } from "../../../../common/shell-word.ts";
import { readSmallFile } from "../../../../common/small-file/small-file.ts";
import { readWhole } from "../../../../journal/disk.ts";
import type { Recorded } from "../../../../journal/entry.ts";
import type { Checkpoints } from "../../../../journal/integrity/checkpoints/checkpoint.ts";
import { listCheckpoints } from "../../../../journal/integrity/checkpoints/list-checkpoints.ts";
import { nameOfKey } from "../../../../journal/integrity/checkpoints/signed-note.ts";
import type { Journal } from "../../../../journal/journal.ts";
import { numbersIn, paths } from "../../../../journal/paths.ts";
import type { Transaction } from "../../../../journal/search/transaction.ts";
import { authoritiesIn } from "../../../../journal/verify/bundle/timestamp.mjs";
import { NEVER_PROVED } from "../../../../journal/verify/verify.ts";
import type { Settings } from "../../../../settings/schema/schema.ts";
import type { BackgroundVerify } from "../background-verify.ts";
import { readCheckpointSinks, type CheckpointSinks } from "../checkpoint-sinks.ts";
import type { OutsideEvidence } from "../outside-evidence.ts";

type Deps = {
  readonly journal: Journal;
  readonly checkpoints: Pick<Checkpoints, "last" | "verifierKey">;
  readonly checkpointSinks: Pick<CheckpointSinks, "states" | "troubles">;
  readonly outside: Pick<OutsideEvidence, "witnesses" | "quorum" | "timestamps">;
  readonly backgroundVerify: Pick<BackgroundVerify, "verified" | "damage">;
  readonly settings: () => Settings;
  readonly ask: AuditParts["ask"];
  readonly verifications: VerifyJobs;
};

export const createIntegrity = (deps: Deps): IntegrityParts => {
  const { journal, settings } = deps;
  const verification = lastVerification(deps);
  return {
    state: () => stateOf(deps),
    lastVerification: verification.ask,
    reached: () => reachedOf(deps, verification.known()),
    checkpoints: async (page) => {
      const { witnesses, timestamp } = settings().audit.checkpoint;
      const published = (await readCheckpointSinks(settings())).map(({ name, notes = [] }) => ({ name, notes }));
      return listCheckpoints(journal, {
        ...page,
        witnesses: witnesses.map(({ key }) => key).join("\n"),
        authorities: timestamp ? await readSmallFile(timestamp.ca).then(authoritiesIn, () => []) : [],
        published,
      });
    },
    checkpointSizes: async () => numbersIn(await journal.disk.list(paths(journal.dir).checkpoints), ""),
  };
};

const reachedOf = (
  { backgroundVerify }: Deps,
  last: LastVerification | null,
): ReturnType<IntegrityParts["reached"]> => {
  const verified = furthest(inBackground(backgroundVerify), last);
  return {
    verified: verified && { size: verified.size, at: Date.parse(verified.at) },
    damage: [
      ...backgroundVerify.damage(),
      ...(last?.verdict === "broken" ? [`a verification by ${last.by}, ended ${last.at}, found changed entries`] : []),
    ],
  };
};

const inBackground = ({ verified }: Deps["backgroundVerify"]): IntegrityState["verified"] => {
  const mark = verified();
  return mark ? { size: mark.size, at: timeOf(mark.at), began: timeOf(mark.began), by: null } : null;
};

const stateOf = async (deps: Deps): ReturnType<IntegrityParts["state"]> => {
  const { journal, checkpoints, checkpointSinks, outside, backgroundVerify, settings } = deps;
  const { size, age } = checkpoints.last();
  const { every } = settings().audit.checkpoint;
  const quorum = outside.quorum();
  const timestamp = outside.timestamps();
  return {
    entries: journal.status().size,
    verified: inBackground(backgroundVerify),
    damage: [...backgroundVerify.damage()],
    checkpoint: { size, age: Math.round(age), every },
    keys: await keysOf(deps),
    sinks: checkpointSinks
      .states()
      .map(({ place, arrives, waiting }) => ({ name: place, arrives: arrives ?? null, waiting })),
    witnesses: outside.witnesses().map(({ witness, size: cosigned, age: since, trouble }) => ({
      witness,
      size: cosigned,
      age: since === undefined ? null : Math.round(since),
      trouble: trouble ?? null,
    })),
    quorum: quorum && { needed: quorum.needed, met: quorum.isMet, size: quorum.size },
    timestamp: timestamp && {
      url: timestamp.url,
      size: timestamp.last?.size ?? null,
      trouble: timestamp.trouble ?? null,
    },
    troubles: [...checkpointSinks.troubles()],
    check_yourself: `ocsgw audit verify ${inShell(journal.dir)} --key ${inShell(checkpoints.verifierKey)}`,
    cannot_prove: [...ownLimits(deps), ...NEVER_PROVED],
  };
};

const timeOf = (at: number): string => new Date(at).toISOString();

/** What this journal does not prove because of its config. */
const ownLimits = ({ checkpointSinks, outside }: Deps): string[] =>
  checkpointSinks.states().length > 0 || outside.witnesses().length > 0
    ? []
    : [
        "that the holder of the checkpoint key did not write the whole journal anew: no checkpoint is published " +
          "elsewhere (audit.checkpoint.publish, audit.checkpoint.witnesses)",
      ];

const keysOf = async ({ journal, checkpoints }: Deps) => {
  const text = await readWhole(journal.disk, paths(journal.dir).verifierKeys).catch(() => undefined);
  const lines = text?.toString().split("\n").filter(Boolean) ?? [];
  const all = lines.includes(checkpoints.verifierKey) ? lines : [...lines, checkpoints.verifierKey];
  return all.flatMap((line) => {
    const key = nameOfKey(line);
    return key
      ? [{ name: `${key.name}+${key.id}`, verifier_key: line, current: line === checkpoints.verifierKey }]
      : [];
  });
};

const MOST_SEARCHED = 100;

/** The time of the entry about its beginning, which precedes it; its own if that is not there. */
const beginOf = (transactions: readonly Transaction[], ended: Recorded): string => {
  const begun = transactions.find(
    ({ at, entries: [entry] }) => at < ended.index && entry?.kind === "access" && entry.verdict === undefined,
  );
  return begun?.entries[0]?.time ?? ended.time;
};

/** The journal is searched once; later verifications are those of this run. */
const lastVerification = ({
  ask,
  verifications,
}: Deps): { readonly ask: IntegrityParts["lastVerification"]; readonly known: () => LastVerification | null } => {
  let before: Promise<LastVerification | null> | undefined;
  let found: LastVerification | null = null;
  const search = async (): Promise<LastVerification | null> => {
    const { transactions = [] } = await ask({
      kind: "page",
      filter: "kind:access action:verify",
      names: [],
      limit: MOST_SEARCHED,
    });
    for (const {
      entries: [entry],
    } of transactions) {
      if (entry?.kind !== "access" || entry.verdict === undefined) continue;
      const { time, user, verdict, results = 0 } = entry;
      if (verdict === "cancelled" || verdict === "failed") continue;
      return { began: beginOf(transactions, entry), at: time, by: user, verdict, covered: results };
    }
    return null;
  };
  const ofThisRun = (): LastVerification | undefined => {
    const done = verifications.list().find(({ state }) => state === "done");
    if (!done) return undefined;
    const { verdict, covered } = done.result!;
    return { began: done.started, at: done.ended!, by: done.by, verdict, covered };
  };
  return {
    known: () => ofThisRun() ?? found,
    ask: async () => {
      const done = ofThisRun();
      if (done) return done;
      before ??= search();
      try {
        return (found = await before);
      } catch {
        // Tried again: the journal may be searchable later.
        before = undefined;
        return null;
      }
    },
  };
};
